"""
The disk cache: the last good document of each network source, so that a cold start answers at once.

One file a source, private to the user, written whole or not at all, and shared by every process, on whatever host,
that reads the same source with the same key. No file and no file's name holds a secret.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from flagcore.errors import CacheError
from flagcore.feed.folder import PrivateFolder
from flagcore.feed.record import About, Unreadable, pack, unpack
from flagcore.source import Body

__all__ = ["COALESCE_SECONDS", "DiskCache", "Stored"]

logger = logging.getLogger("flagcore")

#: Seconds between two writes of one source: a burst of changes costs one write. SOASAP's documented figure.
COALESCE_SECONDS = 2.5

#: Seconds within which two processes count as having got the same document at the same time, so that one of them
#: writes it.
_TOGETHER_SECONDS = 60.0


@dataclass(frozen=True)
class Stored:
    """
    A document from disk; when it had come from its source, and when the source is known to have last confirmed it
    (seconds since the epoch).
    """

    body: Body
    fetched_at: float
    confirmed_at: float = field(default=0.0, compare=False)


class DiskCache:
    """
    The files of one folder. Reading is plain; writing goes through one short-lived daemon thread, started when there
    is something to write and gone when all is written.

    Args:
        folder: where the files go; made, private to the user, when first written to.
        on_error: told of each failure, with a `CacheError`; the log tells the first one, and when it is over. Serving
            goes on without the disk.
    """

    def __init__(self, folder: Path, on_error: Callable[[CacheError], object]) -> None:
        self.folder = folder
        self._files = PrivateFolder(folder)
        self._on_error = on_error
        self._is_failing = False
        self.renew()

    def renew(self) -> None:
        """
        Begin anew in a forked child: fresh locks, no thread, nothing pending.
        """
        self._changed = threading.Condition()
        #: What is to be written; None where only the file's date is.
        self._pending: dict[bytes, tuple[Body, float] | None] = {}
        self._written: dict[bytes, float] = {}
        self._writer: threading.Thread | None = None
        self._flushing = False

    def load(self, identity: bytes) -> Stored | None:
        """
        The document kept for a source, or None. I/O: reads two files. Never raises: a bad file, or a folder that
        others may write in, is reported and ignored.
        """
        try:
            return self._stored(identity)
        except (OSError, Unreadable) as error:
            self._report("read", error)
            return None

    def put(self, identity: bytes, body: Body, fetched_at: float) -> None:
        """
        Keep a document: the first of a source is written at once, further ones at most every `COALESCE_SECONDS`, the
        last one in any case. Returns without waiting for the disk.
        """
        with self._changed:
            self._pending[identity] = (body, fetched_at)
        self._begin()

    def confirm(self, identity: bytes) -> None:
        """
        The document kept for a source still stands: date its file, at most every `COALESCE_SECONDS`. Returns without
        waiting for the disk.
        """
        with self._changed:
            self._pending.setdefault(identity, None)
        self._begin()

    def warn(self, error: CacheError) -> None:
        """
        Log that something is wrong with the disk or with what it holds: once, until something can be written again.
        """
        if not self._is_failing:
            self._is_failing = True
            logger.warning("%s", error)

    def flush(self, timeout_seconds: float) -> bool:
        """
        Write what is pending, now. Returns whether all of it was written within `timeout_seconds`, or can't be; 0 only
        asks for it.
        """
        self._begin()
        with self._changed:
            writer = self._writer
            self._flushing = writer is not None
            self._changed.notify_all()
        if writer is None or writer is threading.current_thread():
            return writer is None
        writer.join(timeout_seconds)
        return not writer.is_alive()

    def _begin(self) -> None:
        with self._changed:
            if self._writer is not None or not self._pending:
                return
            writer = threading.Thread(target=self._write_all, name="flagcore-disk", daemon=True)
            try:
                writer.start()
            except RuntimeError as error:  # no thread can be started: what is pending waits for the next change
                failure = error
            else:
                self._writer = writer
                return
        self._report("written", failure)

    def _write_all(self) -> None:
        while True:
            with self._changed:
                if not self._pending:
                    self._writer, self._flushing = None, False
                    return
                identity, wait = min(((key, self._due_in(key)) for key in self._pending), key=lambda each: each[1])
                if wait > 0 and not self._flushing:
                    self._changed.wait(wait)
                    continue
                document = self._pending.pop(identity)
                self._written[identity] = time.monotonic()
            if document is not None:
                self._write(identity, *document)
            else:
                self._date(identity)

    def _due_in(self, identity: bytes) -> float:
        written = self._written.get(identity)
        return 0.0 if written is None else written + COALESCE_SECONDS - time.monotonic()

    def _write(self, identity: bytes, body: Body, fetched_at: float) -> None:
        try:
            self._files.make()
            if self._is_there(identity, body, fetched_at):
                return
            name = self._files.name(identity)
            content = pack(name, About(fetched_at, body.etag, body.syntax), body.content)
            self._files.write(f"{name}.flags", content)
            self._files.touch(f"{name}.flags", fetched_at)
        except (OSError, Unreadable) as error:
            self._report("written", error)
            return
        if self._is_failing:
            self._is_failing = False
            logger.info("the disk cache is written again")

    def _date(self, identity: bytes) -> None:
        try:
            self._files.touch(f"{self._files.name(identity)}.flags")
        except FileNotFoundError:
            pass  # removed by somebody: the next change brings it back
        except OSError as error:
            self._report("dated", error)

    def _is_there(self, identity: bytes, body: Body, fetched_at: float) -> bool:
        # Workers of one service get each change at the same time: one of them writes it.
        try:
            stored = self._stored(identity)
        except (OSError, Unreadable):
            return False
        return stored is not None and stored.body == body and abs(stored.fetched_at - fetched_at) < _TOGETHER_SECONDS

    def _stored(self, identity: bytes) -> Stored | None:
        try:
            name = self._files.name(identity)
            content = self._files.read(f"{name}.flags")
            dated_at = self._files.touched_at(f"{name}.flags")
        except FileNotFoundError:
            return None
        about, body = unpack(name, content, About)
        return Stored(body, about.fetched_at, max(about.fetched_at, dated_at))

    def _report(self, what: str, error: Exception) -> None:
        reason = getattr(error, "strerror", None) or str(error)
        failure = CacheError(f"the disk cache could not be {what}, and serving goes on without it: {reason}")
        failure.__cause__ = error
        self.warn(failure)
        self._on_error(failure)
