"""
All that a flag can answer, made beforehand: an answer that a read finds costs it no object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flagcore.context import EvaluationContext
from flagcore.resolution import ABSENT, ErrorCode, Reason, Resolution
from flagcore.rules.buckets import unit
from flagcore.rules.model import Choice, Definition, Fault, Rollout, Rule, Ruleset, Select, Split

__all__ = ["Level", "Outcome", "Outcomes"]

#: One level of an override tree: {id: (the answer at this path or None, the levels below it)}.
Level = dict[str, "tuple[Resolution[Any] | None, Level]"]

#: What a rule can answer: one, one of several by their place, or one of several by their name.
Outcome = Resolution[Any] | tuple[Resolution[Any], ...] | Mapping[str, Resolution[Any]]


class Outcomes:
    """
    The answers of one flag.

    Attributes:
        key: the flag's.
        metadata: what goes with each answer; with an error too.
        fallback: when nothing else decides, or the flag is not understood.
        tree: those of the overrides. The paths are a tree, so that a read costs one look-up a level, and an id that
            holds a wire's separator can't be taken for another path.
        rules: those of each rule.
    """

    __slots__ = ("fallback", "key", "metadata", "rules", "tree")

    def __init__(self, key: str, ruleset: Ruleset) -> None:
        definition = ruleset.definitions[key]
        self.key = key
        self.metadata = definition.metadata if isinstance(definition, Definition) else ruleset.metadata
        self.tree: Level = {}
        self.rules: tuple[Outcome, ...] = ()
        if isinstance(definition, Fault):
            place = f" ({definition.place})" if definition.place else ""
            message = f"{definition.where}{place}: {definition.message}"
            self.fallback: Resolution[Any] = self.error(definition.code, message)
        else:
            self._fill(key, definition)

    def _fill(self, key: str, definition: Definition) -> None:
        decides = definition.overrides or definition.rules or definition.fallback.value is ABSENT
        reason = definition.reason or (Reason.DEFAULT if decides else Reason.STATIC)
        self.fallback = _answer(key, definition, definition.fallback, reason)
        self.rules = tuple(_outcome(key, definition, rule) for rule in definition.rules)
        for path, choice in definition.overrides.items():
            level = self.tree
            for each in path[:-1]:
                level = level.setdefault(each, (None, {}))[1]
            _, below = level.get(path[-1], (None, {}))
            level[path[-1]] = (_answer(key, definition, choice, Reason.TARGETING_MATCH), below)

    def along(self, path: Sequence[object]) -> Resolution[Any] | None:
        """
        The answer of the override with the longest path that `path` begins with; None if there is none.
        """
        found, level = None, self.tree
        for each in path:
            entry = level.get(each if type(each) is str else unit(each))  # type: ignore[arg-type] # None is no id
            if entry is None:
                break
            answer, level = entry
            if answer is not None:
                found = answer
        return found

    def overridden(self, context: EvaluationContext, hierarchy: tuple[str, ...]) -> Resolution[Any] | None:
        """
        As `along`, the context's attributes that `hierarchy` names being the path; the first one missing ends it.
        """
        return self.along([context.get(name) for name in hierarchy])

    def unknown(self, name: object) -> Resolution[Any]:
        """
        The answer where a rule names a choice that the flag has not.
        """
        return self.error(ErrorCode.GENERAL, f"expected the name of a variant, got {name!r}")

    def error(self, code: ErrorCode, message: str) -> Resolution[Any]:
        """
        The answer that the flag has none.
        """
        return Resolution.error(self.key, code, message, metadata=self.metadata)


def _outcome(key: str, definition: Definition, rule: Rule) -> Outcome:
    then = rule.then
    if isinstance(then, Split):
        return tuple(_answer(key, definition, choice, Reason.SPLIT) for choice, _ in then.choices)
    if isinstance(then, Select):
        named = then.choices.items()
        return {name: _answer(key, definition, choice, Reason.TARGETING_MATCH) for name, choice in named}
    if isinstance(then, Rollout):
        return _answer(key, definition, then.choice, Reason.SPLIT)
    return _answer(key, definition, then, Reason.TARGETING_MATCH)


def _answer(key: str, definition: Definition, choice: Choice, reason: Reason) -> Resolution[Any]:
    return Resolution(choice.value, key, choice.variant, reason, None, None, definition.metadata)
