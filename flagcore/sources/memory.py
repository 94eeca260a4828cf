"""
Flags held by the program itself: for tests, for defaults below another layer, for documents that come some other way.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakMethod

from flagcore.errors import ConfigError
from flagcore.formats import check_format, parse, parse_document, refuse_faults
from flagcore.rules.model import Ruleset
from flagcore.source import Body
from flagcore.value import checked

__all__ = ["MemorySource"]


class MemorySource:
    """
    A document given in the program, replaced by `update()`.

    Args:
        document: a mapping, or JSON text or bytes. Copied: changing it afterwards changes nothing.
        format: the format it is in.

    Raises:
        ConfigError: there is no such format, or the document is of another type.
        MalformedDocument: the document, or (but in flagd's format) any one flag of it, does not say what the format
            wants.
    """

    poll_seconds = 0.0

    def __init__(self, document: Mapping[str, Any] | str | bytes, format: str = "native") -> None:  # noqa: A002
        self.format = check_format(format)
        self.name = "memory"
        self._lock = threading.Lock()
        self._revision = 0
        self._listeners: list[WeakMethod[Callable[[], None]]] = []
        self._ruleset = self._parse(document)

    def update(self, document: Mapping[str, Any] | str | bytes) -> None:
        """
        Replace the document. When this returns, every client of this source answers from it. From any thread,
        whichever feed runs. Locks: the source's, and its clients' for writing.

        Raises:
            MalformedDocument: the document does not say what the format wants; the old one stays.
        """
        ruleset = self._parse(document)
        with self._lock:
            self._ruleset = ruleset
            self._revision += 1
            listeners = [listener() for listener in self._listeners]
        for listener in listeners:
            if listener is not None:
                listener()

    def read(self) -> tuple[Ruleset, str]:
        """
        What the document says, and its version.
        """
        with self._lock:
            return self._ruleset, f"r{self._revision}"

    def subscribe(self, listener: Callable[[], None]) -> None:
        """
        Call `listener`, a bound method, after each update for as long as its object lives.
        """
        with self._lock:
            self._listeners = [each for each in self._listeners if each() is not None]
            self._listeners.append(WeakMethod(listener))

    def _parse(self, document: Mapping[str, Any] | str | bytes) -> Ruleset:
        if isinstance(document, str):
            document = document.encode()
        if isinstance(document, bytes):
            return refuse_faults(parse(self.format, Body(document)), self.format)
        if isinstance(document, Mapping):
            return refuse_faults(parse_document(self.format, checked(document)), self.format)
        raise ConfigError(f"document: expected a mapping, or JSON as str or bytes; got {type(document).__name__}")

    def __repr__(self) -> str:
        return f"MemorySource(format={self.format!r})"
