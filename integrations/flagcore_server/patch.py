"""
One value changed in a definition file's text, and every other character left as it was: comments, order, quotes.

The new value is written over the old one's place, nothing is parsed and printed anew. The result is decoded and
compared before it is handed out, so that an edit either means exactly what was asked for or is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from flagcore.errors import MalformedDocument
from flagcore.formats.syntax import decode
from flagcore.source import Syntax
from flagcore.value import copied
from flagcore_server.place import Place, json_places, yaml_places

__all__ = ["NotEditable", "patched", "same"]

#: Text that YAML 1.2 takes as a string without quotes wherever it stands: a letter first, nothing that is syntax in a
#: flow collection. Narrower than YAML's own rule; what falls outside is put in quotes.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*")
#: Plain words that YAML 1.2 or, in another program that reads the file, YAML 1.1 takes for something else.
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"})
_BOM = "\ufeff"


class NotEditable(Exception):
    """
    The text cannot be changed here without changing more than was asked for. The message says why and what to do.
    """


def same(one: object, other: object) -> bool:
    """
    Whether two JSON values are the same to a reader: true is not 1, and the order of members says nothing.
    """
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def patched(content: bytes, syntax: Syntax, document: Any, path: tuple[str, ...], value: Any) -> tuple[bytes, Any]:
    """
    `content` with the value at `path` replaced by `value`, and what it means then. I/O: none.

    Args:
        content: a well-formed document.
        syntax: how it is written.
        document: what it means; not changed.
        path: member names from the document down, such as `("flags", "theme", "value")`; each exists.
        value: a JSON value.

    Raises:
        NotEditable: the text holds the value in a way that cannot be written over: a YAML alias or merge key, an
            encoding that is not UTF-8, or TOML.
    """
    if syntax == "toml":
        raise NotEditable("a TOML file is served but not edited here: change it in an editor, the server follows")
    text, bom = _text(content)
    place, write = (json_places(text), _json) if syntax == "json" else (yaml_places(text), _yaml)
    old = document
    for name in path:
        if not isinstance(place.inner, dict) or name not in place.inner:
            raise NotEditable(f"`{name}` is merged in from elsewhere in the YAML: change it in the file itself")
        old, place = old[name], place.inner[name]
    # From the end, so that the places before stay true.
    for start, end, new in sorted(_edits(text, place, old, value, write), reverse=True):
        text = text[:start] + new + text[end:]
    result = (bom + text).encode()
    return result, _verified(result, syntax, _replaced(document, path, value))


def _text(content: bytes) -> tuple[str, str]:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise NotEditable("the file is not in UTF-8: save it as UTF-8 to edit it here") from error
    return (text[1:], _BOM) if text.startswith(_BOM) else (text, "")


def _replaced(document: Any, path: tuple[str, ...], value: Any) -> Any:
    result = holder = copied(document)
    for name in path[:-1]:
        holder = holder[name]
    holder[path[-1]] = value
    return result


def _verified(content: bytes, syntax: Syntax, expected: Any) -> Any:
    refusal = NotEditable(
        "the value is shared through a YAML alias, or written in a way that cannot be replaced alone: "
        "change it in the file itself"
    )
    try:
        document = decode(content, syntax)
    except MalformedDocument as error:
        raise refusal from error
    if not same(document, expected):
        raise refusal
    return document


_Write = Callable[[str, Place, Any], str]


def _edits(text: str, place: Place, old: Any, new: Any, write: _Write) -> Iterator[tuple[int, int, str]]:
    # An object or array of the same shape is edited inside, so that the comments within it stay.
    if same(old, new):
        return
    inner = place.inner
    if isinstance(inner, dict) and isinstance(old, dict) and isinstance(new, dict):
        if old.keys() == new.keys() == inner.keys():
            for name in new:
                yield from _edits(text, inner[name], old[name], new[name], write)
            return
    elif isinstance(inner, list) and isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for each, before, after in zip(inner, old, new, strict=True):
            yield from _edits(text, each, before, after, write)
        return
    yield place.start, place.end, write(text, place, new)


def _json(text: str, place: Place, value: Any) -> str:
    was = text[place.start : place.end]
    if "\n" not in was or not isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    line = text[text.rfind("\n", 0, place.start) + 1 : place.start]
    margin = line[: len(line) - len(line.lstrip())]
    step = re.match(r"[\[{]\s*\n([ \t]*)", was)
    indent = step[1][len(margin) :] if step else "  "
    return json.dumps(value, ensure_ascii=False, indent=indent or "  ").replace("\n", "\n" + margin)


def _yaml(text: str, place: Place, value: Any) -> str:
    written = _flow(value, place.quote)
    # `value:` with nothing behind it is null, and its place is right behind the colon.
    touching = place.start > 0 and not text[place.start - 1].isspace() and text[place.start - 1] not in "[{,"
    return f" {written}" if touching else written


def _flow(value: Any, quote: str = "") -> str:
    if isinstance(value, str):
        return _string(value, quote)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_string(name)}: {_flow(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return json.dumps(value)


def _string(value: str, quote: str = "") -> str:
    if quote == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    if quote != '"' and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    # JSON's escapes are YAML's too; what is left is what YAML may not hold as it is.
    escaped = json.dumps(value, ensure_ascii=False)
    return "".join(each if each.isprintable() else f"\\U{ord(each):08x}" for each in escaped)
