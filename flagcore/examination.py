"""
A definition file looked at as a whole: all that is wrong in it, and where.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flagcore.errors import ConfigError, MalformedDocument
from flagcore.formats import check_format, faults, parse
from flagcore.formats.place import Places
from flagcore.formats.syntax import syntax_of
from flagcore.rules.pattern import engine
from flagcore.source import Body

__all__ = ["Examination", "examine"]


@dataclass(frozen=True, slots=True)
class Examination:
    """
    What was found.

    Attributes:
        faults: one line for each, to be written behind the file's name: its line and column where they are known, its
            JSON path, what was expected and what came.
        summary: how much there is, how much of it is wrong, and what checks regular expressions.
    """

    faults: tuple[str, ...]
    summary: str


def examine(path: Path, format: str = "native") -> Examination:  # noqa: A002 - the word the field uses
    """
    Look at the document in a file. I/O: reads it.

    Raises:
        ConfigError: there is no such file or format, its suffix says no syntax, or it is YAML and nothing reads that.
    """
    body = Body(_content(path), None, syntax_of(path.suffix))
    check_format(format)
    places = Places(body.content)
    try:
        ruleset = parse(format, body)
    except MalformedDocument as error:
        place = error.place or _place(error.where, body, places)
        return Examination((_line(place, error.where, error.message),), "it is refused as a whole")
    found = [
        _line(each.place or _place(each.where, body, places), each.where, each.message) for each in faults(ruleset)
    ]
    flags = len(ruleset.plain) + len(ruleset.definitions)
    parts = (_counted(flags, "flag"), _counted(len(ruleset.segments), "segment"), _counted(len(found), "fault"))
    return Examination(tuple(found), f"{', '.join(parts)}; regular expressions by {engine()}")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"expected a readable file at {path}, got: {error.strerror}") from error


def _place(where: str, body: Body, places: Places) -> str:
    # JSON is YAML too; TOML is not.
    return places.of(where) if where != "$" and body.syntax != "toml" else ""


def _counted(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'s' * (number != 1)}"


def _line(place: str, where: str, message: str) -> str:
    # As compilers and editors write it: file:line:column: message.
    numbers = ":".join(each.split()[-1] for each in place.split(", ")) if place else ""
    return f":{numbers}: {where}: {message}" if numbers else f": {where}: {message}"
