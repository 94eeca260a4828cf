"""
The flags on their way to applications: the native protocol, Foff's and SOASAP's, all from one definition file.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from flagcore_server.clients import Protocol
from flagcore_server.group import RouteGroup
from flagcore_server.live import LiveResponse, aligned, aligned_length, revisions
from flagcore_server.refusal import Refusal
from flagcore_server.revision import Rendering, Revision

__all__ = ["Delivery", "is_held"]

_Render = Callable[[Revision], Rendering]


class Delivery(RouteGroup):
    """
    The routes that applications read flags from. Each needs the API key, where one is set.
    """

    def routes(self) -> list[BaseRoute]:
        """
        The four addresses, relative to where the server is mounted.
        """
        return [
            Route("/api/v1/document", self._document),
            Route("/api/v1/document/stream", self._document_stream),
            # A scope is percent-encoded in the address, and decoded before routing: it may hold a slash.
            Route("/api/v1/scopes/{scope:path}/configs", self._scope_configs),
            Route("/api/v1/flags/live", self._flags_live),
        ]

    async def _document(self, request: Request) -> Response:
        return await self._poll(request, "native", lambda revision: revision.native)

    async def _scope_configs(self, request: Request) -> Response:
        return await self._poll(request, "foff", lambda revision: revision.foff)

    async def _poll(self, request: Request, protocol: Protocol, render: _Render) -> Response:
        rendering = render(await self._revision(request))
        self._clients.polled(request, protocol)
        headers = {"ETag": rendering.etag, "Cache-Control": "private, no-cache"}
        if is_held(request, rendering.etag):
            return Response(status_code=304, headers=headers)
        return Response(rendering.content, headers=headers, media_type="application/json")

    async def _document_stream(self, request: Request) -> LiveResponse:
        await self._revision(request)
        chunks = revisions(self._watch, lambda revision: revision.native)
        return LiveResponse(chunks, during=self._clients.streaming(request, "native"))

    async def _flags_live(self, request: Request) -> LiveResponse:
        first = (await self._revision(request)).soasap
        length = aligned_length(len(first.content))
        chunks = aligned(revisions(self._watch, lambda revision: revision.soasap), length)
        return LiveResponse(chunks, during=self._clients.streaming(request, "soasap"), length=length)

    async def _revision(self, request: Request) -> Revision:
        self._access.require_reader(request)
        await self._watch.look()
        store = self._watch.store
        if store.revision is None:
            came = store.fault.message if store.fault is not None else "nothing yet"
            raise Refusal(503, f"there is no well-formed {store.path.name} to serve: {came}")
        return store.revision


def is_held(request: Request, etag: str) -> bool:
    """
    Whether the reader says that it has what `etag` names.

    Source: RFC 9110, section 13.1.2: a list, compared weakly; `*` holds any.
    """
    tags = {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}
    return etag in tags or "*" in tags
