"""
FastAPI, asked in process through its ASGI entrance.
"""

import asyncio
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from bench import specimen
from bench.peer import OURS
from bench.web import Ask

__all__ = ["pairs"]


def pairs(name: str) -> dict[str, tuple[Ask, Ask]]:
    """
    {row: (the bare application, the one with more)}.
    """
    loop = asyncio.new_event_loop()
    bare = _asking(loop, _bare())
    if name != OURS:
        return {"fastapi": (bare, _asking(loop, _furagu()))}
    apps = {"fastapi_depends": _depending(), "fastapi_floor": _floor(), "fastapi": _ours()}
    return {row: (bare, _asking(loop, app)) for row, app in apps.items()}


def _bare() -> FastAPI:
    app = FastAPI()

    @app.get("/")
    async def page() -> Any:
        return PlainTextResponse("True")

    return app


def _depending() -> FastAPI:
    app = FastAPI()

    async def nothing() -> None:
        return None

    @app.get("/")
    async def page(_: Annotated[None, Depends(nothing)]) -> Any:
        return PlainTextResponse("True")

    return app


class _Through:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


def _floor() -> FastAPI:
    # What any middleware and any dependency that looks at its request cost.
    app = FastAPI()
    app.add_middleware(_Through)

    async def nothing(connection: HTTPConnection) -> None:
        return None

    @app.get("/")
    async def page(_: Annotated[None, Depends(nothing)]) -> Any:
        return PlainTextResponse("True")

    return app


def _ours() -> FastAPI:
    from flagcore import FlagClient, Flags, MemorySource
    from flagcore_fastapi import FlagsMiddleware, get_flags, lifespan

    document = {"flags": {key: {"value": value} for key, value in specimen.BOOLEANS.items()}}
    app = FastAPI(lifespan=lifespan(FlagClient(MemorySource(document), cache_dir=None)))
    app.add_middleware(FlagsMiddleware)

    @app.get("/")
    async def page(flags: Annotated[Flags, Depends(get_flags)]) -> Any:
        return PlainTextResponse(str(flags.get_bool("plain-42")))

    return app


def _furagu() -> FastAPI:
    from furagu.contrib.fastapi import get_client, install

    from bench.peers.furagu import provider

    app = FastAPI()
    install(app, provider())

    @app.get("/")
    async def page(flags: Annotated[Any, Depends(get_client)]) -> Any:
        return PlainTextResponse(str(flags.get_boolean_value("plain-42", False)))

    return app


def _asking(loop: asyncio.AbstractEventLoop, app: FastAPI) -> Ask:
    manager = app.router.lifespan_context(app)
    state: Any = loop.run_until_complete(manager.__aenter__()) or {}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"bench")],
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
    }
    bodies: list[bytes] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            bodies.append(message["body"])

    async def many(count: int) -> None:
        for _ in range(count):
            await app({**scope, "state": dict(state)}, receive, send)

    def ask(count: int) -> None:
        bodies.clear()
        loop.run_until_complete(many(count))
        assert bodies == [b"True"] * count, f"expected True, got {bodies[:1]}"

    ask.manager = manager  # type: ignore[attr-defined] # lives as long as the application is asked
    return ask
