"""
Where each value of a YAML or JSON text stands: from which character to which.

Only positions are found here. What the text means is `flagcore.formats.syntax.decode`'s to say, and it has said so
before a text comes here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from json import JSONDecoder
from json.decoder import scanstring  # type: ignore[attr-defined] # public since 2.6, missing from typeshed
from typing import Any, Union

__all__ = ["Place", "Places", "json_places", "yaml_places"]

Places = Union["Mapping[str, Place]", "Sequence[Place]", None]

_SPACE = re.compile(r"[ \t\r\n]*")
_SCALAR = JSONDecoder()


@dataclass(frozen=True, slots=True)
class Place:
    """
    One value's place in a text.

    Attributes:
        start: index of its first character.
        end: index after its last, without the comments and line breaks that follow it.
        quote: how YAML wrote a scalar: `'`, `"`, `|`, `>`, or nothing for a plain one.
        inner: the places of an object's members or of an array's elements; None for a scalar.
    """

    start: int
    end: int
    quote: str = ""
    inner: Places = None


def json_places(text: str) -> Place:
    """
    The places in a text that is known to be JSON. I/O: none.
    """
    return _json_place(text, _after_space(text, 0))


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _json_place(text: str, start: int) -> Place:
    if text[start] not in "{[":
        return Place(start, _SCALAR.raw_decode(text, start)[1])
    members: dict[str, Place] = {}
    elements: list[Place] = []
    at = _after_space(text, start + 1)
    while text[at] not in "}]":
        if text[start] == "{":
            name, at = scanstring(text, at + 1)
            at = _after_space(text, _after_space(text, at) + 1)
            inner = members[name] = _json_place(text, at)
        else:
            inner = _json_place(text, at)
            elements.append(inner)
        at = _after_space(text, inner.end)
        if text[at] == ",":
            at = _after_space(text, at + 1)
    return Place(start, at + 1, inner=members if text[start] == "{" else elements)


def yaml_places(text: str) -> Place:
    """
    The places in a text that is known to be one YAML document. I/O: none.
    """
    from ruamel.yaml import YAML

    return _yaml_place(text, YAML(typ="safe", pure=True).compose(text))


def _member_place(text: str, name: Any, value: Any) -> Place:
    place = _yaml_place(text, value)
    if place.start < place.end or place.inner is not None:
        return place
    # Null by saying nothing: its mark is where the next thing begins, its place is behind the colon.
    at = text.find(":", name.end_mark.index) + 1
    return Place(at, at)


def _yaml_place(text: str, node: Any) -> Place:
    start, end = node.start_mark.index, node.end_mark.index
    if isinstance(node.value, str):
        # A block scalar's mark is past its last line break.
        return Place(start, start + len(text[start:end].rstrip()), node.style or "")
    pairs = node.value
    inner: Any
    if pairs and isinstance(pairs[0], tuple):
        inner = {name.value: _member_place(text, name, value) for name, value in pairs if isinstance(name.value, str)}
        last = list(inner.values())[-1:]
    else:
        inner = [_yaml_place(text, each) for each in pairs]
        last = inner[-1:]
    if not node.flow_style and last:
        # A block's own mark is where the next block begins, past the comments in between.
        end = last[0].end
    return Place(start, end, inner=inner)
