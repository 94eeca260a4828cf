"""
The task driver: answers the engine from one task, under asyncio or trio.

The task belongs to nobody: a task group around it would turn the user's exceptions into groups, and let a crash here
cancel the application. It lets no exception out, and ends soon after `stop`, wherever it waits. `stop` and `join`
work from any thread, also when the loop is gone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from functools import partial
from typing import TYPE_CHECKING

import anyio

from flagcore.errors import SourceError
from flagcore.feed.asks import (
    Answer,
    Ask,
    Call,
    Called,
    Chunk,
    Ended,
    Failed,
    Fetch,
    GiveUp,
    Keep,
    Open,
    Opened,
    Read,
    Silent,
    Wait,
    Waited,
)
from flagcore.feed.call import call_fetch, conditional, keep, last_resort
from flagcore.feed.engine import Follow, feed
from flagcore.feed.plan import Plan
from flagcore.feed.sink import Sink
from flagcore.network.aside import Aside
from flagcore.network.loop import Loop
from flagcore.network.remote import NetworkSource
from flagcore.source import Body, Same, Source

if TYPE_CHECKING:
    from flagcore.network.tasks import AsyncNetwork

__all__ = ["TaskFeed"]

#: Bytes from which a document is parsed in a thread: below it, parsing takes less than the hop there and back, and
#: holds the loop up for about a millisecond.
_LARGE_BYTES = 64 * 1024

#: Seconds between two looks at whether the task has ended, for those who wait in another loop than its own.
_LOOK_SECONDS = 0.005


class TaskFeed:
    """
    Keeps one source's document fresh from one task. For one start and one stop.

    Args:
        source: what to follow.
        sink: whom to tell: from the task, or from a thread for large documents; never after `stop`.
        follow: makes the conversation to carry out; in the caller's thread, by `start`.

    Raises:
        ConfigError: the source's `poll_seconds` is no number of seconds.
    """

    def __init__(self, source: Source, sink: Sink, follow: Follow = feed) -> None:
        self._source = source
        self._sink = sink
        self._follow = follow
        self._plan = Plan.of(source)
        self._stopped = threading.Event()
        self._ended = threading.Event()
        self._loop: Loop | None = None
        self._scope: anyio.CancelScope | None = None
        self._task: object = None

    @property
    def is_cut(self) -> bool:
        """
        Whether the feed was stopped.
        """
        return self._stopped.is_set()

    def start(self) -> None:
        """
        Start the task, inside of a running loop. Does nothing the second time, or once stopped.

        Raises:
            StateError: no asyncio or trio loop runs here.
        """
        if self._loop is not None or self.is_cut:
            return
        loop = Loop()
        answers = _Answers(self._source, self._sink, loop)
        asks = self._follow(self._plan, etag=self._sink.etag)
        self._scope = anyio.CancelScope()
        self._loop = loop
        run = partial(self._run, asks, answers, self._scope)
        self._task = loop.spawn(run, name=f"flagcore feed {self._source.name}")

    def stop(self) -> None:
        """
        Have the task end, wherever it waits. From any thread, any number of times; returns at once. When the loop is
        gone, so is the task.
        """
        self._stopped.set()
        if self._loop is not None and self._scope is not None:
            self._loop.post(self._scope.cancel)

    def join(self, timeout_seconds: float) -> bool:
        """
        Whether the task has ended, waiting for that at most `timeout_seconds`. Never waits in the loop's own thread:
        there, `await wait_stopped()`.
        """
        if self._loop is None or self._loop.is_gone:
            return True
        if not self._loop.is_here:
            self._ended.wait(min(timeout_seconds, threading.TIMEOUT_MAX))
        return self._ended.is_set() or self._loop.is_gone

    async def wait_stopped(self, timeout_seconds: float) -> bool:
        """
        Whether the task has ended, waiting for that at most `timeout_seconds`; in any loop.
        """
        with anyio.move_on_after(timeout_seconds):
            while not self.join(0):  # noqa: ASYNC110 - the loop it lives in may be another one, or gone
                await anyio.sleep(_LOOK_SECONDS)
        return self.join(0)

    async def _run(
        self, asks: Generator[Ask, Answer, SourceError | None], answers: _Answers, scope: anyio.CancelScope
    ) -> None:
        try:
            with scope, last_resort(self._sink, self):
                try:
                    error = await self._converse(asks, answers)
                    if not self.is_cut:
                        self._sink.end(error)
                finally:
                    asks.close()
                    await answers.aclose()
        finally:
            self._ended.set()

    async def _converse(
        self, asks: Generator[Ask, Answer, SourceError | None], answers: _Answers
    ) -> SourceError | None:
        try:
            ask = next(asks)
            while not self.is_cut:
                ask = asks.send(await answers.answer(ask))
        except StopIteration as done:
            error: SourceError | None = done.value
            return error
        return None


class _Answers:
    """
    Carries out what the engine asks, in the task that asks.
    """

    def __init__(self, source: Source, sink: Sink, loop: Loop) -> None:
        self._source = source
        self._sink = sink
        self._loop = loop
        self._network: AsyncNetwork | None = None
        if isinstance(source, NetworkSource):
            from flagcore.network.tasks import AsyncNetwork

            self._network = AsyncNetwork(source, loop)

    async def answer(self, ask: Ask) -> Answer:
        if isinstance(ask, Keep):
            return await self._keep(ask.body)
        if isinstance(ask, Wait):
            return await self._wait(ask)
        if isinstance(ask, Call):
            call = ask.call
            return await self._aside(lambda: Called(call()), "share", shield=True)
        if isinstance(ask, GiveUp):
            await self.aclose()
            self._sink.end(ask.error)
            return Waited()
        if isinstance(ask, Fetch):
            ask = conditional(ask, self._sink)
        if self._network is None:
            # A source of one's own has no stream, so that it is asked for nothing else.
            etag = ask.etag if isinstance(ask, Fetch) else None
            return await self._aside(partial(call_fetch, self._source, etag), "fetch")
        try:
            return await self._exchange(self._network, ask)
        except SourceError as error:
            return Failed(error)

    async def aclose(self) -> None:
        if self._network is not None:
            await self._network.aclose()

    async def _keep(self, body: Body | Same) -> Answer:
        if isinstance(body, Same) or len(body.content) < _LARGE_BYTES:
            return keep(self._sink, body)
        # What is being published is published to its end.
        return await self._aside(partial(keep, self._sink, body), "parse", shield=True)

    async def _wait(self, ask: Wait) -> Answer:
        if ask.error is not None:
            self._sink.fail(ask.error, covered=ask.covered)
        if ask.seconds:
            if self._network is not None:
                await self._network.drop()
            await anyio.sleep(ask.seconds)
        return Waited()

    async def _exchange(self, network: AsyncNetwork, ask: Fetch | Open | Read) -> Answer:
        if isinstance(ask, Fetch):
            return await network.fetch(ask.etag)
        if isinstance(ask, Open):
            await network.open(ask.last_event_id)
            return Opened()
        chunk = await network.read(ask.awaited, ask.within_seconds)
        if chunk is None:
            return Silent()
        return Chunk(chunk) if chunk else Ended()

    async def _aside(self, call: Callable[[], Answer], what: str, *, shield: bool = False) -> Answer:
        aside = Aside(call, name=f"flagcore {what} {self._source.name}")
        with anyio.CancelScope(shield=shield):
            await self._loop.until_done(aside)
        return aside.result()
