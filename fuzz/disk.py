"""
The disk cache with any bytes in its file: what was stored comes back whole, or nothing does.
"""

from __future__ import annotations

import atexit
import hashlib
import shutil
import tempfile
from functools import cache
from math import isfinite
from pathlib import Path
from random import Random

from flagcore.errors import CacheError
from flagcore.feed.disk import DiskCache, Stored
from flagcore.source import SYNTAXES, Body
from fuzz.mutation import RawMutate, tree

__all__ = ["SEEDS", "mutate", "once"]

_IDENTITY = b"https://flags.example.com/all"
_STORED = Stored(Body(b'{"flags": {}}\n\xff', 'W/"1"', "json"), 1_700_000_000.5)

#: Seconds that a write of a few bytes may take on a machine under load.
_WRITE_SECONDS = 30

_reported: list[CacheError] = []


@cache
def _place() -> tuple[DiskCache, Path]:
    """
    A cache with one file, and that file.
    """
    folder = tempfile.mkdtemp(prefix="flagcore-fuzz-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    disk = DiskCache(Path(folder), _reported.append)
    disk.put(_IDENTITY, _STORED.body, _STORED.fetched_at)
    assert disk.flush(_WRITE_SECONDS)
    (path,) = disk.folder.glob("*.flags")
    return disk, path


_WHOLE = _place()[1].read_bytes()

SEEDS = (_WHOLE, b"", b"{}", b"\n", _WHOLE.partition(b"\n")[0])


def once(data: bytes) -> None:
    """
    Put `data` where the file is, and load it.

    Raises:
        AssertionError: something else came back than was stored, or a bad file was not reported.
        Exception: what else came out of the load. It may raise nothing.
    """
    disk, path = _place()
    path.write_bytes(data)
    _reported.clear()
    found = disk.load(_IDENTITY)
    assert [type(each) for each in _reported] == ([] if found else [CacheError]), _reported
    str(_reported).encode()  # it is logged
    if found is not None and found != _STORED:
        assert _seal(data) != _seal(_WHOLE), found  # sealed anew by whoever may write there, which is the user
        assert data.endswith(b"\n" + found.body.content), found
        assert found.body.syntax in SYNTAXES, found
        assert isfinite(found.fetched_at), found


def mutate(data: bytes, size: int, seed: int, raw: RawMutate) -> bytes:
    """
    The file with another seal, or with something else under a seal that fits.
    """
    seal, end, rest = data.partition(b"\n")
    about, between, document = rest.partition(b"\n")
    way = Random(seed).randrange(6)
    if way == 0:
        return raw(data, size)
    if way == 1:
        return (tree(seal, size, seed, raw) + end + rest)[:size]
    if way == 2:
        document = raw(document, size)
    elif way == 3:
        about = raw(about, size)
    else:
        about = tree(about, size, seed, raw)
    new = about + between + document
    return (seal.replace(_checksum(rest), _checksum(new)) + end + new)[:size]


def _seal(data: bytes) -> bytes:
    return data.partition(b"\n")[0]


def _checksum(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).hexdigest().encode()
