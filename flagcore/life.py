"""
Whether a client is asleep, awake or closed, and the way from one to the other.

Asleep: never started, inherited over a fork, or configured where nothing may start (uWSGI's master). Its read table
wakes it at the first look-up. Awake, the table is the snapshot's own, so that reading costs nothing extra. Closed, the
last state answers, and nothing wakes it but a start.

Where no thread runs by itself, a client that may wait never wakes: each look-up, and each view when it is made, sees to
it that the flags are fetched when it is time.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from weakref import WeakSet

from flagcore.errors import FlagcoreError, StateError
from flagcore.layer import Feed, Layer
from flagcore.process import ProcessLock, is_nursery, threads_run
from flagcore.snapshot import Sleeping, Snapshot, Table
from flagcore.state import State
from flagcore.status import Status

__all__ = ["Life", "task_feed", "thread_feed"]

logger = logging.getLogger("flagcore")

#: Seconds after which a read tries again to wake a client that could not be: soon enough, and not at each read.
_RETRY_SECONDS = 1.0


class Life:
    """
    A client's, in this process and in those forked from it.

    Args:
        state: what the client's sources say.
        show: told which table to read from.

    Attributes:
        pid: the process in which a view may be made at once; 0 while asleep, so that one comparison tells both sleep
            and a fork.
    """

    def __init__(self, state: State, show: Callable[[Table], None]) -> None:
        self._state = state
        self._show = show
        self._closed = False
        self.pid = 0
        #: The process whose reads go to the snapshot's own table; 0 while asleep.
        self._awake_in = 0
        #: The process in which something follows the sources.
        self._followed_in = 0
        self._changing = ProcessLock()
        #: How long views may wait for the first document, and until when: what a start could not wait itself.
        self._wait_seconds = 0.0
        self._waits_until = 0.0
        #: When a read may wake it again, on the monotonic clock, after no thread could be started.
        self._wakes_at = 0.0
        self._sleep()
        state.on_publish = self._published
        _lives.add(self)

    @property
    def is_awake(self) -> bool:
        """
        Whether threads or tasks of this process follow the sources.
        """
        return self.is_followed and self._awake_in == os.getpid()

    @property
    def is_followed(self) -> bool:
        """
        Whether anything in this process follows the sources, be it their readers.
        """
        return not self._closed and self._followed_in == os.getpid()

    def start(self, make_feed: Callable[[Layer], Feed], wait_seconds: float = 0.0) -> bool:
        """
        Have the sources followed by what `make_feed` makes; where nothing may start, from the first read in a worker.

        Args:
            wait_seconds: how long views may wait for the sources where the start itself can't.

        Returns:
            Whether they were not followed before.
        """
        with self._changing:
            if self.is_followed:
                return False
            self._wait_seconds = wait_seconds if is_nursery() or not threads_run() else 0.0
            self._wakes_at = 0.0
            self._follow(make_feed)
            return not is_nursery()

    def end(self) -> list[Feed]:
        """
        Have nothing follow the sources any more. Returns the feeds that are about to end.
        """
        with self._changing:
            self._state.make_own()
            self._closed = True
            self._awake_in = self.pid = os.getpid()
            feeds = self._let_go()
            self._published(self._state.snapshot)
            self._state.settled.set()
            return [*feeds, *self._state.rest()]

    def woken(self) -> Snapshot:
        """
        The current state; wakes a client that is asleep. Never raises.
        """
        if self._awake_in != os.getpid():
            self._wake()
        return self._state.snapshot

    def visit(self) -> None:
        """
        A view is about to be made: wake the client, and wait for what its start could not wait for. Never raises.
        """
        self.woken()
        if self._awake_in != os.getpid():
            return
        if self._wait_seconds:
            self._state.settled.wait(max(0.0, self._waits_until - time.monotonic()))
        self.pid = os.getpid()

    def ended(self) -> list[Layer]:
        """
        The sources whose feeds have given up for good.
        """
        return [layer for layer in self._state.layers if layer.ended and not layer.is_given]

    def fetch_all(self) -> None:
        """
        Fetch from every source, in this thread. Never raises for a fault of the network.
        """
        from flagcore.feed.threads import fetch_once

        with self._changing:
            self._state.make_own()
        for layer in self._state.layers:
            if layer.is_given:
                layer.load()
            else:
                fetch_once(layer.source, layer, covered=layer.is_followed)

    def revive(self, ended: list[Layer], make_feed: Callable[[Layer], Feed]) -> None:
        """
        Follow those sources again that had `ended`, and have answered since.
        """
        with self._changing:
            answering = [layer for layer in ended if layer.status is Status.READY] if self.is_awake else []
            for layer in answering:
                if layer.feed is not None:
                    layer.feed.stop()  # one that shares a connection goes on listening to others
                layer.feed = make_feed(layer)
            self._start([layer.feed for layer in answering if layer.feed is not None])

    def _wake(self) -> None:
        now = time.monotonic()
        if now < self._wakes_at:
            return
        try:
            with self._changing:
                if self._closed:
                    self._state.make_own()
                    self._awake_in = self.pid = os.getpid()
                else:
                    self._follow(thread_feed)
        except (RuntimeError, FlagcoreError):  # such as a source whose `poll_seconds` has become no number
            self._wakes_at = now + _RETRY_SECONDS
            logger.exception("the flags can't be followed; the last state answers")

    def _follow(self, make_feed: Callable[[Layer], Feed]) -> None:
        if self.is_awake:
            return
        self._state.make_own()
        if is_nursery() or not threads_run():
            _tell(self._wait_seconds)
            if self._closed:
                self._sleep()
        if is_nursery():
            return
        if self._wait_seconds and not threads_run():
            self._be_visited()
        else:
            self._awaken(make_feed)

    def _awaken(self, make_feed: Callable[[Layer], Feed]) -> None:
        feeds = self._begin(make_feed)
        self._waits_until = time.monotonic() + self._wait_seconds
        self._awake_in = os.getpid()
        self.pid = 0 if self._wait_seconds else self._awake_in
        self._state.publish()
        self._start(feeds)

    def _start(self, feeds: list[Feed]) -> None:
        try:
            for feed in feeds:
                feed.start()
        except RuntimeError as error:  # no thread can be started, which the feed has told; or no loop runs
            self._let_go()
            self._sleep()
            self._wakes_at = time.monotonic() + _RETRY_SECONDS
            if isinstance(error, StateError):
                raise

    def _let_go(self) -> list[Feed]:
        feeds = [layer.feed for layer in self._state.layers if layer.feed is not None]
        for layer in self._state.layers:
            layer.feed = None
        for feed in feeds:
            feed.stop()
        return feeds

    def _be_visited(self) -> None:
        from flagcore.feed.readers import ReaderFeed

        if not self.is_followed:
            self._begin(_reader_feed)
        until = time.monotonic() + self._wait_seconds
        for layer in self._state.layers:
            if isinstance(layer.feed, ReaderFeed) and layer.status is not Status.FATAL:  # until `refresh`
                layer.feed.visit(until - time.monotonic())

    def _begin(self, make_feed: Callable[[Layer], Feed]) -> list[Feed]:
        self._state.settled.clear()
        for layer in self._state.layers:
            layer.begin()
        followed = [layer for layer in self._state.layers if not layer.is_given]
        for layer in followed:
            layer.feed = make_feed(layer)
        self._closed, self._followed_in = False, os.getpid()
        return [layer.feed for layer in followed if layer.feed is not None]

    def _published(self, snapshot: Snapshot) -> None:
        if self._awake_in:
            self._show(snapshot.answers)

    def _sleep(self) -> None:
        self._show(Sleeping(self.woken))
        self._closed = False
        self._awake_in = self._followed_in = self.pid = 0

    def fork_happened(self) -> None:
        """
        This is a child, right after a fork: only the table is swapped.
        """
        if not self._closed:
            self._sleep()


_lives: WeakSet[Life] = WeakSet()


def _fork_happened() -> None:
    for life in _lives:
        life.fork_happened()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_fork_happened)


def thread_feed(layer: Layer) -> Feed:
    """
    Follow a source by a thread.
    """
    from flagcore.feed.threads import ThreadFeed

    return ThreadFeed(layer.source, layer, layer.follow)


def task_feed(layer: Layer) -> Feed:
    """
    Follow a source by a task of the running loop.
    """
    from flagcore.feed.tasks import TaskFeed

    return TaskFeed(layer.source, layer, layer.follow)


def _reader_feed(layer: Layer) -> Feed:
    from flagcore.feed.readers import ReaderFeed

    return ReaderFeed(layer.source, layer)


#: What has been said once, in this process or one that it was forked from.
_told: list[str] = []


def _tell(wait_seconds: float) -> None:
    if _told:
        return
    _told.append("uWSGI")
    if threads_run():
        waiting = f"; views made before the first document wait for it up to {wait_seconds:g} s" if wait_seconds else ""
        logger.info("uWSGI: the flags are followed from the first read in each worker%s", waiting)
        return
    means = (
        f"requests fetch the flags, and wait up to {wait_seconds:g} s for them"
        if wait_seconds
        else "the flags change only as requests give their thread time"
    )
    logger.warning(
        "uWSGI runs no threads between requests here, so %s; set `enable-threads = true` in its configuration%s",
        means,
        "" if wait_seconds else ", or give flagcore `wait_seconds` for requests to fetch within",
    )
