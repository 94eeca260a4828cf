"""
Gates before what is Starlette's own: threads, endpoint classes, websockets.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

pytest.importorskip("starlette")

from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from flagcore import FlagClient, MemorySource
from flagcore.errors import ConfigError, StateError
from flagcore_starlette import lifespan, require_flag
from tests.documents import failed_client
from tests.integrations.asgi import Asgi

Run = Callable[..., Asgi]


def test_an_endpoint_keeps_its_name_and_its_thread(client: FlagClient, run: Run) -> None:
    """
    A plain endpoint still runs outside of the loop, an async one and its plain fallback where each belongs.
    """
    threads: dict[str, int] = {}

    def note(name: str) -> Response:
        threads[name] = threading.get_ident()
        return PlainTextResponse(name)

    @require_flag("new-checkout")
    def plain(request: Request) -> Response:
        return note("plain")

    @require_flag("new-checkout")
    async def waiting(request: Request) -> Response:
        return note("waiting")

    @require_flag("old-checkout", fallback=lambda request: note("fallback"))
    async def fallen(request: Request) -> Response:
        raise AssertionError

    routes = [Route("/plain", plain), Route("/waiting", waiting), Route("/fallback", fallen)]
    app = run(Starlette(routes=routes, lifespan=lifespan(client)))
    assert [app.get(f"/{name}").text for name in ("plain", "waiting", "fallback")] == ["plain", "waiting", "fallback"]
    assert threads["waiting"] not in (threads["plain"], threads["fallback"])
    assert (plain.__name__, waiting.__name__) == ("plain", "waiting")


def test_a_gate_stands_before_methods_classes_and_websockets(client: FlagClient, run: Run) -> None:
    """
    Wherever an endpoint is natural to decorate; a class falls back on a class.
    """

    class Page(HTTPEndpoint):
        @require_flag("new-checkout")
        async def get(self, request: Request) -> Response:
            return PlainTextResponse("open")

        @require_flag("old-checkout")
        def post(self, request: Request) -> Response:
            return PlainTextResponse("open")

    closed = require_flag("old-checkout", status=403)(Page)
    fallen = require_flag("old-checkout", fallback=Page)(Page)
    away = require_flag("old-checkout", redirect_to="/")(Page)
    classes = {"/": Page, "/closed": closed, "/open": require_flag("new-checkout")(Page)}
    routes = [Route(path, each) for path, each in {**classes, "/fallen": fallen, "/away": away}.items()]
    app = run(Starlette(routes=routes, lifespan=lifespan(client)))
    answers = [app.get(path).status for path in ("/", "/closed", "/open", "/fallen", "/away")]
    assert (answers, app.ask("POST", "/").status) == ([200, 403, 200, 200, 302], 404)
    assert closed.__name__ == "Page"


def test_a_class_answers_503_once_its_flag_has_failed(run: Run) -> None:
    """
    As a function does; its fallback does not run.
    """

    class Page(HTTPEndpoint):
        async def get(self, request: Request) -> Response:
            return PlainTextResponse("open")

    with failed_client() as client:
        page = require_flag("on", value=False, fallback=Page)(Page)
        assert run(Starlette(routes=[Route("/", page)], lifespan=lifespan(client))).get("/").status == 503


def test_a_closed_gate_refuses_a_websocket_before_it_is_accepted(client: FlagClient, run: Run) -> None:
    """
    With the code for "not allowed", by which a server answers 403; the endpoint does not run.
    """

    async def chat(websocket: WebSocket) -> None:
        await websocket.accept()

    class Chat(WebSocketEndpoint):
        pass

    def routes(key: str) -> list[WebSocketRoute]:
        gate = require_flag(key, status=503, redirect_to="/")
        return [WebSocketRoute(f"/{key}/f", gate(chat)), WebSocketRoute(f"/{key}/c", gate(Chat))]

    app = run(Starlette(routes=[*routes("new-checkout"), *routes("old-checkout")], lifespan=lifespan(client)))
    first = [app.websocket(path)[0] for path in ("/old-checkout/f", "/old-checkout/c")]
    assert [(message["type"], message["code"]) for message in first] == [("websocket.close", 1008)] * 2
    first = [app.websocket(path)[0] for path in ("/new-checkout/f", "/new-checkout/c")]
    assert [message["type"] for message in first] == ["websocket.accept"] * 2


def test_a_gated_endpoint_called_by_hand_reads_the_bound_view(client: FlagClient) -> None:
    """
    In a unit test there is no request; a redirect to a route by name then can't be found, and says so.
    """

    @require_flag("new-checkout")
    def page(name: str) -> str:
        return name

    @require_flag("old-checkout", redirect_to="soon")
    def away() -> str:
        raise AssertionError

    with client.bound():
        assert page("open") == "open"
        with pytest.raises(StateError, match="soon"):
            away()


def test_a_class_that_is_no_endpoint_is_refused() -> None:
    """
    Decorating it would gate nothing.
    """
    with pytest.raises(ConfigError, match="MemorySource"):
        require_flag("new-checkout")(MemorySource)
