"""
The Starlette adapter: the contract, and what is Starlette's own.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette")
pytest.importorskip("jinja2")

from jinja2 import DictLoader, Environment
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.templating import Jinja2Templates

from flagcore import FileSource, FlagClient, MemorySource, Status
from flagcore_starlette import FlagsMiddleware, install, lifespan
from tests.integrations.asgi import Asgi
from tests.integrations.contract import Contract, SeveralApps
from tests.integrations.shop import CHANGED, SHOP
from tests.integrations.starlette_harness import StarletteHarness, theme

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
    if missing != package:
        pytest.importorskip(package)
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
