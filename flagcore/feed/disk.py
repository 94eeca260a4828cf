"""
The disk cache: the last good document of each network source, so that a cold start answers at once.

One file a source: a line of JSON that says what follows, then the document as it came. Files are private to the user,
written whole or not at all, and shared by every process that reads the same source with the same key. Nothing in them,
their names included, is a secret.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from flagcore.errors import CacheError
from flagcore.source import Body

__all__ = ["COALESCE_SECONDS", "DiskCache", "Stored", "user_cache_folder"]

logger = logging.getLogger("flagcore")

#: Seconds between two writes of one source: a burst of changes costs one write. SOASAP's documented figure.
COALESCE_SECONDS = 2.5

#: Bytes a cache file may have to be read: twice what a service may send, so that a stray file can't fill memory.
_MAX_FILE_BYTES = 128 * 1024 * 1024

#: The version of the file's own layout.
_LAYOUT = 1


@dataclass(frozen=True)
class Stored:
    """
    A document from disk, and when it had come from its source (seconds since the epoch).
    """

    body: Body
    fetched_at: float


class DiskCache:
    """
    The files of one folder. Reading is plain; writing goes through one short-lived daemon thread, started when there
    is something to write and gone when all is written.

    Args:
        folder: where the files go; made, private to the user, when first written to.
        on_error: told of each failure, with a `CacheError`. Serving goes on without the disk.
    """

    def __init__(self, folder: Path, on_error: Callable[[CacheError], object]) -> None:
        self.folder = folder
        self._on_error = on_error
        self.renew()

    def renew(self) -> None:
        """
        Begin anew in a forked child: fresh locks, no thread, nothing pending.
        """
        self._changed = threading.Condition()
        self._pending: dict[bytes, tuple[Body, float]] = {}
        self._written: dict[bytes, float] = {}
        self._writer: threading.Thread | None = None
        self._flushing = False

    def load(self, identity: bytes) -> Stored | None:
        """
        The document kept for a source, or None. I/O: reads one file. Never raises: a bad file is reported and ignored.
        """
        try:
            with self._path(identity).open("rb") as file:
                content = file.read(_MAX_FILE_BYTES + 1)
            return _decode(content, identity)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            self._report("read", error)
            return None

    def put(self, identity: bytes, body: Body, fetched_at: float) -> None:
        """
        Keep a document: the first of a source is written at once, further ones at most every `COALESCE_SECONDS`, the
        last one in any case. Returns without waiting for the disk.
        """
        with self._changed:
            self._pending[identity] = (body, fetched_at)
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_all, name="flagcore-disk", daemon=True)
                self._writer.start()

    def flush(self, timeout_seconds: float) -> bool:
        """
        Write what is pending, now. Returns whether all of it was written within `timeout_seconds`; 0 only asks for it.
        """
        with self._changed:
            writer = self._writer
            self._flushing = writer is not None
            self._changed.notify_all()
        if writer is None or writer is threading.current_thread():
            return writer is None
        writer.join(timeout_seconds)
        return not writer.is_alive()

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
                body, fetched_at = self._pending.pop(identity)
                self._written[identity] = time.monotonic()
            self._write(identity, body, fetched_at)

    def _due_in(self, identity: bytes) -> float:
        written = self._written.get(identity)
        return 0.0 if written is None else written + COALESCE_SECONDS - time.monotonic()

    def _write(self, identity: bytes, body: Body, fetched_at: float) -> None:
        temporary: str | None = None
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # A name of its own for each write, mode 0600: processes that share the folder never meet in one file.
            handle, temporary = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=self.folder)
            with os.fdopen(handle, "wb") as file:
                file.write(_encode(body, fetched_at, identity))
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self._path(identity))  # noqa: PTH105 - atomic, whatever is there
        except OSError as error:
            if temporary is not None:
                with suppress(OSError):
                    os.unlink(temporary)  # noqa: PTH108
            self._report("written", error)

    def _path(self, identity: bytes) -> Path:
        return self.folder / f"{hashlib.blake2b(identity, digest_size=16).hexdigest()}.flags"

    def _report(self, what: str, error: Exception) -> None:
        reason = getattr(error, "strerror", None) or str(error)
        failure = CacheError(f"the disk cache could not be {what}, and serving goes on without it: {reason}")
        failure.__cause__ = error
        self._on_error(failure)


def user_cache_folder() -> Path:
    """
    The user's own folder for caches, as the platform has it.
    """
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("flagcore", appauthor=False))


def _encode(body: Body, fetched_at: float, identity: bytes) -> bytes:
    head = {
        "flagcore": _LAYOUT,
        "source": _digest(identity),
        "etag": body.etag,
        "syntax": body.syntax,
        "fetched_at": fetched_at,
        "digest": _digest(body.content),
    }
    return msgspec.json.encode(head) + b"\n" + body.content


def _decode(content: bytes, identity: bytes) -> Stored:
    line, _, document = content.partition(b"\n")
    head: dict[str, Any] = msgspec.json.decode(line, type=dict[str, Any])
    if head.get("flagcore") != _LAYOUT:
        raise ValueError(f"expected layout {_LAYOUT}, got {head.get('flagcore')!r}")
    if head.get("source") != _digest(identity):
        raise ValueError("expected the document of this source, got another's")
    if head.get("digest") != _digest(document) or len(content) > _MAX_FILE_BYTES:
        raise ValueError("expected a whole document, got a damaged one")
    etag, fetched_at = head.get("etag"), head.get("fetched_at")
    if not isinstance(fetched_at, (int, float)) or not isinstance(etag, (str, type(None))):
        raise ValueError("expected a time and an etag, got neither")  # noqa: TRY004 - the file's fault, as all above
    return Stored(Body(document, etag, head.get("syntax", "json")), float(fetched_at))


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
