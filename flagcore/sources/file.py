"""
Flags in a file, followed as it changes.
"""

from __future__ import annotations

import logging
import math
import os
import time
from pathlib import Path

from flagcore.errors import ConfigError, SourceUnavailable
from flagcore.formats import EMPTY, check_format
from flagcore.formats.syntax import syntax_of
from flagcore.source import SAME, Body, Same

__all__ = ["FileSource"]


logger = logging.getLogger("flagcore")


class FileSource:
    """
    A file of JSON, YAML 1.2 or TOML, by its suffix.

    A missing file is no error of configuration: the client's status is ERROR until it appears. A file that was good
    and is now missing or malformed leaves the last good document in force.

    Args:
        path: the file.
        format: the format of the document in it.
        poll_seconds: seconds between two looks at the file's time and size; 0 reads it once.
        max_age_seconds: seconds since the file was last written, beyond which it counts as one without flags, with a
            warning; None for any age. For a file that a build leaves behind, as the last layer of a client: long after
            the build its values may do more harm than the callers' defaults. It ages while the program runs, too.

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
        max_age_seconds: float | None = None,
    ) -> None:
        if not isinstance(path, (str, os.PathLike)) or not os.fspath(path):
            raise ConfigError(f"path: expected the name of a file, got {path!r}")
        self.path = Path(path)
        self.format = check_format(format)
        self._syntax = syntax_of(self.path.suffix)
        self.poll_seconds = _seconds("poll_seconds", poll_seconds)
        self.max_age_seconds = None if max_age_seconds is None else _seconds("max_age_seconds", max_age_seconds)
        self.name = f"file {self.path.name}"

    def fetch(self, etag: str | None) -> Body | Same:
        """
        The file's content, or `SAME` when its time, size and number are still those of `etag`. I/O: reads the file.

        Raises:
            SourceUnavailable: it can't be read.
        """
        try:
            status = self.path.stat()
            is_too_old = self.max_age_seconds is not None and time.time() - status.st_mtime > self.max_age_seconds
            # The number too: an atomic replacement within the clock's grain, of the same size, is another file.
            before = f"{status.st_mtime_ns}-{status.st_size}-{status.st_ino}{'-too-old' if is_too_old else ''}"
            if before == etag:
                return SAME
            if is_too_old:
                return self._aged(before)
            content = self.path.read_bytes()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise SourceUnavailable(f"expected a readable file {self.path.name}, got: {reason}") from error
        return Body(content, before, self._syntax)

    def _aged(self, revision: str) -> Body:
        logger.warning(
            "%s: more than %g s old (max_age_seconds), so that it is not used", self.name, self.max_age_seconds
        )
        return Body(EMPTY[self.format.partition("-")[0]], revision)

    def __repr__(self) -> str:
        return f"FileSource({str(self.path)!r}, format={self.format!r}, poll_seconds={self.poll_seconds})"


def _seconds(option: str, value: object) -> float:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not 0 <= value < math.inf:  # type: ignore[operator]
        raise ConfigError(f"{option}: expected seconds, 0 or more, got {value!r}")
    return float(value)  # type: ignore[arg-type]
