"""
Flags in a file, followed as it changes.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

from flagcore.errors import ConfigError, SourceUnavailable
from flagcore.formats import check_format
from flagcore.formats.syntax import syntax_of
from flagcore.source import SAME, Body, Same

__all__ = ["FileSource"]


class FileSource:
    """
    A file of JSON, YAML 1.2 or TOML, by its suffix.

    A missing file is no error of configuration: the client's status is ERROR until it appears. A file that was good
    and is now missing or malformed leaves the last good document in force.

    Args:
        path: the file.
        format: the format of the document in it.
        poll_seconds: seconds between two looks at the file's time and size; 0 reads it once.

    Raises:
        ConfigError: the suffix, the format or the number can't be right.
    """

    #: Read before `FlagClient.start()` returns, since a disk answers at once.
    is_local = True

    def __init__(
        self,
        path: str | os.PathLike[str],
        format: str = "native",  # noqa: A002 - the word the field uses
        poll_seconds: float = 1.0,
    ) -> None:
        if not isinstance(path, (str, os.PathLike)) or not os.fspath(path):
            raise ConfigError(f"path: expected the name of a file, got {path!r}")
        self.path = Path(path)
        self.format = check_format(format)
        self._syntax = syntax_of(self.path.suffix)
        is_number = isinstance(poll_seconds, (int, float)) and not isinstance(poll_seconds, bool)
        if not is_number or not 0 <= poll_seconds < math.inf:
            raise ConfigError(f"poll_seconds: expected seconds, 0 or more, got {poll_seconds!r}")
        self.poll_seconds = float(poll_seconds)
        self.name = f"file {self.path.name}"

    def fetch(self, etag: str | None) -> Body | Same:
        """
        The file's content, or `SAME` when its time, size and number are still those of `etag`. I/O: reads the file.

        Raises:
            SourceUnavailable: it can't be read.
        """
        try:
            before = _revision(self.path)
            if before == etag:
                return SAME
            content = self.path.read_bytes()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise SourceUnavailable(f"expected a readable file {self.path.name}, got: {reason}") from error
        return Body(content, before, self._syntax)

    def __repr__(self) -> str:
        return f"FileSource({str(self.path)!r}, format={self.format!r}, poll_seconds={self.poll_seconds})"


def _revision(path: Path) -> str:
    # The number too: an atomic replacement within the clock's grain, of the same size, is another file.
    found = path.stat()
    return f"{found.st_mtime_ns}-{found.st_size}-{found.st_ino}"
