"""
The page's files: HTML, style and script as they lie in `page/`, read once, served from memory.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from flagcore_server.refusal import Refusal
from flagcore_server.revision import Rendering, version_of

__all__ = ["SECURITY_HEADERS", "asset_routes"]

_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}

#: On every answer. The page needs its own files and its own API, nothing else: no inline script or style, no frame,
#: no form, no other origin.
SECURITY_HEADERS = [
    (
        b"content-security-policy",
        (
            b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
            b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
    ),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
]


def asset_routes() -> list[BaseRoute]:
    """
    The page at the root of the server, and its files beside it under `page/`. They hold no flag, so need no key.
    """
    return [Route("/", _index), Route("/page/{name}", _asset)]


@cache
def _assets() -> dict[str, Rendering]:
    found = {}
    for each in files("flagcore_server").joinpath("page").iterdir():
        if _suffix(each.name) in _TYPES:
            content = each.read_bytes()
            found[each.name] = Rendering(content, version_of(content))
    return found


def _suffix(name: str) -> str:
    return name[name.rfind(".") :]


async def _index(request: Request) -> Response:
    return await _answer(request, "index.html")


async def _asset(request: Request) -> Response:
    return await _answer(request, request.path_params["name"])


async def _answer(request: Request, name: str) -> Response:
    # Reads them all once; from then on it is one look-up.
    asset = (await anyio.to_thread.run_sync(_assets)).get(name)
    if asset is None:
        raise Refusal(404, f"expected one of the page's files, got {name[:100]!r}")
    headers = {"ETag": asset.etag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == asset.etag:
        return Response(status_code=304, headers=headers)
    return Response(asset.content, headers=headers, media_type=_TYPES[_suffix(name)])
