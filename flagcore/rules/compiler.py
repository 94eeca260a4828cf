"""
From what a document says to what answers a read: each definition becomes one callable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flagcore.context import EvaluationContext
from flagcore.resolution import Reason, Resolution
from flagcore.rules.model import Choice, Definition, Ruleset
from flagcore.snapshot import Thunk

__all__ = ["Overridden", "compile_ruleset"]

#: One level of an override tree: {id: (the answer at this path or None, the levels below it)}.
_Level = dict["str | None", "tuple[Resolution[Any] | None, _Level]"]


def compile_ruleset(ruleset: Ruleset) -> dict[str, Thunk]:
    """
    The callables of every flag that is more than a plain value: {key: thunk}. I/O: none. Locks: none.
    """
    return {key: Overridden(key, each, ruleset.hierarchy) for key, each in ruleset.definitions.items()}


class Overridden:
    """
    A flag with hierarchical overrides: the most specific path that matches wins, else the fallback.

    The paths are a tree, so that a read costs one look-up a level, and an id that holds the wire's separator can't be
    taken for another path. Every answer it can give is made beforehand.
    """

    __slots__ = ("_definition", "_fallback", "_names", "_root")

    def __init__(self, key: str, definition: Definition, hierarchy: tuple[str, ...]) -> None:
        self._definition = definition
        self._names = hierarchy
        overridden = bool(definition.overrides)
        self._fallback = _answer(key, definition, definition.fallback, Reason.DEFAULT if overridden else Reason.STATIC)
        self._root: _Level = {}
        for path, choice in definition.overrides.items():
            level = self._root
            for each in path[:-1]:
                level = level.setdefault(each, (None, {}))[1]
            _, below = level.get(path[-1], (None, {}))
            level[path[-1]] = (_answer(key, definition, choice, Reason.TARGETING_MATCH), below)

    def __call__(self, context: EvaluationContext) -> Resolution[Any]:
        """
        The answer for `context`: the attributes that the hierarchy names are the path; the first one missing ends it.
        """
        found, level = self._fallback, self._root
        for name in self._names:
            entry = level.get(_identifier(context.get(name)))
            if entry is None:
                break
            found, level = entry[0] or found, entry[1]
        return found

    def along(self, path: Sequence[object]) -> Resolution[Any]:
        """
        The answer for a path of ids, most general first.
        """
        found, level = self._fallback, self._root
        for each in path:
            entry = level.get(_identifier(each))
            if entry is None:
                break
            found, level = entry[0] or found, entry[1]
        return found

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Overridden):
            return NotImplemented
        return self._definition == other._definition and self._names == other._names

    __hash__ = None  # type: ignore[assignment] # equal by what it says, which holds JSON

    def __repr__(self) -> str:
        return f"Overridden({self._fallback.flag_key!r}, {len(self._definition.overrides)} overrides)"


def _answer(key: str, definition: Definition, choice: Choice, reason: Reason) -> Resolution[Any]:
    metadata: Mapping[str, Any] = definition.metadata
    return Resolution(choice.value, key, choice.variant, reason, None, None, metadata)


def _identifier(value: object) -> str | None:
    # An id written as a number in YAML and one read from a database must meet. What is no id is in no level.
    if type(value) is str:
        return value
    return str(value) if type(value) is int else None
