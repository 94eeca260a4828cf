"""
JsonLogic's comparisons and sums. All are over numbers as a double holds them; none raises for JSON values.

Source: jsonlogic.com, "Numeric Operations"; ECMA-262, section 13.10 (relational operators) and 6.1.6.1 (numbers).
"""

from __future__ import annotations

import re
from math import fmod, inf, isfinite, nan
from typing import Any

from flagcore.formats.coercion import less, number, rounded, text, written

__all__ = [
    "above",
    "at_least",
    "at_most",
    "below",
    "difference",
    "largest",
    "product",
    "quotient",
    "remainder",
    "smallest",
    "total",
]

_Number = int | float

_LEADING = re.compile(r"\s*([+-]?(?:Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?))")


def below(one: Any = nan, other: Any = nan, *third: Any) -> bool:
    """
    `<`: `one` below `other`, and that below a third where there is one.
    """
    if third:
        return less(one, other) is True and less(other, third[0]) is True
    return less(one, other) is True


def at_most(one: Any = nan, other: Any = nan, *third: Any) -> bool:
    """
    `<=`, as `below`. Never where they can't be compared.
    """
    # ECMA-262: a <= b is "b < a is false", which it is not where they can't be compared.
    if third:
        return less(other, one) is False and less(third[0], other) is False
    return less(other, one) is False


def above(one: Any = nan, other: Any = nan) -> bool:
    """
    `>`.
    """
    return less(other, one) is True


def at_least(one: Any = nan, other: Any = nan) -> bool:
    """
    `>=`.
    """
    return less(one, other) is False


def _leading(value: Any) -> _Number:
    # ECMA-262, parseFloat: the number that the text begins with.
    if type(value) is int or type(value) is float:
        return number(value)
    found = _LEADING.match(text(value))
    return written(found[1]) if found else nan


def total(*values: Any) -> _Number:
    """
    `+`: of one argument, the number that its text begins with.
    """
    found: _Number = 0
    for each in values:
        found = rounded(found + _leading(each))
    return found


def product(*values: Any) -> Any:
    """
    `*`: one argument is given back as it is.
    """
    if len(values) < 2:
        return values[0] if values else None
    found: _Number = 1
    for each in values:
        found = rounded(found * _leading(each))
    return found


def difference(one: Any = nan, *others: Any) -> _Number:
    """
    `-`: of one argument, its negative.
    """
    return rounded(number(one) - number(others[0])) if others else rounded(-number(one))


def quotient(one: Any = nan, other: Any = nan) -> _Number:
    """
    `/`: infinite, or no number, where the divisor is 0.
    """
    dividend, divisor = number(one), number(other)
    if divisor == 0:
        return nan if dividend == 0 or dividend != dividend else (inf if dividend > 0 else -inf)
    return rounded(dividend / divisor)


def remainder(one: Any = nan, other: Any = nan) -> _Number:
    """
    `%`.
    """
    dividend, divisor = number(one), number(other)
    # ECMA-262, Number::remainder: the sign is the dividend's, as in C.
    return rounded(fmod(dividend, divisor)) if divisor != 0 and isfinite(dividend) else nan


def largest(*values: Any) -> _Number:
    """
    `max`.
    """
    numbers = [number(each) for each in values]
    return nan if any(each != each for each in numbers) else max(numbers, default=-inf)


def smallest(*values: Any) -> _Number:
    """
    `min`.
    """
    numbers = [number(each) for each in values]
    return nan if any(each != each for each in numbers) else min(numbers, default=inf)
