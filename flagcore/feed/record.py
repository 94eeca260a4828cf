"""
How a file of the cache folder is laid out: a line that tells whether the rest is whole and whose it is, a line of JSON
about the document, then the document as it came.

    {"flagcore":2,"source":"…","checksum":"…"}
    {"etag":"W/\\"7\\"","syntax":"json","fetched_at":1767225600.0}
    {"flags": …}

Pure: bytes in, bytes out. Whatever the bytes, nothing but `Unreadable` is raised.
"""

from __future__ import annotations

import hashlib
from typing import TypeVar

import msgspec

from flagcore.network.content import MAX_BODY_BYTES
from flagcore.source import Body, Syntax

__all__ = ["LAYOUT", "MAX_BYTES", "About", "Unreadable", "pack", "unpack"]

#: The version of the layout. Another one gets other file names too, so that releases side by side leave each other's
#: files alone.
LAYOUT = 2

#: Bytes of a whole file at most: twice what a service may send, so that a stray file can't fill the memory.
MAX_BYTES = 2 * MAX_BODY_BYTES

AboutT = TypeVar("AboutT", bound="About")


class About(msgspec.Struct, frozen=True):
    """
    What is told of a document: how it is written, what names it at its source, and when it came.

    Attributes:
        fetched_at: seconds since the epoch.
    """

    fetched_at: float
    etag: str | None = None
    syntax: Syntax = "json"


class _Seal(msgspec.Struct, frozen=True):
    flagcore: int
    source: str = ""
    checksum: str = ""


class Unreadable(ValueError):
    """
    The bytes are no such file, or not this source's.
    """


def pack(source: str, about: About, document: bytes) -> bytes:
    """
    The file of `document`, which belongs to `source`.

    Raises:
        Unreadable: it could not be read again: it is too large, or its etag is no text.
    """
    try:
        rest = msgspec.json.encode(about) + b"\n" + document
    except UnicodeError as error:
        raise Unreadable(f"expected an etag that is text, got another: {error}") from None
    seal = msgspec.json.encode(_Seal(LAYOUT, source, _checksum(rest)))
    if len(seal) + 1 + len(rest) > MAX_BYTES:
        raise Unreadable(f"expected at most {MAX_BYTES} bytes, got {len(rest)}")
    return seal + b"\n" + rest


def unpack(source: str, content: bytes, kind: type[AboutT]) -> tuple[AboutT, Body]:
    """
    What `pack` was given.

    Raises:
        Unreadable: `content` is damaged, of another layout, or another source's.
    """
    line, _, rest = content.partition(b"\n")
    try:
        seal = msgspec.json.decode(line, type=_Seal)
        if seal.flagcore != LAYOUT:
            raise Unreadable(f"expected layout {LAYOUT}, got {seal.flagcore}: another release wrote it")
        if seal.source != source:
            raise Unreadable("expected the document of this source, got another's")
        if seal.checksum != _checksum(rest):
            raise Unreadable("expected a whole document, got a damaged one")
        line, _, document = rest.partition(b"\n")
        about = msgspec.json.decode(line, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Unreadable(f"expected a file that flagcore wrote, got another: {error}") from None
    return about, Body(document, about.etag, about.syntax)


def _checksum(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
