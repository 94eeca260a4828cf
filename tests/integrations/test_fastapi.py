"""
The FastAPI adapter: the contract, and what is FastAPI's own.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("jinja2")

import fastapi.routing
from fastapi import APIRouter, Depends, FastAPI, Query, Request, WebSocket
from pydantic import BaseModel
from starlette.requests import HTTPConnection

import flagcore
from flagcore import FlagClient, Flags, MemorySource
from flagcore_fastapi import FlagGate, FlagsDep, FlagsMiddleware, get_flags, lifespan, require_flag
from tests.documents import failed_client
from tests.integrations.asgi import Asgi
from tests.integrations.contract import Contract, SeveralApps
from tests.integrations.fastapi_harness import FastAPIHarness
from tests.integrations.shop import CHANGED, SHOP

Run = Callable[..., Asgi]

#: A body that `Order` takes, and what its endpoint makes of it.
BODY = b'{"lines": [1, 2]}'


class TestFastAPI(Contract, SeveralApps):
    """
    The contract in FastAPI on asyncio.
    """

    harness = FastAPIHarness()


class TestFastAPIOnTrio(Contract, SeveralApps):
    """
    The contract in FastAPI on trio.
    """

    harness = FastAPIHarness("trio")


class Order(BaseModel):
    """
    What an endpoint takes.
    """

    lines: list[int]


class Receipt(BaseModel):
    """
    What an endpoint gives.
    """

    number: int
    total: int


def plain_order(number: int, order: Order, express: Annotated[bool, Query(description="sooner")] = False) -> Receipt:
    """
    Place an order.
    """
    return Receipt(number=number, total=sum(order.lines) + express)


async def async_order(number: int, order: Order, flags: FlagsDep, request: Request) -> Receipt:
    """
    Place an order.
    """
    assert isinstance(flags, Flags)
    assert request.method == "POST"
    return Receipt(number=number, total=sum(order.lines))


def uncached(flags: Annotated[Flags, Depends(get_flags, use_cache=False)]) -> Flags:
    """
    A dependency that asks for the view once more.
    """
    return flags


@pytest.fixture
def app() -> FastAPI:
    """
    An application that follows the shop's flags.
    """
    return FastAPI(lifespan=lifespan(FlagClient(MemorySource(SHOP), cache_dir=None)))


# --- bind -----------------------------------------------------------------------------------------------------------


def test_get_flags_costs_no_hop_to_a_thread() -> None:
    """
    FastAPI runs an async dependency where it is.
    """
    assert inspect.iscoroutinefunction(get_flags)


def test_a_request_has_one_view_by_whatever_way_it_is_read(app: FastAPI, run: Run) -> None:
    """
    `Depends(get_flags)` in dependencies and in the endpoint, `FlagsDep`, and `flagcore.get_flags()`.
    """
    app.add_middleware(FlagsMiddleware)

    @app.get("/")
    def endpoint(flags: FlagsDep, same: Annotated[Flags, Depends(uncached)]) -> bool:
        return flags is same is flagcore.get_flags()

    assert run(app).get("/").json is True


def test_a_websocket_takes_the_view_as_a_dependency(app: FastAPI, run: Run) -> None:
    """
    The same parameter as in a route.
    """

    @app.websocket("/chat")
    async def chat(websocket: WebSocket, flags: FlagsDep) -> None:
        await websocket.accept()
        await websocket.send_json([flags.get_string("theme"), flags.context.attributes["method"]])

    assert run(app).websocket("/chat")[1]["text"] == '["light","WEBSOCKET"]'


def test_a_test_may_override_the_dependency(app: FastAPI, run: Run) -> None:
    """
    FastAPI's own way of testing works as for any dependency.
    """

    @app.get("/")
    def endpoint(flags: FlagsDep) -> str:
        return flags.get_string("theme")

    app.dependency_overrides[get_flags] = lambda: FlagClient(MemorySource(CHANGED), cache_dir=None).flags()
    assert run(app).get("/").json == "blue"


@pytest.mark.skipif(
    not hasattr(fastapi.routing, "_merge_lifespan_context"), reason="this FastAPI runs no included router's lifespan"
)
def test_lifespans_of_routers_are_composed_with_ours(run: Run) -> None:
    """
    An included router's lifespan keeps its state; a client of its own does not hide the application's.
    """

    @asynccontextmanager
    async def pool(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        yield {"pool": "a pool"}

    first, second = (FlagClient(MemorySource(each), cache_dir=None) for each in (SHOP, CHANGED))
    app = FastAPI(lifespan=lifespan(first))
    app.include_router(APIRouter(lifespan=lifespan(second, pool)))

    @app.get("/")
    def endpoint(request: Request, flags: FlagsDep) -> list[Any]:
        return [request.state.pool, request.state.flag_client is first, flags.get_string("theme")]

    assert run(app).get("/").json == ["a pool", True, "light"]


# --- gates below the route --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [plain_order, async_order])
def test_a_gated_route_keeps_its_openapi_entry(order: Any) -> None:
    """
    Path, query, body, response and description: all as without the gate.
    """

    def described(endpoint: Any) -> Any:
        app = FastAPI()
        app.post("/orders/{number}")(endpoint)
        return app.openapi()

    gated = require_flag("new-checkout", fallback=plain_order)(require_flag("theme", value="light")(order))
    assert described(gated) == described(order)
    assert described(order)["paths"]["/orders/{number}"]["post"]["requestBody"]


def test_a_gated_route_keeps_the_parameters_of_its_signature() -> None:
    """
    In their order; the connection stands behind them, by keyword, unless the route takes it anyway.
    """

    def with_the_rest(number: int, **rest: int) -> None:
        raise AssertionError

    for endpoint, added in ((plain_order, ["keyword-only"]), (with_the_rest, ["keyword-only"]), (async_order, [])):
        own = inspect.signature(endpoint).parameters
        gated = inspect.signature(require_flag("new-checkout")(endpoint)).parameters
        assert [name for name in gated if name in own] == list(own)
        assert [gated[name].kind.description for name in gated if name not in own] == added


@pytest.mark.parametrize("order", [plain_order, async_order])
def test_a_gated_route_gets_its_arguments(app: FastAPI, run: Run, order: Any) -> None:
    """
    Path, query and body reach the endpoint, or the fallback that takes the same.
    """
    app.post("/open/{number}")(require_flag("new-checkout")(order))
    app.post("/closed/{number}")(require_flag("old-checkout", fallback=plain_order)(plain_order))
    app.post("/shut/{number}")(require_flag("old-checkout")(order))
    running = run(app)
    for path in ("/open/7", "/closed/7"):
        assert running.ask("POST", path, {"content-type": "application/json"}, BODY).json == {"number": 7, "total": 3}
    assert running.ask("POST", "/shut/7", {"content-type": "application/json"}, BODY).status == 404
    assert running.ask("POST", "/open/x", {"content-type": "application/json"}, BODY).status == 422


def test_a_plain_route_stays_out_of_the_loop(app: FastAPI, run: Run) -> None:
    """
    The gate makes no async function of it, so FastAPI goes on running it in a thread.
    """

    @require_flag("new-checkout")
    def plain() -> int:
        return threading.get_ident()

    @require_flag("new-checkout")
    async def waiting() -> int:
        return threading.get_ident()

    app.get("/plain")(plain)
    app.get("/waiting")(waiting)
    running = run(app)
    assert running.get("/plain").json != running.get("/waiting").json
    assert not inspect.iscoroutinefunction(plain)


def test_a_gate_within_a_gate_is_asked_too(app: FastAPI, run: Run) -> None:
    """
    Each reads the request's own view, without the middleware as well.
    """

    @app.get("/both")
    @require_flag("new-checkout")
    @require_flag("theme", value="light")
    def both() -> str:
        return "open"

    @app.get("/one")
    @require_flag("new-checkout")
    @require_flag("old-checkout", status=403)
    async def one() -> str:
        raise AssertionError

    running = run(app)
    assert (running.get("/both").json, running.get("/one").status) == ("open", 403)


def test_a_gated_route_may_take_the_connection_itself(app: FastAPI, run: Run) -> None:
    """
    FastAPI fills one parameter of a kind, so the gate shares the route's.
    """

    @app.get("/")
    @require_flag("new-checkout")
    @require_flag("old-checkout", value=False)
    def endpoint(connection: HTTPConnection) -> str:
        return connection.url.path

    assert list(inspect.signature(endpoint).parameters) == ["connection"]
    assert run(app).get("/").json == "/"


def test_a_route_annotated_with_a_later_name_can_be_gated(app: FastAPI) -> None:
    """
    Names that are not there yet are left for FastAPI to find.
    """

    def endpoint(item: Later) -> None:  # noqa: F821 - the point of it
        raise AssertionError

    parameters = inspect.signature(require_flag("new-checkout")(endpoint)).parameters
    assert parameters["item"].annotation == "Later"


def test_a_gated_route_called_by_hand_reads_the_bound_view() -> None:
    """
    In a unit test the function takes its own arguments and no more.
    """
    gated = require_flag("new-checkout")(plain_order)
    with FlagClient(MemorySource(SHOP), cache_dir=None).bound():
        assert gated(1, Order(lines=[2])) == Receipt(number=1, total=2)


# --- gates as dependencies --------------------------------------------------------------------------------------------


def test_a_gate_stands_before_routes_routers_and_applications(run: Run) -> None:
    """
    Wherever FastAPI takes dependencies. A closed one answers before the arguments are looked at.
    """
    router = APIRouter(prefix="/router", dependencies=[FlagGate("old-checkout", status=403)])
    included = APIRouter(prefix="/included")
    app = FastAPI(
        lifespan=lifespan(FlagClient(MemorySource(SHOP), cache_dir=None)), dependencies=[FlagGate("new-checkout")]
    )
    for each, gates in ((router, []), (included, []), (app, [FlagGate("theme", value="dark", status=410)])):
        each.get("/{number}", dependencies=gates)(lambda number: number)
    app.get("/{number}/open")(lambda number: number)
    app.include_router(router)
    closed = FlagGate("new-checkout", value=False, status=503, retry_after_seconds=9)
    app.include_router(included, dependencies=[closed])

    running = run(app)
    answers = {path: running.get(path) for path in ("/7", "/7/open", "/router/x", "/included/7")}
    assert [answer.status for answer in answers.values()] == [410, 200, 403, 503]
    assert answers["/included/7"].headers["retry-after"] == "9"


def test_a_gate_as_a_dependency_answers_503_once_its_flag_has_failed(run: Run) -> None:
    """
    As `require_flag` does.
    """
    with failed_client() as client:
        app = FastAPI(lifespan=lifespan(client))
        app.get("/", dependencies=[FlagGate("on", value=False, redirect_to="/soon")])(lambda: "open")
        assert run(app).get("/").status == 503


def test_a_gate_as_a_dependency_can_redirect(app: FastAPI, run: Run) -> None:
    """
    To a URL, or to a route by its name.
    """
    app.get("/coming/soon", name="soon")(lambda: "soon")
    for path, target in (("/name", "soon"), ("/url", "https://example.com/")):
        app.get(path, dependencies=[FlagGate("old-checkout", redirect_to=target)])(lambda: "open")
    running = run(app)
    answers = [running.get(path) for path in ("/name", "/url")]
    assert [answer.status for answer in answers] == [302, 302]
    assert [answer.headers["location"] for answer in answers] == ["/coming/soon", "https://example.com/"]


def test_the_page_that_a_gate_redirects_to_may_lie_behind_it(run: Run) -> None:
    """
    A gate before a whole application, with its own page for those it turns away.
    """
    app = FastAPI(
        lifespan=lifespan(FlagClient(MemorySource(SHOP), cache_dir=None)),
        dependencies=[FlagGate("old-checkout", redirect_to="soon")],
    )
    app.get("/soon", name="soon")(lambda: "soon")
    app.get("/shop")(lambda: "open")
    running = run(app)
    assert (running.get("/shop").headers["location"], running.get("/soon").json) == ("/soon", "soon")


@pytest.mark.parametrize("way", ["dependency", "decorator"])
def test_a_closed_gate_refuses_a_websocket(app: FastAPI, run: Run, way: str) -> None:
    """
    Before it is accepted, whichever way the gate is put up.
    """

    async def chat(websocket: WebSocket) -> None:
        await websocket.accept()

    for key in ("new-checkout", "old-checkout"):
        if way == "dependency":
            app.websocket(f"/{key}", dependencies=[FlagGate(key)])(chat)
        else:
            app.websocket(f"/{key}")(require_flag(key)(chat))
    running = run(app)
    assert running.websocket("/new-checkout")[0]["type"] == "websocket.accept"
    refused = running.websocket("/old-checkout")[0]
    assert (refused["type"], refused["code"]) == ("websocket.close", 1008)


def test_a_gate_as_a_dependency_shows_in_no_schema() -> None:
    """
    The documentation of a gated route is that of the route.
    """

    def described(gates: list[Any]) -> Any:
        app = FastAPI()
        app.post("/orders/{number}", dependencies=gates)(plain_order)
        return app.openapi()

    assert described([FlagGate("new-checkout")]) == described([])
