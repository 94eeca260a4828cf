"""
Waiting for the definition file to change, without a background task.

Whoever waits, watches: of all the streams that wait, one looks at the file from time to time and tells the others;
when its own connection ends, another takes over. So the server needs no lifespan, works mounted in any application on
asyncio and trio, and looks at nothing while nobody listens.
"""

from __future__ import annotations

import anyio
import anyio.to_thread

from flagcore_server.store import Store

__all__ = ["Watch"]

#: Seconds between two looks at the file: one `stat`. Clients are to follow within a second, the network included.
LOOK_SECONDS = 0.2


class Watch:
    """
    The changes of one store, for any number of waiting tasks of one event loop.

    Attributes:
        closed: set by `close`; a task that waits then returns, and is to end what it serves.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.closed = False
        self._looking = False
        self._news: anyio.Event | None = None

    async def look(self) -> None:
        """
        Look at the file now. I/O: one `stat` in a worker thread, and a read if it changed.
        """
        before = self.store.serial
        await anyio.to_thread.run_sync(self.store.check)
        if self.store.serial != before:
            self.ring()

    async def changed(self, since: int, timeout_seconds: float) -> None:
        """
        Return when the store's serial is another than `since`, when the time is over, or when the server closes.
        """
        with anyio.move_on_after(timeout_seconds):
            while self.store.serial == since and not self.closed:
                if self._looking:
                    await self._told()
                else:
                    await self._look_until_changed(since)

    async def _look_until_changed(self, since: int) -> None:
        self._looking = True
        try:
            while self.store.serial == since and not self.closed:
                with anyio.move_on_after(LOOK_SECONDS):
                    await self._told()
                    continue
                await self.look()
        finally:
            self._looking = False
            self.ring()  # the next one takes over

    async def _told(self) -> None:
        if self._news is None:
            self._news = anyio.Event()
        await self._news.wait()

    def ring(self) -> None:
        """
        Wake all who wait, to see for themselves. To be called in the event loop's thread.
        """
        news, self._news = self._news, None
        if news is not None:
            news.set()

    def close(self) -> None:
        """
        End every wait, now and from now on. To be called in the event loop's thread.
        """
        self.closed = True
        self.ring()
