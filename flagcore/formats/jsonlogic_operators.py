"""
The operators of JsonLogic, as functions over values: those that need no scope and no laziness of their own.

None raises for JSON values or `ABSENT`, which counts as null, and none makes anything much larger than it was given:
what would be is null. Source: jsonlogic.com, "Supported Operations"; what it leaves open is ECMAScript's.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from time import time
from typing import Any, Final

from flagcore.formats.arithmetic import (
    above,
    at_least,
    at_most,
    below,
    difference,
    largest,
    product,
    quotient,
    remainder,
    smallest,
    total,
)
from flagcore.formats.coercion import (
    MAX_TEXT,
    less,
    loosely_equal,
    number,
    strictly_equal,
    text,
    true,
)
from flagcore.resolution import ABSENT
from flagcore.rules.model import Operator

__all__ = [
    "ARRAY",
    "BOOLEAN",
    "DEFAULTED",
    "HEEDED",
    "ITERATING",
    "LOOKUP",
    "MISSING",
    "MISSING_SOME",
    "NOW",
    "PLAIN",
    "WITHIN",
]

#: Elements an array made by a rule may have: as many as a read may evaluate.
_MAX_ELEMENTS = 10_000

_Each = Callable[[Any], Any]


def _unequal(one: Any = None, other: Any = None) -> bool:
    return not loosely_equal(one, other)


def _unlike(one: Any = None, other: Any = None) -> bool:
    return not strictly_equal(one, other)


def _concatenated(*values: Any) -> str | None:
    made = "".join([each if type(each) is str else text(each, "") for each in values])
    return made if len(made) <= MAX_TEXT else None


def _part(source: Any = None, start: Any = 0, *length: Any) -> str:
    whole = text(source)
    begin = _whole(start)
    found = whole[begin:] if begin >= 0 else whole[max(0, len(whole) + begin) :]
    return found[: _whole(length[0])] if length else found


def _whole(value: Any) -> int:
    found = number(value)
    if found != found:
        return 0
    return int(found) if isfinite(found) else (MAX_TEXT if found > 0 else -MAX_TEXT)


def _contained(needle: Any = None, haystack: Any = None) -> bool:
    if type(haystack) is str:
        return text(needle) in haystack
    if type(haystack) is not list:
        return False
    if type(needle) is str:
        return needle in haystack
    return any(strictly_equal(needle, each) for each in haystack)


def _merged(*values: Any) -> list[Any] | None:
    made: list[Any] = []
    for each in values:
        if type(each) is list:
            made.extend(each)
        else:
            made.append(_found(each))
        if len(made) > _MAX_ELEMENTS:
            return None
    return made


def _found(value: Any) -> Any:
    return None if value is ABSENT else value


def _array(*values: Any) -> list[Any]:
    return [None if each is ABSENT else each for each in values]


def _lookup(scope: Any, path: Any = None, default: Any = ABSENT) -> Any:
    if path is None or path is ABSENT or path == "":
        return scope
    for step in text(path).split("."):
        scope = _member(scope, step)
        if scope is ABSENT:
            return default
    return scope


def _member(holder: Any, name: str) -> Any:
    if type(holder) is dict:
        return holder.get(name, ABSENT)
    if type(holder) is list and name.isascii() and name.isdecimal() and len(name) < 10:
        place = int(name)
        return holder[place] if place < len(holder) else ABSENT
    return ABSENT


def _defaulted(value: Any, default: Any) -> Any:
    return default if value is ABSENT else value


def _missing(scope: Any, *keys: Any) -> list[Any]:
    if keys and type(keys[0]) is list:
        keys = tuple(keys[0])
    return [_found(key) for key in keys if _lookup(scope, key) in (None, "", ABSENT)]


def _missing_some(scope: Any, needed: Any = 0, keys: Any = None) -> list[Any]:
    wanted = keys if type(keys) is list else []
    found = _missing(scope, wanted)
    return [] if less(len(wanted) - len(found), needed) is False else found


def _within(scope: Any, flag_key: str) -> Any:
    return {**scope, "$flagd": {"flagKey": flag_key, "timestamp": _now()}} if isinstance(scope, dict) else scope


def _now() -> int:
    return int(time())


def _mapped(items: Any, each: _Each) -> list[Any]:
    return [_found(each(item)) for item in items] if type(items) is list else []


def _filtered(items: Any, each: _Each) -> list[Any]:
    return [item for item in items if true(each(item))] if type(items) is list else []


def _reduced(items: Any, each: _Each, initial: Any = None) -> Any:
    accumulator = _found(initial)
    for item in items if type(items) is list else ():
        accumulator = _found(each({"current": item, "accumulator": accumulator}))
    return accumulator


def _all(items: Any, each: _Each) -> bool:
    return type(items) is list and bool(items) and all(true(each(item)) for item in items)


def _some(items: Any, each: _Each) -> bool:
    return type(items) is list and any(true(each(item)) for item in items)


def _none(items: Any, each: _Each) -> bool:
    return not _some(items, each)


def _logged(value: Any = None) -> Any:
    return value  # a read does no I/O


def _operator(name: str, function: Callable[..., Any]) -> Operator:
    return Operator(name, function, "jsonlogic")


def _table(**functions: Callable[..., Any]) -> dict[str, Operator]:
    return {name: _operator(name, function) for name, function in functions.items()}


#: The operators that take the values of their arguments, by name.
PLAIN: Final = _table(
    **{
        "==": loosely_equal,
        "!=": _unequal,
        "===": strictly_equal,
        "!==": _unlike,
        "<": below,
        "<=": at_most,
        ">": above,
        ">=": at_least,
        "+": total,
        "-": difference,
        "*": product,
        "/": quotient,
        "%": remainder,
        "max": largest,
        "min": smallest,
        "cat": _concatenated,
        "substr": _part,
        "in": _contained,
        "merge": _merged,
        "log": _logged,
    }
)

#: How many arguments an operator looks at, where not at all of them: further ones say nothing.
HEEDED: Final = {
    **dict.fromkeys(("==", "!=", "===", "!==", ">", ">=", "/", "%", "in", "-"), 2),
    **dict.fromkeys(("<", "<=", "substr"), 3),
    "missing_some": 2,
    "log": 1,
}

#: Those that evaluate their second argument once for each element of the first.
ITERATING: Final = _table(map=_mapped, filter=_filtered, reduce=_reduced, all=_all, some=_some, none=_none)

#: Those whose result is always a boolean.
BOOLEAN: Final = frozenset({"==", "!=", "===", "!==", "<", "<=", ">", ">=", "in", "all", "some", "none"})

ARRAY: Final = _operator("array", _array)  #: an array whose elements are rules
LOOKUP: Final = _operator("var", _lookup)  #: (scope, path, default): a path known only at the read, or into an array
DEFAULTED: Final = _operator("var default", _defaulted)  #: (value, default)
MISSING: Final = _operator("missing", _missing)  #: (scope, *keys)
MISSING_SOME: Final = _operator("missing_some", _missing_some)  #: (scope, needed, keys)
WITHIN: Final = _operator("$flagd", _within)  #: (scope, flag key): the scope with `$flagd` in it
NOW: Final = _operator("$flagd.timestamp", _now)  #: seconds since the epoch, whole
