"""
A JSON value as bytes that are the same wherever it is read: deterministic CBOR.

RFC 8949, section 4.2.1 (shortest forms, definite lengths, names sorted by their bytes), on which flagd lays down how
numbers meet: a float without a fraction is the integer, so that 1 and 1.0 are one value; an integer beyond 64 bits is a
float. General encoders make tags of those.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import pack, unpack
from typing import Any

from flagcore.value import MAX_DEPTH

__all__ = ["encode"]

#: Bytes a value may take. What identifies somebody is far shorter, and a rule can double a value at each step.
_MAX_BYTES = 65_536

_UNSIGNED, _NEGATIVE, _TEXT, _ARRAY, _MAP = 0, 1, 3, 4, 5
_SIMPLE: dict[Any, bytes] = {False: b"\xf4", True: b"\xf5", None: b"\xf6"}


def encode(value: Any) -> bytes:
    """
    The bytes of a JSON value.

    Raises:
        ValueError: it holds something that is not JSON, is nested deeper than `MAX_DEPTH`, or takes over 65,536 bytes.
    """
    return _encoded(value, 0)


def _encoded(value: Any, depth: int) -> bytes:
    if value is None or value is True or value is False:
        return _SIMPLE[value]
    kind = type(value)
    if kind is str:
        data: bytes = value.encode("utf-8", "surrogatepass")
        _limit(data)
        return _head(_TEXT, len(data)) + data
    if kind is int or kind is float:
        return _number(value)
    if depth >= MAX_DEPTH or kind not in (list, dict):
        raise ValueError(f"expected JSON of at most {MAX_DEPTH} levels, got {kind.__name__} at level {depth}")
    if kind is list:
        return _head(_ARRAY, len(value)) + _joined(_encoded(each, depth + 1) for each in value)
    pairs = sorted((_encoded(name, depth + 1), _encoded(each, depth + 1)) for name, each in value.items())
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


def _number(value: float) -> bytes:
    if type(value) is float and not value.is_integer():  # nan and the infinities too
        return _float(value)
    if 0 <= value < 2**64:
        return _head(_UNSIGNED, int(value))
    if -(2**63) <= value < 0:
        return _head(_NEGATIVE, -1 - int(value))
    try:
        return _float(float(value))
    except OverflowError:  # over 308 digits: what a decoder of doubles reads it as
        return _float(float("inf") if value > 0 else float("-inf"))


def _float(value: float) -> bytes:
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
    for more, (limit, form) in enumerate(((2**8, ">B"), (2**16, ">H"), (2**32, ">I"), (2**64, ">Q"))):
        if size < limit:
            return bytes((first | (24 + more),)) + pack(form, size)
    raise ValueError(f"expected at most 64 bits, got {size}")
