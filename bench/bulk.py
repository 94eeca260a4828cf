"""
A large document: loading it, swapping it for another, and how long readers stand still meanwhile.
"""

from __future__ import annotations

import gc
import json
import threading
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

from bench import specimen
from bench.clock import Effort, seconds
from bench.peer import Bulk, Peer
from bench.report import Report

__all__ = ["measure"]

#: 10,000 of these and their keys are 4 MB.
_FLAG_BYTES = 400
#: How long a reader spins before and after, so that the change falls within.
_MARGIN_SECONDS = 0.02
_KEY = "flag-00000"


def measure(peer: Peer, report: Report, effort: Effort) -> None:
    """
    Add what a large document costs to `report`.
    """
    if peer.bulk is None:
        return
    _plain(peer.bulk, report, effort)
    _large(peer.bulk, report, effort)


def _plain(bulk: Bulk, report: Report, effort: Effort) -> None:
    documents = [bulk.document(specimen.large(effort.bulk, revision)) for revision in (0, 1)]

    def loaded() -> Any:
        reader = bulk.load(documents[0])
        assert bulk.read(reader, _KEY) is True
        return reader

    report.figures["load"] = seconds(loaded, effort.repeats) * 1e3
    reader = loaded()
    turn = iter(range(1, 1 + effort.repeats))
    report.figures["swap"] = seconds(lambda: bulk.swap(reader, documents[next(turn) % 2]), effort.repeats) * 1e3
    assert bulk.read(reader, _KEY) is (effort.repeats % 2 == 0)
    report.checked["swap"] = 2


def _large(bulk: Bulk, report: Report, effort: Effort) -> None:
    values = [specimen.large(effort.bulk, revision, flag_bytes=_FLAG_BYTES) for revision in (0, 1)]
    documents = [bulk.document(each) for each in values]
    reader = bulk.load(documents[0])
    taken, gaps, beside, idle = [], [], [], []
    text = json.dumps(values[0])
    for number in range(1, 1 + effort.repeats):
        gc.collect()

        def swap(document: bytes = documents[number % 2]) -> None:
            bulk.swap(reader, document)

        gap, seconds_taken = _longest_gap(lambda: bulk.read(reader, _KEY), swap)
        gaps.append(gap)
        taken.append(seconds_taken)
        assert bulk.read(reader, _KEY)["revision"] == number % 2
        beside.append(_longest_gap(lambda: None, lambda: json.loads(text))[0])
        idle.append(_longest_gap(lambda: None, lambda: None)[0])
    report.checked["swap_large"] = effort.repeats
    report.figures["loads"] = seconds(lambda: json.loads(text), effort.repeats) * 1e3
    report.figures["swap_large"] = median(taken) * 1e3
    report.figures["pause"] = median(gaps) * 1e3
    report.figures["pause_loads"] = median(beside) * 1e3
    report.figures["pause_idle"] = median(idle) * 1e3


def _longest_gap(read: Callable[[], object], change: Callable[[], object]) -> tuple[float, float]:
    """
    The longest time between two reads of a thread that does nothing else, while another makes `change`; and how long
    that took. Seconds.
    """
    over = threading.Event()
    taken: list[float] = []

    def run() -> None:
        over.wait(_MARGIN_SECONDS)
        begun = perf_counter()
        change()
        taken.append(perf_counter() - begun)
        over.wait(_MARGIN_SECONDS)
        over.set()

    thread = threading.Thread(target=run)
    longest = 0.0
    is_over = over.is_set
    thread.start()
    last = perf_counter()
    while not is_over():
        read()
        now = perf_counter()
        if now - last > longest:
            longest = now - last
        last = now
    thread.join()
    return longest, taken[0]
