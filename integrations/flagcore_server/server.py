"""
The flag server: one ASGI application around one definition file.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from flagcore_server.access import Access
from flagcore_server.admin import Admin
from flagcore_server.asset import SECURITY_HEADERS, asset_routes
from flagcore_server.clients import Clients
from flagcore_server.delivery import Delivery
from flagcore_server.group import RouteGroup
from flagcore_server.ofrep import Ofrep
from flagcore_server.refusal import Refusal, refused
from flagcore_server.store import Store
from flagcore_server.trial import Trial
from flagcore_server.watch import Watch

__all__ = ["FlagServer"]

#: All addresses but the page's own files and the one that says how the server is.
_GROUPS: tuple[type[RouteGroup], ...] = (Delivery, Ofrep, Admin, Trial)


class FlagServer:
    """
    Serves a definition file to applications in four protocols, and to people as a page. An ASGI application.

        app = Starlette(routes=[Mount("/flags", FlagServer("flags.yaml", admin_token=token))])

    It needs no lifespan, but ends its open streams with one, and with `close`. Mounted under an ASGI server of one's
    own, give that server a limit to its graceful shutdown (`uvicorn --timeout-graceful-shutdown 1`): it waits for open
    streams before it sends the lifespan's end.

    Args:
        path: the definition file, in the native format: YAML, JSON or TOML by its suffix. It is the store: what
            changes in it is served within a second, what is changed on the page is written into it. TOML is served
            but not changed.
        api_key: what applications present to read flags; None lets everyone read.
        admin_token: what people present to see the page's data and to change flags. None allows that on loopback only.
        loopback: say True only if the server can be reached from this machine alone.

    Raises:
        ConfigError: the suffix is none of those, a key is blank, or both keys are the same.

    Construction does no I/O. One instance serves one event loop; asyncio and trio.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        api_key: str | None = None,
        admin_token: str | None = None,
        loopback: bool = False,
    ) -> None:
        access = Access(api_key, admin_token, loopback)
        clients = Clients()
        self._watch = Watch(Store(path))
        self._app = Starlette(
            routes=[
                *(route for group in _GROUPS for route in group(self._watch, clients, access).routes()),
                Route("/health", self._health),
                *asset_routes(),
            ],
            exception_handlers={Refusal: refused, HTTPException: _not_here},
            lifespan=self._lifespan,
        )

    def __repr__(self) -> str:
        return f"FlagServer({self._watch.store.path.name!r})"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """
        Answer one request.
        """

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), *SECURITY_HEADERS]}
            await send(message)

        await self._app(scope, receive, send_guarded)

    def close(self) -> None:
        """
        End all open streams; their clients are to come back later. To be called in the event loop's thread.
        Idempotent. Requests that are not streams are answered on.
        """
        self._watch.close()

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncGenerator[None, None]:
        self._watch.closed = False
        await self._watch.look()
        try:
            yield
        finally:
            self.close()

    async def _health(self, _: Request) -> Response:
        await self._watch.look()
        store = self._watch.store
        if store.revision is None:
            return JSONResponse({"status": "error"}, 503)
        status = "ok" if store.fault is None else "stale"
        return JSONResponse({"status": status, "version": store.revision.native.version})


async def _not_here(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), "registered for it alone"  # noqa: S101 - Starlette types handlers wider
    sentence = f"{request.method} {request.url.path[:200]}: {error.detail}; the page is at the server's root"
    return JSONResponse({"error": sentence}, error.status_code, error.headers)
