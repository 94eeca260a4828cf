"""
The shape of a decoded object: which members it may have, of which types, and what each is for.

One table says it to the parser, to the JSON Schema and to the documentation.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from flagcore.errors import MalformedDocument
from flagcore.resolution import ABSENT
from flagcore.value import Json, as_int, kind, member

__all__ = ["Member", "Shape", "each_of", "members"]

_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "number": (int, float),
    "boolean": bool,
    "object": dict,
    "array": list,
    "null": type(None),
}
_ARTICLES = {"array": "an array", "object": "an object", "integer": "a whole number", "null": "null"}


@dataclass(frozen=True, slots=True)
class Member:
    """
    One member that an object may have.

    Attributes:
        types: the JSON Schema types its value may be of; none for any JSON.
        meaning: what it is for, in a line.
        required: whether there must be one.
        schema: what JSON Schema is to say of it beside that.
        wanted: what an error says was expected; the types, where empty.
    """

    types: tuple[str, ...]
    meaning: str
    required: bool = False
    schema: Mapping[str, Any] = field(default_factory=dict)
    wanted: str = ""

    def takes(self, value: Json) -> bool:
        """
        Whether `value` is of one of the types. A boolean is no number; 2.0 is whole.
        """
        return not self.types or any(_is(value, each) for each in self.types)

    @property
    def expected(self) -> str:
        """
        What an error says was expected.
        """
        return self.wanted or " or ".join(_ARTICLES.get(each, f"a {each}") for each in self.types)


#: What an object may hold: {name: member}.
Shape = Mapping[str, Member]


def members(value: object, shape: Shape, where: str, *, wanted: str, others: Collection[str] = ()) -> dict[str, Any]:
    """
    `value`, if it is an object of that shape.

    Args:
        value: decoded JSON.
        shape: the members it may have.
        where: its JSON path, for errors.
        wanted: what an error says was expected in place of another type, such as "an object with a value".
        others: names of members that it may have beside those; they are looked at by the caller.

    Raises:
        MalformedDocument: it is no object, or a member is unknown, missing or of another type.
    """
    if not isinstance(value, dict):
        raise MalformedDocument(f"expected {wanted}, got {kind(value)}", where=where)
    for name, each in value.items():
        found = shape.get(name)
        if found is not None:
            if not found.takes(each):
                raise MalformedDocument(f"expected {found.expected}, got {kind(each)}", where=member(where, name))
        elif name not in others:
            raise _unknown(name, (*shape, *others), where)
    for name, each in shape.items():
        if each.required and name not in value:
            raise MalformedDocument(f"expected {each.expected or 'a value'}, got nothing", where=member(where, name))
    return value


def each_of(value: Mapping[str, Any] | list[Any], types: Member, where: str) -> None:
    """
    Check that each element or member of `value` is of the types of `types`.

    Raises:
        MalformedDocument: one is not; it has the path of the first.
    """
    for name, each in value.items() if isinstance(value, Mapping) else enumerate(value):
        if not types.takes(each):
            raise MalformedDocument(f"expected {types.expected}, got {kind(each)}", where=member(where, name))


def _is(value: Json, name: str) -> bool:
    if name == "integer":
        return as_int(value) is not ABSENT
    return isinstance(value, _TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def _unknown(name: str, names: Collection[str], where: str) -> MalformedDocument:
    close = get_close_matches(name, names, 1)
    hint = f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(sorted(names))}"
    return MalformedDocument(f"unknown name {name!r}{hint}", where=member(where, name))
