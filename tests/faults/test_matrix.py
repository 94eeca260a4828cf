"""
Every fault, however the service is followed, in a thread and in a task: what the application sees of it.

The trials take their time waiting, so that they run side by side, before the first of their tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from flagcore.feed import backoff
from flagcore.testing import Fault
from tests.faults.expectations import DEFAULT, GOES_BACK, SHAPES
from tests.faults.trial import Case, Listener, Outcome, Pace, Trial

#: Seconds a client may take to close.
PROMPT = 1.0

#: Seconds that two busy cores may add to what is measured.
SLACK = 1.0

#: Trials side by side: waiting costs nothing, but what they do between waits must not keep the others waiting. Those
#: whose bodies take a processor a while to look at come by themselves.
ABREAST, HEAVY_ABREAST = 20, 3

QUICK = Pace(
    poll_seconds=0.2,
    timeout_seconds=1.0,
    silence_seconds=0.5,
    heartbeat_seconds=0.1,
    retry_after_seconds=1.0,
    steps_seconds=tuple(step / 5 for step in backoff.STEPS_SECONDS),
)

CASES = [
    *(Case(fault, shape, world) for fault in Fault for shape in SHAPES for world in ("thread", "asyncio")),
    *(
        Case(fault, shape, "trio")
        for fault in (
            Fault.NEVER_ANSWERS,
            Fault.SLOW_DRIP,
            Fault.GOES_SILENT,
            Fault.KEEP_ALIVE_DROPPED,
            Fault.FORBIDDEN,
        )
        for shape in SHAPES
    ),
]

HEAVY = {case for case in CASES if case.fault in (Fault.DEEP_NESTING, Fault.ENDLESS_LINE, Fault.GZIP_BOMB)}


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest) -> Iterator[dict[Case, Future[Outcome]]]:
    """The trials of those tests that were asked for."""
    wanted = {
        item.callspec.params["case"]
        for item in request.session.items
        if item.fspath == request.node.fspath and "case" in getattr(getattr(item, "callspec", None), "params", {})
    }
    with pytest.MonkeyPatch.context() as patch, Listener().listening() as listener:
        patch.setattr(backoff, "STEPS_SECONDS", QUICK.steps_seconds)
        trials: dict[Case, Future[Outcome]] = {}
        for abreast, cases in ((ABREAST, wanted - HEAVY), (HEAVY_ABREAST, wanted & HEAVY)):
            with ThreadPoolExecutor(abreast) as pool:
                trials |= {case: pool.submit(Trial(case, QUICK, listener).play) for case in cases}
        yield trials


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_fault_is_survived(case: Case, outcomes: dict[Case, Future[Outcome]]) -> None:
    """
    Readers get the last good document or their default; the status is true; the log says it once, and once that
    it is over; it recovers within a step, closes within a second, and shows no key.
    """
    expects, seen = case.expectation, outcomes[case].result()
    assert seen.statuses == {"warm": expects.warm, "cold": expects.cold}
    assert seen.reads["warm"][-1] in expects.warm_reads
    assert seen.reads["cold"][-1] in expects.cold_reads
    assert DEFAULT not in seen.reads["warm"], "never a default, once there was a document"
    assert expects is GOES_BACK or seen.reads["warm"] == sorted(seen.reads["warm"]), "never back to an older document"
    for name in ("warm", "cold"):
        assert expects.reports in (None, seen.errors[name] > 0), seen.lines
        assert seen.recovery_seconds[name] < seen.allowed_seconds[name] + SLACK
        assert_said_once(seen.lines[name])
    assert len(seen.lines["warm"]) == expects.lines, seen.lines
    assert seen.close_seconds < PROMPT
    assert seen.threads <= 2, "one that follows, and one that looks up names"
    assert seen.left == []
    assert seen.leaks == []
    assert seen.strangers == 0


def assert_said_once(lines: list[str]) -> None:
    """One line when it starts, one when it ends."""
    assert len(lines) <= 2, lines
    for line in lines[1:]:
        assert line.endswith(": answers again"), lines
