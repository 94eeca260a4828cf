"""
What bytes mean: one module a dialect, each with `parse(document) -> Ruleset`.

A dialect's module is loaded when the first document of it comes.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING

from flagcore.errors import ConfigError, MalformedDocument
from flagcore.formats.syntax import decode

if TYPE_CHECKING:
    from flagcore.rules.model import Ruleset
    from flagcore.source import Body

__all__ = ["FORMATS", "check_format", "parse", "parse_document"]

#: The formats by name; each is the module of that name here.
FORMATS = ("native", "foff", "soasap")


def check_format(name: object) -> str:
    """
    `name`, if a format has it.

    Raises:
        ConfigError: none has.
    """
    if isinstance(name, str) and name in FORMATS:
        return name
    close = get_close_matches(str(name), FORMATS, 1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise ConfigError(f"format: expected one of {', '.join(FORMATS)}; got {name!r}{hint}")


def parse(name: str, body: Body) -> Ruleset:
    """
    What the document in `body` says, in the format called `name`. I/O: none. Locks: none.

    Raises:
        MalformedDocument: it is no document of that format; `.where` is the JSON path of the fault.
        ConfigError: there is no such format.
    """
    return parse_document(name, decode(body.content, body.syntax))


def parse_document(name: str, document: object) -> Ruleset:
    """
    What a decoded document says; otherwise as `parse`.
    """
    module = import_module(f"flagcore.formats.{check_format(name)}")
    if not isinstance(document, dict):
        from flagcore.value import kind

        raise MalformedDocument(f"expected an object as the whole document, got {kind(document)}")
    ruleset: Ruleset = module.parse(document)
    return ruleset
