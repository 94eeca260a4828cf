"""
The door: owns the sources' feeds and the current state of the flags.

    client = FlagClient(FileSource("flags.yaml"))
    with client:                      # a thread keeps it fresh; `async with` takes a task instead
        client.get_bool("new-checkout")

A client is asleep, awake or closed. Asleep (never started, or inherited over a fork), its first read wakes it; awake,
a read is a dictionary look-up; closed, it answers from its last state and nothing wakes it but `start()`.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import Any, Final

from flagcore.binding import bind, unbind
from flagcore.context import EvaluationContext
from flagcore.errors import ConfigError
from flagcore.feed.folder import user_cache_folder
from flagcore.flags import Flags
from flagcore.health import Health
from flagcore.life import Life, task_feed, thread_feed
from flagcore.reader import ContextLike, Reader
from flagcore.readiness import Readiness
from flagcore.resolution import ErrorCode, Resolution
from flagcore.snapshot import Snapshot, Table
from flagcore.staleness import OnStale, Staleness
from flagcore.state import State, check_options
from flagcore.status import ErrorHandler, Status
from flagcore.value import kind

__all__ = ["USER_CACHE", "FlagClient"]

if sys.version_info >= (3, 11):
    from typing import Self
else:
    from typing_extensions import Self

#: `FlagClient(cache_dir=USER_CACHE)`: the user's own cache folder, as the platform has it. The default.
USER_CACHE: Final = Path("<the user's cache folder>")


class FlagClient(Reader):
    """
    Flags from one or several sources, kept fresh, answered from memory.

    Args:
        sources: where the flags come from. Several are layers: the first that defines a flag answers for it.
        cache_dir: the folder for the last good document of each network source; the user's cache folder by default,
            None keeps nothing on disk.
        max_stale_seconds: how long a source may fail to confirm its document, in seconds since it last did, before
            `on_stale` decides; None for ever.
        on_stale: what becomes of that document then. `serve`: it goes on answering. `default`: it answers no more, so
            that a lower layer or the callers' defaults do. `fail`: as `default`, and `require_flag` answers 503, and
            the health check is red. The source's next confirmation brings it back.
        on_error: called with an `ErrorContext` for each failure behind the scenes, in the feed's thread or task. What
            it raises is logged and harms nothing.
        share: one connection to each network source for all processes of a host that read it, whichever of them
            lives. Needs a cache folder; where the platform or the folder can't do it, each has its own.

    Raises:
        ConfigError: no source, something that is no source, or an option that can't be right.
    """

    def __init__(
        self,
        *sources: Any,
        cache_dir: str | os.PathLike[str] | None = USER_CACHE,
        max_stale_seconds: float | None = None,
        on_stale: OnStale = "serve",
        on_error: ErrorHandler | None = None,
        share: bool = False,
    ) -> None:
        check_options(cache_dir, share)
        staleness = Staleness(max_stale_seconds, on_stale)
        self._entries: list[bool] = []
        folder = None if cache_dir is None else user_cache_folder() if cache_dir is USER_CACHE else Path(cache_dir)
        self._state = State(sources, folder, on_error, staleness, share=share)
        self._life = Life(self._state, self._show)

    def start(self, wait_seconds: float = 0.0) -> bool:
        """
        Keep the flags fresh, in a daemon thread for each source that has news. What is local has been loaded when
        this returns; a started client is left as it is. Never raises for a fault of the network or the disk.

        Args:
            wait_seconds: how long to wait for the sources to answer; 0 does not wait.

        Returns:
            Whether the client is ready.
        """
        self._life.start(thread_feed, wait_seconds)
        return self.wait_ready(wait_seconds)

    async def astart(self, wait_seconds: float = 0.0) -> bool:
        """
        As `start`, with a task in the running loop (asyncio or trio) for each source that has news.
        """
        self._life.start(task_feed, wait_seconds)
        return await self.await_ready(wait_seconds)

    def close(self, timeout_seconds: float = 5.0) -> None:
        """
        Stop following the sources and write what the disk cache still has to. Idempotent, bounded, from any thread.
        Reads go on answering from the last state.

        Args:
            timeout_seconds: how long to wait for threads and the disk; what takes longer ends by itself.
        """
        deadline = time.monotonic() + timeout_seconds
        for feed in self._life.end():
            feed.join(max(0.0, deadline - time.monotonic()))
        if self._state.cache is not None:
            self._state.cache.flush(max(0.0, deadline - time.monotonic()))

    async def aclose(self, timeout_seconds: float = 5.0) -> None:
        """
        As `close`, without holding up the loop.
        """
        import anyio

        feeds = self._life.end()
        with anyio.move_on_after(timeout_seconds, shield=True):
            while not all(feed.join(0) for feed in feeds):  # noqa: ASYNC110 - a thread or the disk tells no loop
                await anyio.sleep(_LOOK_SECONDS)
            while self._state.cache is not None and not self._state.cache.flush(0):  # noqa: ASYNC110
                await anyio.sleep(_LOOK_SECONDS)

    def __enter__(self) -> Self:
        self._entries.append(self._life.start(thread_feed))
        return self

    def __exit__(self, *exc: object) -> None:
        if self._entries.pop():
            self.close()

    async def __aenter__(self) -> Self:
        self._entries.append(self._life.start(task_feed))
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._entries.pop():
            await self.aclose()

    def wait_ready(self, timeout_seconds: float) -> bool:
        """
        Wait until the client is ready: a source has confirmed a document in this process, and none is still on its
        first attempt.

        Returns:
            Whether it is. False at once when every source denies this client.
        """
        self._life.woken()
        if self._life.is_awake:
            self._state.settled.wait(timeout_seconds)
        return self._state.is_ready

    async def await_ready(self, timeout_seconds: float) -> bool:
        """
        As `wait_ready`, without holding up the loop.
        """
        self._life.woken()
        if timeout_seconds > 0 and self._life.is_awake:
            await self._state.settled.await_(timeout_seconds)
        return self._state.is_ready

    def refresh(self) -> None:
        """
        Fetch from every source now, in this thread, within the sources' own time-outs. A source that had denied this
        client is followed again if it answers. Never raises for a fault of the network: see `status` and `on_error`.
        """
        ended = self._life.ended()
        self._life.fetch_all()
        self._life.revive(ended, thread_feed)

    async def arefresh(self) -> None:
        """
        As `refresh`, without holding up the loop.
        """
        done = Readiness()
        ended = self._life.ended()

        def fetch() -> None:
            try:
                self._life.fetch_all()
            finally:
                done.set()

        # A thread of its own: a pool's would linger after it, and might be held back by a name look-up that hangs.
        threading.Thread(target=fetch, name="flagcore-refresh", daemon=True).start()
        await done.await_(inf)
        self._life.revive(ended, task_feed)

    @property
    def status(self) -> Status:
        """
        How far the flags can be trusted: the status of the source that is worst off. While nothing follows the
        sources (asleep, closed), a document that was READY is STALE.
        """
        return self._state.status(followed=self._life.is_followed)

    def health(self) -> Health:
        """
        How the client and each of its sources are at this moment: status, version, age, last error; no secret. As a
        read does, it wakes a client that is asleep: a probe may be all that ever asks.
        """
        self._life.woken()
        return self._state.health(followed=self._life.is_followed)

    @property
    def snapshot(self) -> Snapshot:
        """
        The current state of the flags.
        """
        return self._state.snapshot

    def on_change(self, callback: Callable[[frozenset[str]], object]) -> Callable[[], None]:
        """
        Call `callback` with the changed keys after each change, in the feed's thread or task. What it raises is
        logged and harms nothing.

        Returns:
            A function that ends it; calling it again does nothing.
        """
        return self._state.listen(callback)

    def on_status(self, callback: Callable[[Status], object]) -> Callable[[], None]:
        """
        Call `callback` with the new status whenever it becomes another while the sources are followed, in the feed's
        thread or task; after `on_change`, if both apply. One call at a time: what has become otherwise meanwhile is
        told next, by its last status. What it raises is logged and harms nothing.

        Returns:
            A function that ends it; calling it again does nothing.
        """
        return self._state.watch(callback)

    def flags(self, context: ContextLike = None) -> Flags:
        """
        A view of the current state for `context`: an EvaluationContext, or a mapping with `targeting_key` (or
        `targetingKey`) beside the attributes. I/O: none. Locks: none once awake.

        Raises:
            ConfigError: `context` is neither, or its targeting key is no str.
        """
        return self.view(EvaluationContext.of(context))

    def view(self, context: EvaluationContext | Callable[[], EvaluationContext]) -> Flags:
        """
        As `flags`, with a callable that gives the context when the first flag is read. It must not raise.
        """
        if self._life.pid != os.getpid():  # asleep, or a child of a fork that ran no hooks
            self._life.visit()
        return Flags(self._state.snapshot, context, self._life.woken)

    @contextmanager
    def bound(self, context: ContextLike = None) -> Iterator[Flags]:
        """
        Bind a view for `get_flags()` in this thread or task: for jobs, commands and consumers.
        """
        view = self.flags(context)
        token = bind(lambda: view)
        try:
            yield view
        finally:
            unbind(token)

    def _resolution(self, key: str, context: ContextLike) -> Resolution[Any]:
        try:
            if context is None:
                return self._answers[key]
            if type(context) is not EvaluationContext:
                context = EvaluationContext.of(context)
            return self._answers.resolve(key, context)
        except ConfigError as error:
            return Resolution.error(key, ErrorCode.INVALID_CONTEXT, str(error))
        except TypeError:  # a key that can't be looked up
            return Resolution.error(repr(key), ErrorCode.GENERAL, f"expected a key that is a str, got {kind(key)}")

    def _show(self, answers: Table) -> None:
        self._answers = answers

    def lay(self, overlay: Snapshot) -> Callable[[], None]:
        """
        Internal: put a layer above all others, for `flagcore.testing`. Returns a function that takes it off again.
        """
        return self._state.lay(overlay)

    def __repr__(self) -> str:
        return f"FlagClient({', '.join(layer.source.name for layer in self._state.layers)}; {self.status})"


#: Seconds between two looks at whether a thread has ended, where waiting for it would hold up a loop.
_LOOK_SECONDS = 0.005
