"""
What each fault does to a client, whichever way it follows the service: the rows of the matrix.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from flagcore import Status
from flagcore.testing import Fault

#: The ways to follow a service: by polling; by a stream alone, as SOASAP; by a stream with polls behind it.
SHAPES = ("poll", "stream", "both")

#: What the document says: at first; then; up to the fault; during it; a moment later; from the heal on.
OLDEST, OLD, BEFORE, DURING, LATER, AFTER = 1, 2, 3, 4, 5, 6

#: The default that readers ask with.
DEFAULT = 0


@dataclass(frozen=True)
class Expectation:
    """
    What a fault looks like from inside of the application.

    Attributes:
        warm: the status of a client that worked before.
        cold: the status of one that is started while the fault is on.
        warm_reads: what the former may read at last, the document having changed twice meanwhile.
        cold_reads: what the latter may read at last.
        reports: `on_error` is called; None where that is a matter of which answer comes first.
        lines: log lines from the fault's beginning to its end, for the former.
        ends_on_refresh: nothing is tried again before `refresh()`.
    """

    warm: Status
    cold: Status
    warm_reads: frozenset[int]
    cold_reads: frozenset[int]
    reports: bool | None
    lines: int
    ends_on_refresh: bool = False


_GOOD, _DEFAULTS, _NEWEST = frozenset({BEFORE}), frozenset({DEFAULT}), frozenset({LATER})

OUTAGE = Expectation(Status.STALE, Status.ERROR, _GOOD, _DEFAULTS, reports=True, lines=2)
DENIED = Expectation(Status.FATAL, Status.FATAL, _GOOD, _DEFAULTS, reports=True, lines=2, ends_on_refresh=True)
HARMLESS = Expectation(Status.READY, Status.READY, _NEWEST, _NEWEST, reports=False, lines=0)
#: What came last is the newest: a service that goes back is followed back.
GOES_BACK = replace(HARMLESS, warm_reads=frozenset({DURING}), cold_reads=frozenset({DURING}))
#: The stream is up and says nothing of the change; nothing tells it from one that has nothing to say.
UNTOLD = replace(HARMLESS, warm_reads=frozenset({BEFORE, DURING, LATER}), cold_reads=frozenset({BEFORE, DURING, LATER}))
#: A bad document once; then the service says of the good one that it is current, and is believed.
POISONED = Expectation(Status.READY, Status.ERROR, _GOOD, _DEFAULTS, reports=True, lines=2)

_HARMLESS = {
    Fault.REDIRECT_ELSEWHERE,
    Fault.SPLIT_CHARACTERS,
    Fault.CR_LINES,
    Fault.UNCHUNKED,
    Fault.GOES_SILENT,
    Fault.ENDS_EVERY_SECOND,
    Fault.VERSIONS_BEGIN_AGAIN,
    Fault.KEEP_ALIVE_DROPPED,
}

_SPECIAL = {
    (Fault.HEARTBEATS_ONLY, "poll"): HARMLESS,
    (Fault.HEARTBEATS_ONLY, "both"): UNTOLD,
    (Fault.POISONED_ETAG, "poll"): POISONED,
    (Fault.POISONED_ETAG, "stream"): HARMLESS,
    (Fault.POISONED_ETAG, "both"): replace(HARMLESS, reports=None),
    (Fault.WRONG_ORDER, "poll"): HARMLESS,
    (Fault.WRONG_ORDER, "stream"): GOES_BACK,
    (Fault.WRONG_ORDER, "both"): GOES_BACK,
}


def expected(fault: Fault, shape: str) -> Expectation:
    """
    The row of the matrix.
    """
    if (fault, shape) in _SPECIAL:
        return _SPECIAL[fault, shape]
    if fault in (Fault.UNAUTHORIZED, Fault.FORBIDDEN):
        return DENIED
    if fault is Fault.OLDER_DOCUMENT:
        return GOES_BACK
    return HARMLESS if fault in _HARMLESS else OUTAGE
