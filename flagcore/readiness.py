"""
Waiting for a client to be ready, from threads and from tasks alike.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from math import inf

__all__ = ["Readiness"]


class Readiness:
    """
    Something that becomes settled once, and that threads and tasks of any loop can wait for. A signal handler may set
    it on top of any of its methods: its lock is re-entrant, which `threading.Event`'s is not.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.RLock())
        self._is_set = False
        self._wakers: list[Callable[[], object]] = []

    @property
    def is_set(self) -> bool:
        """
        Whether it has come.
        """
        return self._is_set

    def set(self) -> None:
        """
        It has come: wake all that wait. From any thread.
        """
        with self._changed:
            if not self._is_set:
                self._is_set = True
                self._changed.notify_all()
            wakers, self._wakers = self._wakers, []
        for wake in wakers:
            wake()

    def clear(self) -> None:
        """
        It is to come again.
        """
        self._is_set = False

    def wait(self, timeout_seconds: float) -> bool:
        """
        Wait in this thread; returns whether it has come.
        """
        with self._changed:
            return self._changed.wait_for(lambda: self._is_set, min(timeout_seconds, threading.TIMEOUT_MAX))

    async def await_(self, timeout_seconds: float) -> bool:
        """
        Wait in this task, of asyncio or trio; returns whether it has come.
        """
        import anyio

        from flagcore.network.loop import Loop

        if self._is_set:
            return True
        event = anyio.Event()
        loop = Loop()

        def waker() -> None:
            loop.post(event.set)  # by the loop's own door; one that is gone needs no telling

        with self._changed:
            if self._is_set:
                return True
            self._wakers.append(waker)
        try:
            with anyio.move_on_after(timeout_seconds if timeout_seconds < inf else None):
                await event.wait()
        finally:
            with self._changed:
                if waker in self._wakers:
                    self._wakers.remove(waker)
        return self._is_set
