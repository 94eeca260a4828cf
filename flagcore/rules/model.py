"""
What a document says, as plain frozen values. No behaviour: formats make these, the compiler reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flagcore.resolution import NO_METADATA
from flagcore.value import Json

__all__ = ["Choice", "Definition", "Ruleset"]


@dataclass(frozen=True, slots=True)
class Choice:
    """
    Something a flag can serve: a value, and the variant's name where it has one. A value of `ABSENT` leaves it to the
    caller's default.
    """

    value: Any
    variant: str | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    """
    A flag that does not serve one value to everybody, or that says more about itself than its value.

    Attributes:
        fallback: what it serves when nothing else decides.
        overrides: {path: choice}; a path is 1 to n ids, most general first, along the ruleset's hierarchy. The
            longest that matches wins.
        metadata: what goes with each answer.
    """

    fallback: Choice
    overrides: Mapping[tuple[str, ...], Choice] = field(default_factory=dict)
    # By a factory: Python 3.11 takes no default that cannot be hashed.
    metadata: Mapping[str, Any] = field(default_factory=lambda: NO_METADATA)


@dataclass(frozen=True, slots=True)
class Ruleset:
    """
    A whole document.

    Attributes:
        plain: {key: value} of the flags that are one value for everybody and nothing more: the fast path.
        definitions: {key: definition} of all others. No key is in both.
        hierarchy: the context attributes that override paths go along, most general first.
    """

    plain: Mapping[str, Json]
    definitions: Mapping[str, Definition] = field(default_factory=dict)
    hierarchy: tuple[str, ...] = ()
