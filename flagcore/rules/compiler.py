"""
From what a document says to what answers a read: each definition becomes one callable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flagcore.context import EvaluationContext
from flagcore.explanation import Step
from flagcore.resolution import Resolution
from flagcore.rules.budget import Failure
from flagcore.rules.likeness import alike
from flagcore.rules.model import Definition, Expression, Ruleset
from flagcore.rules.program import Program, compiled_expression
from flagcore.rules.references import expressions_of, references_of
from flagcore.rules.walk import Walk
from flagcore.thunk import Asking, Decide, Thunk

__all__ = ["Targeted", "compile_expression", "compile_ruleset"]


def compile_ruleset(ruleset: Ruleset) -> dict[str, Thunk]:
    """
    The callables of every flag that is more than a plain value: {key: thunk}. Each is compiled when it is first asked.
    I/O: none. Locks: none.
    """
    program = Program(ruleset)
    return {key: Targeted(key, program) for key in ruleset.definitions}


def compile_expression(expression: Expression) -> Callable[[Any], Any]:
    """
    A function of any JSON value, the data at hand, that gives what `expression` does. There are no segments or flags
    in it to refer to.

    The function raises `Failure`, which is a ValueError, where it would evaluate more than `budget.LIMIT` expressions.
    """
    return compiled_expression(expression)


class Targeted:
    """
    A flag that is more than a plain value.
    """

    __slots__ = ("_decide", "_key", "_program")

    def __init__(self, key: str, program: Program) -> None:
        self._key = key
        self._program = program
        self._decide: Decide | None = None

    def decider(self) -> Decide:
        """
        The compiled function: it gives the answer for a context, or raises where `__call__` says why.
        """
        if self._decide is None:
            self._decide = self._program.decide(self._key)
        return self._decide

    def __call__(self, context: EvaluationContext) -> Resolution[Any]:
        """
        The answer for `context`. Raises only what an operator raises.
        """
        try:
            try:
                return self.decider()(context)
            except Failure:
                raise
            except Exception:  # noqa: BLE001 - one flag's evaluation; said plainly, it may still have an answer
                # Rules too deep to compile where the reader's stack is nearly full; values that are no JSON.
                return Walk(self._program.ruleset, self._program.outcomes, context).answer(self._key)
        except Failure as failure:
            return self._program.outcomes(self._key).error(failure.code, failure.message)

    def along(self, path: Sequence[object], asking: Asking | None) -> Resolution[Any]:
        """
        The answer for a path of ids, most general first: the longest override, else what the rules say of who is
        asking, with the ids as the attributes of the hierarchy's names, else the fallback.
        """
        outcomes = self._program.outcomes(self._key)
        found = outcomes.along(path)
        if found is not None:
            return found
        if asking is None or not outcomes.rules:
            return outcomes.fallback
        return self(asking.context.merged(dict(zip(self._program.ruleset.hierarchy, path, strict=False))))

    def explain(self, context: EvaluationContext) -> tuple[Resolution[Any], tuple[Step, ...]]:
        """
        The answer for `context`, and the steps to it.
        """
        from flagcore.rules.account import Account  # for whoever explains, not for every program

        return Account(self._program, self._key, context).told()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Targeted):
            return NotImplemented
        return self._key == other._key and _says(self._program.ruleset, self._key, other._program.ruleset)

    __hash__ = None  # type: ignore[assignment] # equal by what it says, which holds JSON

    def __repr__(self) -> str:
        definition = self._program.ruleset.definitions[self._key]
        if not isinstance(definition, Definition):
            return f"Targeted({self._key!r}, {definition.message!r})"
        rules = f"{len(definition.rules)} rules, " if definition.rules else ""
        name = "Targeted" if rules else "Overridden"
        return f"{name}({self._key!r}, {rules}{len(definition.overrides)} overrides)"


def _says(one: Ruleset, key: str, other: Ruleset) -> bool:
    """
    Whether two documents say the same of a flag, and of all that it refers to.
    """
    if one.hierarchy != other.hierarchy:
        return False
    seen, left = set(), [("flag", key)]
    while left:
        node = left.pop()
        if node in seen:
            continue
        seen.add(node)
        what, name = node
        first, second = (_said(each, what, name) for each in (one, other))
        if not alike(first, second):
            return False
        expressions = expressions_of(first) if isinstance(first, Definition) else iter(())
        left.extend(references_of(iter([first]) if what == "segment" and first is not None else expressions))
    return True


def _said(ruleset: Ruleset, what: str, name: str) -> Any:
    if what == "segment":
        return ruleset.segments.get(name)
    definition = ruleset.definitions.get(name)
    return definition if definition is not None else ruleset.plain.get(name)
