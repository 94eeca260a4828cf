"""
The kit for adapter writers: all that a framework's adapter needs beyond the framework itself.

An adapter does six things, in this order: configure (`read_options`), start and hold (a `FlagClient`), bind
(`request_view`, `bind`, `unbind`; or `consult`, where the framework itself knows which request is under way), gate
(`Gate`), stop. CONTRIBUTING says how, step by step.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from flagcore.binding import Framework, bind, consult, get_flags, reading, unbind
from flagcore.client import FlagClient
from flagcore.context import ANONYMOUS, EvaluationContext, default_context
from flagcore.errors import ConfigError
from flagcore.flags import Flags
from flagcore.gate import Gate, RequireFlag, gate_decorator
from flagcore.health import NO_CLIENT, Health
from flagcore.listing import FlagRow, explained, flag_rows, format_rows, named_rows, read_context, rows_as_json
from flagcore.options import Options, read_options

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

R = TypeVar("R")

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
