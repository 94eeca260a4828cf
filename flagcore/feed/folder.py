"""
The folder on disk that is private to the user, and what makes it so.

Its files are named by a keyed digest: a name tells neither where its source is nor, to one who guesses, which key it is
read with, since the digest's own key is 32 random bytes in a file of this folder, which none but the user can read. A
slow digest would need no such file, and would cost each start more than reading the document does.
"""

from __future__ import annotations

import errno
import logging
import os
import stat
import time
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from flagcore.feed.record import LAYOUT, MAX_BYTES

__all__ = ["PrivateFolder", "user_cache_folder"]

logger = logging.getLogger("flagcore")

_KEY_BYTES = 32

#: What a file is called while it is being written.
_PREFIX, _SUFFIX = ".flagcore-", ".tmp"

#: Seconds from which on an unfinished file belongs to a process that was killed: none writes for so long.
_LEFT_OVER_SECONDS = 60.0

# Never through a link, never held up by a pipe, never handed on to another program. Windows knows none of the three.
_SAFELY = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))


class PrivateFolder:
    """
    A folder that none but this user can write in. Every method does I/O and may raise OSError; none waits for a lock.

    Args:
        path: where it is; made when something is first written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def name(self, identity: bytes) -> str:
        """
        What the files of a source are called, without their suffix: the same for every process that uses the folder.

        Raises:
            FileNotFoundError: nothing was ever written here.
            PermissionError: others may write here.
        """
        self._check()
        key = self.read("key")
        if len(key) != _KEY_BYTES:
            raise FileNotFoundError(errno.ENOENT, f"expected a key of {_KEY_BYTES} bytes, got {len(key)}", "key")
        return blake2b(identity, digest_size=16, key=key, person=b"flagcore %d" % LAYOUT).hexdigest()

    def make(self) -> None:
        """
        Have the folder and its key be there.

        Raises:
            PermissionError: it is there, and others may write in it.
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._check()
        try:
            if len(self.read("key")) == _KEY_BYTES:
                return
            (self.path / "key").unlink(missing_ok=True)
        except FileNotFoundError:
            pass
        self._make_key()

    def read(self, file: str) -> bytes:
        """
        The content of a file: a plain one, of this user's own.

        Raises:
            FileNotFoundError: there is none.
            PermissionError: it is another user's, or others may write in it.
        """
        with os.fdopen(os.open(self.path / file, os.O_RDONLY | _SAFELY), "rb") as opened:
            status = _checked(opened.fileno())
            if status.st_size > MAX_BYTES:
                raise OSError(errno.EFBIG, f"expected at most {MAX_BYTES} bytes, got {status.st_size}", file)
            return opened.read(MAX_BYTES)

    def write(self, file: str, content: bytes, *, durably: bool = True) -> None:
        """
        Put a file in its place, wholly or not at all, whatever stands there and whoever else does so meanwhile.

        Args:
            file: its name.
            content: its bytes.
            durably: have it survive a loss of power too, and remove what killed processes left half written. A file
                that is not meant to last is dated to the nanosecond instead, so that its date tells one from the next.
        """
        temporary = self.path / f"{_PREFIX}{os.urandom(8).hex()}{_SUFFIX}"
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFELY, 0o600)
        try:
            with os.fdopen(handle, "wb") as opened:
                opened.write(content)
                opened.flush()
                if durably:
                    os.fsync(opened.fileno())
                written_at = os.fstat(opened.fileno()).st_mtime
            if not durably:
                os.utime(temporary, ns=(time.time_ns(),) * 2)
            os.replace(temporary, self.path / file)  # noqa: PTH105 - atomic, whatever is there
        except OSError:
            with suppress(OSError):
                temporary.unlink()
            raise
        if durably:
            self._sweep(written_at)

    def touch(self, file: str, moment: float | None = None) -> None:
        """
        Date a file: now, or at a moment in seconds since the epoch.

        Raises:
            FileNotFoundError: there is none.
        """
        # Windows can't say that a link is not to be followed.
        follows = os.utime not in os.supports_follow_symlinks
        os.utime(self.path / file, None if moment is None else (moment, moment), follow_symlinks=follows)

    def touched_at(self, file: str) -> float:
        """
        The date of a file, in seconds since the epoch.

        Raises:
            FileNotFoundError: there is none.
        """
        return os.stat(self.path / file, follow_symlinks=False).st_mtime  # noqa: PTH116

    def open_lock(self, file: str) -> int:
        """
        A descriptor of an empty file, made if there is none: to be locked, and closed by the caller. No program that
        this one starts inherits it.

        Raises:
            PermissionError: it is another user's, or others may write in it.
        """
        opened = os.open(self.path / file, os.O_RDWR | os.O_CREAT | _SAFELY, 0o600)
        try:
            _checked(opened)
        except OSError:
            os.close(opened)
            raise
        return opened

    def _check(self) -> None:
        _refuse_foreign(os.stat(self.path), "folder")  # noqa: PTH116

    def _make_key(self) -> None:
        # Complete before it has its name, so that nobody meets half a key; the first one to give it that name wins.
        fresh = f"{_PREFIX}{os.urandom(8).hex()}.key{_SUFFIX}"
        self.write(fresh, os.urandom(_KEY_BYTES), durably=False)
        try:
            os.link(self.path / fresh, self.path / "key")
        except FileExistsError:
            pass
        except OSError:  # a file system without links
            os.replace(self.path / fresh, self.path / "key")  # noqa: PTH105
        with suppress(FileNotFoundError):
            (self.path / fresh).unlink()

    def _sweep(self, now: float) -> None:
        # `now` by the file system's own clock, which may be another host's.
        with suppress(OSError), os.scandir(self.path) as entries:
            for entry in entries:
                if entry.name.startswith(_PREFIX) and entry.name.endswith(_SUFFIX):
                    with suppress(OSError):
                        if entry.stat(follow_symlinks=False).st_mtime < now - _LEFT_OVER_SECONDS:
                            os.unlink(entry.path)  # noqa: PTH108


def user_cache_folder() -> Path | None:
    """
    The user's own folder for caches, as the platform has it; None for a user without a home.
    """
    from platformdirs import user_cache_dir

    with suppress(RuntimeError):  # newer releases refuse; older ones leave the `~`, which would be a folder's name
        path = Path(user_cache_dir("flagcore", appauthor=False))
        if path.is_absolute():
            return path
    logger.warning("this user has no home folder, so that nothing is kept on disk; cache_dir may name a folder")
    return None


def _checked(opened: int) -> os.stat_result:
    status = os.fstat(opened)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "expected a plain file, got something else")
    _refuse_foreign(status, "file")
    return status


def _refuse_foreign(status: os.stat_result, what: str) -> None:
    if os.name != "posix":  # where rights are no bits
        return
    if status.st_uid != os.geteuid():
        raise PermissionError(errno.EPERM, f"expected a {what} of this user's own, got one of user {status.st_uid}")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        mode = stat.S_IMODE(status.st_mode)
        raise PermissionError(errno.EPERM, f"expected a {what} that only its owner may write, got mode {mode:04o}")
