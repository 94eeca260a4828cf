"""
What the tests of several adapters stand on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from flagcore import FlagClient, MemorySource
from tests.integrations.asgi import Asgi
from tests.integrations.shop import SHOP

# The modules that hold shared tests explain their failures as test modules do.
pytest.register_assert_rewrite(
    *(f"tests.integrations.{name}" for name in ("contract", "contract_app", "contract_gate", "contract_health", "live"))
)


@pytest.fixture
def source() -> MemorySource:
    """
    The shop's flags.
    """
    return MemorySource(SHOP)


@pytest.fixture
def client(source: MemorySource) -> FlagClient:
    """
    A client of them, not started.
    """
    return FlagClient(source, cache_dir=None)


@pytest.fixture
def run() -> Iterator[Any]:
    """
    `run(app)`: an ASGI application, running; stopped after the test.
    """
    running: list[Asgi] = []

    def run(app: Any) -> Asgi:
        running.append(Asgi(app))
        return running[-1]

    yield run
    for each in running:
        each.stop()


@pytest.fixture(scope="class")
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """
    The server that a `LiveContract` names, for all tests of the class.
    """
    from tests.integrations.live import Server

    for each in request.cls.needs:
        pytest.importorskip(each)
    server = Server(request.cls.command, tmp_path_factory.mktemp("live"))
    try:
        yield server
    finally:
        server.stop()
