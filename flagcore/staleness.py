"""
When a document is too old to answer, and the waiting for that moment.

Nothing here runs while all is well: the moment is waited for from the time a source stops confirming its document, in
a thread that is gone once the source confirms it again, or the moment has come.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Final, Literal, get_args

from flagcore.errors import ConfigError

__all__ = ["SERVE", "Countdown", "OnStale", "Staleness"]

#: What becomes of a document that is too old: it goes on answering; its flags give their callers' defaults; or that,
#: and gates answer 503 and the health check is red.
OnStale = Literal["serve", "default", "fail"]


@dataclass(frozen=True)
class Staleness:
    """
    How old a document may become while its source does not confirm it, and what happens then.

    Args:
        max_stale_seconds: seconds since the source last confirmed it; above 0. None for any age.
        on_stale: what happens at that age.

    Raises:
        ConfigError: one can't be right, or `on_stale` names an age that is not given.
    """

    max_stale_seconds: float | None = None
    on_stale: OnStale = "serve"

    def __post_init__(self) -> None:
        seconds = self.max_stale_seconds
        is_number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
        if seconds is not None and not (is_number and 0 < seconds < inf):
            raise ConfigError(f"max_stale_seconds: expected seconds above 0 or None, got {seconds!r}")
        if self.on_stale not in get_args(OnStale):
            raise ConfigError(f"on_stale: expected 'serve', 'default' or 'fail'; got {self.on_stale!r}")
        if self.on_stale != "serve" and seconds is None:
            raise ConfigError(f"on_stale={self.on_stale!r}: expected max_stale_seconds beside it, got None")

    @property
    def limit_seconds(self) -> float:
        """
        The age from which on a document that is not confirmed answers no more; infinite for never.
        """
        return inf if self.on_stale == "serve" or self.max_stale_seconds is None else float(self.max_stale_seconds)

    @property
    def fails(self) -> bool:
        """
        Whether a document that is too old is a failure of the whole.
        """
        return self.on_stale == "fail"


#: A document answers at any age.
SERVE: Final = Staleness()


class Countdown:
    """
    Calls a function at a moment, from a daemon thread, unless stopped before. For one start.

    Args:
        moment: when, on the monotonic clock.
        call: what to call. It must not raise.
    """

    def __init__(self, moment: float, call: Callable[[], object]) -> None:
        self.moment = moment
        self._call = call
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flagcore-stale", daemon=True)

    def start(self) -> None:
        """
        Start to wait.

        Raises:
            RuntimeError: no thread can be started, as at the interpreter's exit.
        """
        self._thread.start()

    def stop(self) -> None:
        """
        Call nothing any more. From any thread, any number of times; returns at once.
        """
        self._stopped.set()

    def join(self, timeout_seconds: float) -> bool:
        """
        Whether the thread has ended, waiting for that at most `timeout_seconds`. Never waits in the thread itself.
        """
        if self._thread is not threading.current_thread() and self._thread.ident is not None:
            self._thread.join(min(timeout_seconds, threading.TIMEOUT_MAX))
        return not self._thread.is_alive()

    def _run(self) -> None:
        # In turns: a wait may end a little early, and has a longest.
        while not self._stopped.is_set():
            left = self.moment - time.monotonic()
            if left <= 0:
                self._call()
                return
            self._stopped.wait(min(left, threading.TIMEOUT_MAX))
