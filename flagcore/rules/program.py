"""
The flags and segments of one document as functions, each made when it is first needed, and linked to one another.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any, Final

from flagcore.context import EvaluationContext
from flagcore.errors import MalformedDocument
from flagcore.resolution import ABSENT, ErrorCode
from flagcore.rules.budget import LIMIT, Budget
from flagcore.rules.decision import Decision, height_of, often
from flagcore.rules.emission import BUDGET, Asking, Element, Emission, Linked, called, loaded, stored
from flagcore.rules.model import Definition, Expression, FlagValue, InSegment, Lambda, Ruleset
from flagcore.rules.outcomes import Outcomes
from flagcore.rules.references import check_references, expressions_of, parts_of
from flagcore.rules.walk import Walk
from flagcore.thunk import Decide

__all__ = ["Program", "compiled_expression"]

_FALSE: Final = Linked(None, False)


class Program:
    """
    One document. Safe from any thread: two that make the same function at once make equal ones, and either may stay.

    Nothing here leads from a function back to the program: a replaced document leaves memory at once.
    """

    __slots__ = ("_flags", "_outcomes", "_overridden", "_segments", "ruleset")

    def __init__(self, ruleset: Ruleset) -> None:
        self.ruleset = ruleset
        self._flags: dict[str, Linked] = {}
        self._segments: dict[str, Linked] = {}
        self._outcomes: dict[str, Outcomes] = {}
        #: By the height of their trees: the functions that flags with overrides alone are copies of.
        self._overridden: dict[int, FunctionType] = {}

    def outcomes(self, key: str) -> Outcomes:
        """
        What the flag `key`, which is no plain one, can answer.
        """
        found = self._outcomes.get(key)
        if found is None:
            found = self._outcomes.setdefault(key, Outcomes(key, self.ruleset))
        return found

    def decide(self, key: str) -> Decide:
        """
        The function of the flag `key`, which is no plain one. It may raise: what an operator raises, and `Failure`.
        """
        if key not in self._flags:
            try:
                check_references(self.ruleset, key)
            except MalformedDocument as error:
                answer = self.outcomes(key).error(ErrorCode.GENERAL, error.message)
                self._flags[key] = Linked(lambda _context: answer)
        linked = self.flag(key)
        if linked.size > LIMIT:
            ruleset, outcomes = self.ruleset, _Answers(self.ruleset)
            return lambda context: Walk(ruleset, outcomes, context).answer(key)
        assert linked.function is not None  # noqa: S101 - only what is no definition has none
        return linked.function

    # --- what code links to ---------------------------------------------------------------------------------------

    def segment(self, name: str) -> Linked:
        """
        A segment of the document; what is none holds nobody.
        """
        condition = self.ruleset.segments.get(name)
        if condition is None:
            return _FALSE
        found = self._segments.get(name)
        return found if found is not None else self._segments.setdefault(name, self._segment(condition))

    def flag(self, key: str) -> Linked:
        """
        Another flag of the document; what is none gives `ABSENT`.
        """
        definition = self.ruleset.definitions.get(key)
        if definition is None:
            return Linked(None, self.ruleset.plain.get(key, ABSENT))
        found = self._flags.get(key)
        return found if found is not None else self._flags.setdefault(key, self._flag(key))

    def lambda_size(self, body: Expression) -> int:
        """
        The expressions that evaluating a lambda's body once comes to.
        """
        return self._measured((body,))[0]

    def _segment(self, condition: Expression) -> Linked:
        size, counted = self._measured((condition,))
        if size > LIMIT:  # whoever uses it is walked
            return Linked(None, False, size)
        hand = Asking(often([condition]))
        emission = Emission(self, hand)
        body: list[ast.stmt] = [*hand.before(emission), ast.Return(emission.value(condition))]
        return Linked(emission.function("segment", _taking(counted), body), size=size, counted=counted)

    def _flag(self, key: str) -> Linked:
        definition, outcomes = self.ruleset.definitions[key], self.outcomes(key)
        if not isinstance(definition, Definition) or not (definition.rules or outcomes.tree):
            answer = outcomes.fallback
            return Linked(lambda _context: answer)
        if not definition.rules:
            return Linked(self._copied(definition, outcomes))
        size, counted = self._measured(expressions_of(definition))
        if size > LIMIT:
            return Linked(None, ABSENT, size)
        decision = Decision(definition, outcomes, self.ruleset.hierarchy, self)
        emission = decision.emission
        body = decision.body()
        if counted:
            body = [_opened(emission, size), *body]
        function = emission.function("flag", _taking(counted), body, optional=int(counted))
        return Linked(function, size=size, counted=counted)

    def _copied(self, definition: Definition, outcomes: Outcomes) -> FunctionType:
        # A document may have ten thousand features that differ in their answers only, and one context asks for all.
        height = height_of(outcomes.tree)
        first = self._overridden.get(height)
        decision = Decision(definition, outcomes, self.ruleset.hierarchy, self)
        if first is None:
            body = decision.body()
            return self._overridden.setdefault(height, decision.emission.function("flag", ["c"], body))
        return FunctionType(first.__code__, decision.namespace_like(first.__globals__))

    def _measured(self, expressions: Iterable[Expression]) -> tuple[int, bool]:
        """
        How many expressions are evaluated at most, those of lambdas apart, and whether there are any of those.
        """
        size, counted, left = 0, False, list(expressions)
        while left:
            each = left.pop()
            size += 1
            if isinstance(each, Lambda):
                counted = True
            elif isinstance(each, (InSegment, FlagValue)):
                linked = self.segment(each.name) if isinstance(each, InSegment) else self.flag(each.key)
                size += linked.size
                counted = counted or linked.counted
            else:
                left.extend(parts_of(each))
        return size, counted


class _Answers:
    """
    The answers of flags that are walked.
    """

    def __init__(self, ruleset: Ruleset) -> None:
        self._ruleset = ruleset

    def __call__(self, key: str) -> Outcomes:
        return Outcomes(key, self._ruleset)


def compiled_expression(expression: Expression) -> Callable[[Any], Any]:
    """
    A function of any JSON value that gives what `expression` does with it as the data at hand.
    """
    program = Program(Ruleset({}))
    size, counted = program._measured((expression,))
    if size > LIMIT:
        return lambda data: Walk(program.ruleset, program.outcomes, EvaluationContext()).value(expression, data)
    emission = Emission(program, Element("d"))
    body: list[ast.stmt] = [ast.Return(emission.value(expression))]
    if counted:
        body.insert(0, _opened(emission, size))
    function: Callable[[Any], Any] = emission.function("expression", ["d", *_taking(counted)[1:]], body, int(counted))
    return function


def _taking(counted: bool) -> list[str]:
    return ["c", BUDGET] if counted else ["c"]


def _opened(emission: Emission, size: int) -> ast.stmt:
    # A budget that was passed on is a longer read's.
    is_first = ast.Compare(loaded(BUDGET), [ast.Is()], [ast.Constant(None)])
    return ast.If(is_first, [stored(BUDGET, called(emission.constant(Budget), ast.Constant(size)))], [])
