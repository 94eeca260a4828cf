"""
One trial: a faulty server, one client that worked before, one that is started into the fault, one that is closed in
the midst of it. Everything is real; what is measured is given back, and judged elsewhere.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio.from_thread

from flagcore import ErrorContext, FlagClient, HTTPSource, Status
from flagcore.feed.backoff import STEPS_SECONDS
from flagcore.network.address import Address
from flagcore.network.remote import NetworkSource, check_headers
from flagcore.testing import Fault, FaultyServer
from flagcore.testing.answers import wants_stream
from tests.faults.expectations import AFTER, BEFORE, DEFAULT, DURING, LATER, OLD, OLDEST, Expectation, expected

if TYPE_CHECKING:
    from typing_extensions import Self

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


@dataclass
class Outcome:
    """
    What was seen.

    Attributes:
        reads: all the values the two clients read, by name, while the fault was on.
        statuses: theirs at the fault's end.
        lines: theirs in the log, from beginning to end.
        errors: what `on_error` heard while the fault was on.
        recovery_seconds: from the heal to the first read of the newest document.
        allowed_seconds: what it may take: the back-off step the client was in, and what the service asked for.
        close_seconds: of a client in the midst of its first request.
        leaks: where the key was found.
        threads: the most there were at a time of the client that worked before.
        left: connections and threads that outlived the clients.
        strangers: headers with the key that reached another origin.
    """

    reads: dict[str, list[int]] = field(default_factory=lambda: {"warm": [], "cold": []})
    statuses: dict[str, Status] = field(default_factory=dict)
    lines: dict[str, list[str]] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    recovery_seconds: dict[str, float] = field(default_factory=dict)
    allowed_seconds: dict[str, float] = field(default_factory=dict)
    close_seconds: float = 0.0
    leaks: list[str] = field(default_factory=list)
    threads: int = 0
    left: list[str] = field(default_factory=list)
    strangers: int = 0


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
        self.source = _source(f"{server.url}/{name}", f"{server.stream_url}/{name}", case.shape, pace)
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

    def read(self) -> int:
        return self.client.get_int("a", DEFAULT)

    @property
    def threads(self) -> list[str]:
        return [each.name for each in threading.enumerate() if self.source.name in each.name]

    def told(self) -> list[str]:
        """All it shows of itself."""
        trails = ["".join(traceback.format_exception(each.exception)) for each in self.errors]
        return [repr(self.client), repr(self.source), repr(self.client.snapshot), *map(repr, self.errors), *trails]


class Trial:
    """
    Plays one case from beginning to end.
    """

    def __init__(self, case: Case, pace: Pace, listener: Listener) -> None:
        self._case = case
        self._expects = case.expectation
        self._pace = pace
        self._listener = listener
        self.outcome = Outcome()

    def play(self) -> Outcome:
        with contextlib.ExitStack() as stack:
            self._server = stack.enter_context(_serving(self._pace))
            self._warm, self._cold, self._late = (
                Subject(name, self._case, self._server, self._pace) for name in ("warm", "cold", "late")
            )
            for subject in self._subjects:
                stack.callback(subject.close)
            self._begin()
            self._suffer()
            self._heal()
            self._part()
        return self.outcome

    @property
    def _subjects(self) -> tuple[Subject, Subject]:
        return self._warm, self._cold

    def _begin(self) -> None:
        self._warm.start()
        self._wait(lambda: self._warm.read() == OLDEST and self._warm.client.status is Status.READY)
        if self._case.shape != "poll":
            # What the stream itself brings shows that it is up, and that nothing else is on its way.
            self._wait(lambda: any(wants_stream(call) for call in self._server.calls))
        for value in (OLD, BEFORE):
            self._server.update(_document(value))
            self._wait(lambda value=value: self._warm.read() == value)
        self._pause_between_polls()

    def _pause_between_polls(self) -> None:
        # What is cut in the midst of an answer is an outage, if a short one, and not what is looked at here.
        if self._case.shape == "poll" and self._pace.poll_seconds < 1:
            polls = self._server.requests
            self._wait(lambda: self._server.requests > polls)
            time.sleep(self._pace.poll_seconds / 2)

    def _suffer(self) -> None:
        self._server.fault(self._case.fault)
        self._cold.start()
        self._late.start()
        time.sleep(min(0.1, self._pace.timeout_seconds / 4))  # into its first request
        self.outcome.close_seconds = self._late.close()
        for value in (DURING, LATER):
            self._server.update(_document(value))
        self._wait(self._has_settled)
        if not self._expects.reports:
            self._pause_between_polls()
        for subject in self._subjects:
            self.outcome.statuses[subject.name] = subject.client.status
            self.outcome.errors[subject.name] = len(subject.errors)

    def _has_settled(self) -> bool:
        expects = self._expects
        wanted = [(self._warm, expects.warm, expects.warm_reads), (self._cold, expects.cold, expects.cold_reads)]
        for subject, status, value in wanted:
            self.outcome.reads[subject.name].append(subject.read())
            # Twice, if it is tried again: that is how one sees whether the log says it twice.
            enough = 1 if expects.ends_on_refresh else 2
            if expects.reports and len(subject.errors) < (1 if status is Status.READY else enough):
                return False
            if subject.client.status is not status or subject.read() not in value:
                return False
        self.outcome.threads = max(self.outcome.threads, len(self._warm.threads))
        return True

    def _heal(self) -> None:
        self._server.update(_document(AFTER))
        self._server.heal()
        healed = time.monotonic()
        for subject in self._subjects:
            self.outcome.allowed_seconds[subject.name] = self._allowed(len(subject.errors))
            if self._expects.ends_on_refresh:
                subject.refresh()
        left = {subject.name: subject for subject in self._subjects}

        def have_recovered() -> bool:
            for name, subject in list(left.items()):
                if subject.read() == AFTER and subject.client.status is Status.READY:
                    self.outcome.recovery_seconds[name] = time.monotonic() - healed
                    del left[name]
            return not left

        self._wait(have_recovered)

    def _allowed(self, failures: int) -> float:
        pace, fault = self._pace, self._case.fault
        step = pace.steps_seconds[min(max(failures, 1), len(pace.steps_seconds)) - 1]
        if self._case.shape == "poll":
            step = max(pace.poll_seconds, min(step, 1.0))
        if fault.value.startswith("429"):
            step = max(step, pace.retry_after_seconds)
        if fault is Fault.ACCEPT_HANGS:
            # The system asks again for an unanswered connection after 1, 3, 7 s.
            step += pace.timeout_seconds
        return step + (pace.silence_seconds if fault is Fault.GOES_SILENT else 0.0)

    def _part(self) -> None:
        for subject in self._subjects:
            subject.close()
            heard = self._listener.of(subject.source.name)
            self.outcome.lines[subject.name] = [message for message, _ in heard]
            for told in (*subject.told(), *(whole for _, whole in heard)):
                if SECRET in told:
                    self.outcome.leaks.append(told)
        self.outcome.strangers = sum(SECRET in str(call.headers) for call in self._server.calls_elsewhere)
        with contextlib.suppress(TimeoutError):
            self._wait(lambda: not self._remains(), 2.0)
        self.outcome.left = self._remains()

    def _remains(self) -> list[str]:
        threads = [name for subject in (*self._subjects, self._late) for name in subject.threads]
        return [*threads, *(["connection"] * self._server.open_connections)]

    def _wait(self, condition: Callable[[], bool], seconds: float | None = None) -> None:
        pace = self._pace
        if seconds is None:
            # Two attempts with all their deadlines, and the waits between them.
            waits = 2 * (pace.poll_seconds + pace.timeout_seconds + pace.silence_seconds + pace.retry_after_seconds)
            seconds = 10 + waits + sum(pace.steps_seconds[:3])
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"{self._case}: waited {seconds:.0f} s in vain: {self._state()}")
            time.sleep(0.01)

    def _state(self) -> str:
        seen = [
            f"{each.name}: {each.client.status}, reads {each.read()}, {len(each.errors)} errors "
            f"({each.errors[-1].exception if each.errors else ''})"
            for each in self._subjects
        ]
        return "; ".join(seen)


def _document(value: int) -> dict[str, Any]:
    return {"flags": {"a": {"value": value}, "text": {"value": "é 日本 😀"}}}


@contextlib.contextmanager
def _serving(pace: Pace) -> Iterator[FaultyServer]:
    with FaultyServer(
        _document(OLDEST),
        heartbeat_seconds=pace.heartbeat_seconds,
        retry_after_seconds=pace.retry_after_seconds,
    ) as server:
        yield server


def _source(url: str, stream_url: str, shape: str, pace: Pace) -> NetworkSource:
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
