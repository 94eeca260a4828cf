"""
What `require_flag` decides and answers, the same in every framework. Internal; `flagcore.adapter` hands it on.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Generic, Protocol, TypeVar

from flagcore.errors import ConfigError
from flagcore.flags import Flags
from flagcore.resolution import ErrorCode

__all__ = ["Gate", "RequireFlag", "gate_decorator"]

if sys.version_info >= (3, 11):
    from typing import Self
else:
    from typing_extensions import Self

R = TypeVar("R")
V = TypeVar("V", bound=Callable[..., Any])


@dataclass(frozen=True)
class Gate(Generic[R]):
    """
    What `require_flag` decides and answers, the same in every framework.

    Args:
        key: the flag's key.
        value: the value the flag must resolve to for the view to run. For True and False, an unknown, unready or
            wrongly typed flag counts as False; for any other value it does not match.
        status: the HTTP status of the refusal, 400 to 599.
        fallback: a view of the same signature to run instead of refusing.
        redirect_to: a URL or the framework's route name to redirect to (302) instead of refusing. What has a slash in
            it is a URL.
        retry_after_seconds: what a refusal's `Retry-After` says (RFC 9110 §10.2.3); whole seconds, 0 or more.

    Raises:
        ConfigError: an argument can't be right, or both a fallback and a redirect are given.
    """

    key: str
    value: Any = True
    status: int = 404
    fallback: Callable[..., R] | None = None
    redirect_to: str | None = None
    retry_after_seconds: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.key, str) or not self.key:
            raise ConfigError(f'require_flag: expected a flag\'s key, got {self.key!r}; write @require_flag("a-flag")')
        if not isinstance(self.status, int) or not 400 <= self.status <= 599:
            raise ConfigError(f"status: expected an HTTP status from 400 to 599, got {self.status!r}")
        if self.fallback is not None and not callable(self.fallback):
            raise ConfigError(f"fallback: expected a view, got {type(self.fallback).__name__}")
        if self.redirect_to is not None and (not isinstance(self.redirect_to, str) or not self.redirect_to):
            raise ConfigError(f"redirect_to: expected a URL or a route's name, got {self.redirect_to!r}")
        if self.fallback is not None and self.redirect_to is not None:
            raise ConfigError("fallback, redirect_to: expected one of them at most, got both")
        seconds = self.retry_after_seconds
        if seconds is not None and (type(seconds) is not int or seconds < 0):
            raise ConfigError(f"retry_after_seconds: expected whole seconds, 0 or more; got {seconds!r}")

    def facing(self, flags: Flags) -> Self:
        """
        The gate that decides for these flags: this one; or, where its flag is older than `max_stale_seconds` and
        `on_stale` is "fail", one that is closed to everybody and answers 503 (RFC 9110 §15.6.4).
        """
        if flags.snapshot.missing is not ErrorCode.GENERAL:
            return self
        if flags.details(self.key, None).error_code is not ErrorCode.GENERAL:
            return self  # another layer answers for it
        # No value but True and False is matched by a flag without an answer.
        return replace(self, value=None, status=int(HTTPStatus.SERVICE_UNAVAILABLE), fallback=None, redirect_to=None)

    def is_open(self, flags: Flags) -> bool:
        """
        Whether the view runs.
        """
        if isinstance(self.value, bool):
            return flags.get_bool(self.key, False) is self.value
        answer = flags.details(self.key, self.value)
        return answer.error_code is None and bool(answer.value == self.value)

    @property
    def redirects_to_route(self) -> bool:
        """
        Whether `redirect_to` is the name of a route: a URL has a slash in it, a name has none.
        """
        return self.redirect_to is not None and "/" not in self.redirect_to

    @property
    def headers(self) -> dict[str, str]:
        """
        What a refusal carries beside its status.
        """
        return {} if self.retry_after_seconds is None else {"Retry-After": str(self.retry_after_seconds)}


class RequireFlag(Protocol):
    """
    The type of every adapter's `require_flag`.
    """

    def __call__(
        self,
        key: str,
        *,
        value: Any = True,
        status: int = 404,
        fallback: Callable[..., Any] | None = None,
        redirect_to: str | None = None,
        retry_after_seconds: int | None = None,
    ) -> Callable[[V], V]:
        """
        A decorator for a view that runs only while the flag resolves to `value`.
        """


def gate_decorator(guard: Callable[[Gate[Any], Any], Any], module: str, note: str) -> RequireFlag:
    """
    An adapter's `require_flag`: the one signature that all of them have, over the framework's own way of guarding.

    Args:
        guard: gate, view → the guarded view. Called where the decorator is applied.
        module: where the adapter's users import it from.
        note: what its documentation says of this framework; the arguments are explained after it.
    """

    def require_flag(
        key: str,
        *,
        value: Any = True,
        status: int = 404,
        fallback: Callable[..., Any] | None = None,
        redirect_to: str | None = None,
        retry_after_seconds: int | None = None,
    ) -> Callable[[V], V]:
        """
        Args:
            key: the flag's key.
            value: what the flag must resolve to for the view to run. For True and False, an unknown, unready or
                wrongly typed flag counts as False; for any other value it does not match.
            status: the refusal's HTTP status, 400 to 599.
            fallback: a view of the same signature to run instead of refusing.
            redirect_to: a URL (what has a slash in it) or a route's name to redirect to (302) instead of refusing.
            retry_after_seconds: what the refusal's `Retry-After` says (RFC 9110 §10.2.3); whole seconds, 0 or more.

        Raises:
            ConfigError: an argument can't be right, or both a fallback and a redirect are given.
        """
        gate: Gate[Any] = Gate(key, value, status, fallback, redirect_to, retry_after_seconds)
        return lambda view: guard(gate, view)

    require_flag.__module__ = module
    require_flag.__doc__ = f"{inspect.cleandoc(note)}\n\n{inspect.cleandoc(require_flag.__doc__ or '')}"
    return require_flag
