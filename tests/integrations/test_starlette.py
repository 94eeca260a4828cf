"""
The Starlette adapter: the contract, and what is Starlette's own.
"""

from __future__ import annotations

import gc
import json
import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

pytest.importorskip("starlette")
pytest.importorskip("jinja2")

from jinja2 import DictLoader, Environment
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.templating import Jinja2Templates
from starlette.websockets import WebSocket

import flagcore
from flagcore import FileSource, FlagClient, MemorySource, Status
from flagcore_starlette import FlagsMiddleware, get_flags, install, lifespan
from tests.integrations.asgi import Asgi
from tests.integrations.contract import Contract, SeveralApps
from tests.integrations.shop import CHANGED, SHOP, asked_context
from tests.integrations.starlette_harness import StarletteHarness

Run = Callable[..., Asgi]


class TestStarlette(Contract, SeveralApps):
    """
    The contract in Starlette on asyncio.
    """

    harness = StarletteHarness()


class TestStarletteOnTrio(Contract, SeveralApps):
    """
    The contract in Starlette on trio.
    """

    harness = StarletteHarness("trio")


@pytest.fixture
def followed(tmp_path: Path) -> FlagClient:
    """
    A client of a file: READY only while something follows it.
    """
    path = tmp_path / "flags.json"
    path.write_text(json.dumps(SHOP), encoding="utf-8")
    return FlagClient(FileSource(path), cache_dir=None)


def theme(request: Request) -> Response:
    """
    A page that reads one flag.
    """
    return JSONResponse(get_flags(request).get_string("theme", "none"))


async def discard(message: Any) -> None:
    """
    A server's `send` that nobody listens to.
    """


def changed_client() -> FlagClient:
    """
    Another client, with other flags.
    """
    return FlagClient(MemorySource(CHANGED), cache_dir=None)


# --- start, hold, stop ----------------------------------------------------------------------------------------------


def test_lifespan_follows_the_flags_around_the_applications_own(followed: FlagClient, run: Run) -> None:
    """
    The inner lifespan may read flags, keeps its state, and ends before the client is closed.
    """
    seen: list[Any] = []

    @asynccontextmanager
    async def inner(app: Starlette) -> AsyncIterator[dict[str, Any]]:
        seen.append((followed.status, app.state.flag_client.get_string("theme")))
        yield {"pool": "a pool"}
        seen.append(followed.status)

    async def endpoint(request: Request) -> Response:
        return JSONResponse([request.state.pool, request.state.flag_client is followed])

    app = run(Starlette(routes=[Route("/", endpoint)], lifespan=lifespan(followed, inner)))
    assert app.get("/").json == ["a pool", True]
    app.stop()
    assert seen == [(Status.READY, "light"), Status.READY]
    assert followed.status is Status.STALE


def test_lifespan_takes_an_inner_one_without_state(client: FlagClient, run: Run) -> None:
    """
    An application's lifespan that yields nothing is the common one.
    """

    @asynccontextmanager
    async def inner(app: Starlette) -> AsyncIterator[None]:
        yield

    app = run(Starlette(routes=[Route("/", theme)], lifespan=lifespan(client, inner)))
    assert app.get("/").json == "light"


def test_of_composed_lifespans_the_first_client_is_held_and_all_are_run(
    followed: FlagClient, tmp_path: Path, run: Run
) -> None:
    """
    A second client is started and stopped with the application too, but requests read the first.
    """
    second = FlagClient(FileSource(tmp_path / "flags.json"), cache_dir=None)
    app = run(Starlette(routes=[Route("/", theme)], lifespan=lifespan(followed, lifespan(second))))
    assert app.state == {"flag_client": followed}
    assert app.app.state.flag_client is followed
    assert (app.get("/").json, second.status) == ("light", Status.READY)
    app.stop()
    assert (followed.status, second.status) == (Status.STALE, Status.STALE)


def test_lifespan_leaves_a_client_running_that_was_started_before(followed: FlagClient, run: Run) -> None:
    """
    Who starts a client closes it.
    """
    with followed:
        run(Starlette(lifespan=lifespan(followed))).stop()
        assert followed.status is Status.READY
    assert followed.status is Status.STALE


def test_an_application_can_be_run_again(client: FlagClient, source: MemorySource, run: Run) -> None:
    """
    As test clients do: each run follows the flags anew.
    """
    app = Starlette(routes=[Route("/", theme)], lifespan=lifespan(client))
    run(app).stop()
    source.update(CHANGED)
    assert run(app).get("/").json == "blue"


def test_without_a_lifespan_reads_give_defaults_and_the_log_one_line(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A forgotten lifespan is no outage; each application is told once what is missing.
    """
    app = run(Starlette(routes=[Route("/", theme)], middleware=[Middleware(FlagsMiddleware)]))
    with caplog.at_level(logging.WARNING, logger="flagcore"):
        assert [app.get("/").json for _ in range(3)] == ["none"] * 3
        assert run(Starlette(routes=[Route("/", theme)])).get("/").json == "none"
    assert ["lifespan=lifespan(client)" in record.message for record in caplog.records] == [True, True]


# --- bind -----------------------------------------------------------------------------------------------------------


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


def test_the_middleware_passes_other_scopes_straight_through() -> None:
    """
    What is neither a request nor a websocket gets the very objects that came.
    """
    got: list[Any] = []

    async def app(*connection: Any) -> None:
        got.extend(connection)

    given = ({"type": "something.else"}, object(), object())
    anyio.run(FlagsMiddleware(app, changed_client()), *given)
    assert [one is other for one, other in zip(got, given, strict=True)] == [True] * 3
    assert given[0] == {"type": "something.else"}


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
@pytest.mark.parametrize("reads", [True, False])
def test_a_request_leaves_nothing_for_the_collector(client: FlagClient, middleware: Any, *, reads: bool) -> None:
    """
    What a request had is gone with it: no ring of objects keeps it alive, whether it read a flag or not.
    """

    async def endpoint(request: Request) -> Response:
        return PlainTextResponse(get_flags(request).get_string("theme") if reads else "")

    app = Starlette(routes=[Route("/", endpoint)], middleware=middleware)
    app.state.flag_client = client

    async def ask() -> int:
        scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
        await app(dict(scope), anyio.sleep_forever, discard)
        gc.collect()
        await app(dict(scope), anyio.sleep_forever, discard)
        return gc.collect()

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

    def noting(app: Any) -> Any:
        async def layer(scope: Any, receive: Any, send: Any) -> None:
            seen.append(asked_context(get_flags(HTTPConnection(scope))).get("org"))
            await app(scope, receive, send)
            seen.append(asked_context(get_flags(HTTPConnection(scope))).get("org"))

        return layer

    async def nothing(*connection: Any) -> None:
        pass

    app = nothing
    for org in ("inner", "outer"):
        app = FlagsMiddleware(noting(app), client, context_from=lambda _, org=org: {"org": org})
    scope = {"type": "http", "method": "GET", "path": "/", "state": {"flag_client": client}}
    anyio.run(noting(app), scope, None, None)
    assert seen == [None, "outer", "inner", "inner", "outer", None]


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


# --- templates --------------------------------------------------------------------------------------------------------


def test_a_template_without_a_request_reads_the_given_client(client: FlagClient) -> None:
    """
    A mail that a job renders; without a client it reads defaults.
    """
    for own, expected in ((client, "light"), (None, "plain")):
        environment = Environment(loader=DictLoader({"mail": '{{ flag("theme", "plain") }}'}), autoescape=True)
        install(Jinja2Templates(env=environment), own)
        assert environment.get_template("mail").render() == expected
        assert environment.get_template("mail").render(request="of another kind") == expected


# --- installation -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("package", "missing", "told"),
    [
        ("starlette", "starlette", 'pip install "flagcore[starlette]"'),
        ("fastapi", "fastapi", 'pip install "flagcore[fastapi]"'),
        ("fastapi", "pydantic", "import of pydantic halted; None in sys.modules"),
    ],
)
def test_without_the_framework_one_sentence_names_the_extra(package: str, missing: str, told: str) -> None:
    """
    An import that can't succeed says what to install; a framework that is there and broken speaks for itself.
    """
    program = f"import sys; sys.modules[{missing!r}] = None; import flagcore_{package}"
    ended = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert ended.returncode == 1
    assert ended.stderr.strip().splitlines()[-1].endswith(told)
