"""
A document as a flag service holds it: its bytes, its number, its names on the wire. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from flagcore.errors import ConfigError

__all__ = ["Revision", "cut_at_characters", "encoded"]

#: Before each byte that goes on with a character of several. Source: RFC 3629 §3.
_WITHIN_CHARACTER = re.compile(rb"(?=[\x80-\xbf])")


@dataclass(frozen=True, slots=True)
class Revision:
    """
    One state of the document.

    Attributes:
        content: its bytes.
        number: counts from 1; the id of its event.
    """

    content: bytes
    number: int

    @property
    def etag(self) -> str:
        # The digest too: numbers may begin again, and an etag must never name two contents. Source: RFC 9110 §8.8.1.
        return f'"{self.number}-{blake2b(self.content, digest_size=8).hexdigest()}"'

    @property
    def event(self) -> bytes:
        """
        The document as a server-sent event. Source: WHATWG HTML 9.2.5.
        """
        lines = b"".join(b"data: " + line + b"\n" for line in self.content.splitlines() or [b""])
        return b"id: %d\n%s\n" % (self.number, lines)


def encoded(document: Mapping[str, Any] | str | bytes) -> bytes:
    """
    `document` as it goes on the wire: a mapping as JSON, text as UTF-8.

    Raises:
        ConfigError: it is neither.
    """
    if isinstance(document, bytes):
        return document
    if isinstance(document, str):
        return document.encode()
    if isinstance(document, Mapping):
        return json.dumps(document, ensure_ascii=False).encode()
    raise ConfigError(f"document: expected a mapping, or JSON as str or bytes; got {type(document).__name__}")


def cut_at_characters(data: bytes) -> list[bytes]:
    """
    `data` in parts, none of which holds a whole character of several bytes.
    """
    return [part for part in _WITHIN_CHARACTER.split(data) if part]
