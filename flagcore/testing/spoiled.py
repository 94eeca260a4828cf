"""
Documents as they should not be. Pure: bytes in, bytes out.
"""

from __future__ import annotations

import json
import zlib
from functools import lru_cache

__all__ = ["ENDLESS_BYTES", "HTML_PAGE", "bomb", "invalid_utf8", "nested", "nulled"]

#: Bytes of the line that does not end: several times what a client may hold of one event.
ENDLESS_BYTES = 24 * 1024 * 1024

#: What a captive portal, a login page or a balancer's own error page looks like to a client.
HTML_PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Please sign in.</body></html>\n"

#: Arrays within arrays: enough to end the process of any reader that calls itself for each.
_DEPTH = 100_000

#: A GiB, packed block by block.
_BOMB_BLOCKS = 64
_BLOCK = bytes(16 * 1024 * 1024)


def invalid_utf8(document: bytes) -> bytes:
    """
    `document` with a byte that no UTF-8 has at the end of its last text.
    """
    before, quote, after = document.rpartition(b'"')
    return before + b"\xff" + quote + after


def nested(document: bytes) -> bytes:
    """
    `document` with 100,000 arrays for each member of its root.
    """
    return _each_member(document, b"[" * _DEPTH + b"]" * _DEPTH)


def nulled(document: bytes) -> bytes:
    """
    `document` with null for each member of its root.
    """
    return _each_member(document, b"null")


@lru_cache(maxsize=1)
def bomb() -> bytes:
    """
    About 1 MB of gzip, whole and right, that unpacks to 1 GiB of zeros. Takes about a second, once a process.

    Source: RFC 1952 §2.3 (the member's frame).
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    # A full flush forgets what came before, so that the block may be said again and again.
    block = packer.compress(_BLOCK) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = 0
    for _ in range(_BOMB_BLOCKS):
        checksum = zlib.crc32(_BLOCK, checksum)
    length = len(_BLOCK) * _BOMB_BLOCKS % 2**32
    trailer = checksum.to_bytes(4, "little") + length.to_bytes(4, "little")
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + block * _BOMB_BLOCKS + packer.flush(zlib.Z_FINISH) + trailer


def _each_member(document: bytes, value: bytes) -> bytes:
    root = json.loads(document)
    if not isinstance(root, dict):
        return value
    return b"{" + b", ".join(json.dumps(key).encode() + b": " + value for key in root) + b"}"
