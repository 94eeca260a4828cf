"""
How the shared tests come by an application.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest

from flagcore import Body, FlagClient, MemorySource, Same
from flagcore.errors import SourceUnavailable
from tests.integrations.page import App, Harness, Page
from tests.integrations.shop import SHOP

#: Seconds within which anything that happens behind a view must have happened.
SOON = 5.0

Serve = Callable[..., App]


class Unreachable:
    """
    A source of one's own whose service is down: from the first fetch, or after `answers` good ones.
    """

    name = "unreachable"
    format = "native"
    poll_seconds = 0.01

    def __init__(self, answers: int = 0, delay_seconds: float = 0.0) -> None:
        self.answers = answers
        self.delay_seconds = delay_seconds
        self.failed = threading.Event()

    def fetch(self, etag: str | None) -> Body | Same:
        """
        The shop, then nothing but failures.
        """
        time.sleep(self.delay_seconds)
        if self.answers:
            self.answers -= 1
            return Body(b'{"flags": {"new-checkout": {"value": true}}}')
        self.failed.set()
        raise SourceUnavailable("expected an answer, got none: this service is down")


def gated(key: str, **gate: Any) -> Page:
    """
    A page behind a gate.
    """
    return Page("/gated", lambda flags: "open", gate={"key": key, **gate})


class ContractFixtures:
    """
    What both suites stand on.
    """

    harness: ClassVar[Harness]

    @pytest.fixture
    def source(self) -> MemorySource:
        """
        The shop's flags.
        """
        return MemorySource(SHOP)

    @pytest.fixture
    def serve(self, source: MemorySource) -> Iterator[Serve]:
        """
        `serve(*pages, source=…, CONTEXT_FROM=…)`, or with a client of the test's own: a started application; stopped
        after the test.
        """
        started: list[App] = []

        def serve(*pages: Page, source: Any = source, client: FlagClient | None = None, **settings: Any) -> App:
            client = client or FlagClient(source, cache_dir=None)
            app = self.harness.start({"SOURCE": client, **settings}, *pages)
            started.append(app)
            assert app.client is client
            return app

        yield serve
        for app in started:
            app.stop()
