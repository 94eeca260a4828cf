"""
What may cut a blocked call short: a deadline, or another thread.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Leash"]


class Leash:
    """
    Held by one thread that blocks; `cut` by any other, from a signal handler too, at any time and any number of
    times. A cut leash stays cut. One that a forked process has inherited lets nothing go on there.
    """

    def __init__(self) -> None:
        self._home = os.getpid()
        self._cut = threading.Event()
        # Re-entrant: a signal handler that cuts may run on top of the thread that is just registering.
        self._lock = threading.RLock()
        self._on_cut: dict[object, Callable[[], object]] = {}
        self._deadline: float | None = None

    @property
    def is_cut(self) -> bool:
        """
        Whether the one who blocks should stop.
        """
        return self._cut.is_set() or self.is_inherited

    @property
    def is_inherited(self) -> bool:
        """
        Whether it came over a fork, with the one who blocks: a greenlet that gevent runs on in the child.
        """
        return self._home != os.getpid()

    def cut(self) -> None:
        """
        Wake whatever blocks under this leash. Returns at once.
        """
        with self._lock:
            self._cut.set()
            callbacks = list(self._on_cut.values())
        for callback in callbacks:
            callback()

    def watch(self, on_cut: Callable[[], object]) -> Callable[[], None]:
        """
        Have `on_cut` called when the leash is cut; at once if it is. It must neither block nor raise.

        Returns:
            A function that ends it.
        """
        mark = object()
        with self._lock:
            self._on_cut[mark] = on_cut
        if self._cut.is_set():  # not in a child: the connection is its parent's
            on_cut()
        return lambda: self._unwatch(mark)

    def _unwatch(self, mark: object) -> None:
        with self._lock:
            self._on_cut.pop(mark, None)

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """
        Have all that happens inside end `seconds` from now, however many calls it takes; sooner, if it is inside of
        another such block that ends sooner.
        """
        outer, mine = self._deadline, time.monotonic() + seconds
        self._deadline = mine if outer is None else min(mine, outer)
        try:
            yield
        finally:
            self._deadline = outer

    def left(self, timeout: float | None) -> float | None:
        """
        Seconds the next call may block, of the `timeout` it was given (None for any); None for ever.

        Raises:
            TimeoutError: none is left.
            InterruptedError: the leash is cut.
        """
        if self.is_cut:
            raise InterruptedError("stopped")
        if self._deadline is None:
            return timeout
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the whole took too long")
        return left if timeout is None else min(timeout, left)

    def sleep(self, seconds: float) -> None:
        """
        Sleep, unless cut.
        """
        # threading's longest wait; longer ones come up short, which the engine doesn't mind.
        self._cut.wait(min(seconds, threading.TIMEOUT_MAX))
