"""
A blocking call in a daemon thread of its own, so that whoever waits for it may stop waiting.

For what cannot be interrupted: a name look-up, a source's own `fetch`. A pool's thread would not do: the interpreter
waits for a pool at exit, `asyncio.run` waits for its default one, and the application's own work may fill it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

__all__ = ["Aside"]

T = TypeVar("T")


class Aside(Generic[T]):
    """
    One call on its way. Starts at once; nothing waits for it unless asked to.

    Args:
        call: what to call. It returns what went wrong rather than raising it: what it raises is a bug, goes to
            `threading.excepthook`, and leaves the call without a result.
        name: the thread's name.

    Raises:
        RuntimeError: no thread can be started, as at the interpreter's exit.
    """

    def __init__(self, call: Callable[[], T], name: str) -> None:
        self._call = call
        self._outcome: Future[T] = Future()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def _run(self) -> None:
        try:
            self._outcome.set_result(self._call())
        finally:
            self._outcome.cancel()  # does nothing to one that has its result

    @property
    def is_done(self) -> bool:
        """
        Whether the call is over.
        """
        return self._outcome.done()

    def when_done(self, callback: Callable[[], object]) -> None:
        """
        Have `callback` called, in the aside's thread, once the call is over; at once if it is.
        """
        self._outcome.add_done_callback(lambda _: callback())

    def result(self) -> T:
        """
        What the call returned. Only when it `is_done`.

        Raises:
            concurrent.futures.CancelledError: it raised instead.
        """
        return self._outcome.result(timeout=0)
