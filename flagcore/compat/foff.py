"""
For those who come from Foff's Python client: its names and its behaviour, over flagcore.

    from flagcore.compat.foff import Client, Config  # instead of: from foff import Client, Config

    with Client(Config(api_key, "https://foff.twospoon.ai/live", "production")) as client:
        client.get_feature_config("dark-mode", ["org-1", "team-a", "user-123"])

Starting waits for the first fetch and raises if that fails; from then on nothing but a path of the wrong length raises.
Beyond what the original does: a poll that fails is logged once an outage, a returned object is the caller's own, an id
that holds a `#` is never taken for a path, a forked child goes on polling, and `AsyncClient` runs under trio too.

Source: Foff's published documentation, "Creating a Client", "Fetching Feature Configs" and "Polling".
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any

from flagcore import ErrorContext, FlagClient, FoffSource
from flagcore.errors import ConfigError, StateError

if sys.version_info >= (3, 11):
    from typing import Self
else:
    from typing_extensions import Self

__all__ = ["AsyncClient", "Client", "Config"]

#: Seconds between two looks at whether the first fetch has failed. Success wakes the waiting at once.
_LOOK_SECONDS = 0.02


@dataclass
class Config:
    """
    Which configs to read, and how often.

    Args:
        api_key: the service's key. Never shown.
        base_url: the service's address, such as `https://foff.twospoon.ai/live`.
        scope: whose configs: `production`, `staging`, …
        polling_interval: seconds between two fetches; 0 fetches once.
    """

    api_key: str = field(repr=False)
    base_url: str
    scope: str
    polling_interval: int = 30

    def is_valid(self) -> None:
        """
        Check that nothing required is empty.

        Raises:
            ConfigError: `api_key`, `base_url` or `scope` is empty; a ValueError.
        """
        for name in ("api_key", "base_url", "scope"):
            if not getattr(self, name):
                raise ConfigError(f"{name} is required: expected text, got an empty value; see the Foff console")


class _Features:
    """
    The features of one scope: what both clients read, whoever keeps them fresh.
    """

    def __init__(self, config: Config) -> None:
        config.is_valid()
        source = FoffSource(
            config.api_key, config.scope, base_url=config.base_url, polling_interval=config.polling_interval
        )
        self._failure: BaseException | None = None
        self._flags = FlagClient(source, cache_dir=None, on_error=self._note)

    def get_feature_config(self, feature_name: str, ordered_hierarchy: list[str]) -> Any:
        """
        A feature's value: the most specific override along the hierarchy, else the feature's default. From memory.

        Args:
            feature_name: the feature's name.
            ordered_hierarchy: one id for each level of the scope's hierarchy, most general first.

        Returns:
            The value, a copy; None for a feature that does not exist, and while nothing has been fetched.

        Raises:
            ValueError: there are more or fewer ids than the hierarchy has levels.
        """
        snapshot = self._flags.snapshot
        if snapshot.fetched_at is None:  # not asked further: a read would wake a client never started
            return None
        names = snapshot.hierarchy
        if len(ordered_hierarchy) != len(names):
            raise ValueError(
                f"ordered_hierarchy: expected {len(names)} ids, one for each of {list(names)}; "
                f"got {len(ordered_hierarchy)}"
            )
        return self._flags.get_feature_config(feature_name, ordered_hierarchy)

    def _note(self, context: ErrorContext) -> None:
        self._failure = context.exception

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._flags.status})"


class Client(_Features):
    """
    The features of one scope, fetched when this returns and kept fresh by a daemon thread. A poll that fails keeps the
    last answers; once the service denies the key (401, 403) polling ends, and it takes a new client to resume it.

    Args:
        config: which configs.

    Raises:
        ConfigError: something required is empty, or can't be right; a ValueError. Nothing has been requested then.
        SourceError: the first fetch failed: `SourceUnavailable`, `SourceDenied` or `MalformedDocument`. Nothing goes
            on in the background then.
    """

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        try:
            self._flags.start()
            while not self._flags.wait_ready(_LOOK_SECONDS):
                self._raise_failure()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """
        Stop polling. Idempotent, bounded; reads go on answering from the last fetch.
        """
        self._flags.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class AsyncClient(_Features):
    """
    As `Client`, kept fresh by a task of the running loop, asyncio's or trio's. Fetches nothing before `start`.
    """

    async def start(self) -> None:
        """
        Fetch, and go on polling. A started client is left as it is; a closed one starts again.

        Raises:
            SourceError: the first fetch failed; nothing goes on in the background then, and `start` may be tried again.
            StateError: the client was closed meanwhile.
        """
        self._failure = None
        try:
            await self._flags.astart()
            while not await self._flags.await_ready(_LOOK_SECONDS):
                self._raise_failure()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """
        Stop polling. Idempotent, bounded; reads go on answering from the last fetch.
        """
        # A start that still waits would wait for ever.
        self._failure = self._failure or StateError("expected to stay open until the first fetch is done, got close()")
        await self._flags.aclose()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()
