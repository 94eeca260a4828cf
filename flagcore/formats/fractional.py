"""
flagd's `fractional`: one of several variants by weight, the same for the same unit at every read and in every SDK.

    {"fractional": [{"var": "email"}, ["red", 50], ["blue", 50]]}

Which bytes of the unit are hashed has changed from generation to generation, and each change puts everybody into
another bucket. `V2` hashes a text's UTF-8 and knows no other units; `V3` hashes the deterministic CBOR of any value.
Source: flagd's documentation, "Fractional Operation"; its decision records on high-precision and non-string units.
"""

from __future__ import annotations

from typing import Any, Final

import mmh3

from flagcore.formats.cbor import encode
from flagcore.resolution import ABSENT
from flagcore.rules.buckets import share
from flagcore.rules.model import Operator

__all__ = ["FRACTIONAL", "MAX_WEIGHT", "bucketed", "hashed"]

#: The highest weight, and the highest sum of weights: a signed 32-bit integer, so that hash * sum fits in 64 bits.
MAX_WEIGHT: Final = 2**31 - 1


def hashed(unit: bytes) -> int:
    """
    0 to 2**32 - 1: MurmurHash3_x86_32 with the seed 0.
    """
    return mmh3.hash(unit, 0, signed=False)


def bucketed(unit: bytes, buckets: list[tuple[Any, int]]) -> Any:
    """
    The variant of the bucket that a unit falls into: hash * sum of weights >> 32 is its place, and the weights are
    taken in order. None where they sum up to nothing or to more than `MAX_WEIGHT`.
    """
    weights = [weight for _, weight in buckets]
    if not 0 < sum(weights) <= MAX_WEIGHT:
        return None
    return buckets[share(hashed(unit), weights)][0]


def _v2(flag_key: Any, targeting_key: Any, *arguments: Any) -> Any:
    first = arguments[0] if arguments else None
    if type(first) is str:
        return _chosen(first, arguments[1:])
    if type(targeting_key) is not str or not targeting_key:
        return None
    if first is None or first is ABSENT:
        arguments = arguments[1:]
    return _chosen(_text(flag_key) + targeting_key, arguments)


def _chosen(unit: str, arguments: tuple[Any, ...]) -> Any:
    buckets = _buckets(arguments)
    return bucketed(unit.encode("utf-8", "surrogatepass"), buckets) if buckets else None


def _v3(flag_key: Any, targeting_key: Any, *arguments: Any) -> Any:
    first = arguments[0] if arguments else None
    if first is None or first is ABSENT:
        return None
    if type(first) is not list:
        unit, arguments = first, arguments[1:]
    elif type(targeting_key) is str and targeting_key:
        unit = [_text(flag_key), targeting_key]
    else:
        return None
    buckets = _buckets(arguments)
    if not buckets:
        return None
    try:
        return bucketed(encode(unit), buckets)
    except ValueError:  # too large or too deep to be anybody's identity
        return None


def _text(flag_key: Any) -> str:
    return flag_key if type(flag_key) is str else ""


def _buckets(arguments: tuple[Any, ...]) -> list[tuple[Any, int]] | None:
    found = []
    for argument in arguments:
        if type(argument) is not list or not 1 <= len(argument) <= 2:
            return None
        variant = argument[0]
        weight = _weight(argument[1]) if len(argument) == 2 else 1
        if weight is None or type(variant) in (list, dict):
            return None
        found.append((variant, weight))
    return found


def _weight(value: Any) -> int | None:
    if type(value) is float and value.is_integer():  # JSON tells no 1.0 from 1
        value = int(value)
    if type(value) is not int or value > MAX_WEIGHT:
        return None
    return max(0, value)


#: The operator of each generation. Its arguments are the flag's key, the targeting key, and those of the document.
FRACTIONAL: Final = {
    "v2": Operator("fractional", _v2, "jsonlogic"),
    "v3": Operator("fractional v3", _v3, "jsonlogic"),
}
