"""
Whether two definitions say the same: Python's equality, but that True, 1 and 1.0 are not alike, since to a typed read
they are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any

__all__ = ["alike"]


def alike(one: Any, other: Any) -> bool:
    """
    Whether two values of the rule language, or of JSON, are equal and of the same types all through.
    """
    left = [(one, other)]
    while left:
        one, other = left.pop()
        if type(one) is not type(other):
            return False
        if one is other or type(one) is str:
            if one != other and one is not other:
                return False
        elif isinstance(one, (list, tuple)):
            if len(one) != len(other):
                return False
            left.extend(zip(one, other, strict=True))
        elif isinstance(one, Mapping):
            if one.keys() != other.keys():
                return False
            left.extend((value, other[name]) for name, value in one.items())
        elif is_dataclass(one):
            left.extend((getattr(one, name), getattr(other, name)) for name in _compared(one.__class__))
        elif one != other:
            return False
    return True


@lru_cache(maxsize=64)
def _compared(kind: type) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind) if each.compare)
