"""
A condition's characters, looked at before Python's own parser sees them.

What passes here is short, shallow, and made of nothing but names, numbers, strings and the few signs that conditions
have. So the parser can neither be exhausted nor made to warn, and a slip gets a better answer than "invalid syntax".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["MAX_LENGTH", "ConditionFault", "scanned"]

#: Characters in a condition. Room for a list of 200 long ids; what needs more belongs into an attribute. Parsing costs
#: about 1 µs a character, and Python's parser nests at most once a character, which its stack bears at this length.
MAX_LENGTH = 10_000

#: Brackets within brackets. Nobody reads more, and each engine below recurses once for each.
MAX_BRACKETS = 30

_STRING = re.compile(r"""(\w*)("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')""")
_PLAIN_ESCAPE = re.compile(r"""\\(?:[\\'"nrt]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4})""")
_STRANGE = re.compile(r"[^\w\s.,()\[\]<>=!-]")
_RUN = re.compile(r"(?:\bnot\s+){3}|-\s*-")
#: A number that ends in letters, or in a dot: Python warns of some and takes some for the next word.
_ODD_NUMBER = re.compile(r"(?<![\w.])[0-9]+\.(?![0-9])|\b(?![0-9]+(?:[eE][0-9]*)?\b)[0-9]\w*")
_HINTS = {
    "&": "write `and`",
    "|": "write `or`",
    "{": "a list is written [1, 2]",
    "#": "a comment belongs beside the condition, not into it",
    "'": "a string that begins here does not end",
    '"': "a string that begins here does not end",
}


class ConditionFault(Exception):
    """
    A condition that is none.

    Attributes:
        message: what was expected and what came.
        index: the character it is about, from 0.
    """

    def __init__(self, message: str, index: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.index = index


def scanned(text: str) -> str:
    """
    `text` on one line, every character where it was, fit for Python's parser.

    Raises:
        ConditionFault: it is too long, nested too deep, or holds what no condition holds.
    """
    if len(text) > MAX_LENGTH:
        raise ConditionFault(f"expected at most {MAX_LENGTH} characters, got {len(text)}")
    if not text.strip():
        raise ConditionFault("expected a condition, got nothing")
    bare = list(text)
    for start, end in _strings(text):
        bare[start:end] = "_" * (end - start)
    rest = "".join(bare)
    strange = _STRANGE.search(rest)
    if strange is not None:
        hint = _HINTS.get(strange[0])
        expected = "expected names, values and `== != < <= > >= in not and or`"
        raise ConditionFault(f"{expected}, got {strange[0]!r}{'; ' + hint if hint else ''}", strange.start())
    odd = _ODD_NUMBER.search(rest)
    if odd is not None:
        raise ConditionFault(f"expected a number such as 10, 0.5 or 1e6, got {odd[0]}", odd.start())
    _check_nesting(rest)
    # White space is all one to a condition, outside of its strings; to Python a line's end is the expression's.
    return "".join(" " if beside.isspace() else character for beside, character in zip(rest, text, strict=True))


def _strings(text: str) -> Iterator[tuple[int, int]]:
    before = -1
    for found in _STRING.finditer(text):
        prefix, quoted = found.groups()
        if prefix not in ("", "r"):
            expected = 'expected a string as "…", or as r"…" where a backslash is meant as one'
            raise ConditionFault(f"{expected}, got {prefix}{quoted[0]}", found.start())
        if before >= 0 and not text[before : found.start()].strip():
            raise ConditionFault("expected a comma or an operator between two strings, got none", found.start())
        if not prefix and "\\" in quoted:
            _check_escapes(quoted, found.start())
        before = found.end()
        yield found.span()


def _check_escapes(quoted: str, start: int) -> None:
    rest = _PLAIN_ESCAPE.sub(lambda found: "_" * len(found[0]), quoted)
    at = rest.find("\\")
    if at >= 0:
        expected = 'expected a backslash as \\\\, or a string as r"…"'
        raise ConditionFault(f"{expected}, got {rest[at : at + 2]}", start + at)


def _check_nesting(rest: str) -> None:
    depth = 0
    for found in re.finditer(r"[()\[\]]", rest):
        depth += 1 if found[0] in "([" else -1
        if depth > MAX_BRACKETS:
            raise ConditionFault(f"expected at most {MAX_BRACKETS} brackets within each other, got more", found.start())
        if depth < 0:
            raise ConditionFault(f"expected an opening bracket before {found[0]!r}, got none", found.start())
    if depth:
        raise ConditionFault("expected each bracket closed, got one that is not", max(rest.rfind("("), rest.rfind("[")))
    run = _RUN.search(rest)
    if run is not None:
        raise ConditionFault(f"expected something simpler, got {run[0]!r}", run.start())
