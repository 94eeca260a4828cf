"""
The driver for where no thread runs by itself: the readers fetch, each time one comes along and it is time.
"""

from __future__ import annotations

import time

from flagcore.errors import SourceError
from flagcore.feed.backoff import STEPS_SECONDS, requested_seconds
from flagcore.feed.plan import Plan
from flagcore.feed.sink import Sink
from flagcore.feed.threads import fetch_once
from flagcore.source import Source

__all__ = ["ReaderFeed"]


class ReaderFeed:
    """
    Keeps one source's document as fresh as its readers come by. For one start and one stop.

    Args:
        source: what to follow. A stream is opened for its first event, and closed.
        sink: whom to tell, in the reader's thread.

    Raises:
        ConfigError: the source's `poll_seconds` is no number of seconds.
    """

    def __init__(self, source: Source, sink: Sink) -> None:
        self._source = source
        self._sink = sink
        self._poll_seconds = Plan.of(source).poll_seconds
        self._due = 0.0
        self._stopped = False

    def start(self) -> None:
        """
        Does nothing: the next visit fetches.
        """

    def visit(self, seconds: float) -> None:
        """
        Fetch if the last one is `poll_seconds` old. I/O: at most `seconds` of network; a source of one's own takes
        what it takes. Never raises for what goes wrong with it: the sink is told.
        """
        now = time.monotonic()
        if self._stopped or now < self._due or seconds <= 0:
            return
        # Beforehand: what listens to changes may read, and so come by again.
        self._due = now + max(self._poll_seconds, STEPS_SECONDS[0])
        error = fetch_once(self._source, self._sink, within_seconds=seconds)
        self._due = time.monotonic() + self._wait_after(error)

    def stop(self) -> None:
        """
        No visit fetches any more. From any thread.
        """
        self._stopped = True

    def join(self, timeout_seconds: float) -> bool:  # noqa: ARG002 - there is nothing to wait for
        """
        Whether it has ended: it is nowhere but in its visits.
        """
        return True

    def _wait_after(self, error: SourceError | None) -> float:
        # As the engine: 0 means once, and a failure is tried again, but no sooner than the service asks for.
        if error is None:
            return self._poll_seconds or float("inf")
        return max(self._poll_seconds or STEPS_SECONDS[-1], requested_seconds(error))
