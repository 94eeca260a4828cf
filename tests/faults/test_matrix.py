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
from tests.faults.expectations import SHAPES
from tests.faults.growth import grown_mib
from tests.faults.subject import Case, Pace
from tests.faults.trial import Outcome, faults_of, play_all

QUICK = Pace(
    poll_seconds=0.4,
    timeout_seconds=1.0,
    silence_seconds=0.5,
    heartbeat_seconds=0.1,
    retry_after_seconds=2.0,
    steps_seconds=tuple(step / 5 for step in backoff.STEPS_SECONDS),
)

#: What differs most between the drivers. `nox -s faults` has all.
IN_TRIO = (Fault.NEVER_ANSWERS, Fault.SLOW_DRIP, Fault.GOES_SILENT, Fault.KEEP_ALIVE_DROPPED, Fault.FORBIDDEN)

CASES = [
    *(Case(fault, shape, world) for fault in Fault for shape in SHAPES for world in ("thread", "asyncio")),
    *(Case(fault, shape, "trio") for fault in IN_TRIO for shape in SHAPES),
]


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest) -> Iterator[dict[Case, Future[Outcome]]]:
    """The trials of those tests that were asked for."""
    tests = [item for item in request.session.items if item.fspath == request.node.fspath]
    params = [getattr(getattr(item, "callspec", None), "params", {}) for item in tests]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backoff, "STEPS_SECONDS", QUICK.steps_seconds)
        yield play_all([each["case"] for each in params if "case" in each], QUICK, abreast=20)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_fault_is_survived(case: Case, outcomes: dict[Case, Future[Outcome]]) -> None:
    """
    Readers get the last good document or their default; the status is true; the log says it once, and once that
    it is over; it recovers within a step, closes within a second, and shows no key.
    """
    assert faults_of(case, QUICK, outcomes[case].result()) == []


#: MiB that a process may grow by.
MOST_MIB = {
    # The cap of a document, 64 MiB, and what the allocator needs beside it.
    (Fault.GZIP_BOMB, "poll"): 80,
    # The line itself, and its copy that is decoded.
    (Fault.ENDLESS_LINE, "poll"): 64,
    # The cap of an event, 5 MiB.
    (Fault.ENDLESS_LINE, "stream"): 24,
    (Fault.DEEP_NESTING, "poll"): 24,
}


def test_memory_is_bounded() -> None:
    """A process grows by no more than one document may have, however often it is tried again."""
    with ThreadPoolExecutor() as pool:
        grown = dict(zip(MOST_MIB, pool.map(lambda each: grown_mib(*each), MOST_MIB), strict=True))
    assert {each: mib for each, mib in grown.items() if mib >= MOST_MIB[each]} == {}
