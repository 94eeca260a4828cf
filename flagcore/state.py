"""
The state of a client: its layers, what they say together, how they are together, and who is told when that changes.

One thread at a time makes the state anew, under a writer's lock; readers take the snapshot by reference and meet no
lock.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import inf
from pathlib import Path
from typing import Any

from flagcore.errors import CacheError, ConfigError
from flagcore.feed.disk import DiskCache
from flagcore.health import Health, SourceHealth, shown
from flagcore.layer import Layer
from flagcore.process import ProcessLock
from flagcore.provided import stacked
from flagcore.readiness import Readiness
from flagcore.resolution import ErrorCode
from flagcore.snapshot import EMPTY, Snapshot
from flagcore.staleness import SERVE, Countdown, Staleness
from flagcore.status import ErrorContext, ErrorHandler, ErrorSource, Status, worst

__all__ = ["State", "check_options"]

logger = logging.getLogger("flagcore")


class State:
    """
    What a client's sources say, as one.

    Args:
        sources: the layers, the first on top.
        folder: where network sources' documents are kept, or None for nowhere.
        on_error: the user's.
        staleness: how old a layer's document may become, and what happens then.
        share: one connection to a source for all processes that use `folder`.

    Raises:
        ConfigError: there is no source, one is none, or `on_error` can't be called.

    Attributes:
        layers: one for each source.
        snapshot: the current state, of all layers together.
        settled: set once the client is ready, or can't become so.
        cache: the disk cache, or None.
        on_publish: told of each new snapshot, under the writer's lock.
    """

    on_publish: Callable[[Snapshot], object] = staticmethod(lambda _: None)

    def __init__(
        self,
        sources: Sequence[Any],
        folder: Path | None,
        on_error: ErrorHandler | None,
        staleness: Staleness = SERVE,
        *,
        share: bool = False,
    ) -> None:
        if not sources:
            raise ConfigError("sources: expected at least one, such as FileSource('flags.yaml'); got none")
        if on_error is not None and not callable(on_error):
            raise ConfigError(f"on_error: expected a callable or None, got {type(on_error).__name__}")
        self.cache = DiskCache(folder, self._disk_failed) if folder is not None else None
        self.snapshot = EMPTY
        self._on_error = on_error
        self._listeners: dict[object, Callable[[frozenset[str]], object]] = {}
        self._watchers: dict[object, Callable[[Status], object]] = {}
        self._status = self._told = Status.NOT_READY
        self._overlays: list[Snapshot] = []
        #: The process that the locks and feeds belong to.
        self._home = os.getpid()
        self._owning = ProcessLock()
        if share and self.cache is None:
            logger.warning("share: there is no cache folder to share in, so that each process has its own connections")
        self.layers = [
            Layer(each, f"sources[{n}]", self, self.cache, staleness, share=share) for n, each in enumerate(sources)
        ]
        self._renew_locks()
        for layer in self.layers:
            layer.load()

    def make_own(self) -> None:
        """
        In a forked child begin anew: what is known stays, every lock is a new one, and nothing is joined. Whoever takes
        a lock comes by here first.
        """
        if self._home == os.getpid():
            return
        with self._owning:
            if self._home != os.getpid():
                self._renew()
                self._home = os.getpid()

    def _renew(self) -> None:
        self._renew_locks()
        for layer in self.layers:
            layer.renew()
        if self.cache is not None:
            self.cache.renew()

    def _renew_locks(self) -> None:
        # Re-entrant: a signal handler that closes the client may run on top of the thread that publishes.
        self._writing = threading.RLock()
        self.settled = Readiness()
        self._countdown: Countdown | None = None
        self._is_telling = False

    def rest(self) -> list[Countdown]:
        """
        The sources are followed no more, so that no document becomes too old: what answers goes on answering. Returns
        what has still to end.
        """
        with self._writing:
            waiting, self._countdown = self._countdown, None
        if waiting is None:
            return []
        waiting.stop()
        return [waiting]

    def publish(self) -> None:
        """
        A layer has another document or status: make the whole anew, and tell whom it concerns.
        """
        with self._writing:
            for layer in self.layers:
                layer.expire()
            old = self.snapshot
            new = self.snapshot = self._merged()
            self.on_publish(new)
            self._status = self.status(followed=True)
            self._await_expiry()
        if self.is_ready or all(layer.status is Status.FATAL for layer in self.layers if not layer.confirmed):
            self.settled.set()
        changed = new.changed_from(old) if self._listeners else None
        for callback in self._listeners.values() if changed else ():
            self._call(callback, changed)
        self._tell_status()

    def report(self, context: ErrorContext) -> None:
        """
        Something went wrong behind the scenes: tell the user's `on_error`.
        """
        if self._on_error is not None:
            self._call(self._on_error, context)

    def listen(self, callback: Callable[[frozenset[str]], object]) -> Callable[[], None]:
        """
        Tell `callback` of changed keys from here on. Returns a function that ends it.
        """
        mark = object()
        self._listeners = {**self._listeners, mark: callback}

        def unsubscribe() -> None:
            self._listeners = {each: told for each, told in self._listeners.items() if each is not mark}

        return unsubscribe

    def watch(self, callback: Callable[[Status], object]) -> Callable[[], None]:
        """
        Tell `callback` of each other status from here on. Returns a function that ends it.
        """
        mark = object()
        self._watchers = {**self._watchers, mark: callback}

        def unsubscribe() -> None:
            self._watchers = {each: told for each, told in self._watchers.items() if each is not mark}

        return unsubscribe

    def lay(self, overlay: Snapshot) -> Callable[[], None]:
        """
        Put a snapshot above all layers. Returns a function that takes it off again.
        """
        self.make_own()
        self._overlays = [overlay, *self._overlays]
        self.publish()

        def take_off() -> None:
            self._overlays = [each for each in self._overlays if each is not overlay]
            self.publish()

        return take_off

    @property
    def is_ready(self) -> bool:
        """
        Whether a source has confirmed a document in this process, and none is still on its first attempt.
        """
        return any(layer.confirmed for layer in self.layers) and all(layer.attempted for layer in self.layers)

    def status(self, *, followed: bool) -> Status:
        """
        That of the layer that is worst off; `followed` says whether feeds keep them fresh.
        """
        return worst([layer.status if followed else layer.unfollowed_status for layer in self.layers])

    def health(self, *, followed: bool) -> Health:
        """
        How the whole and each layer are at this moment; `followed` as in `status`.
        """
        layers = self.layers
        ages = [age for age in (layer.age_seconds for layer in layers) if age is not None]
        return Health(
            self.status(followed=followed),
            any(layer.has_come for layer in layers)
            and all(layer.has_come or layer.attempted for layer in layers)
            and not any(layer.has_failed for layer in layers),
            self.snapshot.version,
            max(ages, default=None),
            tuple(
                SourceHealth(
                    shown(layer.source.name),
                    layer.status if followed else layer.unfollowed_status,
                    layer.snapshot.version,
                    layer.age_seconds,
                    *(layer.last_error or ()),
                )
                for layer in layers
            ),
        )

    def _tell_status(self) -> None:
        # One thread at a time, as long as there is another status than was told last; no lock is held meanwhile.
        while True:
            with self._writing:
                if self._is_telling or self._told is self._status:
                    return
                self._is_telling = True
                now = self._told = self._status
            try:
                for watcher in self._watchers.values():
                    self._call(watcher, now)
            finally:
                self._is_telling = False

    def _await_expiry(self) -> None:
        # Under the writer's lock. At most one thread waits, and none while every source confirms its document.
        moment = min(layer.expires_at for layer in self.layers)
        if self._countdown is not None:
            if self._countdown.moment == moment:
                return
            former, self._countdown = self._countdown, None
            former.stop()
        if moment < inf:
            waiting = Countdown(moment, self.publish)
            with suppress(RuntimeError):  # no thread can be started, as at the interpreter's exit
                waiting.start()
                self._countdown = waiting

    def _merged(self) -> Snapshot:
        codes = [layer.missing for layer in self.layers if layer.missing is not ErrorCode.FLAG_NOT_FOUND]
        # A failure of the whole before all else: gates go by it.
        missing = ErrorCode.GENERAL if ErrorCode.GENERAL in codes else (*codes, ErrorCode.FLAG_NOT_FOUND)[0]
        came = [layer.snapshot for layer in self.layers if layer.snapshot is not EMPTY and not layer.expired]
        snapshots = (*self._overlays, *came)
        if self.snapshot.missing is missing and self.snapshot.layers == snapshots:
            return self.snapshot
        return stacked(snapshots, missing)

    def _call(self, callback: Callable[[Any], object], argument: object) -> None:
        try:
            callback(argument)
        except Exception:
            logger.exception("%r raised; flagcore goes on", callback)

    def _disk_failed(self, error: CacheError) -> None:
        self.report(ErrorContext.now(error, ErrorSource.DISK, is_transient=False, origin="disk"))


def check_options(cache_dir: object, share: object) -> None:
    """
    Look at a client's options that are about no source.

    Raises:
        ConfigError: one can't be right.
    """
    if cache_dir is not None and (not isinstance(cache_dir, (str, os.PathLike)) or "\0" in os.fspath(cache_dir)):
        raise ConfigError(f"cache_dir: expected a folder or None, got {cache_dir!r}")
    if not isinstance(share, bool):
        raise ConfigError(f"share: expected True or False, got {share!r}")
