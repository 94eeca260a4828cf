"""
JSON values: checking what comes in, copying what goes out, and telling whether one is of the type a caller asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from math import isfinite
from typing import Any, Union

from flagcore.errors import MalformedDocument
from flagcore.resolution import ABSENT

__all__ = [
    "MAX_DEPTH",
    "MAX_INT_BITS",
    "MAX_NODES",
    "Json",
    "as_float",
    "as_int",
    "check_depth",
    "checked",
    "copied",
    "kind",
    "member",
    "typed",
]

Json = Union[bool, int, float, str, None, "list[Json]", "dict[str, Json]"]

#: Levels of nesting a document may have. Far above any flag's payload, far below what exhausts Python's stack when a
#: value is copied, so that no document can make a read fail.
MAX_DEPTH = 100

#: Values a document of YAML, TOML or Python objects may hold. A few lines of YAML aliases can stand for billions; two
#: hundred times the largest flag set we know of (5,000 flags) can't be meant.
MAX_NODES = 1_000_000

#: Bits an integer may have: those of 4,300 digits, which is what Python writes out. More of them can be read, in
#: hexadecimal, and then no message could say what came.
MAX_INT_BITS = 14_284

_KINDS: dict[type, str] = {
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "an object",
}


def kind(value: object) -> str:
    """
    What JSON calls the type of `value`, with its article; the Python name for what is no JSON.
    """
    if value is None:
        return "null"
    return _KINDS.get(type(value), type(value).__name__)


def member(where: str, name: object) -> str:
    """
    The JSON path of the member `name` of what is at `where`.
    """
    if isinstance(name, int):
        return f"{where}[{name}]"
    text = str(name)
    return f"{where}.{text}" if text.isidentifier() else f"{where}[{text!r}]"


def checked(value: object) -> Json:
    """
    A copy of `value` as plain JSON, sharing nothing with it. Dates and times, which TOML has and JSON has not, become
    their ISO 8601 text.

    Raises:
        MalformedDocument: it holds something that is not JSON, is nested deeper than `MAX_DEPTH`, or is larger than
            `MAX_NODES`.
    """
    return _Check().copy(value, "$", 0)


class _Check:
    def __init__(self) -> None:
        self._budget = MAX_NODES

    def copy(self, value: object, where: str, depth: int) -> Json:
        if value is None or value is True or value is False:
            return value
        if isinstance(value, str):
            return _text(value, where)
        if isinstance(value, int):
            if value.bit_length() > MAX_INT_BITS:
                raise MalformedDocument("expected a number of at most 4,300 digits, got a longer one", where=where)
            return int(value)
        if isinstance(value, float):
            if not isfinite(value):
                raise MalformedDocument(f"expected a finite number, got {value}", where=where)
            return float(value)
        if isinstance(value, (Mapping, list, tuple)):
            return self._container(value, where, depth)
        if isinstance(value, (datetime, date, time)):
            return value.isoformat()
        raise MalformedDocument(f"expected a JSON value, got {type(value).__name__}", where=where)

    def _container(self, value: Mapping[Any, Any] | list[Any] | tuple[Any, ...], where: str, depth: int) -> Json:
        if depth >= MAX_DEPTH:
            raise MalformedDocument(f"expected at most {MAX_DEPTH} levels of nesting, got more", where=where[:80])
        self._budget -= len(value) + 1
        if self._budget < 0:
            raise MalformedDocument(f"expected at most {MAX_NODES} values, got more", where=where)
        if isinstance(value, Mapping):
            return {_name(k, where): self.copy(v, member(where, k), depth + 1) for k, v in value.items()}
        return [self.copy(v, member(where, i), depth + 1) for i, v in enumerate(value)]


def _text(value: str, where: str) -> str:
    # YAML can spell half a surrogate pair, which no JSON in UTF-8 can hold.
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise MalformedDocument("expected text that is Unicode, got half a surrogate pair", where=where) from error
    return str(value)  # plain, where a parser made a subclass that knows its quotes


def _name(key: object, where: str) -> str:
    if isinstance(key, str):
        return _text(key, where)
    try:
        came = repr(key)
    except ValueError:  # it has a number in it that Python does not write out
        came = kind(key)
    raise MalformedDocument(f"expected names that are strings, got {came}; put it in quotes", where=where)


def check_depth(value: Json) -> None:
    """
    Look at a decoded JSON value's nesting alone; cheaper than `checked` by ten times.

    Raises:
        MalformedDocument: it is nested deeper than `MAX_DEPTH`.
    """
    level = [value] if type(value) in (dict, list) else []
    for _ in range(MAX_DEPTH):
        if not level:
            return
        level = [
            each
            for container in level
            for each in (container.values() if type(container) is dict else container)  # type: ignore[union-attr]
            if type(each) in (dict, list)
        ]
    if level:
        raise MalformedDocument(f"expected at most {MAX_DEPTH} levels of nesting, got more")


def copied(value: Any) -> Any:
    """
    A copy of a JSON value, so that a caller can change it without changing what the next caller reads.
    """
    if type(value) is dict:
        return {k: copied(v) if type(v) in (dict, list) else v for k, v in value.items()}
    if type(value) is list:
        return [copied(v) if type(v) in (dict, list) else v for v in value]
    return value


def as_int(value: Any) -> Any:
    """
    `value` as an int, whole floats included, else `ABSENT`.
    """
    if type(value) is int:
        return value
    return int(value) if type(value) is float and value.is_integer() else ABSENT


def as_float(value: Any) -> Any:
    """
    `value` as a float, ints converted, else `ABSENT`.
    """
    if type(value) is float:
        return value
    try:
        return float(value) if type(value) is int else ABSENT
    except OverflowError:  # an integer of over 308 digits
        return ABSENT


def typed(value: Any, default: Any) -> Any:
    """
    `value` as the type that `default` asks for, else `ABSENT`.

    A boolean is never a number. An int takes whole floats; a float takes ints, converted; a dict an object, a list an
    array, None any JSON. Objects and arrays are copied.

    Source: OpenFeature specification, "Flag Evaluation", requirement 1.3.4; how numbers meet is flagcore's own.
    """
    if value is ABSENT:
        return ABSENT
    asked = type(default)
    if default is None or asked is type(value):
        return copied(value)
    if asked is int:
        return as_int(value)
    if asked is float:
        return as_float(value)
    return ABSENT
