"""
Gate: routes that run only when a flag has a value.

Internal; the package re-exports `require_flag`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, get_origin

from starlette.requests import HTTPConnection

from flagcore.adapter import Gate, gate_decorator
from flagcore_starlette.gate import CONNECTION, gated

__all__ = ["require_flag"]


def _with_connection(endpoint: Callable[..., Any]) -> inspect.Signature:
    signature = _signature(endpoint)
    given = list(signature.parameters.values())
    # FastAPI fills one parameter of this type and no more: a route that takes it, or a gate within this one, shares it.
    if any(_is_connection(each.annotation) for each in given):
        return signature
    own = inspect.Parameter(CONNECTION, inspect.Parameter.KEYWORD_ONLY, annotation=HTTPConnection)
    place = len(given) - any(each.kind is each.VAR_KEYWORD for each in given)
    return signature.replace(parameters=[*given[:place], own, *given[place:]])


def _is_connection(annotation: Any) -> bool:
    # Python 3.10 takes list[int] for a class.
    return isinstance(annotation, type) and get_origin(annotation) is None and issubclass(annotation, HTTPConnection)


def _signature(endpoint: Callable[..., Any]) -> inspect.Signature:
    # Older releases of FastAPI look for an annotation's names among the wrapper's globals, so they are looked up here.
    try:
        return inspect.signature(endpoint, eval_str=True)
    except NameError:  # a name that is only defined further down: later releases find it
        return inspect.signature(endpoint)


def _guarded(gate: Gate[Any], endpoint: Callable[..., Any]) -> Any:
    guarded: Any = gated(gate, endpoint)
    guarded.__signature__ = _with_connection(endpoint)
    return guarded


require_flag = gate_decorator(
    _guarded,
    "flagcore_fastapi",
    """
    A route's function, plain or async, that runs only while a flag resolves to `value`. Goes below the route:

        @app.get("/beta/{page}")
        @require_flag("beta-page")
        def beta(page: str) -> Page: ...

    Its OpenAPI entry stays as it is. So does its signature; a route that takes no connection itself gets one parameter
    more, by keyword, which FastAPI fills and no schema shows.

    A websocket is refused before it is accepted, with 1008, which the browser sees as a 403.
    """,
)
