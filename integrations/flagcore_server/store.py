"""
The definition file as a store: read when it changes on disk, changed one value at a time, never lost.

The last good state stays served while the file is malformed or missing. All methods block on the disk and on one lock,
so that an event loop calls them in a worker thread; attributes may be read from anywhere.
"""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from flagcore.errors import ConfigError, MalformedDocument
from flagcore.formats import parse_document, refuse_faults
from flagcore.formats.syntax import decode, syntax_of
from flagcore.value import kind
from flagcore_server.file import exclusive, replace
from flagcore_server.patch import NotEditable, patched, same
from flagcore_server.refusal import Refusal
from flagcore_server.revision import Rendering, Revision

__all__ = ["Change", "Fault", "Store", "tag_of"]

_log = logging.getLogger("flagcore.server")

#: Seconds after which a file's time stamp is taken to tell its next change apart. Kernels stamp at their timer's pace,
#: 1 to 10 ms; a younger file is read again at the next look.
_SETTLED_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Fault:
    """
    Why the file on disk is not what is served.

    Attributes:
        message: what was expected and what came, in one sentence.
        where: the JSON path of the fault; `$` for the whole document.
    """

    message: str
    where: str = "$"


@dataclass(frozen=True, slots=True)
class Change:
    """
    When a flag was last changed, as far as this process saw.

    Attributes:
        at: seconds since the epoch.
        by: `page` for a change through this server, `file` for one on disk; `start` for none since this process first
            read the file, which was last written then.
    """

    at: float
    by: Literal["file", "page", "start"]


def tag_of(flag: dict[str, Any]) -> str:
    """
    The version of one flag's definition: what a change of it is made against.
    """
    return Rendering.of(flag).version


class Store:
    """
    One definition file.

    Args:
        path: a YAML, JSON or TOML file, by its suffix. It need not exist yet.

    Attributes:
        revision: the last good state; None before there was one.
        fault: what is wrong with the file now; None when `revision` is what it says.
        changes: {flag key: its last change}.
        serial: goes up with each new revision or fault.

    Raises:
        ConfigError: the suffix is none of these.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.syntax = syntax_of(self.path.suffix)
        self.revision: Revision | None = None
        self.fault: Fault | None = None
        self.changes: dict[str, Change] = {}
        self.serial = 0
        self._lock = Lock()
        self._signature: tuple[int, ...] | None = None
        self._content: bytes | None = None

    def check(self) -> None:
        """
        Look at the file, and take over what changed. Blocking: one `stat`, and one read if it changed. Never raises.
        """
        with self._lock:
            self._check()

    def change(self, key: str, value: Any, *, made_against: set[str], change_type: bool = False) -> Revision:
        """
        Write a new value for a flag, atomically, into the newest state of the file.

        Args:
            key: the flag's key.
            value: the JSON value it is to serve; for a flag with variants the name of one.
            made_against: the versions that the caller has seen: the flag's or the whole document's; `*` for any.
            change_type: whether a value of another type than the present one is meant.

        Raises:
            Refusal: 404 no such flag; 409 the file is malformed or not editable; 412 the flag is another by now; 422
                the value can't be; 503 the file cannot be written. Nothing has been changed then.
        """
        try:
            with self._lock, exclusive(self.path):
                self._check()
                self._require_unchanged(key, made_against)
                flag = self._flag(key)
                _check_value(flag, value, change_type)
                if not same(flag["value"], value):
                    self._write(key, value)
                return self._sound()
        except OSError as error:
            raise Refusal(503, f"{self.path.name} cannot be written ({error.strerror}): nothing was changed") from error

    def _require_unchanged(self, key: str, made_against: set[str]) -> None:
        flag = self._flag(key)
        if made_against.isdisjoint({"*", tag_of(flag), self._sound().native.version}):
            raise Refusal(
                412,
                f"flag {key!r} was changed meanwhile: look at what it is now, then decide again",
                current={"value": flag["value"], "version": tag_of(flag)},
            )

    def _sound(self) -> Revision:
        if self.fault is not None or self.revision is None:
            fault = self.fault or Fault("it has not been read yet")
            raise Refusal(409, f"{self.path.name} is not well-formed now: mend it on disk first ({fault.message})")
        return self.revision

    def _flag(self, key: str) -> dict[str, Any]:
        flags = self._sound().flags
        flag = flags.get(key)
        if flag is None:
            close = get_close_matches(key, flags, 3)
            hint = f"; did you mean {' or '.join(map(repr, close))}?" if close else ""
            raise Refusal(404, f"expected the key of a flag in {self.path.name}, got {key!r}{hint}", close=close)
        return flag

    def _write(self, key: str, value: Any) -> None:
        content = self._content or b""
        try:
            path = ("flags", key, "value")
            new, document = patched(content, self.syntax, self._sound().document, path, value)
            revision = _revision(document, self.path.name)
        except NotEditable as error:
            raise Refusal(409, f"{self.path.name}: {error}") from error
        except MalformedDocument as error:
            raise Refusal(422, f"the format does not take this value: {error}", where=error.where) from error
        replace(self.path, content, new)
        _log.info("flag %r was changed on the page", key)
        self._content, self._signature = new, None
        self._publish(revision, time.time(), "page")

    def _check(self) -> None:
        try:
            found = self.path.stat()
            signature = (found.st_mtime_ns, found.st_size, found.st_ino)
            if signature == self._signature:
                return
            content = self.path.read_bytes()
        except OSError as error:
            self._signature = self._content = None
            self._fail(Fault(f"expected a file at {self.path.name}, got: {error.strerror}"))
            return
        self._signature = signature if time.time() - found.st_mtime > _SETTLED_SECONDS else None
        if content == self._content:
            return
        self._content = content
        try:
            revision = _revision(decode(content, self.syntax), self.path.name)
            self._publish(revision, found.st_mtime, "file" if self.revision is not None else "start")
        except MalformedDocument as error:
            self._fail(Fault(str(error), error.where))
        except ConfigError as error:
            self._fail(Fault(str(error)))

    def _publish(self, revision: Revision, at: float, by: Literal["file", "page", "start"]) -> None:
        if self.fault is not None:
            _log.info("%s is well-formed again", self.path.name)
        before = self.revision.flags if self.revision is not None else {}
        self.changes = {
            key: self.changes[key] if key in before and same(before[key], flag) else Change(at, by)
            for key, flag in revision.flags.items()
        }
        self.revision, self.fault = revision, None
        self.serial += 1

    def _fail(self, fault: Fault) -> None:
        if fault == self.fault:
            return
        _log.warning("%s is not served as it is: %s", self.path.name, fault.message)
        self.fault = fault
        self.serial += 1


def _revision(document: Any, name: str) -> Revision:
    # One flag's fault would spoil only itself at the applications; but who edits it can mend it now.
    ruleset = refuse_faults(parse_document("native", document))
    # YAML lets half of a surrogate pair be written; no protocol could carry it.
    try:
        Rendering.of(document)
    except UnicodeEncodeError as error:
        raise MalformedDocument(f"expected text of whole characters, got {error.object[error.start]!r}") from error
    return Revision(document, ruleset, name)


def _check_value(flag: dict[str, Any], value: Any, change_type: bool) -> None:
    if "variants" in flag:
        if not isinstance(value, str) or value not in flag["variants"]:
            expected = f"the name of a variant ({', '.join(flag['variants'])})"
            raise _wrong(expected, repr(value) if isinstance(value, str) else kind(value))
        return
    expected, came = kind(flag["value"]), kind(value)
    if expected != came and flag["value"] is not None and not change_type:
        hint = 'send "change_type": true beside it if programs that read the flag can take the new type'
        raise _wrong(f"{expected}, as it is now", came, f"; {hint}")


def _wrong(expected: str, came: str, hint: str = "") -> Refusal:
    where = "$.value"
    return Refusal(422, f"{where}: expected {expected}, got {came}{hint}", where=where, expected=expected, came=came)
