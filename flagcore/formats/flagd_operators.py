"""
What flagd adds to JsonLogic's operators: `starts_with`, `ends_with` and `sem_ver`.

Bad input gives null, never false, so that the flag's default variant is served. Source: flagd's documentation, "Custom
Operations"; Semantic Versioning 2.0.0.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Final

from flagcore.rules.model import Operator
from flagcore.rules.semver import Precedence, precedence

__all__ = ["FLAGD"]


def _starts_with(*arguments: Any) -> bool | None:
    texts = len(arguments) == 2 and type(arguments[0]) is str and type(arguments[1]) is str
    return arguments[0].startswith(arguments[1]) if texts else None


def _ends_with(*arguments: Any) -> bool | None:
    texts = len(arguments) == 2 and type(arguments[0]) is str and type(arguments[1]) is str
    return arguments[0].endswith(arguments[1]) if texts else None


def _sem_ver(*arguments: Any) -> bool | None:
    if len(arguments) != 3 or type(arguments[1]) is not str:
        return None
    one, holds, other = _version(arguments[0]), _HOLDS.get(arguments[1]), _version(arguments[2])
    return holds(one, other) if one is not None and holds is not None and other is not None else None


def _version(value: Any) -> Precedence | None:
    if type(value) is int or type(value) is float:
        value = repr(value) if abs(value) < _MAX_NUMBER else ""
    return precedence(value, loose=True) if type(value) is str else None


#: Above, Python writes floats with an exponent, and an integer may have thousands of digits.
_MAX_NUMBER: Final = 2**53

#: What each sign asks of two versions. `^` and `~` ask for the same numbers, not for a lowest version.
_HOLDS: Final[dict[str, Callable[[Precedence, Precedence], bool]]] = {
    "=": eq,
    "!=": ne,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
    "^": lambda one, other: one[0][0] == other[0][0],
    "~": lambda one, other: one[0][:2] == other[0][:2],
}


#: The operators by name. `fractional`, which needs to know whom it is asked for, has a module of its own.
FLAGD: Final = {
    name: Operator(name, function, "jsonlogic")
    for name, function in {"starts_with": _starts_with, "ends_with": _ends_with, "sem_ver": _sem_ver}.items()
}
