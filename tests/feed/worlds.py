"""
The three worlds a feed may live in, behind one face: a thread, an asyncio task, a trio task.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import time
from pathlib import Path

import anyio
import anyio.lowlevel
from blockbuster import blockbuster_ctx

from flagcore.errors import MalformedDocument
from flagcore.feed.tasks import TaskFeed
from flagcore.feed.threads import ThreadFeed
from flagcore.source import Body
from tests.loopback import until

WORLDS = ("thread", "asyncio", "trio")


class Recorder:
    """
    A sink that writes down what it is told. Documents that begin with `bad` are malformed.
    """

    def __init__(self, etag=None):
        self.etag = etag
        self.told = []
        self.threads = set()

    def keep(self, body):
        self.threads.add(threading.current_thread().name)
        if isinstance(body, Body) and body.content.startswith(b"bad"):
            raise MalformedDocument("it is bad")
        if isinstance(body, Body):
            self.etag = body.etag
        self.told.append(body.content if isinstance(body, Body) else "same")

    def fail(self, error, *, covered):
        self.told.append(("covered" if covered else "failed", error))

    def end(self, error):
        self.told.append(("ended", error))

    def await_told(self, *what, timeout=5.0):
        """Wait until `what` was told: documents, or the first words of faults."""
        until(lambda: [self._brief(each) for each in self.told][: len(what)] == list(what), timeout, lambda: self.told)

    def await_any(self, what, timeout=5.0):
        """Wait until `what` is among what was told."""
        until(lambda: what in [self._brief(each) for each in self.told], timeout, lambda: self.told)

    @staticmethod
    def _brief(each):
        return each[0] if isinstance(each, tuple) else each

    @property
    def errors(self):
        return [each[1] for each in self.told if isinstance(each, tuple)]


class Fed:
    """
    A feed that runs, in a world. Leaving stops it, and checks that nothing is left.
    """

    def __init__(self, world, source, sink):
        self.world = world
        self.sink = sink
        self.feed = (ThreadFeed if world == "thread" else TaskFeed)(source, sink)
        self.seconds_to_stop = None
        self._before = _sockets()
        self._leave = threading.Event()
        self._fault = []
        self._loop = None

    def __enter__(self):
        if self.world == "thread":
            self.feed.start()
        else:
            started = threading.Event()
            self._loop = threading.Thread(target=self._run_loop, args=(started,), daemon=True)
            self._loop.start()
            assert started.wait(5)
        return self

    def stop(self):
        """Stop the feed and wait for its end; how long that took."""
        if self.seconds_to_stop is None:
            began = time.monotonic()
            self.feed.stop()
            assert time.monotonic() - began < 0.2, "stop must return at once"
            assert self.feed.join(5), "the feed did not end"
            self.seconds_to_stop = time.monotonic() - began
        return self.seconds_to_stop

    def __exit__(self, kind, *_):
        self.stop()
        self._leave.set()
        if self._loop is not None:
            self._loop.join(5)
            assert not self._loop.is_alive()
        if kind is None:
            assert self._fault == []
            until(lambda: not _threads(), 2, _threads)
            gc.collect()
            until(lambda: _sockets() <= self._before, 2, lambda: "sockets are left")

    def _run_loop(self, started):
        with blockbuster_ctx() if self.world == "asyncio" else contextlib.nullcontext():
            try:
                anyio.run(self._live, started, backend=self.world)
            except BaseException as error:
                self._fault.append(error)
                raise

    async def _live(self, started):
        self.feed.start()
        started.set()
        while not self._leave.is_set():  # noqa: ASYNC110 - set by another thread
            await anyio.sleep(0.005)
        gc.collect()
        await anyio.lowlevel.checkpoint()
        if self.world == "asyncio":
            assert asyncio.all_tasks() == {asyncio.current_task()}, "a task is left"
        else:
            import trio

            # main, and trio's own: its init task and its async generators' nursery, whichever there are.
            names = [task.name for task in _trio_tasks(trio)]
            assert not [name for name in names if "flagcore" in name], names


def _trio_tasks(trio):
    tasks, left = [], [trio.lowlevel.current_root_task()]
    while left:
        task = left.pop()
        tasks.append(task)
        left += [child for nursery in task.child_nurseries for child in nursery.child_tasks]
    return tasks


def _threads():
    return [
        thread.name
        for thread in threading.enumerate()
        if thread.name.startswith("flagcore") and "look-up" not in thread.name
    ]


def _sockets():
    count, open_files = 0, Path("/proc/self/fd")
    for each in open_files.iterdir() if open_files.is_dir() else ():
        with contextlib.suppress(OSError):
            count += str(each.readlink()).startswith("socket:")
    return count
