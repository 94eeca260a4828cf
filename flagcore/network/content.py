"""
The body of an answer, collected and unpacked without ever holding more than its cap. Pure.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from flagcore.errors import SourceUnavailable

__all__ = ["MAX_BODY_BYTES", "Content"]

#: Bytes a fetched document may have, unpacked. Ten thousand flags are about one MiB; what is sixty times that is a
#: mistake or an attack, and must not take the application's memory.
MAX_BODY_BYTES = 64 * 1024 * 1024

#: zlib's "gzip or zlib, whichever it is": 15 bits of window, plus 32.
_EITHER_WRAPPER = 15 + 32

#: Bytes unpacked at once, on top of what is held: 64 KiB of gzip may hold 64 MiB.
_PIECE_BYTES = 1024 * 1024

_PACKED = ("gzip", "x-gzip", "deflate")


class Content:
    """
    Takes the parts of a body as they come, and gives the whole.

    Args:
        encoding: the Content-Encoding header; "" for none.
        max_bytes: bytes the unpacked body may have.

    Raises:
        SourceUnavailable: the encoding is not one that was asked for.

    Source: RFC 9110 §8.4.
    """

    def __init__(self, encoding: str, max_bytes: int = MAX_BODY_BYTES) -> None:
        encoding = encoding.strip().lower()
        if encoding not in ("", "identity", *_PACKED):
            raise SourceUnavailable(f"expected a body as gzip or plain, got the encoding {encoding!r}")
        self._max_bytes = max_bytes
        self._body = bytearray()
        self._unpacker = zlib.decompressobj(_EITHER_WRAPPER) if encoding in _PACKED else None

    def take(self, part: bytes) -> Iterator[None]:
        """
        The next part of the body, as it came: an iterator, that has taken it once it is at its end. It gives way after
        each MiB unpacked: 64 KiB on the wire may be a tenth of a second's work.

        Raises:
            SourceUnavailable: the body outgrew the cap, or is not what its encoding says.
        """
        if self._unpacker is None:
            self._append(part)
            return
        more = True
        while more:
            if self._unpacker.eof:  # gzip may be several streams in a row
                self._unpacker = zlib.decompressobj(_EITHER_WRAPPER)
            # One byte more than fits is enough to know, and all that is ever unpacked of a bomb.
            room = min(_PIECE_BYTES, self._max_bytes - len(self._body) + 1)
            piece = self._unpacked(part, room)
            self._append(piece)
            part = self._unpacker.unconsumed_tail or self._unpacker.unused_data
            more = bool(part) or (len(piece) == room and not self._unpacker.eof)
            if len(piece) == room:
                yield

    def _unpacked(self, part: bytes, room: int) -> bytes:
        try:
            return self._unpacker.decompress(part, room) if self._unpacker else part
        except zlib.error as error:
            raise SourceUnavailable("expected a gzip body, got bytes that are not") from error

    def whole(self) -> bytes:
        """
        The unpacked body, once every part was taken.

        Raises:
            SourceUnavailable: the packed body was cut short.
        """
        if self._unpacker is not None and not self._unpacker.eof:
            raise SourceUnavailable("expected a whole gzip body, got one that was cut short")
        return bytes(self._body)

    def _append(self, part: bytes) -> None:
        if len(self._body) + len(part) > self._max_bytes:
            raise SourceUnavailable(f"expected a document of at most {self._max_bytes} bytes, got a larger one")
        self._body += part
