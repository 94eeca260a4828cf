"""
One source of a client: its last good document, how it is, and what is said when that changes.

A layer is the `Sink` its feed tells. It parses, compiles and hands on; it never waits for a network.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import datetime
from math import inf
from typing import TYPE_CHECKING, Any, Protocol

from flagcore.document import compiled, fingerprint, read
from flagcore.errors import CacheError, MalformedDocument, SourceDenied, SourceError
from flagcore.feed.disk import DiskCache, Stored
from flagcore.formats import FORMATS, load
from flagcore.health import message
from flagcore.provided import Provided
from flagcore.resolution import ErrorCode
from flagcore.snapshot import EMPTY
from flagcore.source import Body, Same, Source
from flagcore.staleness import Staleness
from flagcore.status import ErrorContext, ErrorSource, Status

if TYPE_CHECKING:
    from flagcore.feed.engine import Flow
    from flagcore.feed.plan import Plan

__all__ = ["Feed", "Layer", "Owner"]

logger = logging.getLogger("flagcore")


class Owner(Protocol):
    """
    What a layer asks of the client it belongs to.
    """

    def make_own(self) -> None:
        """
        About to change something: in a forked child, see to it that no lock is the parent's.
        """
        ...

    def publish(self) -> None:
        """
        A layer has another document, or is otherwise: make the state of the whole anew.
        """
        ...

    def report(self, context: ErrorContext) -> None:
        """
        Something went wrong: tell the user's `on_error`.
        """
        ...


class Feed(Protocol):
    """
    What keeps a layer fresh: a thread or a task.
    """

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def join(self, timeout_seconds: float) -> bool: ...


#: The feeds that a child of a fork was left by its parent.
_inherited: list[Feed] = []


class Layer:
    """
    One source and its last good document.

    Attributes:
        source: where its documents come from.
        snapshot: the last good one, compiled; `EMPTY` before the first.
        status: how far it can be trusted.
        attempted: whether the source has been asked, and has answered or failed, since the last start.
        confirmed: whether the source itself, not the disk, has confirmed a document in this process.
        expired: whether its document is too old to answer.
        last_error: what last went wrong, as a health check tells it, and when.
        ended: whether its feed has given up for good.
        feed: what keeps it fresh; None while nothing does.
    """

    def __init__(
        self,
        source: Any,
        spelled: str,
        owner: Owner,
        cache: DiskCache | None,
        staleness: Staleness,
        *,
        share: bool = False,
    ) -> None:
        #: Whether its documents are held by the program itself, so that nothing needs to be fetched.
        self.is_given = hasattr(source, "read") and hasattr(source, "subscribe")
        if not self.is_given:
            from flagcore.feed.plan import check_source

            check_source(source, spelled)
        self.source = source
        self.snapshot = EMPTY
        self.status = Status.NOT_READY
        self.attempted = self.confirmed = self.ended = self.expired = False
        self.last_error: tuple[str, datetime] | None = None
        self.feed: Feed | None = None
        self._identity: bytes | None = getattr(source, "identity", None)
        self._cache = cache if self._identity is not None else None
        self._shares = share
        self._owner = owner
        self._staleness = staleness
        #: When the source last confirmed the document, on the monotonic clock: the wall's may be set.
        self._confirmed_at = self._dated_at = 0.0
        self._digest = b""
        self._etag: str | None = None
        self._failing = False
        self._has_looked = False
        self.renew()
        if self.is_given:
            source.subscribe(self.take)

    def renew(self) -> None:
        """
        Begin anew in a forked child: the document stays, the lock and the feed are the parent's and are left alone.
        """
        self._lock = threading.RLock()
        if self.feed is not None:
            # For good: a finaliser of theirs would act on connections and event loops that are the parent's.
            _inherited.append(self.feed)
        self.feed = None

    @property
    def etag(self) -> str | None:
        return self._etag

    @property
    def unfollowed_status(self) -> Status:
        """
        The status while nothing follows the source: what is fetched is no longer fresh.
        """
        return Status.STALE if self.status is Status.READY and not self.is_given else self.status

    @property
    def is_followed(self) -> bool:
        """
        Whether a feed keeps it fresh at this moment, without trouble.
        """
        return self.feed is not None and not self.ended and not self._failing and self.confirmed

    def follow(self, plan: Plan, *, etag: str | None) -> Flow:
        """
        The conversation that keeps it fresh, for a feed to carry out. I/O: opens a file where the connection is shared.
        """
        if self._shares and self._cache is not None:
            from flagcore.feed.sharing import sharing

            return sharing(self._cache.folder, self.source, plan, etag=etag)
        from flagcore.feed.engine import feed

        return feed(plan, etag=etag)

    def begin(self) -> None:
        """
        The source is about to be followed, again or for the first time: what it said before is not confirmed now.
        """
        with self._lock:
            self.attempted = self.confirmed = self.ended = False
            self.status = Status.NOT_READY if self.snapshot is EMPTY else self._unconfirmed
        if self.source.format in FORMATS:  # of one's own it says so when a document comes
            load(self.source.format)
        self.load()

    def load(self) -> None:
        """
        Take what is at hand without a network: the program's own document, the file, the disk cache.
        """
        if self.is_given:
            self.take()
        elif getattr(self.source, "is_local", False):
            self._load_file()
        elif self._cache is not None and self._identity is not None and not self._has_looked:
            self._has_looked = True
            stored = self._cache.load(self._identity)
            if stored is not None:
                self._load_stored(stored, self._cache)

    def take(self) -> None:
        """
        Take the document that the program itself holds.
        """
        self._owner.make_own()
        fault: SourceError | None = None
        with self._lock:
            was_ready = self.status is Status.READY
            given, version = self.source.read()
            if isinstance(given, Provided):
                self.snapshot, (self.status, fault) = given, self.source.health()
            else:
                self.snapshot = compiled(given, version, self.source.name, time.time())
                self.status = Status.READY
            if self.status is Status.READY:
                self._confirm()
            elif was_ready:  # it was current until it said otherwise
                self._confirmed_at = time.monotonic()
        if fault is None:
            self._owner.publish()
        elif isinstance(fault, SourceDenied):
            self.end(fault)
        else:
            self.fail(fault, covered=False)
        # Outside of the lock another thread may have taken a newer state meanwhile, and this one be said after it.
        if fault is not None and self.source.health()[1] is None:
            self.take()

    def keep(self, body: Body | Same) -> None:
        with self._lock:
            before, was_ready = self.snapshot, self.status is Status.READY
            if isinstance(body, Body):
                self._accept(body)
            self._confirm()
            is_news = self.snapshot is not before or not was_ready
        self._date_stored()
        # Outside of the lock: what listens to changes may ask this layer for anything.
        if is_news:
            self._owner.publish()

    def fail(self, error: SourceError, *, covered: bool) -> None:
        with self._lock:
            self.attempted = True
            begins = not covered and not self._failing
            if not covered:
                self._failing = True
                self.status = self._unconfirmed
            parser = isinstance(error, MalformedDocument)
            report = self._noted(error, ErrorSource.PARSER if parser else ErrorSource.NETWORK, is_transient=True)
        if begins:
            answers = "the last good document stays" if self.is_answering else "its callers get their defaults"
            logger.warning("%s; %s, and it is tried again", self._said(error), answers)
        self._report(report)
        self._owner.publish()

    def end(self, error: SourceError | None) -> None:
        if error is None:
            return
        with self._lock:
            self.attempted = self._failing = self.ended = True
            self.status = Status.FATAL
            report = self._noted(error, ErrorSource.NETWORK, is_transient=False)
        logger.error("%s; nothing more is asked of it until FlagClient.refresh()", self._said(error))
        self._report(report)
        self._owner.publish()

    @property
    def missing(self) -> ErrorCode:
        """
        What to say of a key that this layer might yet define.
        """
        if self.snapshot is not EMPTY and not self.expired:
            return ErrorCode.FLAG_NOT_FOUND
        if self.has_failed:
            return ErrorCode.GENERAL
        return ErrorCode.PROVIDER_FATAL if self.status is Status.FATAL else ErrorCode.PROVIDER_NOT_READY

    @property
    def has_come(self) -> bool:
        """
        Whether a document is at hand, however old.
        """
        return self.snapshot.fetched_at is not None

    @property
    def is_answering(self) -> bool:
        """
        Whether its document answers reads.
        """
        return self.has_come and not self.expired

    @property
    def has_failed(self) -> bool:
        """
        Whether its document is too old, and that is a failure of the whole.
        """
        return self.expired and self._staleness.fails

    @property
    def age_seconds(self) -> float | None:
        """
        Seconds since the source last confirmed the document; 0.0 for what the program itself holds, None for none.
        """
        if not self.has_come:
            return None
        if self.is_given and self.status is Status.READY:
            return 0.0
        return time.monotonic() - self._confirmed_at

    @property
    def expires_at(self) -> float:
        """
        When its document will be too old to answer, on the monotonic clock; infinite while its source confirms it or is
        not followed, and once it is too old.
        """
        is_followed = self.feed is not None or self.is_given
        is_waiting = is_followed and self.has_come and not self.expired and self.status is not Status.READY
        return self._confirmed_at + self._staleness.limit_seconds if is_waiting else inf

    def expire(self) -> None:
        """
        Let its document answer no more, if it is too old.
        """
        with self._lock:
            if time.monotonic() < self.expires_at:
                return
            self.expired = True
            if self.status is Status.STALE:
                self.status = self._unconfirmed
        logger.warning(
            "%s: not confirmed for %.3g s; its document is not used until it is (max_stale_seconds=%g, on_stale=%r)",
            self.source.name,
            self.age_seconds,
            self._staleness.max_stale_seconds,
            self._staleness.on_stale,
        )

    @property
    def _unconfirmed(self) -> Status:
        return Status.STALE if self.has_come and not self.has_failed else Status.ERROR

    def _accept(self, body: Body) -> None:
        digest = fingerprint(body.content)
        if digest != self._digest or self.snapshot is EMPTY:
            now = time.time()
            self.snapshot = read(self.source.format, body, digest, self.source.name, now)
            self._digest = digest
            if self._cache is not None and self._identity is not None:
                self._cache.put(self._identity, body, now)
        self._etag = body.etag

    def _confirm(self) -> None:
        recovered = self._failing or self.expired
        self._failing = self.expired = False
        self._confirmed_at = time.monotonic()
        self.attempted = self.confirmed = True
        self.ended = False
        self.status = Status.READY
        if recovered:
            logger.info("%s: answers again", self.source.name)

    def _date_stored(self) -> None:
        # With a limit, so that the next process knows how old the document is, to a tenth of the limit.
        due_at = self._dated_at + self._staleness.limit_seconds / 10
        if self._cache is not None and self._identity is not None and self._confirmed_at >= due_at:
            self._dated_at = self._confirmed_at
            self._cache.confirm(self._identity)

    def _load_file(self) -> None:
        source: Source = self.source
        try:
            self.keep(source.fetch(self._etag))
        except SourceError as error:
            self.fail(error, covered=False)

    def _load_stored(self, stored: Stored, cache: DiskCache) -> None:
        digest, origin = fingerprint(stored.body.content), f"{self.source.name} (disk)"
        try:
            snapshot = read(self.source.format, stored.body, digest, origin, stored.fetched_at)
        except MalformedDocument as error:
            failure = CacheError(f"the disk cache holds what is no document, and it is ignored: {error}")
            cache.warn(failure)
            return self._report(self._noted(failure, ErrorSource.DISK, is_transient=False))
        with self._lock:
            self.snapshot, self._digest, self._etag = snapshot, digest, stored.body.etag
            self.status = Status.STALE
            self._confirmed_at = time.monotonic() - max(0.0, time.time() - stored.confirmed_at)
        return self._owner.publish()

    def _said(self, error: SourceError) -> str:
        # Errors of the network begin with the address, which is the source's name.
        told = str(error)
        return told if told.startswith(self.source.name) else f"{self.source.name}: {told}"

    def _noted(self, error: Exception, source: ErrorSource, *, is_transient: bool) -> ErrorContext:
        report = ErrorContext.now(error, source, is_transient=is_transient, origin=self.source.name)
        self.last_error = (message(error), report.timestamp)
        return report

    def _report(self, report: ErrorContext) -> None:
        self._owner.report(report)
        report.let_go()
