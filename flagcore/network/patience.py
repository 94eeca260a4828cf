"""
How long a stream may take to bring what is waited for. No thread, no socket; the clock only.
"""

from __future__ import annotations

import time

__all__ = ["Patience"]


class Patience:
    """
    The deadline of one connection's reads. Each byte begins it anew, unless something in particular is waited for,
    such as the end of an event that has begun: then it counts from when that was first waited for. A service that
    drips is never silent, and never done.

    Args:
        seconds: how long to wait, where nothing else is said.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._awaited: tuple[int | None, float | None] = (None, None)
        self._since = 0.0

    def left(self, awaited: int | None, within_seconds: float | None = None) -> float:
        """
        Seconds the next read may take; 0 when none are left.

        Args:
            awaited: the number of what is waited for; None for whatever comes.
            within_seconds: how long to wait for that; None for what holds for all.
        """
        now = time.monotonic()
        if awaited is None or (awaited, within_seconds) != self._awaited:
            self._awaited, self._since = (awaited, within_seconds), now
        return max(0.0, self._since + (self._seconds if within_seconds is None else within_seconds) - now)
