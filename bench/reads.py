"""
The rows of single reads: first every answer is compared, then all are timed together with the yardsticks.
"""

from __future__ import annotations

import threading
from statistics import median
from time import perf_counter
from typing import Any

from bench import specimen
from bench.clock import YARDSTICKS, Effort, nanoseconds
from bench.peer import Peer, Reading
from bench.report import Report

__all__ = ["measure"]

#: A 50 % rollout over this many keys; 5 standard deviations about the half, so that it fails once in 2 million.
_KEYS = 2_000
_SPREAD = 5 * (_KEYS / 4) ** 0.5
_THREADS = 8


def measure(peer: Peer, report: Report, effort: Effort) -> None:
    """
    Add what reads cost to `report`. A row in which the peer answers otherwise than the specimen says gets no figure.
    """
    ready: dict[str, Reading] = dict(YARDSTICKS)
    for row, reading in peer.readings().items():
        if isinstance(reading, str):
            report.absent[row] = reading
            continue
        try:
            report.checked[row] = _check(peer, row, reading)
        except AssertionError as error:
            report.absent[row] = f"answers otherwise: {error}"
            continue
        first = specimen.ANSWERS[row][0][0] if row in specimen.ANSWERS else "hit"
        ready[row] = _bound(peer, reading, specimen.WHO[first])
    report.figures.update(nanoseconds(ready, effort))
    if "all" in report.figures:
        report.figures["all"] /= 1e3
    if "boolean" in ready:
        report.figures["threads"] = _threads(ready["boolean"], effort)


def _bound(peer: Peer, reading: Reading, who: dict[str, Any]) -> Reading:
    return Reading(reading.statement, {**peer.asking(who), **reading.names})


def _asked(peer: Peer, reading: Reading, who: dict[str, Any]) -> Any:
    return eval(reading.statement, dict(_bound(peer, reading, who).names))  # a peer's own statement


def _check(peer: Peer, row: str, reading: Reading) -> int:
    if row == "rollout":
        return _check_share(peer, reading)
    if row == "all":
        found = _asked(peer, reading, specimen.WHO["hit"])
        others = [key for key, value in specimen.BOOLEANS.items() if found.get(key) is not value]
        assert not others, f"{row}: expected the specimen's values, not of {others[:3]}"
        return len(found)
    for name, expected in specimen.ANSWERS[row]:
        came = _asked(peer, reading, specimen.WHO[name])
        assert came == expected, f"{row}: expected {expected!r} for {name}, got {came!r}"
        assert type(came) is type(expected), f"{row}: expected {type(expected)}, got {type(came)}"
    return len(specimen.ANSWERS[row])


def _check_share(peer: Peer, reading: Reading) -> int:
    on = 0
    for number in range(_KEYS):
        who = {**specimen.WHO["hit"], "targeting_key": f"key-{number}"}
        answers = [_asked(peer, reading, who) for _ in range(2)]
        assert answers in ([True, True], [False, False]), f"rollout: expected the same answer twice, got {answers}"
        on += answers[0]
    assert abs(on - _KEYS / 2) < _SPREAD, f"rollout: expected about half of {_KEYS}, got {on}"
    return _KEYS


def _threads(reading: Reading, effort: Effort) -> float:
    """
    Reads a second of 8 threads together, against those of one thread.
    """
    scope: dict[str, Any] = {}
    source = f"def spin({', '.join(reading.names)}):\n for _ in range(COUNT):\n  {reading.statement}"
    one = nanoseconds({"one": reading}, Effort(3, effort.batch_seconds / 4))["one"]
    scope["COUNT"] = max(1000, int(effort.batch_seconds * 1e9 / one))
    exec(source, scope)  # the same statement, as the body of a thread's loop

    def taken(count: int) -> float:
        gate = threading.Barrier(count + 1)

        def run() -> None:
            gate.wait()
            scope["spin"](**reading.names)

        threads = [threading.Thread(target=run) for _ in range(count)]
        for thread in threads:
            thread.start()
        gate.wait()
        begun = perf_counter()
        for thread in threads:
            thread.join()
        return perf_counter() - begun

    return median(_THREADS * taken(1) / taken(_THREADS) for _ in range(effort.repeats))
