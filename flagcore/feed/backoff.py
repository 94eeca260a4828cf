"""
How long to wait after a failure. Pure; chance comes in as a `random.Random`.
"""

from __future__ import annotations

from random import Random

from flagcore.errors import SourceError, SourceUnavailable

__all__ = ["STEPS_SECONDS", "Backoff", "requested_seconds"]

#: Seconds between two attempts, one step up for each failure. SOASAP's clients use the same steps: a restart is over
#: in the first two, and an outage costs a service two requests a minute from each client.
STEPS_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0)

#: Seconds of `Retry-After` that are obeyed at most. A service may close for maintenance; a mistyped date must not
#: silence a client for a year.
_MAX_RETRY_AFTER_SECONDS = 3600.0


class Backoff:
    """
    The steps, and which one is next. Each wait is uniform between half the step and the step, so that clients that
    failed together do not come back together.
    """

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._failures = 0

    def next(self, *, at_most: float = STEPS_SECONDS[-1]) -> float:
        """
        Seconds to wait now; the following call is one step up.

        Args:
            at_most: seconds no step exceeds.
        """
        step = min(STEPS_SECONDS[min(self._failures, len(STEPS_SECONDS) - 1)], at_most)
        self._failures += 1
        return self._rng.uniform(step / 2, step)

    def reset(self) -> None:
        """
        Begin at the first step again: it works.
        """
        self._failures = 0


def requested_seconds(error: SourceError | None) -> float:
    """
    Seconds the service asked to be left alone, within reason; 0 when it did not.

    Source: RFC 9110 §10.2.3 (Retry-After).
    """
    if isinstance(error, SourceUnavailable) and error.retry_after is not None:
        return min(error.retry_after, _MAX_RETRY_AFTER_SECONDS)
    return 0.0
