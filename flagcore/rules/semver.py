"""
Versions and what they are required to be.

Source: Semantic Versioning 2.0.0, sections 2 (the numbers), 9 (pre-releases), 10 (builds) and 11 (precedence).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

__all__ = ["FORM", "Precedence", "precedence", "satisfies", "wanted"]

#: How a requirement is written, for messages.
FORM: Final = 'a version with a comparison, such as ">=2.1.0", or several, such as ">=2.1.0 <3.0.0"'

#: Characters that a version may have: the longest in use are below a hundred.
_MAX_LENGTH: Final = 256

_NUMBER = "0|[1-9][0-9]*"
_IDENTIFIER = f"(?:{_NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_VERSION = re.compile(
    rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})(?:-({_IDENTIFIER}(?:\.{_IDENTIFIER})*))?"
    r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)
_SHORT = re.compile(r"[0-9]+(\.[0-9]+)?")
_STEP = re.compile(r"(>=|<=|==|!=|>|<|=|)\s*([0-9][0-9A-Za-z.+-]*)")
_STEPS = re.compile(rf"\s*{_STEP.pattern}(?:\s+{_STEP.pattern})*\s*")

_Numbers = tuple[tuple[int, str], ...]
_Identifiers = tuple[tuple[int, int, str], ...]
Precedence = tuple[_Numbers, bool, _Identifiers]


def precedence(text: str, *, loose: bool = False) -> Precedence | None:
    """
    What stands below another's where the version does; equal where neither is above, whatever their builds. None for
    what is no version.

    Args:
        text: the version.
        loose: whether it may also have a `v` in front, or be a major version alone, or one with a minor.
    """
    # Attributes can be megabytes long; what is remembered is to hold none of those.
    return _precedence(text, loose) if len(text) <= _MAX_LENGTH else None


@lru_cache(maxsize=1024)
def _precedence(text: str, loose: bool) -> Precedence | None:
    if loose:
        text = text[1:] if text[:1] in ("v", "V") else text
        short = _SHORT.fullmatch(text)
        text += "" if short is None else ".0" if short[1] else ".0.0"
    found = _VERSION.fullmatch(text)
    if found is None:
        return None
    before = found[4]
    # Digits without leading zeros stand by their count, then by themselves: no integer is made of a thousand digits.
    numbers = tuple((len(each), each) for each in found.group(1, 2, 3))
    # Section 11.3: a release stands above its own pre-releases.
    return numbers, before is None, tuple(map(_identifier, before.split("."))) if before else ()


def _identifier(text: str) -> tuple[int, int, str]:
    # Section 11.4: numbers stand below texts and go by value, texts by their characters.
    return (0, len(text), text) if text.isdecimal() else (1, 0, text)


@lru_cache(maxsize=256)
def wanted(requirement: str) -> tuple[tuple[str, Precedence], ...] | None:
    """
    The comparisons that `requirement` says, all of which are to hold; None where it says none.

    Args:
        requirement: `FORM`. A version alone, or after `=`, is to be equal.
    """
    if _STEPS.fullmatch(requirement) is None:
        return None
    steps = []
    for sign, text in _STEP.findall(requirement):
        version = precedence(text)
        if version is None:
            return None
        steps.append((sign, version))
    return tuple(steps)


def satisfies(version: Any, requirement: Any) -> bool:
    """
    Whether `version` is what `requirement` says; never where either is not what it should be.
    """
    if not isinstance(version, str) or not isinstance(requirement, str):
        return False
    found, steps = precedence(version), wanted(requirement)
    return found is not None and steps is not None and all(_holds(found, sign, other) for sign, other in steps)


def _holds(one: Precedence, sign: str, other: Precedence) -> bool:
    if sign in ("", "=", "=="):
        return one == other
    if sign == "!=":
        return one != other
    if sign in ("<", "<="):
        return one < other or (sign == "<=" and one == other)
    return one > other or (sign == ">=" and one == other)
