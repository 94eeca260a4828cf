"""
Gate: endpoints that run only when a flag has a value.

Internal; the package re-exports `require_flag`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from inspect import isclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException, WebSocketException
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse

from flagcore.adapter import Gate, gate_decorator, is_async
from flagcore.adapter import get_flags as bound_flags
from flagcore.errors import ConfigError, StateError
from flagcore_starlette.binding import get_flags

__all__ = ["CONNECTION", "gated", "refusal", "require_flag"]

#: The keyword by which a gated endpoint takes a connection that it doesn't hand on to the endpoint within.
CONNECTION = "flagcore_connection"

#: The status of a redirect (RFC 9110 §15.4.3): for now, and to be followed by a GET.
_FOUND = 302

#: The code that refuses a websocket (RFC 6455 §7.4.1).
_POLICY_VIOLATION = 1008


def gated(gate: Gate[Any], endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """
    `endpoint` behind a gate. A plain one stays plain, so that the framework runs it in its thread pool; it becomes
    async only if its fallback is. It takes its connection from among its arguments, or by the keyword `CONNECTION`,
    which ends here; called without either, as in a unit test, it reads the bound view.
    """
    if not is_async(endpoint) and not is_async(gate.fallback):

        @wraps(endpoint)
        def plain(*args: Any, **kwargs: Any) -> Any:
            connection = _taken(args, kwargs)
            own, way = _way(gate, endpoint, connection)
            return way(*args, **kwargs) if way is not None else refusal(own, connection)

        return plain

    @wraps(endpoint)
    async def waiting(*args: Any, **kwargs: Any) -> Any:
        connection = _taken(args, kwargs)
        own, way = _way(gate, endpoint, connection)
        if way is None:
            return refusal(own, connection)
        return await (way(*args, **kwargs) if is_async(way) else run_in_threadpool(way, *args, **kwargs))

    return waiting


def refusal(gate: Gate[Any], connection: HTTPConnection | None) -> RedirectResponse:
    """
    What a closed gate without a fallback answers.

    Raises:
        HTTPException: unless it redirects.
        WebSocketException: on a websocket, always.
        StateError: it redirects to a route by name, and there is no connection to look for that in.
    """
    if connection is not None and connection.scope["type"] == "websocket":
        raise WebSocketException(_POLICY_VIOLATION)
    if gate.redirect_to is None:
        raise HTTPException(gate.status, headers=gate.headers or None)
    return RedirectResponse(_url(gate, connection), _FOUND)


def _url(gate: Gate[Any], connection: HTTPConnection | None) -> str:
    if not gate.redirects_to_route:
        return str(gate.redirect_to)
    if connection is None:
        raise StateError(f"redirect_to: expected a request to find the route {gate.redirect_to!r} in, got none")
    # Without the host: what a request claims to be its host is not to be trusted with a redirect.
    return connection.url_for(str(gate.redirect_to)).path


def _way(
    gate: Gate[Any], endpoint: Callable[..., Any], connection: HTTPConnection | None
) -> tuple[Gate[Any], Callable[..., Any] | None]:
    flags = bound_flags() if connection is None else get_flags(connection)
    own = gate.facing(flags)
    way = endpoint if own.is_open(flags) else own.fallback
    # Gates within gates: the inner one wants the connection too.
    return own, partial(way, **{CONNECTION: connection}) if way is not None and _takes_connection(way) else way


def _takes_connection(way: Callable[..., Any]) -> bool:
    signature = getattr(way, "__signature__", None)
    return signature is not None and CONNECTION in signature.parameters


def _taken(args: tuple[Any, ...], kwargs: dict[str, Any]) -> HTTPConnection | None:
    given = kwargs.pop(CONNECTION, None)
    found = (each for each in (given, *args, *kwargs.values()) if isinstance(each, HTTPConnection))
    return next(found, None)


def _gated_class(gate: Gate[Any], endpoint: Any) -> Any:
    if not hasattr(endpoint, "dispatch"):
        raise ConfigError(f"require_flag: expected a function or an endpoint class, got the class {endpoint.__name__}")

    @wraps(endpoint, updated=())
    class Gated(endpoint):  # type: ignore[misc] # a class that is only known here
        async def dispatch(self) -> None:
            connection = HTTPConnection(self.scope)
            flags = get_flags(connection)
            own = gate.facing(flags)
            if own.is_open(flags):
                await super().dispatch()
                return
            way = own.fallback or refusal(own, connection)
            await way(self.scope, self.receive, self.send)

    return Gated


def _guarded(gate: Gate[Any], endpoint: Any) -> Any:
    return _gated_class(gate, endpoint) if isclass(endpoint) else gated(gate, endpoint)


require_flag = gate_decorator(
    _guarded,
    "flagcore_starlette",
    """
    An endpoint that runs only while a flag resolves to `value`: a function, plain or async, a method of an
    `HTTPEndpoint`, an `HTTPEndpoint` or `WebSocketEndpoint` itself, or a websocket's function. It keeps its signature.

    A websocket is refused before it is accepted, with 1008, which the browser sees as a 403. The fallback of a class
    is a class.
    """,
)
