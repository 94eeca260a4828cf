"""
Flags held by the program itself: for tests, for defaults below another layer, for documents that come some other way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
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
        # No lock, but values that are swapped whole: a fork may come in the middle of an update, and its child read on.
        self._revisions = count(1)
        self._listeners: list[WeakMethod[Callable[[], None]]] = []
        self._held = (self._parse(document), "r0")

    def update(self, document: Mapping[str, Any] | str | bytes) -> None:
        """
        Replace the document. When this returns, every client of this source answers from it. From any thread,
        whichever feed runs. Locks: its clients' for writing.

        Raises:
            MalformedDocument: the document does not say what the format wants; the old one stays.
        """
        self._held = (self._parse(document), f"r{next(self._revisions)}")
        for listener in [listener() for listener in tuple(self._listeners)]:
            if listener is not None:
                listener()

    def read(self) -> tuple[Ruleset, str]:
        """
        What the document says, and its version.
        """
        return self._held

    def subscribe(self, listener: Callable[[], None]) -> None:
        """
        Call `listener`, a bound method, after each update for as long as its object lives.
        """
        self._listeners.append(WeakMethod(listener, self._listeners.remove))

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
