"""
Bind: where a request's one view stands, and how it is read.

Internal; the package re-exports `FlagsMiddleware` and `get_flags`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from flagcore import EvaluationContext, FlagClient, Flags
from flagcore.adapter import bind, context_builder, default_context, request_view, unbind
from flagcore_starlette.holding import held_client

__all__ = ["FlagsMiddleware", "get_flags"]

#: Where the request's view, as a callable, stands in its ASGI scope.
_VIEW = "flagcore.view"

#: The `method` of a websocket's default context, so that a rule about methods has something to compare.
_WEBSOCKET = "WEBSOCKET"


#: A context, or what gives it when the first flag is read.
ContextLater = EvaluationContext | Callable[[], EvaluationContext]


def path_and_method(scope: Scope) -> EvaluationContext:
    """
    The default context: anonymous, with the attributes `path` and `method`, which is `WEBSOCKET` on a websocket.
    """
    return default_context(scope["path"], scope.get("method", _WEBSOCKET))


class FlagsMiddleware:
    """
    Gives each request and websocket its view, for `get_flags(request)` and, in code that has no request at hand, for
    `flagcore.get_flags()`. Pure ASGI: other scopes pass straight through. Makes no view until a flag is read.

    Args:
        app: the ASGI application within.
        client: whose flags to read; by default the one that the application's lifespan holds.
        context_from: connection → who asks: an EvaluationContext, a mapping, or None. Plain; called at most once for
            each request, with a `Request`, or on a websocket an `HTTPConnection`. If it raises, that is logged once and
            the request reads as anonymous. By default nobody in particular, with the request's `path` and `method`.

    Raises:
        ConfigError: `context_from` is no function, or a coroutine function.
    """

    def __init__(
        self,
        app: ASGIApp,
        client: FlagClient | None = None,
        *,
        context_from: Callable[[Any], EvaluationContext | Mapping[str, Any] | None] | None = None,
    ) -> None:
        self.app = app
        self._client = client
        self._asking = path_and_method if context_from is None else _asking(context_builder(context_from))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """
        Serve one connection.
        """
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        outer = scope.get(_VIEW)
        view = scope[_VIEW] = request_view(self._view_of, scope)
        token = bind(view)
        try:
            await self.app(scope, receive, send)
        finally:
            unbind(token)
            # Put back what was there, also since the view holds the scope: they would keep each other alive.
            if outer is None:
                del scope[_VIEW]
            else:
                scope[_VIEW] = outer

    def _view_of(self, scope: Scope) -> Flags:
        return _view(self._client or held_client(scope), self._asking(scope))


def get_flags(request: HTTPConnection) -> Flags:
    """
    The view of a request or websocket: the same one at every call. Without `FlagsMiddleware`, or outside of it, a view
    of the client that the application's lifespan holds, for the default context; without a lifespan either, an empty
    one, whose every read gives the default, and one line in the log. I/O: none. Locks: none.
    """
    scope = request.scope
    view: Callable[[], Flags] | None = scope.get(_VIEW)
    if view is None:
        flags = _view(held_client(scope), path_and_method(scope))
        # setdefault: of two threads that ask at once, both get the view that stays.
        view = scope.setdefault(_VIEW, lambda: flags)
    return view()


def _view(client: FlagClient | None, context: ContextLater) -> Flags:
    return client.view(context) if client is not None else Flags(context=context)


def _asking(context_of: Callable[[HTTPConnection], EvaluationContext]) -> Callable[[Scope], ContextLater]:
    # The connection object is only made for the request that reads a flag.
    return lambda scope: lambda: context_of(Request(scope) if scope["type"] == "http" else HTTPConnection(scope))
