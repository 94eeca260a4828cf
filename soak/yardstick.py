"""
How long a thread is kept from running, while it reads flags and while it does as much work that nobody can hold up.
"""

from __future__ import annotations

import time
from collections import Counter
from math import log2
from typing import NamedTuple

__all__ = ["STALL_MS", "Clock", "Elapsed", "Waits", "Yardstick"]

#: Milliseconds that a block did not run from which on it counts as kept waiting: four turns of the thread switching.
STALL_MS = 20


class Elapsed(NamedTuple):
    """
    Seconds in which a thread worked, and in which it was kept from it.
    """

    worked: float
    waited: float


class Clock:
    """
    From its making on: by the wall, and by this thread's own processor time.
    """

    def __init__(self) -> None:
        self._wall, self._own = time.perf_counter(), time.thread_time()

    def elapsed(self) -> Elapsed:
        """
        What has passed.
        """
        worked = time.thread_time() - self._own
        return Elapsed(worked, max(0.0, time.perf_counter() - self._wall - worked))


class Yardstick:
    """
    As much as a read can be spared: a method that looks a key up in a dictionary. For one thread.
    """

    def __init__(self, keys: list[str]) -> None:
        self._values = dict.fromkeys(keys, True)
        #: Seconds of work that one look-up takes, as of late: a guess to begin with.
        self._unit = 60e-9

    def get(self, key: str, default: object = None) -> object:
        """
        The key's value.
        """
        return self._values.get(key, default)

    def measure(self, keys: list[str], seconds: float) -> Elapsed:
        """
        Look `keys` up again and again, for so many seconds of work.
        """
        get = self.get
        rounds = max(1, round(seconds / self._unit / len(keys)))
        begun = Clock()
        for _ in range(rounds):
            for key in keys:
                get(key)
        took = begun.elapsed()
        self._unit += (took.worked / rounds / len(keys) - self._unit) / 10
        return took


class Waits:
    """
    How long blocks were kept waiting.

    Attributes:
        stalls: how many for `STALL_MS` or longer.
        longest_ms: the longest, in milliseconds.
    """

    def __init__(self) -> None:
        self.stalls = 0
        self.longest_ms = 0.0
        #: By eighths of an octave of a microsecond: exact to 9 %.
        self._counts: Counter[int] = Counter()

    def add(self, seconds: float) -> None:
        """
        One more.
        """
        self.stalls += seconds * 1000 >= STALL_MS
        self.longest_ms = max(self.longest_ms, seconds * 1000)
        self._counts[round(8 * log2(max(seconds, 1e-6) * 1e6))] += 1

    def update(self, others: Waits) -> None:
        """
        All of another thread's.
        """
        self.stalls += others.stalls
        self.longest_ms = max(self.longest_ms, others.longest_ms)
        self._counts += others._counts

    def within_ms(self, share: float) -> float:
        """
        The milliseconds that such a share of them stays within.
        """
        left_over = sum(self._counts.values()) * share
        for bucket, count in sorted(self._counts.items()):
            left_over -= count
            if left_over <= 0:
                return float(2 ** (bucket / 8)) / 1000
        return 0.0
