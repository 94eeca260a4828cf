"""
How JsonLogic turns one type into another: as ECMAScript does, but that an empty array is not true.

Values are JSON's, and `ABSENT`, which counts as null. Numbers may be infinite or `nan` on the way; neither is JSON, so
neither may leave a rule (`settled`).

Source: ECMA-262, section 7 (abstract operations: ToBoolean, ToNumber, ToString, IsLooselyEqual, IsLessThan);
jsonlogic.com, "Truthy and Falsy".
"""

from __future__ import annotations

import re
from decimal import Decimal
from math import inf, isfinite, isnan, nan
from typing import Any

from flagcore.resolution import ABSENT
from flagcore.value import MAX_DEPTH

__all__ = ["MAX_TEXT", "less", "loosely_equal", "number", "settled", "strictly_equal", "text", "true"]

#: Characters that a text made by a rule may have. A rule can double a text at each step of a `reduce`; no variant's
#: name, address or header comes near.
MAX_TEXT = 65_536

#: Parts an array is turned into text from, and values a result may hold: as many as a read may evaluate.
_MAX_PARTS = 10_000

#: The integers that a double tells from their neighbours: ECMA-262, Number.MAX_SAFE_INTEGER, plus one.
_EXACT = 2**53

_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_RADIX = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")
_INFINITE = {"Infinity": inf, "+Infinity": inf, "-Infinity": -inf}


def true(value: Any) -> bool:
    """
    Whether a condition with this result holds.
    """
    if value is True or value is False:
        return bool(value)
    if type(value) is float:
        return value != 0.0 and value == value
    return bool(value) or type(value) is dict


def number(value: Any) -> int | float:
    """
    `value` as a number: null 0, booleans 0 and 1, a text what is written in it, an array what its text says, else nan.
    """
    kind = type(value)
    if kind is float:
        return value  # type: ignore[no-any-return]
    if kind is int:
        return rounded(value)
    if kind is str:
        return written(value)
    if kind is bool:
        return int(value)
    if value is None or value is ABSENT:
        return 0
    return written(text(value)) if kind is list else nan


def written(source: str) -> int | float:
    """
    The number that a text is, with white space around it or none; an empty text is 0, any other is nan.
    """
    source = source.strip()
    if not source:
        return 0
    if _DECIMAL.fullmatch(source):
        return rounded(float(source))
    if _RADIX.fullmatch(source):
        return rounded(int(source, 0))
    return _INFINITE.get(source, nan)


def rounded(value: float) -> int | float:
    """
    A number as a double holds it: whole ones as an int as far as a double is exact, all others as a float.
    """
    if type(value) is int:
        if -_EXACT <= value <= _EXACT:
            return value
        try:
            return float(value)
        except OverflowError:
            return inf if value > 0 else -inf
    return int(value) if value.is_integer() and -_EXACT <= value <= _EXACT else value


def text(value: Any, null: str = "null") -> str:
    """
    `value` as text. Arrays are their elements, joined by commas; one too large to be meant is no text at all.

    Args:
        value: any value.
        null: what null is; within arrays it is always nothing.
    """
    kind = type(value)
    if kind is str:
        return value  # type: ignore[no-any-return]
    if kind is bool:
        return "true" if value else "false"
    if kind is int or kind is float:
        return _digits(value)
    if value is None or value is ABSENT:
        return null
    if kind is not list:
        return "[object Object]"
    joined = _Joined()
    return "".join(joined.parts) if joined.took(value, 0) else ""


class _Joined:
    """
    The text of an array in the making. A rule can make an array that holds itself twice, at each step of a `reduce`:
    2**n elements in n steps. So it counts.
    """

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._room = MAX_TEXT

    def took(self, array: list[Any], depth: int) -> bool:
        if depth > MAX_DEPTH:
            return False
        for index, each in enumerate(array):
            part = "," if index else ""
            if type(each) is not list:
                part += text(each, "")
            self.parts.append(part)
            self._room -= len(part)
            if type(each) is list and not self.took(each, depth + 1):
                return False
            if self._room < 0 or len(self.parts) > _MAX_PARTS:
                return False
        return True


def _digits(value: float) -> str:
    # ECMA-262, Number::toString: no exponent from 1e-6 up to 1e21.
    value = rounded(value)
    if not isfinite(value):
        return "NaN" if isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if type(value) is int:
        return str(value)
    shortest = repr(value)
    if 1e-6 <= abs(value) < 1e21:
        return f"{Decimal(shortest):f}".removesuffix(".0")
    mantissa, _, exponent = shortest.partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent):+d}"


def loosely_equal(one: Any = None, other: Any = None) -> bool:
    """
    `==`: null only equals null; else unlike types meet as numbers, an array and anything else by the array's text, and
    arrays and objects among themselves only when they are the very same.
    """
    kind, against = type(one), type(other)
    if kind is against and (kind is str or kind is int or kind is bool):
        return bool(one == other)
    if one is None or one is ABSENT or other is None or other is ABSENT:
        return (one is None or one is ABSENT) and (other is None or other is ABSENT)
    held, holding = kind in _HOLDERS, against in _HOLDERS
    if held and holding:
        return one is other
    if held or holding:
        return loosely_equal(text(one) if held else one, text(other) if holding else other)
    return number(one) == number(other)


_HOLDERS = (list, dict)


def strictly_equal(one: Any = None, other: Any = None) -> bool:
    """
    `===`: as `loosely_equal`, but that unlike types are never equal. All numbers are of one type.
    """
    kind, against = type(one), type(other)
    if kind in _HOLDERS or against in _HOLDERS:
        return one is other
    if one is ABSENT or other is ABSENT:
        return (one is None or one is ABSENT) and (other is None or other is ABSENT)
    return (kind is against or {kind, against} == {int, float}) and bool(one == other)


def less(one: Any, other: Any) -> bool | None:
    """
    Whether `one` is below `other`: texts by their characters, all else as numbers. None where they can't be compared.
    """
    kind, against = type(one), type(other)
    if kind is int and against is int:
        return bool(one < other)
    one, other = text(one) if kind in _HOLDERS else one, text(other) if against in _HOLDERS else other
    if type(one) is str and type(other) is str:
        return one < other
    low, high = number(one), number(other)
    return None if isnan(low) or isnan(high) else low < high


def settled(value: Any) -> Any:
    """
    A rule's result as JSON: null for what is absent or no number, in arrays and objects too.

    Raises:
        ValueError: it holds more than 10,000 values or is nested deeper than `MAX_DEPTH`.
    """
    return _Settling().settled(value, 0)


class _Settling:
    def __init__(self) -> None:
        self._budget = _MAX_PARTS

    def settled(self, value: Any, depth: int) -> Any:
        if value is ABSENT or (type(value) is float and not isfinite(value)):
            return None
        if type(value) not in _HOLDERS:
            return value
        self._budget -= len(value) + 1
        if self._budget < 0 or depth > MAX_DEPTH:
            raise ValueError(f"expected a result of at most {_MAX_PARTS} values, {MAX_DEPTH} deep; got more")
        if type(value) is list:
            return [self.settled(each, depth + 1) for each in value]
        return {name: self.settled(each, depth + 1) for name, each in value.items()}
