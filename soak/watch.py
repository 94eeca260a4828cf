"""
What the processes hold, over time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from statistics import fmean, median

from soak.census import Holding, holding

__all__ = ["Series", "Watch", "slope"]

#: Seconds between two looks.
_LOOK_SECONDS = 2.0

#: The share of a run after which a process counts as warm: its flags compiled, its arenas and caches filled.
_WARM = 0.3

#: Parts of the warm time whose least memory makes the slope.
_TENTHS = 10


class Series:
    """
    One process's holdings, in order.
    """

    def __init__(self) -> None:
        self.times: list[float] = []
        self.holdings: list[Holding] = []

    def add(self, at: float, holds: Holding) -> None:
        """
        One more look, at so many seconds of a clock.
        """
        self.times.append(at)
        self.holdings.append(holds)

    @property
    def resident_mib(self) -> float:
        """
        The median of its memory when it is warm.
        """
        return median(each.resident_mib for each in self._warm)

    @property
    def peak_mib(self) -> float:
        """
        The most that it was seen to have.
        """
        return max(each.resident_mib for each in self.holdings)

    @property
    def slope_mib(self) -> float:
        """
        MiB of resident memory a minute, when it is warm: of the line that fits best to the least memory of each tenth
        of the time. What grows without end raises the least; what a large answer takes for a moment does not.
        """
        floors = _floors([each.resident_mib for each in self._warm], _TENTHS)
        minutes = (self.times[-1] - self.times[-len(self._warm)]) / 60
        return slope(floors) * len(floors) / minutes if minutes else 0.0

    @property
    def growth(self) -> Holding:
        """
        What it holds at least in the last third of its warm time, less what it holds at least in the first.
        """
        floors = [_floors(list(column), 3) for column in zip(*self._warm, strict=True)]
        memory, threads, descriptors = (floor[-1] - floor[0] for floor in floors)
        return Holding(memory, int(threads), int(descriptors))

    @property
    def _warm(self) -> list[Holding]:
        return self.holdings[min(int(len(self.times) * _WARM), len(self.times) - 1) :]


def _floors(values: list[float], parts: int) -> list[float]:
    """
    The least of each of so many equal parts.
    """
    length = max(1, len(values) // parts)
    return [min(values[start : start + length]) for start in range(0, length * min(parts, len(values)), length)]


def slope(values: list[float]) -> float:
    """
    How much the values rise from each to the next, by the line that fits best by least squares; 0 for fewer than two.
    """
    middle, mean = (len(values) - 1) / 2, fmean(values)
    spread = sum((at - middle) ** 2 for at in range(len(values)))
    return sum((at - middle) * (value - mean) for at, value in enumerate(values)) / spread if spread else 0.0


class Watch:
    """
    Looks at processes every two seconds, in a thread, until `stop`.

    Args:
        pids: {a name: the processes that go by it at this moment}.

    Attributes:
        series: by name and process.
    """

    def __init__(self, pids: Callable[[], dict[str, list[int]]]) -> None:
        self.series: dict[tuple[str, int], Series] = {}
        self._pids = pids
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_on, name="watch")
        self._thread.start()

    def stop(self) -> None:
        """
        End.
        """
        self._over.set()
        self._thread.join()

    def _look_on(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            for name, pids in self._pids().items():
                for pid in pids:
                    try:
                        holds = holding(pid)
                    except (OSError, KeyError):  # it is ending
                        continue
                    self.series.setdefault((name, pid), Series()).add(time.monotonic(), holds)
