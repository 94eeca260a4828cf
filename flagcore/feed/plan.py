"""
What an engine knows of a source: whether it polls, how often, and whether it streams.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from flagcore.errors import ConfigError
from flagcore.network.remote import NetworkSource
from flagcore.source import Source

__all__ = ["Plan", "check_source"]


@dataclass(frozen=True, slots=True)
class Plan:
    """
    How a source is kept fresh.

    Attributes:
        polls: it can be fetched.
        streams: it can be listened to.
        poll_seconds: seconds between two fetches; 0 fetches until the first success, and never again.
    """

    polls: bool = True
    streams: bool = False
    poll_seconds: float = 30.0

    @classmethod
    def of(cls, source: Source) -> Plan:
        """
        The plan for `source`. Only those in `flagcore.sources.http` stream; one of one's own polls, by its `fetch`.

        Raises:
            ConfigError: `poll_seconds` is no number of seconds.
        """
        seconds = source.poll_seconds
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < math.inf:
            raise ConfigError(f"{source.name}: poll_seconds: expected a number of seconds, 0 or more; got {seconds!r}")
        if not isinstance(source, NetworkSource):
            return cls(poll_seconds=float(seconds))
        return cls(
            polls=source.poll_url is not None, streams=source.stream_url is not None, poll_seconds=float(seconds)
        )


def check_source(source: Any, spelled: str) -> None:
    """
    See that `source` has all that is asked of one that is fetched from.

    Args:
        source: what should be one.
        spelled: what messages call it.

    Raises:
        ConfigError: it lacks something, or has something that can't be right.
    """
    lacking = [each for each in ("name", "format", "poll_seconds", "fetch") if not hasattr(source, each)]
    if lacking or not callable(source.fetch):
        raise ConfigError(
            f"{spelled}: expected a source, with name, format, poll_seconds and fetch(); "
            f"got {type(source).__name__}, which lacks {', '.join(lacking) or 'a fetch that can be called'}"
        )
    for each in ("name", "format"):
        value = getattr(source, each)
        if not isinstance(value, str):
            raise ConfigError(f"{spelled}.{each}: expected a str, got {type(value).__name__}")
    Plan.of(source)
