"""
One trial: a faulty server, one client that worked before, one that is started into the fault, one that is closed in
the midst of it. Everything is real; what is measured is given back, and judged elsewhere.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise

from flagcore import Status
from flagcore.testing import Fault, FaultyServer
from flagcore.testing.answers import wants_stream
from tests.faults.expectations import AFTER, BEFORE, DEFAULT, DURING, GOES_BACK, LATER, OLD, OLDEST, UNTOLD
from tests.faults.subject import SECRET, Case, Listener, Pace, Subject, document

#: Seconds a client may take to close.
PROMPT = 1.0

#: Seconds that two busy cores may add to what is measured.
SLACK = 1.0

#: Trials whose bodies take a processor a while to look at come by themselves: the others only wait.
_HEAVY = {Fault.DEEP_NESTING, Fault.ENDLESS_LINE, Fault.GZIP_BOMB}
_HEAVY_ABREAST = 3


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
        pause_seconds: the shortest between two requests of one client to one address while the fault was on.
        struck: a connection broke off.
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
    pause_seconds: float = math.inf
    struck: bool = False


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
            self._server.update(document(value))
            self._wait(lambda value=value: self._warm.read() == value)
        self._pause_between_polls()

    def _pause_between_polls(self) -> None:
        # What is cut in the midst of an answer is an outage, if a short one, and not what is looked at here.
        if self._case.shape == "poll" and self._pace.poll_seconds < 1:
            polls = self._server.requests
            self._wait(lambda: self._server.requests > polls)
            time.sleep(self._pace.poll_seconds / 2)

    def _suffer(self) -> None:
        self._began = time.monotonic()
        self._server.fault(self._case.fault)
        self._cold.start()
        self._late.start()
        time.sleep(min(0.1, self._pace.timeout_seconds / 4))  # into its first request
        self.outcome.close_seconds = self._late.close()
        for value in (DURING, LATER):
            self._server.update(document(value))
        self._wait(self._has_settled)
        if not self._expects.reports:
            self._pause_between_polls()
        self.outcome.pause_seconds = self._shortest_pause()
        for subject in self._subjects:
            self.outcome.statuses[subject.name] = subject.client.status
            self.outcome.errors[subject.name] = len(subject.errors)

    def _calls(self) -> dict[str, list[float]]:
        # When each address was asked since the fault began.
        came: dict[str, list[float]] = {}
        for call in self._server.calls:
            if call.at > self._began:
                came.setdefault(call.path, []).append(call.at)
        return came

    def _shortest_pause(self) -> float:
        came = self._calls()
        return min((b - a for times in came.values() for a, b in pairwise(times)), default=math.inf)

    def _has_settled(self) -> bool:
        expects = self._expects
        wanted = [(self._warm, expects.warm, expects.warm_reads), (self._cold, expects.cold, expects.cold_reads)]
        for subject, status, value in wanted:
            subject.note_read(self.outcome.reads[subject.name])
            # Twice, if it is tried again: that is how one sees whether the log says it twice.
            enough = 1 if expects.ends_on_refresh else 2
            if expects.reports and len(subject.errors) < (1 if status is Status.READY else enough):
                return False
            if subject.client.status is not status or subject.read() not in value:
                return False
        self.outcome.threads = max(self.outcome.threads, len(self._warm.threads))
        if expects is UNTOLD:  # where no value tells that it is connected again
            return len([path for path in self._calls() if "late" not in path]) >= 2 * len(self._subjects)
        return True

    def _heal(self) -> None:
        self._server.update(document(AFTER))
        self._server.heal()
        healed = time.monotonic()
        for subject in self._subjects:
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
        for subject in self._subjects:  # now, since healing cut what hung, which is a failure as any other
            self.outcome.allowed_seconds[subject.name] = self._allowed(subject)

    def _allowed(self, subject: Subject) -> float:
        pace, fault, shape = self._pace, self._case.fault, self._case.shape
        # The end of a stream that worked is the first failure, and not reported.
        failures = len(subject.errors) + (subject is self._warm and shape != "poll")
        step = pace.steps_seconds[min(max(failures, 1), len(pace.steps_seconds)) - 1]
        if shape == "poll":
            step = max(pace.poll_seconds, min(step, 1.0))
        elif shape == "both":
            step = min(step, max(pace.poll_seconds, 1.0))
        if fault.value.startswith("429"):
            step = max(step, pace.retry_after_seconds)
        if fault is Fault.ACCEPT_HANGS:
            # The system asks again for an unanswered connection after 1, 3, 7 s.
            step += pace.timeout_seconds
        return step + (pace.silence_seconds if fault is Fault.GOES_SILENT and shape != "poll" else 0.0)

    def _part(self) -> None:
        for subject in self._subjects:
            subject.close()
            self.outcome.struck |= any("connection failed" in str(each.exception) for each in subject.errors)
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


@contextlib.contextmanager
def _serving(pace: Pace) -> Iterator[FaultyServer]:
    with FaultyServer(
        document(OLDEST),
        heartbeat_seconds=pace.heartbeat_seconds,
        retry_after_seconds=pace.retry_after_seconds,
    ) as server:
        yield server


def play_all(cases: Iterable[Case], pace: Pace, abreast: int) -> dict[Case, Future[Outcome]]:
    """
    The outcomes of all, `abreast` at a time.
    """
    played: dict[Case, Future[Outcome]] = {}
    light = [case for case in cases if case.fault not in _HEAVY]
    heavy = [case for case in cases if case.fault in _HEAVY]
    with Listener().listening() as listener:
        for some, width in ((light, abreast), (heavy, _HEAVY_ABREAST)):
            with ThreadPoolExecutor(width) as pool:
                played |= {case: pool.submit(_played, case, pace, listener) for case in some}
    return played


def _played(case: Case, pace: Pace, listener: Listener) -> Outcome:
    # Beginning and healing cut connections. Where that strikes an answer on its way, the client rightly reports an
    # outage, which is not the one that is looked at: such a trial is played again.
    for _ in range(2):
        outcome = Trial(case, pace, listener).play()
        if case.expectation.reports or not outcome.struck:
            return outcome
    return Trial(case, pace, listener).play()


def faults_of(case: Case, pace: Pace, seen: Outcome) -> list[str]:
    """
    What was otherwise than the matrix says; nothing, if all is well.
    """
    expects, found = case.expectation, []

    def check(holds: bool, what: str, came: object) -> None:
        if not holds:
            found.append(f"{what}: {came}")

    check(seen.statuses == {"warm": expects.warm, "cold": expects.cold}, "status", seen.statuses)
    warm, cold = seen.reads["warm"], seen.reads["cold"]
    check(warm[-1] in expects.warm_reads and cold[-1] in expects.cold_reads, "reads", (warm[-1], cold[-1]))
    check(DEFAULT not in warm, "a default, though there was a document", warm)
    check(expects is GOES_BACK or warm == sorted(warm), "back to an older document", warm)
    for name in ("warm", "cold"):
        check(expects.reports in (None, seen.errors[name] > 0), f"{name}: calls of on_error", seen.errors)
        check(seen.recovery_seconds[name] < seen.allowed_seconds[name] + SLACK, f"{name}: recovery", seen)
        check(says_once(seen.lines[name]), f"{name}: log lines", seen.lines)
    check(len(seen.lines["warm"]) == expects.lines, "log lines", seen.lines)
    check(seen.close_seconds < PROMPT, "seconds to close", seen.close_seconds)
    check(seen.threads <= 2, "threads, of one that follows and one that looks up names", seen.threads)
    check(seen.pause_seconds > case.leaves_alone_seconds(pace), "seconds between requests", seen.pause_seconds)
    check(not seen.left, "left behind", seen.left)
    check(not seen.leaks, "the key was shown", seen.leaks)
    check(not seen.strangers, "requests that took the key to another origin", seen.strangers)
    return found


def says_once(lines: list[str]) -> bool:
    """
    Whether there is one line for a fault's beginning and one for its end, at most.
    """
    return len(lines) <= 2 and all(line.endswith(": answers again") for line in lines[1:])
