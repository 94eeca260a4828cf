"""
What the processes of a host that read one source have in common: who of them is elected to hold the connection, and
what that one last said of the source.

Two files in the cache folder. `….lock` is locked by the holder; the kernel unlocks it when the holder dies, of
whatever cause. `….shared` is the holder's word: the document, or the trouble it has, and for how long that is good. The
lock's date is renewed whenever the source was heard of again. So two looks at dates tell the others whether there is
news.
"""

from __future__ import annotations

import logging
import os
import time
from enum import Enum
from typing import TypeAlias
from weakref import WeakSet

from flagcore.feed.folder import PrivateFolder
from flagcore.feed.record import Unreadable
from flagcore.feed.word import Word

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["Election", "Glance", "Outlook", "log_unshared"]

logger = logging.getLogger("flagcore")

#: Seconds between two renewals: the heartbeats of a stream may come more often.
_RENEWAL_SECONDS = 1.0


class Glance(Enum):
    """
    What a look has shown, other than a new word.
    """

    TAKEN = "this process is the holder now"
    RENEWED = "the holder has heard of the source again"
    QUIET = "nothing new"
    SILENT = "the holder has not kept its word"


Outlook: TypeAlias = Word | Glance


class Election:
    """
    The election of the process that holds one source's connection, as one client sees it. Opened by the thread that
    starts the client, used by its feed alone.

    Args:
        folder: the cache folder.
        identity: the source's.
        name: what the log calls the source.
        patience_seconds: how long a holder that has said nothing yet is waited for.

    Raises:
        OSError: nothing can be shared here.

    Attributes:
        process: the one it was opened in.
    """

    def __init__(self, folder: PrivateFolder, identity: bytes, name: str, patience_seconds: float) -> None:
        if fcntl is None:
            raise OSError("this platform has no locks that end with their process")
        _let_go_of_inherited()  # of a fork that ran no hooks
        folder.make()
        self._folder = folder
        self._name = name
        self._source = folder.name(identity)
        self._path = folder.path / f"{self._source}.shared"
        # Before anything is locked, and not in the feed's thread: a fork between the opening and the noting of it
        # would leave a child with a share in the lock.
        self._lock: int | None = folder.open_lock(f"{self._source}.lock")
        self.process = os.getpid()
        self._holds = False
        self._good_seconds = patience_seconds
        self._heard_at = self._renewed_at = time.monotonic()
        self._dates: tuple[int, ...] | None = None
        self._renewal = 0
        #: Whether there is a word that is not believed, unless its speaker turns out to live.
        self._doubts = False
        _elections.add(self)

    def look(self, *, may_take: bool = True) -> Outlook:
        """
        Take the connection over if nobody holds it, or hear what its holder says. I/O; never waits for a lock.

        Raises:
            OSError: the folder can't be shared.
        """
        return Glance.TAKEN if may_take and self._take() else self._listen()

    def say(self, word: Word) -> None:
        """
        Tell the others. I/O.

        Raises:
            OSError: it can't be written.
            Unreadable: it is too large.
        """
        self._folder.write(self._path.name, word.packed(self._source), durably=False)
        self._dates = self._dated()

    def renew(self) -> None:
        """
        Tell the others that what was said last still holds; once a second at most. I/O.

        Raises:
            OSError: they can't be told.
        """
        now = time.monotonic()
        if self._lock is not None and now - self._renewed_at >= _RENEWAL_SECONDS:
            self._renewed_at = now
            os.utime(self._lock)

    def give_up(self, error: Exception) -> None:
        """
        Share nothing any more, and have nobody believe what was said before.
        """
        log_unshared(self._name, error)
        if self._holds:
            try:
                self._path.unlink(missing_ok=True)
            except OSError:
                logger.debug("what was said before stays until it is no longer good", exc_info=True)
        self.close()

    def leave(self) -> None:
        """
        Be the holder no more: another process may take over at once.
        """
        held, self._holds = self._holds, False
        if held and self._lock is not None and self.process == os.getpid():
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def close(self) -> None:
        """
        Leave, and let go of the files.
        """
        self.leave()
        self.abandon()

    def abandon(self) -> None:
        """
        Let go of the lock without a word: an inherited one stays the parent's, and ends with the parent.
        """
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)

    def _take(self) -> bool:
        if self._lock is None:
            return False
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        self._holds = True
        return True

    def _listen(self) -> Outlook:
        before, self._dates = self._dates, self._dated()
        renewal, self._renewal = self._renewal, os.fstat(self._lock).st_mtime_ns if self._lock is not None else 0
        if self._dates and self._dates != before:
            return self._hear(is_first=not renewal)
        if self._renewal != renewal:
            if self._doubts:
                return self._hear()
            self._heard_at = time.monotonic()
            return Glance.RENEWED
        return self._quiet()

    def _quiet(self) -> Glance:
        is_overdue = time.monotonic() - self._heard_at > self._good_seconds
        return Glance.SILENT if is_overdue else Glance.QUIET

    def _hear(self, *, is_first: bool = False) -> Outlook:
        try:
            word = Word.unpacked(self._source, self._folder.read(self._path.name))
        except (Unreadable, FileNotFoundError):
            self._dates = None  # so that it is read again
            return self._quiet()
        if is_first and self._dates is not None:
            # What stood here before this process came may be yesterday's, of a holder that died.
            age = time.time() - max(self._dates[1], self._renewal) / 1e9
            self._doubts = not -_RENEWAL_SECONDS <= age <= word.good_seconds
            if self._doubts:
                return Glance.QUIET
        self._doubts = False
        self._good_seconds, self._heard_at = word.good_seconds, time.monotonic()
        return word

    def _dated(self) -> tuple[int, ...] | None:
        try:
            status = os.stat(self._path, follow_symlinks=False)  # noqa: PTH116
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size


_elections: WeakSet[Election] = WeakSet()


def _let_go_of_inherited() -> None:
    for election in _elections:
        if election.process != os.getpid():
            election.abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go_of_inherited)


def log_unshared(name: str, error: Exception) -> None:
    """
    Say that a client goes on without sharing.
    """
    reason = getattr(error, "strerror", None) or error
    logger.warning("%s: its connection can't be shared, and this process has one of its own: %s", name, reason)
