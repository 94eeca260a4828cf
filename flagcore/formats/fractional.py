"""
flagd's `fractional`: one of several variants by weight, the same for the same unit at every read and in every SDK.

    {"fractional": [{"var": "email"}, ["red", 50], ["blue", 50]]}

Which bytes of the unit are hashed has changed from generation to generation, and each change puts everybody into
another bucket. `V2` hashes a text's UTF-8 and knows no other units; `V3` hashes the deterministic CBOR of any value.
Source: flagd's documentation, "Fractional Operation"; its decision records on high-precision and non-string units.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Any, Final

import mmh3

from flagcore.formats.cbor import encode
from flagcore.resolution import ABSENT
from flagcore.rules.buckets import share
from flagcore.rules.model import Call, Const, Expression, Operator
from flagcore.value import Json

__all__ = ["FRACTIONAL", "MAX_WEIGHT", "bucketed", "called", "hashed"]

#: The highest weight, and the highest sum of weights: a signed 32-bit integer, so that hash * sum fits in 64 bits.
MAX_WEIGHT: Final = 2**31 - 1

#: (flag key, targeting key, first argument) -> what is hashed; None where that is nobody.
_UnitOf = Callable[[Any, Any, Any], "bytes | None"]


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


def called(generation: str, flag_key: Expression, targeting_key: Expression, given: tuple[Expression, ...]) -> Call:
    """
    The expression of `fractional` with the arguments of a document. Buckets that are constants are taken apart here,
    once.

    Args:
        generation: `v2` or `v3`.
        flag_key: gives the flag's key.
        targeting_key: gives the targeting key.
        given: the unit, if there is one, and the buckets.
    """
    shorthand = bool(given) and isinstance(given[0], Const) and type(given[0].value) is list
    buckets = _buckets([each.value if isinstance(each, Const) else None for each in given[0 if shorthand else 1 :]])
    total = sum(weight for _, weight in buckets or ())
    if not buckets or not 0 < total <= MAX_WEIGHT:
        return Call(FRACTIONAL[generation], (flag_key, targeting_key, *given))
    table: list[Json] = [
        [*row, upper] for row, upper in zip(buckets, accumulate(weight for _, weight in buckets), strict=True)
    ]
    first = Const([]) if shorthand else given[0]
    return Call(_FIXED[generation], (flag_key, targeting_key, first, Const(total), Const(table)))


def _fixed(unit_of: _UnitOf, general: Operator) -> Callable[..., Any]:
    def fractional(flag_key: Any, targeting_key: Any, first: Any, total: int, table: list[Any]) -> Any:
        if type(first) is list and first:  # an array that is no array in the document is a bucket
            return general.function(flag_key, targeting_key, first, *[row[:2] for row in table])
        unit = unit_of(flag_key, targeting_key, first)
        if unit is None:
            return None
        place = (mmh3.hash(unit, 0, False) * total) >> 32
        for variant, _, upper in table:
            if place < upper:
                return variant
        return None

    return fractional


def _general(unit_of: _UnitOf) -> Callable[..., Any]:
    def fractional(flag_key: Any, targeting_key: Any, *arguments: Any) -> Any:
        first = arguments[0] if arguments else None
        unit = unit_of(flag_key, targeting_key, first)
        if unit is None:
            return None
        buckets = _buckets(arguments if type(first) is list else arguments[1:])
        return bucketed(unit, buckets) if buckets else None

    return fractional


def _v2(flag_key: Any, targeting_key: Any, first: Any) -> bytes | None:
    if type(first) is str:
        return first.encode("utf-8", "surrogatepass")
    if first is not None and first is not ABSENT and type(first) is not list:
        return None
    if type(targeting_key) is not str or not targeting_key:
        return None
    return (_text(flag_key) + targeting_key).encode("utf-8", "surrogatepass")


def _v3(flag_key: Any, targeting_key: Any, first: Any) -> bytes | None:
    if first is None or first is ABSENT:
        return None
    try:
        if type(first) is not list:
            return encode(first)
        if type(targeting_key) is not str or not targeting_key:
            return None
        return _before(_text(flag_key)) + encode(targeting_key)
    except ValueError:  # too large or too deep to be anybody's identity
        return None


@lru_cache(maxsize=1024)
def _before(flag_key: str) -> bytes:
    # RFC 8949, section 3.1: major type 4, an array, of two.
    return b"\x82" + encode(flag_key)


def _text(flag_key: Any) -> str:
    return flag_key if type(flag_key) is str else ""


def _buckets(arguments: Sequence[Any]) -> list[tuple[Any, int]] | None:
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
    return max(0, value) if type(value) is int else None


_UNITS: Final[dict[str, _UnitOf]] = {"v2": _v2, "v3": _v3}


def _general_as_written(call: Call) -> Call:
    return Call(_PLAIN, call.arguments[2:])


def _fixed_as_written(call: Call) -> Call:
    *_, first, _, table = call.arguments
    rows = table.value if isinstance(table, Const) else []
    unit = () if first == Const([]) else (first,)
    return Call(_PLAIN, (*unit, *(Const(row[:2]) for row in rows)))  # type: ignore[union-attr, index]


#: What both are in a document.
_PLAIN: Final = Operator("fractional", _general(_v2), "jsonlogic")

#: The operator of each generation. Its arguments are the flag's key, the targeting key, and those of the document.
FRACTIONAL: Final = {
    generation: Operator(f"fractional {generation}", _general(unit_of), "jsonlogic", _general_as_written)
    for generation, unit_of in _UNITS.items()
}

#: The same with a table of buckets. Arguments: the flag's key, the targeting key, the unit, the sum of weights, and the
#: table, whose rows are a variant, its weight, and the weights so far.
_FIXED: Final = {
    generation: Operator(
        f"fractional {generation}, fixed", _fixed(unit_of, FRACTIONAL[generation]), "jsonlogic", _fixed_as_written
    )
    for generation, unit_of in _UNITS.items()
}
