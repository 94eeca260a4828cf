"""
What the holder of a shared connection says of its source, and how that is laid out in a file.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

import msgspec

from flagcore.errors import MalformedDocument, SourceDenied, SourceError, SourceUnavailable
from flagcore.feed.record import About, pack, unpack
from flagcore.source import Body

__all__ = ["Trouble", "Word"]


class Trouble(msgspec.Struct, frozen=True):
    """
    A source's error as it goes from one process to another.
    """

    kind: Literal["unavailable", "denied", "malformed"]
    message: str
    where: str = "$"
    place: str = ""
    status: int | None = None

    @classmethod
    def of(cls, error: SourceError) -> Trouble:
        """
        The trouble that `error` tells of.
        """
        if isinstance(error, SourceDenied):
            return cls("denied", str(error), status=error.status)
        if isinstance(error, MalformedDocument):
            return cls("malformed", error.message, where=error.where, place=error.place)
        return cls("unavailable", str(error))

    @property
    def is_final(self) -> bool:
        """
        Whether nothing more is asked of the source.
        """
        return self.kind == "denied"

    def error(self) -> SourceError:
        """
        The error that tells of it.
        """
        if self.kind == "denied":
            return SourceDenied(self.message, status=self.status)
        if self.kind == "malformed":
            return MalformedDocument(self.message, where=self.where, place=self.place)
        return SourceUnavailable(self.message)


class _Said(About, frozen=True):
    good_seconds: float = 0.0
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """
    What the holder says.

    Attributes:
        body: the document, which the source has confirmed; an empty one while there is trouble.
        trouble: what keeps the source from confirming one; None while nothing does.
        good_seconds: how long this holds without being renewed; 0 for nobody but those who hear it now.
    """

    body: Body
    trouble: Trouble | None
    good_seconds: float

    def packed(self, source: str) -> bytes:
        """
        The file that tells it, about `source`.

        Raises:
            Unreadable: it would be too large.
        """
        about = _Said(time.time(), self.body.etag, self.body.syntax, self.good_seconds, self.trouble)
        return pack(source, about, self.body.content)

    @classmethod
    def unpacked(cls, source: str, content: bytes) -> Word:
        """
        What a file tells, about `source`.

        Raises:
            Unreadable: it is no such file.
        """
        said, body = unpack(source, content, _Said)
        return cls(body, said.trouble, said.good_seconds)
