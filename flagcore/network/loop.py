"""
The event loop that a task feed lives in, asyncio's or trio's, and the way back into it from other threads.
"""

from __future__ import annotations

import contextvars
import sys
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import anyio

from flagcore.errors import StateError
from flagcore.network.aside import Aside

__all__ = ["Loop"]


class Loop:
    """
    The running event loop. Make it inside of one.

    Raises:
        StateError: no asyncio or trio loop runs in this thread.
    """

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        trio = sys.modules.get("trio")
        if trio is not None:
            # Trio's "must be called from async context"; or another thread is just importing it.
            with suppress(RuntimeError, AttributeError):
                self._post = trio.lowlevel.current_trio_token().run_sync_soon
                self._spawn: Callable[..., object] = trio.lowlevel.spawn_system_task
                return
        import asyncio

        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            raise StateError(
                "expected a running asyncio or trio loop, got none: use `with client:`, `client.start()`"
            ) from None
        self._post = running.call_soon_threadsafe

        def spawn(function: Callable[[], Coroutine[Any, Any, None]], *, name: str) -> object:
            # In a context of its own: a feed that is started in a request must not hold on to that request.
            return contextvars.Context().run(running.create_task, function(), name=name)

        self._spawn = spawn

    @property
    def is_here(self) -> bool:
        """
        Whether the caller is in the loop's thread, which must never wait for the loop.
        """
        return threading.get_ident() == self._thread

    @property
    def is_gone(self) -> bool:
        """
        Whether the loop has ended, so that nothing in it runs any more.
        """
        return not self.post(lambda: None)

    def post(self, callback: Callable[[], object]) -> bool:
        """
        Have the loop call `callback`, from any thread. False when the loop is gone, and `callback` with it.
        """
        try:
            self._post(callback)
        except RuntimeError:  # asyncio's "loop is closed"; trio's RunFinishedError
            return False
        return True

    def spawn(self, function: Callable[[], Coroutine[Any, Any, None]], name: str) -> object:
        """
        Start a task that belongs to nobody: no task group, whose errors would be the user's, and no scope, which would
        end it. Hold on to what is returned: asyncio itself does not.
        """
        return self._spawn(function, name=name)

    async def until_done(self, aside: Aside[Any]) -> None:
        """
        Wait for a call aside. When cancelled, the call goes on alone.
        """
        done = anyio.Event()
        aside.when_done(lambda: self.post(done.set))
        await done.wait()
