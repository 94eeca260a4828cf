"""
A JSON value as bytes that are the same wherever it is read: deterministic CBOR.

RFC 8949, section 4.2.1 (shortest forms, definite lengths, names sorted by their bytes), on which flagd lays down how
numbers meet: a float without a fraction is the integer, so that 1 and 1.0 are one value; an integer beyond 64 bits is a
float. General encoders make tags of those.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import pack, unpack
from typing import Any, Final

from flagcore.value import MAX_DEPTH

__all__ = ["encode"]

#: Bytes a value may take. What identifies somebody is far shorter, and a rule can double a value at each step.
_MAX_BYTES = 65_536

_UNSIGNED, _NEGATIVE, _TEXT, _ARRAY, _MAP = 0, 1, 3, 4, 5
_SIMPLE: dict[Any, bytes] = {False: b"\xf4", True: b"\xf5", None: b"\xf6"}


def encode(value: Any, depth: int = 0) -> bytes:
    """
    The bytes of a JSON value.

    Args:
        value: any.
        depth: levels around it.

    Raises:
        ValueError: it holds something that is not JSON, is nested deeper than `MAX_DEPTH`, or takes over 65,536 bytes.
    """
    kind = type(value)
    if kind is str:  # as nearly all that identifies somebody
        data: bytes = value.encode("utf-8", "surrogatepass")
        if len(data) < len(_SHORT):
            return _SHORT[len(data)] + data
        _limit(data)
        return _head(_TEXT, len(data)) + data
    if kind is int:
        return _integer(value)
    if kind is float:
        return _integer(int(value)) if value.is_integer() else _float(value)
    if value is None or kind is bool:
        return _SIMPLE[value]
    if depth >= MAX_DEPTH or kind not in (list, dict):
        raise ValueError(f"expected JSON of at most {MAX_DEPTH} levels, got {kind.__name__} at level {depth}")
    if kind is list:
        return _head(_ARRAY, len(value)) + _joined(encode(each, depth + 1) for each in value)
    pairs = sorted((encode(name, depth + 1), encode(each, depth + 1)) for name, each in value.items())
    return _head(_MAP, len(pairs)) + _joined(name + each for name, each in pairs)


def _joined(parts: Iterable[bytes]) -> bytes:
    made = bytearray()
    for part in parts:
        made += part
        _limit(made)
    return bytes(made)


def _limit(data: bytes | bytearray) -> None:
    if len(data) > _MAX_BYTES:
        raise ValueError(f"expected a value of at most {_MAX_BYTES} bytes, got more")


def _integer(value: int) -> bytes:
    if 0 <= value < 2**64:
        return _head(_UNSIGNED, value)
    if -(2**63) <= value < 0:
        return _head(_NEGATIVE, -1 - value)
    try:
        return _float(float(value))
    except OverflowError:  # over 308 digits: what a decoder of doubles reads it as
        return _float(float("inf") if value > 0 else float("-inf"))


def _float(value: float) -> bytes:  # nan and the infinities too
    if value != value:  # nan: RFC 8949, section 4.2.2, the one with the shortest form
        return b"\xf9\x7e\x00"
    for head, form in ((b"\xf9", ">e"), (b"\xfa", ">f")):
        try:
            data = pack(form, value)
        except OverflowError:
            continue
        if unpack(form, data)[0] == value:
            return head + data
    return b"\xfb" + pack(">d", value)


def _head(major: int, size: int) -> bytes:
    first = major << 5
    if size < 24:
        return bytes((first | size,))
    if size < 2**8:
        return bytes((first | 24, size))
    if size < 2**16:
        return pack(">BH", first | 25, size)
    return pack(">BI", first | 26, size) if size < 2**32 else pack(">BQ", first | 27, size)


#: How texts of so many bytes begin: of nearly all that identify somebody.
_SHORT: Final = tuple(_head(_TEXT, size) for size in range(256))
