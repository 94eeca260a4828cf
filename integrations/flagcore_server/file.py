"""
One file on disk: replaced whole, by one writer at a time. Everything here blocks.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkstemp

from flagcore_server.refusal import Refusal

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows: one server process per file there
    fcntl = None  # type: ignore[assignment]

__all__ = ["exclusive", "replace"]


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """
    Hold every other writer of `path` off while the block runs, those in other processes included. Locks: the folder's
    `flock`, waited for without limit: each holder has it for one write.

    Raises:
        OSError: the folder cannot be opened.
    """
    if fcntl is None:  # pragma: no cover - Windows
        yield
        return
    folder = os.open(path.resolve().parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def replace(path: Path, old: bytes, new: bytes) -> None:
    """
    Turn the file's content from `old` to `new`, so that whoever opens it sees one or the other, and a crash leaves one
    of them. Its permissions stay, its owner too where that is allowed; a link stays a link.

    Raises:
        Refusal: 412 the file is not `old` any more; it is left as it is.
        OSError: the disk refuses; the file is as it was.
    """
    target = path.resolve()
    before = target.stat()
    handle, name = mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(new)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(before.st_mode & 0o7777)
        with suppress(OSError, AttributeError):  # another's file: only root can leave it theirs; Windows has no owners
            os.chown(name, before.st_uid, before.st_gid)
        _require_content(target, old)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _require_content(path: Path, content: bytes) -> None:
    if path.read_bytes() != content:
        raise Refusal(412, f"{path.name} was changed on disk meanwhile: look at what it is now, then decide again")
