"""
Which view a request, a websocket or a layer of middleware reads in Starlette.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import anyio
import pytest

pytest.importorskip("starlette")
pytest.importorskip("jinja2")

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

import flagcore
from flagcore import FlagClient, MemorySource
from flagcore_starlette import FlagsMiddleware, get_flags, lifespan
from tests.integrations.asgi import Asgi
from tests.integrations.shop import CHANGED, asked_context
from tests.integrations.starlette_harness import theme

Run = Callable[..., Asgi]


async def discard(message: Any) -> None:
    """
    A server's `send` that nobody listens to.
    """


def changed_client() -> FlagClient:
    """
    Another client, with other flags.
    """
    return FlagClient(MemorySource(CHANGED), cache_dir=None)


def test_get_flags_needs_no_middleware(client: FlagClient, run: Run) -> None:
    """
    The view of the held client, for the default context, one for each request.
    """
    views: list[Any] = []

    def endpoint(request: Request) -> Response:
        views.append(get_flags(request))
        assert get_flags(Request(request.scope)) is views[-1]
        return JSONResponse(dict(views[-1].context.attributes))

    app = run(Starlette(routes=[Route("/a", endpoint)], lifespan=lifespan(client)))
    assert [app.get("/a").json, app.get("/a").json] == [{"path": "/a", "method": "GET"}] * 2
    assert views[0] is not views[1]


def test_the_middlewares_own_client_comes_before_the_held_one(client: FlagClient, run: Run) -> None:
    """
    What code passes overrides what the lifespan holds.
    """
    middleware = [Middleware(FlagsMiddleware, client=changed_client())]
    app = run(Starlette(routes=[Route("/", theme)], middleware=middleware, lifespan=lifespan(client)))
    assert app.get("/").json == "blue"


def test_the_middleware_works_around_an_application_whose_state_holds_the_client(client: FlagClient, run: Run) -> None:
    """
    Where the application is only known further in, the client is found when a flag is read.
    """
    inner = Starlette(routes=[Route("/", theme)])
    inner.state.flag_client = client
    assert run(FlagsMiddleware(inner)).get("/").json == "light"


def test_a_mounted_application_may_have_a_client_of_its_own(client: FlagClient, run: Run) -> None:
    """
    Its routes read its own flags, the others the outer application's.
    """
    inner = Starlette(
        routes=[Route("/theme", theme)], middleware=[Middleware(FlagsMiddleware, client=changed_client())]
    )
    routes = [Mount("/inner", inner), Route("/theme", theme)]
    app = run(Starlette(routes=routes, middleware=[Middleware(FlagsMiddleware)], lifespan=lifespan(client)))
    assert [app.get("/inner/theme").json, app.get("/theme").json] == ["blue", "light"]


def test_a_mounted_applications_own_state_comes_before_the_outer_ones(client: FlagClient, run: Run) -> None:
    """
    The same, where the inner application holds its client and has no middleware.
    """
    inner = Starlette(routes=[Route("/theme", theme)])
    inner.state.flag_client = changed_client()
    app = run(Starlette(routes=[Mount("/inner", inner), Route("/theme", theme)], lifespan=lifespan(client)))
    assert [app.get("/inner/theme").json, app.get("/theme").json] == ["blue", "light"]


def test_context_from_gets_the_request(client: FlagClient, run: Run) -> None:
    """
    With all that a `Request` has: method, cookies, query.
    """

    def context_from(request: Request) -> dict[str, Any]:
        return {"org": request.query_params["org"] if request.method == "GET" else None}

    middleware = [Middleware(FlagsMiddleware, context_from=context_from)]
    app = run(Starlette(routes=[Route("/", theme)], middleware=middleware, lifespan=lifespan(client)))
    assert app.get("/?org=acme").json == "dark"


def test_the_middleware_passes_other_scopes_straight_through() -> None:
    """
    What is neither a request nor a websocket gets the very objects that came.
    """
    got: list[Any] = []

    async def app(*connection: Any) -> None:
        got.extend(connection)
        assert connection[0] == {"type": "something.else"}
        assert flagcore.get_flags().get_string("theme", "none") == "none"

    given = ({"type": "something.else"}, object(), object())
    anyio.run(FlagsMiddleware(app, changed_client()), *given)
    assert [one is other for one, other in zip(got, given, strict=True)] == [True] * 3


def test_nothing_stays_bound_when_the_application_raises(client: FlagClient) -> None:
    """
    A server's task that goes on after a failed request reads no flags of it.
    """

    async def app(*connection: Any) -> None:
        assert flagcore.get_flags().get_string("theme") == "light"
        raise LookupError

    async def serve() -> str:
        with pytest.raises(LookupError):
            await FlagsMiddleware(app, client)({"type": "http", "path": "/"}, None, None)  # type: ignore[arg-type]
        return flagcore.get_flags().get_string("theme", "none")

    assert anyio.run(serve) == "none"


@pytest.mark.parametrize("middleware", [[], [Middleware(FlagsMiddleware)]], ids=["alone", "middleware"])
@pytest.mark.parametrize("does", ["nothing", "asks", "reads"])
def test_a_request_leaves_nothing_for_the_collector(client: FlagClient, middleware: Any, does: str) -> None:
    """
    What a request had is gone with it: no ring of objects keeps it alive, whether it asked for its view, or read a
    flag, or neither.
    """

    async def endpoint(request: Request) -> Response:
        flags = None if does == "nothing" else get_flags(request)
        return PlainTextResponse(flags.get_string("theme") if flags is not None and does == "reads" else "")

    app = Starlette(routes=[Route("/", endpoint)], middleware=middleware)
    app.state.flag_client = client

    async def ask() -> int:
        scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
        await app(dict(scope), anyio.sleep_forever, discard)
        left = []
        for _ in range(4):
            await app(dict(scope), anyio.sleep_forever, discard)
            left.append(gc.collect())
        # The first of all leaves what frameworks keep for good; and other threads may leave something of theirs.
        return min(left[1:])

    gc.disable()
    try:
        assert anyio.run(ask) == 0
    finally:
        gc.enable()


def test_around_the_middleware_it_is_as_without(client: FlagClient) -> None:
    """
    A layer outside of it reads for the default context, before and after; two of them, each its own.
    """
    seen: list[Any] = []

    def note(scope: Any) -> None:
        flags = get_flags(HTTPConnection(scope))
        seen.append((flags.get_string("theme"), asked_context(flags).get("org")))

    def noting(app: Any) -> Any:
        async def layer(scope: Any, receive: Any, send: Any) -> None:
            note(scope)
            await app(scope, receive, send)
            note(scope)

        return layer

    async def nothing(*connection: Any) -> None:
        pass

    app = nothing
    for org in ("acme", "outer"):
        app = FlagsMiddleware(noting(app), client, context_from=lambda _, org=org: {"org": org})
    scope = {"type": "http", "method": "GET", "path": "/", "state": {"flag_client": client}}
    anyio.run(noting(app), scope, None, None)
    orgs = [None, "outer", "acme", "acme", "outer", None]
    assert seen == [("dark" if org == "acme" else "light", org) for org in orgs]


def test_a_websocket_has_a_view(client: FlagClient, source: MemorySource, run: Run) -> None:
    """
    One state for as long as it lives, `fresh()` for the newest; `context_from` gets the connection.
    """
    asked: list[Any] = []

    def context_from(connection: HTTPConnection) -> dict[str, Any]:
        asked.append(type(connection))
        return {"org": connection.headers["x-org"]}

    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        flags = get_flags(websocket)
        await websocket.send_text(flags.get_string("theme"))
        source.update(CHANGED)
        await websocket.send_json([flags.get_string("theme"), flagcore.get_flags().fresh().get_string("theme")])

    middleware = [Middleware(FlagsMiddleware, context_from=context_from)]
    app = run(Starlette(routes=[WebSocketRoute("/", endpoint)], middleware=middleware, lifespan=lifespan(client)))
    sent = app.websocket("/", headers={"x-org": "acme"})
    assert [message.get("text") for message in sent[1:3]] == ["dark", '["dark","blue"]']
    assert asked == [HTTPConnection]


def test_a_websockets_default_context_names_its_kind(client: FlagClient, run: Run) -> None:
    """
    A rule about methods has something to compare on a websocket too.
    """

    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_json(dict(get_flags(websocket).context.attributes))

    app = run(Starlette(routes=[WebSocketRoute("/chat", endpoint)], lifespan=lifespan(client)))
    assert app.websocket("/chat")[1]["text"] == '{"path":"/chat","method":"WEBSOCKET"}'
