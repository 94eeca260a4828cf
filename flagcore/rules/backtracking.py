"""
How many ways a backtracking engine may have to try on a text: whether a pattern can be made to hang it.

An engine that has to choose where a match starts, and how often each repeat repeats, tries the product of the choices
before it says no. A choice is none where only one can go on: the repeat of `[a-z]+@` has to stop at the `@`. What is
counted here is a bound from above, so some patterns that are quick are refused.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Any, Final

__all__ = ["MAX_CHOICES", "ways"]

# Python's own reading of a pattern. Not public, and the same since Python 3.5 but for its name.
_parser: Any = import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")

#: Choices that may be multiplied: the square of a text's length.
MAX_CHOICES: Final = 2

#: Up to how many repetitions a repeat only makes the pattern longer; above, it goes on for as long as the text does.
_FEW: Final = 16

#: Ways that short repeats and alternatives may make together, at each place of a text.
_MAX_FORKS: Final = 256

_OTHER = "\u0100"  # stands for every character beyond ASCII
_ALL = frozenset([*map(chr, range(128)), _OTHER])
_CATEGORIES = {"DIGIT": r"[0-9]", "WORD": r"\w", "SPACE": r"\s"}
_REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")
_CHARACTERS = ("LITERAL", "NOT_LITERAL", "ANY", "IN")

_Items = list[tuple[Any, Any]]
_Set = frozenset[str]


class _Refused(Exception):
    pass


def ways(expression: str) -> str | None:
    """
    What makes a pattern, which `re` compiles, too slow in the worst case; None where nothing does.
    """
    items: _Items = list(_parser.parse(expression, re.ASCII))
    anchored = bool(items) and str(items[0][1]) in ("AT_BEGINNING", "AT_BEGINNING_STRING")
    count = _Count()
    try:
        forks = count.sequence(items, frozenset(), within=False)
    except _Refused as refusal:
        return str(refusal)
    # Where the match starts is a choice; and what is no choice is still walked once for each way of the others.
    choices = count.choices + (not anchored) + (count.walks > 0)
    if choices > MAX_CHOICES:
        return f"{count.choices + count.walks} repeats that may each stop in many places"
    return f"{forks} alternatives" if forks > _MAX_FORKS else None


class _Count:
    """
    The choices of a pattern: `choices` repeats that can stop in many places, `walks` that can in one.
    """

    def __init__(self) -> None:
        self.choices = 0
        self.walks = 0

    def sequence(self, items: _Items, following: _Set, *, within: bool) -> int:
        """
        Count a sequence. Gives the ways of what is short in it.

        Args:
            following: the characters that may come after it.
            within: whether it is repeated.
        """
        forks = 1
        for item in reversed(items):
            forks *= self._item(*item, following, within)
            starts, may_be_empty = _starts([item])
            following = starts | following if may_be_empty else starts
        return forks

    def _item(self, operation: Any, argument: Any, following: _Set, within: bool) -> int:
        name = str(operation)
        if name in _REPEATS:
            return self._repeat(argument, following, within)
        if name == "SUBPATTERN":
            return self.sequence(list(argument[3]), following, within=within)
        if name == "BRANCH":
            return sum(self.sequence(list(each), following, within=within) for each in argument[1])
        if name in _CHARACTERS or name == "AT":
            return 1
        raise _Refused("a back reference or a look around")

    def _repeat(self, argument: Any, following: _Set, within: bool) -> int:
        least, most, body = int(argument[0]), int(argument[1]), list(argument[2])
        starts, _ = _starts(body)
        if most <= _FEW:
            forks: int = self.sequence(body, starts | following, within=within or most > 1) ** most
            return min(forks * (most - least + 1), _MAX_FORKS + 1)
        if within:
            raise _Refused("a repeat within a repeat")
        if self.sequence(body, starts | following, within=True) > 1:
            raise _Refused("alternatives within a repeat")
        if least != most and starts & following:
            self.choices += 1
        else:
            self.walks += 1
        return 1


def _starts(items: _Items) -> tuple[_Set, bool]:
    """
    The characters that a sequence may begin with, and whether it may be empty.
    """
    found: _Set = frozenset()
    for operation, argument in items:
        starts, may_be_empty = _starts_of(str(operation), argument)
        found |= starts
        if not may_be_empty:
            return found, False
    return found, True


def _starts_of(name: str, argument: Any) -> tuple[_Set, bool]:
    if name in _CHARACTERS:
        return _either_case(_set(name, argument)), False
    if name in _REPEATS:
        starts, may_be_empty = _starts(list(argument[2]))
        return starts, may_be_empty or not argument[0]
    if name == "SUBPATTERN":
        return _starts(list(argument[3]))
    if name == "BRANCH":
        each = [_starts(list(items)) for items in argument[1]]
        return frozenset().union(*(starts for starts, _ in each)), any(empty for _, empty in each)
    # Nothing comes after the end of the text but, for `$`, its last line break.
    return (frozenset("\n"), False) if str(argument) in ("AT_END", "AT_END_STRING") else (frozenset(), True)


def _set(name: str, argument: Any) -> _Set:
    if name == "LITERAL":
        return frozenset({_plain(argument)})
    if name == "NOT_LITERAL":
        return _ALL - {chr(argument)}
    if name == "ANY":
        return _ALL
    negated = str(argument[0][0]) == "NEGATE"
    members: _Set = frozenset().union(*(_member(str(kind), value) for kind, value in argument))
    return (_ALL - members) | {_OTHER} if negated else members


def _member(kind: str, value: Any) -> Iterable[str]:
    if kind == "LITERAL":
        return {_plain(value)}
    if kind == "RANGE":
        return {each for each in _ALL if value[0] <= ord(each) <= value[1]} | {_plain(value[1])}
    if kind != "CATEGORY":
        return ()
    negated, _, category = str(value).removeprefix("CATEGORY_").rpartition("NOT_")
    inside = {each for each in _ALL if re.match(_CATEGORIES[category], each, re.ASCII)}
    return _ALL - inside if negated or "NOT_" in str(value) else inside


def _plain(code: int) -> str:
    return chr(code) if code < 128 else _OTHER


def _either_case(members: _Set) -> _Set:
    # Whether a pattern looks at case can be said within it; so it counts as if it did not.
    return members | {each.swapcase() for each in members if each < "\x80"}
