"""
The thread driver: answers the engine from one daemon thread.

Starting loads whatever the thread will need, in the caller's thread: a module half loaded by another thread at the
moment of a fork stays half loaded in the child for ever. Stopping returns at once, and wakes the thread wherever it
blocks; only a source of one's own that hangs in `fetch` outlives it, and then touches nothing any more.
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import nullcontext, suppress
from math import inf
from typing import TYPE_CHECKING

from flagcore.errors import SourceDenied, SourceError, SourceUnavailable
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
from flagcore.feed.engine import Follow, feed, once
from flagcore.feed.plan import Plan
from flagcore.feed.sink import Sink
from flagcore.network.leash import Leash
from flagcore.network.remote import NetworkSource
from flagcore.source import Source

if TYPE_CHECKING:
    from flagcore.network.threads import Network

__all__ = ["ThreadFeed", "fetch_once"]


class ThreadFeed:
    """
    Keeps one source's document fresh from one daemon thread. For one start and one stop.

    Args:
        source: what to follow.
        sink: whom to tell, always from the feed's own thread, and never after `stop`; by `start`, when there is none.
        follow: makes the conversation to carry out; in the caller's thread, by `start`.

    Raises:
        ConfigError: the source's `poll_seconds` is no number of seconds.
    """

    def __init__(self, source: Source, sink: Sink, follow: Follow = feed) -> None:
        self._source = source
        self._sink = sink
        self._follow = follow
        self._plan = Plan.of(source)
        self._leash = Leash()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """
        Start the thread. Does nothing the second time, or once stopped.

        Raises:
            RuntimeError: no thread can be started. The sink has been told.
        """
        if self._thread is not None or self._leash.is_cut:
            return
        answers = _Answers(self._source, self._sink, self._leash)
        asks = self._follow(self._plan, etag=self._sink.etag)
        self._thread = threading.Thread(
            target=self._run, args=(asks, answers), name=f"flagcore feed {self._source.name}", daemon=True
        )
        try:
            self._thread.start()
        except RuntimeError as error:
            self._thread = None
            with suppress(StopIteration):
                next(asks)  # a conversation that has not begun would not let go of its files
            asks.close()
            answers.close()
            self._sink.fail(SourceUnavailable(f"{self._source.name}: {error}"), covered=False)
            raise

    def stop(self) -> None:
        """
        Have the thread end, wherever it blocks. From any thread, any number of times; returns at once.
        """
        self._leash.cut()

    def join(self, timeout_seconds: float) -> bool:
        """
        Whether the thread has ended, waiting for that at most `timeout_seconds`. Never waits in the feed's own thread.
        """
        thread = self._thread
        if thread is None:
            return True
        if thread is not threading.current_thread():
            thread.join(min(timeout_seconds, threading.TIMEOUT_MAX))
        return not thread.is_alive()

    def _run(self, asks: Generator[Ask, Answer, SourceError | None], answers: _Answers) -> None:
        with last_resort(self._sink, self._leash):
            try:
                error = answers.converse(asks)
                if self._leash.is_inherited:
                    # A greenlet of gevent's, in a child: what it would close is the parent's, and `threading`, which
                    # has forgotten it at the fork, complains of one that ends.
                    threading.Event().wait()
                if not self._leash.is_cut:
                    self._sink.end(error)
            finally:
                asks.close()
                answers.close()


def fetch_once(source: Source, sink: Sink, *, covered: bool = False, within_seconds: float = inf) -> SourceError | None:
    """
    Get one document, in this thread, within the source's own time-out and, from a network, `within_seconds`.

    Args:
        source: where from.
        sink: whom to tell.
        covered: a feed keeps the document fresh meanwhile, so that a failure here is no outage.

    Returns:
        None when the sink has it; else why not, which the sink has been told too.

    Raises:
        ConfigError: the source's `poll_seconds` is no number of seconds.
    """
    leash = Leash()
    answers = _Answers(source, sink, leash)
    try:
        # A stream too: one that only ever sends heartbeats would never give the one document.
        timeout = min(source.timeout_seconds, within_seconds) if isinstance(source, NetworkSource) else None
        with nullcontext() if timeout is None else leash.within(timeout):
            error = answers.converse(once(Plan.of(source), etag=sink.etag))
    finally:
        answers.close()
    if isinstance(error, SourceDenied):
        sink.end(error)
    elif error is not None:
        sink.fail(error, covered=covered)
    return error


class _Answers:
    """
    Carries out what the engine asks, in the thread that asks.
    """

    def __init__(self, source: Source, sink: Sink, leash: Leash) -> None:
        self._source = source
        self._sink = sink
        self._leash = leash
        self._network: Network | None = None
        if isinstance(source, NetworkSource):
            from flagcore.network.threads import Network

            self._network = Network(source, leash)

    def converse(self, asks: Generator[Ask, Answer, SourceError | None]) -> SourceError | None:
        """
        Answer until the engine has ended, or the leash is cut.
        """
        try:
            ask = next(asks)
            while not self._leash.is_cut:
                ask = asks.send(self._answer(ask))
        except StopIteration as done:
            error: SourceError | None = done.value
            return error
        return None

    def close(self) -> None:
        if self._network is not None:
            self._network.close()

    def _answer(self, ask: Ask) -> Answer:
        if isinstance(ask, Keep):
            return keep(self._sink, ask.body)
        if isinstance(ask, Wait):
            return self._wait(ask)
        if isinstance(ask, Call):
            return Called(ask.call())
        if isinstance(ask, GiveUp):
            self.close()
            self._sink.end(ask.error)
            return Waited()
        if isinstance(ask, Fetch):
            ask = conditional(ask, self._sink)
        if self._network is None:
            # A source of one's own has no stream, so that it is asked for nothing else.
            return call_fetch(self._source, ask.etag if isinstance(ask, Fetch) else None)
        try:
            return self._exchange(self._network, ask)
        except SourceError as error:
            return Failed(error)

    def _wait(self, ask: Wait) -> Answer:
        if ask.error is not None:
            self._sink.fail(ask.error, covered=ask.covered)
        if ask.seconds:
            if self._network is not None:
                self._network.drop()
            self._leash.sleep(ask.seconds)
        return Waited()

    def _exchange(self, network: Network, ask: Fetch | Open | Read) -> Answer:
        if isinstance(ask, Fetch):
            return network.fetch(ask.etag)
        if isinstance(ask, Open):
            network.open(ask.last_event_id)
            return Opened()
        chunk = network.read(ask.awaited, ask.within_seconds)
        if chunk is None:
            return Silent()
        return Chunk(chunk) if chunk else Ended()
