"""
The door: owns the sources' feeds and the current state of the flags.

    client = FlagClient(FileSource("flags.yaml"))
    with client:                      # a thread keeps it fresh; `async with` takes a task instead
        client.get_bool("new-checkout")

A client is asleep, awake or closed. Asleep (never started, or inherited over a fork), its first read wakes it; awake,
a read is a dictionary look-up; closed, it answers from its last state and nothing wakes it but `start()`.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import Any, Final, Literal, TypeVar
from weakref import WeakSet

from flagcore.context import EvaluationContext
from flagcore.errors import CacheError, ConfigError
from flagcore.feed.disk import DiskCache
from flagcore.flags import Flag, Flags, bind, detailed, unbind
from flagcore.layer import Feed, Layer
from flagcore.readiness import Readiness
from flagcore.resolution import ABSENT, ErrorCode, Resolution
from flagcore.snapshot import EMPTY, Answers, Snapshot
from flagcore.status import ErrorContext, ErrorHandler, ErrorSource, Status, worst
from flagcore.value import as_float, as_int, copied, kind, typed

__all__ = ["USER_CACHE", "FlagClient"]

T = TypeVar("T")
ContextLike = EvaluationContext | Mapping[str, Any] | None

logger = logging.getLogger("flagcore")

#: `FlagClient(cache_dir=USER_CACHE)`: the user's own cache folder, as the platform has it. The default.
USER_CACHE: Final = Path("<the user's cache folder>")


class _Sleeping(Answers):
    """
    The read table of a client that is asleep: always empty, so that every look-up wakes the client.
    """

    __slots__ = ("_client",)

    def __init__(self, client: FlagClient) -> None:
        self._client = client

    def __missing__(self, key: str) -> Resolution[Any]:
        return self._client._woken().answers[key]

    def resolve(self, key: str, context: EvaluationContext) -> Resolution[Any]:
        return self._client._woken().resolve(key, context)


class FlagClient:
    """
    Flags from one or several sources, kept fresh, answered from memory.

    Args:
        sources: where the flags come from. Several are layers: the first that defines a flag answers for it.
        cache_dir: the folder for the last good document of each network source; the user's cache folder by default,
            None keeps nothing on disk.
        max_stale_seconds: the age from which on `on_stale` decides; None for never.
        on_stale: what a document older than that does; `serve`, the only answer so far, goes on serving it.
        on_error: called with an `ErrorContext` for each failure behind the scenes, in the feed's thread or task. What
            it raises is logged and harms nothing.
        share: one connection for all processes of a host; not available yet.

    Raises:
        ConfigError: no source, something that is no source, or an option that can't be right.
    """

    def __init__(
        self,
        *sources: Any,
        cache_dir: str | os.PathLike[str] | None = USER_CACHE,
        max_stale_seconds: float | None = None,
        on_stale: Literal["serve"] = "serve",
        on_error: ErrorHandler | None = None,
        share: bool = False,
    ) -> None:
        _check(sources, on_error, max_stale_seconds=max_stale_seconds, on_stale=on_stale, share=share)
        self._on_error = on_error
        self._cache = DiskCache(_folder(cache_dir), self._disk_failed) if cache_dir is not None else None
        self._disk_is_failing = False
        self._listeners: dict[object, Callable[[frozenset[str]], object]] = {}
        self._overlays: list[Snapshot] = []
        self._snapshot = EMPTY
        self._answers: Any = _Sleeping(self)
        self._closed = False
        #: The process that reads may go ahead in; 0 while asleep, so that one comparison tells both sleep and a fork.
        self._pid = 0
        #: The process that the locks and feeds belong to.
        self._home = os.getpid()
        self._lifecycles = {self._home: threading.RLock()}
        self._writing = threading.Lock()
        self._settled = Readiness()
        self._entries: list[bool] = []
        self._layers = [Layer(source, self, self._cache) for source in sources]
        for layer in self._layers:
            layer.load()
        _clients.add(self)

    # --- following the sources ----------------------------------------------------------------------------------

    def start(self, wait_seconds: float = 0.0) -> bool:
        """
        Keep the flags fresh, in a daemon thread for each source that has news. What is local has been loaded when
        this returns; a started client is left as it is. Never raises for a fault of the network or the disk.

        Args:
            wait_seconds: how long to wait for the sources to answer; 0 does not wait.

        Returns:
            Whether the client is ready.
        """
        self._begin(_thread_feed)
        return self.wait_ready(wait_seconds)

    async def astart(self, wait_seconds: float = 0.0) -> bool:
        """
        As `start`, with a task in the running loop (asyncio or trio) for each source that has news.
        """
        self._begin(_task_feed)
        return await self.await_ready(wait_seconds)

    def close(self, timeout_seconds: float = 5.0) -> None:
        """
        Stop following the sources and write what the disk cache still has to. Idempotent, bounded, from any thread.
        Reads go on answering from the last state.

        Args:
            timeout_seconds: how long to wait for threads and the disk; what takes longer ends by itself.
        """
        deadline = time.monotonic() + timeout_seconds
        for feed in self._end():
            feed.join(max(0.0, deadline - time.monotonic()))
        if self._cache is not None:
            self._cache.flush(max(0.0, deadline - time.monotonic()))

    async def aclose(self, timeout_seconds: float = 5.0) -> None:
        """
        As `close`, without holding up the loop.
        """
        import anyio

        feeds = self._end()
        with anyio.move_on_after(timeout_seconds, shield=True):
            while not all(feed.join(0) for feed in feeds):
                await anyio.sleep(_LOOK_SECONDS)
            while self._cache is not None and not self._cache.flush(0):
                await anyio.sleep(_LOOK_SECONDS)

    def __enter__(self) -> FlagClient:
        self._entries.append(self._begin(_thread_feed))
        return self

    def __exit__(self, *exc: object) -> None:
        if self._entries.pop():
            self.close()

    async def __aenter__(self) -> FlagClient:
        self._entries.append(self._begin(_task_feed))
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
        self._settled.wait(timeout_seconds)
        return self._is_ready()

    async def await_ready(self, timeout_seconds: float) -> bool:
        """
        As `wait_ready`, without holding up the loop.
        """
        if timeout_seconds > 0:
            await self._settled.await_(timeout_seconds)
        return self._is_ready()

    def refresh(self) -> None:
        """
        Fetch from every source now, in this thread, within the sources' own time-outs. A source that had denied this
        client is followed again if it answers. Never raises for a fault of the network: see `status` and `on_error`.
        """
        self._fetch_all()
        self._revive(_thread_feed)

    async def arefresh(self) -> None:
        """
        As `refresh`, without holding up the loop.
        """
        done = Readiness()

        def fetch() -> None:
            try:
                self._fetch_all()
            finally:
                done.set()

        # A thread of its own: a pool's would linger after it, and might be held back by a name look-up that hangs.
        threading.Thread(target=fetch, name="flagcore-refresh", daemon=True).start()
        await done.await_(inf)
        self._revive(_task_feed)

    # --- asking ---------------------------------------------------------------------------------------------------

    @property
    def status(self) -> Status:
        """
        How far the flags can be trusted: the status of the source that is worst off. While nothing follows the
        sources (asleep, closed), a document that was READY is STALE.
        """
        followed = self._is_awake()
        return worst([layer.status if followed else layer.unfollowed_status for layer in self._layers])

    @property
    def snapshot(self) -> Snapshot:
        """
        The current state of the flags.
        """
        return self._snapshot

    def on_change(self, callback: Callable[[frozenset[str]], object]) -> Callable[[], None]:
        """
        Call `callback` with the changed keys after each change, in the feed's thread or task. What it raises is
        logged and harms nothing.

        Returns:
            A function that ends it; calling it again does nothing.
        """
        mark = object()
        self._listeners = {**self._listeners, mark: callback}

        def unsubscribe() -> None:
            self._listeners = {each: told for each, told in self._listeners.items() if each is not mark}

        return unsubscribe

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
        if self._pid != os.getpid():  # asleep, or a child of a fork that ran no hooks
            self._woken()
        return Flags(self._snapshot, context, self._woken)

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

    def is_enabled(self, key: str, default: bool = False, context: ContextLike = None) -> bool:
        """
        As `Flags.is_enabled`.
        """
        return self.get_bool(key, default, context)

    def get_bool(self, key: str, default: bool = False, context: ContextLike = None) -> bool:
        """
        As `Flags.get_bool`, from the newest state.
        """
        value = self._resolution(key, context).value
        return value if value is True or value is False else default

    def get_int(self, key: str, default: int = 0, context: ContextLike = None) -> int:
        """
        As `Flags.get_int`, from the newest state.
        """
        value = as_int(self._resolution(key, context).value)
        return default if value is ABSENT else value

    def get_float(self, key: str, default: float = 0.0, context: ContextLike = None) -> float:
        """
        As `Flags.get_float`, from the newest state.
        """
        value = as_float(self._resolution(key, context).value)
        return default if value is ABSENT else value

    def get_number(self, key: str, default: float = 0.0, context: ContextLike = None) -> float:
        """
        As `Flags.get_number`, from the newest state.
        """
        value = self._resolution(key, context).value
        return value if type(value) is int or type(value) is float else default

    def get_string(self, key: str, default: str = "", context: ContextLike = None) -> str:
        """
        As `Flags.get_string`, from the newest state.
        """
        value = self._resolution(key, context).value
        return value if type(value) is str else default

    def get_json(self, key: str, default: Any = None, context: ContextLike = None) -> Any:
        """
        As `Flags.get_json`, from the newest state.
        """
        value = typed(self._resolution(key, context).value, default)
        return default if value is ABSENT else value

    def get(self, flag: Flag[T], context: ContextLike = None) -> T:
        """
        As `Flags.get`, from the newest state.
        """
        value: T = self.get_json(flag.key, flag.default, context)
        return copied(value) if value is flag.default else value

    def details(self, key: str, default: Any, context: ContextLike = None) -> Resolution[Any]:
        """
        As `Flags.details`, from the newest state.
        """
        return detailed(self._resolution(key, context), default)

    def get_feature_config(self, feature_name: str, ordered_hierarchy: Sequence[object]) -> Any:
        """
        As `Flags.get_feature_config`, from the newest state.
        """
        return self.view(EvaluationContext()).get_feature_config(feature_name, ordered_hierarchy)

    def all(self, context: ContextLike = None) -> dict[str, Any]:
        """
        As `Flags.all`, from the newest state.
        """
        return self.flags(context).all()

    def _resolution(self, key: str, context: ContextLike) -> Resolution[Any]:
        try:
            if context is None:
                return self._answers[key]  # type: ignore[no-any-return] # both tables hold resolutions
            return self._answers.resolve(key, EvaluationContext.of(context))  # type: ignore[no-any-return]
        except ConfigError as error:
            return Resolution.error(key, ErrorCode.INVALID_CONTEXT, str(error))
        except TypeError:  # a key that can't be looked up
            return Resolution.error(repr(key), ErrorCode.GENERAL, f"expected a key that is a str, got {kind(key)}")

    # --- what the layers ask of it (`layer.Owner`) ----------------------------------------------------------------

    def publish(self) -> None:
        """
        Internal: a layer has another document or status. Makes the state anew and tells whom it concerns.
        """
        with self._writing:
            old = self._snapshot
            new = self._snapshot = self._merged()
            if self._pid or self._closed:
                self._answers = new.answers
        if self._is_ready() or all(layer.status is Status.FATAL for layer in self._layers if not layer.is_given):
            self._settled.set()
        changed = new.changed_from(old) if self._listeners else None
        for callback in self._listeners.values() if changed else ():
            self._call(callback, changed)

    def report(self, context: ErrorContext) -> None:
        """
        Internal: something went wrong behind the scenes. Tells the user's `on_error`.
        """
        if self._on_error is not None:
            self._call(self._on_error, context)

    def lay(self, overlay: Snapshot) -> Callable[[], None]:
        """
        Internal: put a layer above all others, for `flagcore.testing`. Returns a function that takes it off again.
        """
        self._overlays = [overlay, *self._overlays]
        self.publish()

        def take_off() -> None:
            self._overlays = [each for each in self._overlays if each is not overlay]
            self.publish()

        return take_off

    def _merged(self) -> Snapshot:
        missing = ErrorCode.FLAG_NOT_FOUND
        for layer in self._layers:
            if layer.missing is not missing:
                missing = layer.missing
                break
        came = [layer.snapshot for layer in self._layers if layer.snapshot is not EMPTY]
        snapshots = [*self._overlays, *came]
        old = self._snapshot
        if old.missing is missing and old.layers == tuple(snapshots):
            return old
        return Snapshot.layered(snapshots, missing)

    def _is_ready(self) -> bool:
        return any(layer.confirmed for layer in self._layers) and all(layer.attempted for layer in self._layers)

    def _call(self, callback: Callable[[Any], object], argument: object) -> None:
        try:
            callback(argument)
        except Exception:
            logger.exception("%r raised; flagcore goes on", callback)

    def _disk_failed(self, error: CacheError) -> None:
        if not self._disk_is_failing:
            self._disk_is_failing = True
            logger.warning("%s", error)
        self.report(ErrorContext.now(error, ErrorSource.DISK, is_transient=False, origin="disk"))

    # --- asleep, awake, closed ------------------------------------------------------------------------------------

    def _is_awake(self) -> bool:
        return not self._closed and self._pid == os.getpid()

    def _lifecycle(self) -> threading.RLock:
        # One for each process: a child never touches a lock that its parent may have held at the fork.
        return self._lifecycles.setdefault(os.getpid(), threading.RLock())

    def _begin(self, make_feed: Callable[[Layer], Feed]) -> bool:
        with self._lifecycle():
            if self._is_awake():
                return False
            self._make_own()
            self._closed = False
            self._settled.clear()
            for layer in self._layers:
                layer.begin()
            feeds = [make_feed(layer) for layer in self._layers if not layer.is_given]
            self._pid = os.getpid()
            self.publish()
            self._answers = self._snapshot.answers
            for feed in feeds:
                feed.start()
            return True

    def _end(self) -> list[Feed]:
        with self._lifecycle():
            self._make_own()
            self._closed, self._pid = True, os.getpid()
            feeds = [layer.feed for layer in self._layers if layer.feed is not None]
            for layer in self._layers:
                layer.feed = None
            for feed in feeds:
                feed.stop()
            self._answers = self._snapshot.answers
            self._settled.set()
            return feeds

    def _woken(self) -> Snapshot:
        """
        The current state; wakes a client that is asleep. Never raises.
        """
        if self._pid != os.getpid():
            try:
                with self._lifecycle():
                    if self._closed:
                        self._make_own()
                        self._pid = os.getpid()
                    else:
                        self._begin(_thread_feed)
            except RuntimeError:  # no thread can be started, as while the interpreter shuts down
                logger.exception("the flags can't be followed; the last state answers")
        return self._snapshot

    def _make_own(self) -> None:
        if self._home == os.getpid():
            return
        self._home = os.getpid()
        self._writing = threading.Lock()
        self._settled = Readiness()
        for part in (*self._layers, *filter(None, [self._cache])):
            part.renew()

    def _fall_asleep(self) -> None:
        # Runs in a child, right after a fork: takes no lock, starts nothing.
        if not self._closed:
            self._answers = _Sleeping(self)
            self._pid = 0

    def _fetch_all(self) -> None:
        from flagcore.feed.threads import fetch_once

        with self._lifecycle():
            self._make_own()
        for layer in self._layers:
            if layer.is_given:
                layer.load()
            else:
                fetch_once(layer.source, layer)

    def _revive(self, make_feed: Callable[[Layer], Feed]) -> None:
        with self._lifecycle():
            for layer in self._layers if self._is_awake() else ():
                if layer.ended and layer.status is Status.READY:
                    make_feed(layer).start()

    def __repr__(self) -> str:
        return f"FlagClient({', '.join(layer.source.name for layer in self._layers)}; {self.status})"


#: Seconds between two looks at whether a thread has ended, where waiting for it would hold up a loop.
_LOOK_SECONDS = 0.005

_clients: WeakSet[FlagClient] = WeakSet()


def _fork_happened() -> None:
    for client in _clients:
        client._fall_asleep()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_fork_happened)


def _thread_feed(layer: Layer) -> Feed:
    from flagcore.feed.threads import ThreadFeed

    layer.feed = ThreadFeed(layer.source, layer)
    return layer.feed


def _task_feed(layer: Layer) -> Feed:
    from flagcore.feed.tasks import TaskFeed

    layer.feed = TaskFeed(layer.source, layer)
    return layer.feed


def _folder(cache_dir: str | os.PathLike[str]) -> Path:
    if cache_dir is USER_CACHE:
        from platformdirs import user_cache_dir

        return Path(user_cache_dir("flagcore", appauthor=False))
    return Path(cache_dir)


def _check(
    sources: tuple[Any, ...],
    on_error: object,
    *,
    max_stale_seconds: object,
    on_stale: object,
    share: object,
) -> None:
    if not sources:
        raise ConfigError("sources: expected at least one, such as FileSource('flags.yaml'); got none")
    for number, source in enumerate(sources):
        if not (callable(getattr(source, "fetch", None)) or callable(getattr(source, "read", None))):
            raise ConfigError(
                f"sources[{number}]: expected a source, with name, format, poll_seconds and fetch(); "
                f"got {type(source).__name__}"
            )
    if on_error is not None and not callable(on_error):
        raise ConfigError(f"on_error: expected a callable or None, got {type(on_error).__name__}")
    number_given = isinstance(max_stale_seconds, (int, float)) and not isinstance(max_stale_seconds, bool)
    if max_stale_seconds is not None and not (number_given and 0 < max_stale_seconds < inf):  # type: ignore[operator]
        raise ConfigError(f"max_stale_seconds: expected seconds above 0 or None, got {max_stale_seconds!r}")
    if on_stale != "serve":
        raise ConfigError(f"on_stale: expected 'serve', the only policy so far; got {on_stale!r}")
    if share is not False:
        raise ConfigError(f"share: expected False, sharing a connection comes with a later release; got {share!r}")
