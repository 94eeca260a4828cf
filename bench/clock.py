"""
Time, measured: medians of several rounds, in each of which everything is measured once.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from timeit import Timer
from typing import Any

from bench.peer import Reading

__all__ = ["YARDSTICKS", "Effort", "Yardstick", "nanoseconds", "seconds"]


@dataclass(frozen=True)
class Effort:
    """
    How much time goes into a figure.

    Attributes:
        repeats: rounds, at least 7, of which the median counts.
        batch_seconds: how long one measurement takes, so that the clock's own grain is lost in it.
        bulk: flags in a large document.
    """

    repeats: int = 9
    batch_seconds: float = 0.02
    bulk: int = 10_000


class Yardstick:
    """
    The least that a library with one method can cost: y is the time of `get`.
    """

    def __init__(self, values: dict[str, Any]) -> None:
        self._d = values

    def get(self, key: str, default: Any = None) -> Any:
        """
        What is there, else `default`.
        """
        return self._d.get(key, default)


_VALUES = {f"plain-{number:02}": number % 2 == 0 for number in range(100)}
#: A bare look-up, and y.
YARDSTICKS = {
    "dict": Reading("d.get('plain-42', False)", {"d": _VALUES}),
    "y": Reading("o.get('plain-42', False)", {"o": Yardstick(_VALUES)}),
}


def nanoseconds(readings: Mapping[str, Reading], effort: Effort) -> dict[str, float]:
    """
    {name: median nanoseconds of one evaluation}, the loop's own 5 to 10 ns included, for the yardsticks too.
    """
    timers = {name: _timer(reading) for name, reading in readings.items()}
    counts = {name: _count(timer, effort.batch_seconds) for name, timer in timers.items()}
    taken: dict[str, list[float]] = {name: [] for name in timers}
    for _ in range(effort.repeats):
        for name, timer in timers.items():
            taken[name].append(timer.timeit(counts[name]) / counts[name])
    return {name: median(each) * 1e9 for name, each in taken.items()}


def _timer(reading: Reading) -> Timer:
    # Through the setup, so that names are locals of the loop: a global's look-up is no part of a read.
    setup = "; ".join(f"{name} = __{name}" for name in reading.names) or "pass"
    return Timer(reading.statement, setup, globals={f"__{name}": each for name, each in reading.names.items()})


def _count(timer: Timer, batch_seconds: float) -> int:
    count = 1
    while (taken := timer.timeit(count)) < batch_seconds / 4:
        count *= 4
    return max(1, int(count * batch_seconds / taken))


def seconds(call: Callable[[], object], repeats: int) -> float:
    """
    Median seconds of one call, with nothing left over from the call before.
    """
    taken = []
    for _ in range(repeats):
        gc.collect()
        begun = perf_counter()
        result = call()
        taken.append(perf_counter() - begun)
        del result
    return median(taken)
