"""
One client of a trial: how it follows the service, in which world it lives, and all it shows of itself.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import anyio.from_thread

from flagcore import ErrorContext, FlagClient, HTTPSource
from flagcore.feed.backoff import STEPS_SECONDS
from flagcore.network.address import Address
from flagcore.network.remote import NetworkSource, check_headers
from flagcore.testing import Fault, FaultyServer
from tests.faults.expectations import DEFAULT, Expectation, expected

if TYPE_CHECKING:
    from typing_extensions import Self

_numbers = count(1)

SECRET = "s3cr3t-key-of-the-trial"


@dataclass(frozen=True)
class Pace:
    """
    How long things take. The defaults are those of the product; the tests use shorter ones.
    """

    poll_seconds: float = 30.0
    timeout_seconds: float = 10.0
    silence_seconds: float = 30.0
    heartbeat_seconds: float = 10.0
    retry_after_seconds: float = 20.0
    steps_seconds: tuple[float, ...] = STEPS_SECONDS


@dataclass(frozen=True)
class Case:
    """
    One row of the matrix in one world.
    """

    fault: Fault
    shape: str
    world: str

    def __str__(self) -> str:
        return f"{self.fault}-{self.shape}-{self.world}"

    @property
    def expectation(self) -> Expectation:
        return expected(self.fault, self.shape)

    def leaves_alone_seconds(self, pace: Pace) -> float:
        """What must lie between two requests, since the service asked for it; 0 if it did not."""
        if self.fault not in (Fault.RATE_LIMITED, Fault.RATE_LIMITED_DATE, Fault.RATE_LIMITED_ISO):
            return 0.0
        # An HTTP date is of whole seconds; and clocks are read at both ends.
        return pace.retry_after_seconds - (1.1 if self.fault is Fault.RATE_LIMITED_DATE else 0.1)


class Listener(logging.Handler):
    """
    Everything that flagcore logs, from any thread, with its traceback.
    """

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.heard: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append((record.getMessage(), logging.Formatter().format(record)))

    @contextlib.contextmanager
    def listening(self) -> Iterator[Listener]:
        logger = logging.getLogger("flagcore")
        level = logger.level
        logger.addHandler(self)
        logger.setLevel(logging.INFO)
        try:
            yield self
        finally:
            logger.removeHandler(self)
            logger.setLevel(level)

    def of(self, name: str) -> list[tuple[str, str]]:
        return [each for each in self.heard if name in each[0]]


class Portal:
    """
    The way into a world from this thread: a loop in a thread of its own, or none.
    """

    def __init__(self, world: str) -> None:
        self._world = world
        self._stack = contextlib.ExitStack()
        self._portal: Any = None

    def __enter__(self) -> Self:
        if self._world != "thread":
            self._portal = self._stack.enter_context(anyio.from_thread.start_blocking_portal(self._world))
        return self

    def __exit__(self, *exc: object) -> None:
        self._portal = None
        self._stack.close()

    def start(self, client: FlagClient) -> None:
        self._portal.call(client.astart) if self._portal else client.start()

    def refresh(self, client: FlagClient) -> None:
        self._portal.call(client.arefresh) if self._portal else client.refresh()

    def close(self, client: FlagClient) -> None:
        self._portal.call(client.aclose) if self._portal else client.close()


class Subject:
    """
    One client in its world, and what it reports.
    """

    def __init__(self, name: str, case: Case, server: FaultyServer, pace: Pace) -> None:
        self.name = name
        self.errors: list[ErrorContext] = []
        # A number, since a port may have been another trial's before, whose lines are in the same log.
        path = f"{name}-{next(_numbers)}"
        self.source = source_of(f"{server.url}/{path}", f"{server.stream_url}/{path}", case.shape, pace)
        self.client = FlagClient(self.source, cache_dir=None, on_error=self.errors.append)
        self._portal = Portal(case.world)

    def start(self) -> None:
        self._portal.__enter__()
        self._portal.start(self.client)

    def refresh(self) -> None:
        self._portal.refresh(self.client)

    def close(self) -> float:
        """Close it; how long that took."""
        began = time.monotonic()
        self._portal.close(self.client)
        seconds = time.monotonic() - began
        self._portal.__exit__()
        return seconds

    def note_read(self, reads: list[int]) -> None:
        """Add what is read now, if it is another value than before."""
        value = self.read()
        if reads[-1:] != [value]:
            reads.append(value)

    def read(self) -> int:
        return self.client.get_int("a", DEFAULT)

    @property
    def threads(self) -> list[str]:
        return [each.name for each in threading.enumerate() if self.source.name in each.name]

    def told(self) -> list[str]:
        """All it shows of itself."""
        trails = ["".join(traceback.format_exception(each.exception)) for each in self.errors]
        return [repr(self.client), repr(self.source), repr(self.client.snapshot), *map(repr, self.errors), *trails]


def document(value: int) -> dict[str, Any]:
    """
    The document that says `value`, with characters of two, three and four bytes beside it.
    """
    return {"flags": {"a": {"value": value}, "text": {"value": "é 日本 😀"}}}


def source_of(url: str, stream_url: str, shape: str, pace: Pace) -> NetworkSource:
    """
    A source that follows the service in one of the ways there are.
    """
    if shape == "stream":
        # What SoasapSource is, in a format that can be malformed.
        source = NetworkSource(
            poll=None,
            stream=Address.parse(stream_url),
            format="native",
            headers=check_headers({"X-Key": SECRET}),
            poll_seconds=0.0,
            timeout_seconds=pace.timeout_seconds,
            verify=True,
            proxy=None,
        )
    else:
        source = HTTPSource(
            url,
            "native",
            headers={"X-Key": SECRET},
            poll_seconds=pace.poll_seconds,
            stream_url=stream_url if shape == "both" else None,
            timeout_seconds=pace.timeout_seconds,
        )
    source.silence_seconds = pace.silence_seconds
    return source
