"""
What flagd adds to JsonLogic's operators: `starts_with`, `ends_with` and `sem_ver`.

Bad input gives null, never false, so that the flag's default variant is served. Source: flagd's documentation, "Custom
Operations"; Semantic Versioning 2.0.0, sections 9 to 11.
"""

from __future__ import annotations

import re
from typing import Any, Final

from flagcore.rules.model import Operator

__all__ = ["FLAGD"]

#: A release, a pre-release or nothing. Sections 2 and 9: no leading zeros in what is a number. Section 10: what
#: follows a `+` doesn't count.
_VERSION = re.compile(
    r"[vV]?(0|[1-9][0-9]*)(?:\.(0|[1-9][0-9]*))?(?:\.(0|[1-9][0-9]*)"
    r"(?:-((?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*))?"
    r"(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?)?"
)

#: Characters a version may have. The longest in use are below a hundred.
_MAX_LENGTH = 256

_Version = tuple[tuple[str, ...], tuple[int, tuple[tuple[int, int, str], ...]]]


def _starts_with(*arguments: Any) -> bool | None:
    texts = len(arguments) == 2 and type(arguments[0]) is str and type(arguments[1]) is str
    return arguments[0].startswith(arguments[1]) if texts else None


def _ends_with(*arguments: Any) -> bool | None:
    texts = len(arguments) == 2 and type(arguments[0]) is str and type(arguments[1]) is str
    return arguments[0].endswith(arguments[1]) if texts else None


def _sem_ver(*arguments: Any) -> bool | None:
    if len(arguments) != 3 or type(arguments[1]) is not str:
        return None
    one, other = _version(arguments[0]), _version(arguments[2])
    return _compared(one, arguments[1], other) if one is not None and other is not None else None


def _compared(one: _Version, operator: str, other: _Version) -> bool | None:
    if operator == "^":
        return one[0][0] == other[0][0]
    if operator == "~":
        return one[0][:2] == other[0][:2]
    if operator in ("=", "!="):
        return (one == other) is (operator == "=")
    low, high = _ranked(one), _ranked(other)
    orders = {"<": low < high, "<=": low <= high, ">": low > high, ">=": low >= high}
    return orders.get(operator)


def _ranked(version: _Version) -> Any:
    # Digits without leading zeros stand in the order of their length, then of their characters: no integer is made of
    # them, which a text of thousands of digits refuses.
    return [(len(part), part) for part in version[0]], version[1]


def _version(value: Any) -> _Version | None:
    if type(value) is int or type(value) is float:
        value = repr(value) if type(value) is float or abs(value) < 2**53 else ""
    if type(value) is not str or len(value) > _MAX_LENGTH:
        return None
    found = _VERSION.fullmatch(value)
    if found is None:
        return None
    major, minor, patch, before = found.groups()
    # Section 11.3: a release stands above its pre-releases.
    return (major, minor or "0", patch or "0"), (0, _identifiers(before)) if before else (1, ())


def _identifiers(before: str) -> tuple[tuple[int, int, str], ...]:
    # Section 11.4: numbers stand below texts, numbers go by value, and texts by their characters in ASCII.
    parts = before.split(".")
    return tuple((0, len(part), part) if part.isdecimal() else (1, 0, part) for part in parts)


#: The operators by name. `fractional`, which needs to know whom it is asked for, has a module of its own.
FLAGD: Final = {
    name: Operator(name, function, "jsonlogic")
    for name, function in {"starts_with": _starts_with, "ends_with": _ends_with, "sem_ver": _sem_ver}.items()
}
