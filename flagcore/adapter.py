"""
The kit for adapter writers: all that a framework's adapter needs beyond the framework itself.

An adapter does six things, in this order: configure (`read_options`), start and hold (a `FlagClient`), bind
(`request_view`, `bind`, `unbind`; or `consult`, where the framework itself knows which request is under way), gate
(`Gate`), stop. CONTRIBUTING says how, step by step.
"""

from __future__ import annotations

import inspect
import logging
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial
from http import HTTPStatus
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from flagcore.binding import Framework, bind, consult, get_flags, reading, unbind
from flagcore.client import FlagClient
from flagcore.context import ANONYMOUS, EvaluationContext, default_context
from flagcore.errors import ConfigError
from flagcore.flags import Flags
from flagcore.health import NO_CLIENT, Health
from flagcore.options import Options, read_options
from flagcore.resolution import ABSENT, ErrorCode, Reason
from flagcore.value import copied

__all__ = [
    "FlagRow",
    "Framework",
    "Gate",
    "Health",
    "Options",
    "RequireFlag",
    "bind",
    "consult",
    "context_builder",
    "default_context",
    "explained",
    "flag_rows",
    "format_rows",
    "gate_decorator",
    "get_flags",
    "health",
    "is_async",
    "named_rows",
    "read_context",
    "read_options",
    "reading",
    "request_view",
    "rows_as_json",
    "unbind",
]

if sys.version_info >= (3, 11):
    from typing import Self
else:
    from typing_extensions import Self

R = TypeVar("R")
V = TypeVar("V", bound=Callable[..., Any])

logger = logging.getLogger("flagcore")


def context_builder(
    context_from: Callable[[R], EvaluationContext | Mapping[str, Any] | None],
) -> Callable[[R], EvaluationContext]:
    """
    The user's `context_from` as a function that never raises: what it raises, or a result that is no context, is
    logged once, and the request reads as anonymous.

    Args:
        context_from: request → an EvaluationContext, a mapping, or None. Plain: it must neither await nor query.

    Raises:
        ConfigError: it is not callable, or it is a coroutine function.
    """
    if not callable(context_from):
        raise ConfigError(f"context_from: expected a function of the request, got {type(context_from).__name__}")
    if is_async(context_from):
        raise ConfigError(
            f"context_from: expected a plain function, got the coroutine function {_name(context_from)}; "
            "await the user in the view, then call flags.with_context({...})"
        )
    told = False

    def context_of(request: R) -> EvaluationContext:
        nonlocal told
        try:
            context = context_from(request)
            if inspect.iscoroutine(context):
                context.close()
            return EvaluationContext.of(context)
        except Exception:
            if not told:
                told = True
                logger.exception("context_from %s failed; the request reads as anonymous", _name(context_from))
            return ANONYMOUS

    return context_of


def is_async(function: Any) -> bool:
    """
    Whether calling `function` gives an awaitable: a coroutine function, an object whose `__call__` is one, or a partial
    of either.
    """
    while isinstance(function, partial):
        function = function.func
    # type(): an instance's own __call__ attribute is not what a call runs.
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def _name(function: Any) -> str:
    return getattr(function, "__qualname__", None) or repr(function)


def health(client: FlagClient | None) -> Health:
    """
    How a client is, for a health check: `http_status`, `http_headers` and `as_json()` are its answer, the same in every
    framework. Without a client it is not ready. I/O: none, but where it wakes a client that is asleep.
    """
    return client.health() if client is not None else NO_CLIENT


def request_view(view_of: Callable[[R], Flags], request: R) -> Callable[[], Flags]:
    """
    The one view of a request, as a callable to `bind`: made by the first call, as `view_of(request)`, and the same at
    every further one, whatever thread or task calls.
    """
    made: dict[str, Flags] = {}

    def view() -> Flags:
        found = made.get("view")
        # setdefault: two threads of one request that come at once must leave with the same view.
        return found if found is not None else made.setdefault("view", view_of(request))

    return view


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


@dataclass(frozen=True)
class FlagRow:
    """
    One flag as the commands (`flask flags`, `manage.py flags`) list it.
    """

    key: str
    value: Any
    reason: Reason
    source: str


def flag_rows(client: FlagClient, context: EvaluationContext | Mapping[str, Any] | None = None) -> list[FlagRow]:
    """
    Every flag of a client for a context, sorted by key.
    """
    snapshot, asked = client.snapshot, EvaluationContext.of(context)
    found = ((key, snapshot.resolve(key, asked)) for key in sorted(snapshot))
    return [FlagRow(key, copied(answer.value), answer.reason, snapshot.origin_of(key)) for key, answer in found]


def named_rows(rows: list[FlagRow], keys: Sequence[str]) -> list[FlagRow]:
    """
    The rows of certain keys, in their order.

    Raises:
        ConfigError: there is none of a key; it names one that comes close.
    """
    known = {row.key: row for row in rows}
    unknown = next((key for key in keys if key not in known), None)
    if unknown is not None:
        raise _unknown(unknown, known)
    return [known[key] for key in keys]


def explained(client: FlagClient, key: str, context: EvaluationContext, *, as_json: bool = False) -> str:
    """
    How a flag comes to its answer, as `flask flags explain`, `manage.py flags explain` and `flagcore eval` print it:
    for people, or as JSON for programs.

    Raises:
        ConfigError: no source defines the flag; it names one that comes close.
    """
    import json  # of use to commands only

    snapshot = client.snapshot
    explanation = snapshot.explain(key, context)
    if explanation.resolution.error_code is ErrorCode.FLAG_NOT_FOUND:
        raise _unknown(key, snapshot)
    return json.dumps(explanation.as_dict(), indent=2) if as_json else str(explanation)


def _unknown(key: str, known: Iterable[str]) -> ConfigError:
    keys = sorted(known)
    close = get_close_matches(key, keys, 1)
    more = ", …" if len(keys) > _NAMED else ""
    hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(keys[:_NAMED]) or 'none'}{more}"
    return ConfigError(f"expected a flag's key, got {key!r}; {hint}")


#: Keys that a message lists: a document may have very many.
_NAMED = 10


def format_rows(rows: list[FlagRow]) -> str:
    """
    The rows as an aligned table for people, one flag a line below a heading.
    """
    head = ("flag", "value", "reason", "source")
    lines = [head, *((row.key, _text(row.value), str(row.reason), row.source) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    return "\n".join("  ".join([*(c.ljust(w) for c, w in zip(line, widths, strict=False)), line[3]]) for line in lines)


def rows_as_json(rows: list[FlagRow]) -> str:
    """
    The rows for programs: an array of objects with `key`, `value`, `reason` and `source`, one a line. The value of a
    flag that leaves it to the caller is left out: there is no caller here.
    """
    lines = [
        {
            "key": row.key,
            **({} if row.value is ABSENT else {"value": row.value}),
            "reason": str(row.reason),
            "source": row.source,
        }
        for row in rows
    ]
    return "[" + ",".join("\n  " + msgspec.json.encode(line).decode() for line in lines) + "\n]"


def read_context(text: str) -> EvaluationContext:
    """
    The context that a command was given as JSON, such as `{"targeting_key": "user-1", "org": "acme"}`.

    Raises:
        ConfigError: it is no JSON object, or no context.
    """
    try:
        given = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        given = text
    if not isinstance(given, dict):
        raise ConfigError(f'expected a JSON object such as {{"targeting_key": "user-1"}}, got {text!r}')
    return EvaluationContext.of(given)


def _text(value: Any) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except TypeError:  # ABSENT: the caller's default stands
        return "(the caller's default)"
