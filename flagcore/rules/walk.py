"""
Rules carried out step by step: what a compiled flag does, said plainly.

Slower than compiled ones by far. It says how an answer came about (`explain`), it answers for flags whose rules are too
large to be bounded beforehand, and it is what compiled answers are tested against.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from flagcore.context import EvaluationContext
from flagcore.resolution import ABSENT, Resolution
from flagcore.rules.buckets import BUCKETS, HASHES, hashed, share, threshold, unit
from flagcore.rules.budget import Budget
from flagcore.rules.model import (
    And,
    Attribute,
    Call,
    Const,
    Definition,
    Expression,
    FlagValue,
    If,
    InSegment,
    Lambda,
    Not,
    Or,
    Rollout,
    Rule,
    Ruleset,
    Scope,
    Select,
    Split,
)
from flagcore.rules.outcomes import Outcome, Outcomes
from flagcore.rules.scope import attribute, everything, reached

__all__ = ["Observer", "Walk"]


class Observer:
    """
    Who is told what happens on the way. This one listens to nothing.
    """

    def called(self, call: Call, result: Any) -> None:
        """
        An operator has been applied.
        """

    def entered(self, what: str, name: str) -> None:
        """
        A segment or another flag is evaluated from here on, until `left`.
        """

    def left(self, what: str, name: str, result: Any) -> None:
        """
        It has been, and gave `result`.
        """

    def drawn(self, salt: str, key: Any, bucket: int | None, buckets: int, below: int | None) -> None:
        """
        A bucket has been found: None where the key is none; a rollout takes those below `below`.
        """

    def ruled(self, number: int, matched: object, answer: Resolution[Any] | None) -> None:
        """
        A rule has been gone through: whether its condition held, and what it answers, None for "on to the next".
        """


_QUIET: Final = Observer()


class Walk:
    """
    One read of one flag for one context.

    Args:
        ruleset: the flag's document.
        outcomes: gives the answers of a flag, made beforehand.
        context: who is asking.
        observer: who is told.
    """

    def __init__(
        self,
        ruleset: Ruleset,
        outcomes: Callable[[str], Outcomes],
        context: EvaluationContext,
        observer: Observer = _QUIET,
    ) -> None:
        self._ruleset = ruleset
        self._outcomes = outcomes
        self._context = context
        self._observer = observer
        self._budget = Budget()

    def answer(self, key: str) -> Resolution[Any]:
        """
        What the flag `key`, which is no plain one, answers.

        Raises:
            Failure: it evaluates too much, or an operator says that it can't be answered.
        """
        definition = self._ruleset.definitions[key]
        outcomes = self._outcomes(key)
        if not isinstance(definition, Definition):
            return outcomes.fallback
        overridden = outcomes.overridden(self._context, self._ruleset.hierarchy)
        if overridden is not None:
            return overridden
        for number, (rule, outcome) in enumerate(zip(definition.rules, outcomes.rules, strict=True)):
            matched = True if rule.when is None else self.value(rule.when, self._context)
            answer = self._served(rule, outcome, outcomes) if matched else None
            self._observer.ruled(number, matched, answer)
            if answer is not None:
                return answer
        return outcomes.fallback

    def value(self, expression: Expression, data: Any) -> Any:
        """
        What an expression gives for the data at hand: the context, or any JSON value.
        """
        self._budget.spend(1)
        found: Any = _FORMS[type(expression)](self, expression, data)
        return found

    def _served(self, rule: Rule, outcome: Outcome, outcomes: Outcomes) -> Resolution[Any] | None:
        then = rule.then
        if isinstance(then, Select) and isinstance(outcome, Mapping):
            name = then.spelled(self.value(then.name, self._context))
            return None if name is None else outcome.get(name) or outcomes.unknown(name)
        if isinstance(then, Split) and isinstance(outcome, tuple):
            hash_ = self._drawn(then.salt, then.by, sum(weight for _, weight in then.choices), None)
            return None if hash_ is None else outcome[share(hash_, [weight for _, weight in then.choices])]
        if isinstance(outcome, Resolution) and isinstance(then, Rollout):
            percent = threshold(self.value(then.percent, self._context))
            hash_ = self._drawn(then.salt, then.by, BUCKETS, percent * BUCKETS // HASHES)
            return outcome if hash_ is not None and hash_ < percent else None
        return outcome if isinstance(outcome, Resolution) else None

    def _drawn(self, salt: str, by: Expression, buckets: int, below: int | None) -> int | None:
        key = self.value(by, self._context)
        text = unit(key)
        hash_ = None if text is None else hashed(f"{salt}:{text}")
        self._observer.drawn(salt, key, None if hash_ is None else (hash_ * buckets) >> 32, buckets, below)
        return hash_

    # --- one for each kind of expression --------------------------------------------------------------------------

    def _const(self, expression: Const, data: Any) -> Any:  # noqa: ARG002 - as all of them
        return expression.value

    def _attribute(self, expression: Attribute, data: Any) -> Any:
        if isinstance(data, EvaluationContext):
            return attribute(data, expression.path)
        return reached(data, expression.path)

    def _scope(self, expression: Scope, data: Any) -> Any:  # noqa: ARG002
        return everything(data) if isinstance(data, EvaluationContext) else data

    def _call(self, expression: Call, data: Any) -> Any:
        result = expression.operator.function(*[self.value(each, data) for each in expression.arguments])
        if data is self._context:
            self._observer.called(expression, result)
        return result

    def _lambda(self, expression: Lambda, data: Any) -> Any:  # noqa: ARG002
        return lambda element: self.value(expression.body, element)

    def _and(self, expression: And, data: Any) -> Any:
        truth, value = expression.truth or bool, None
        for part in expression.parts:
            value = self.value(part, data)
            if not truth(value):
                break
        return value

    def _or(self, expression: Or, data: Any) -> Any:
        truth, value = expression.truth or bool, None
        for part in expression.parts:
            value = self.value(part, data)
            if truth(value):
                break
        return value

    def _not(self, expression: Not, data: Any) -> Any:
        return not (expression.truth or bool)(self.value(expression.part, data))

    def _if(self, expression: If, data: Any) -> Any:
        truth = expression.truth or bool
        for condition, then in expression.branches:
            if truth(self.value(condition, data)):
                return self.value(then, data)
        return self.value(expression.otherwise, data)

    def _in_segment(self, expression: InSegment, data: Any) -> Any:  # noqa: ARG002
        condition = self._ruleset.segments.get(expression.name)
        if condition is None:
            return False
        self._observer.entered("segment", expression.name)
        found = self.value(condition, self._context)
        self._observer.left("segment", expression.name, found)
        return found

    def _flag_value(self, expression: FlagValue, data: Any) -> Any:  # noqa: ARG002
        key = expression.key
        if key not in self._ruleset.definitions:
            return self._ruleset.plain.get(key, ABSENT)
        self._observer.entered("flag", key)
        found = self.answer(key).value
        self._observer.left("flag", key, found)
        return found


_FORMS: Final[Mapping[type, Any]] = {
    Const: Walk._const,
    Attribute: Walk._attribute,
    Scope: Walk._scope,
    Call: Walk._call,
    Lambda: Walk._lambda,
    And: Walk._and,
    Or: Walk._or,
    Not: Walk._not,
    If: Walk._if,
    InSegment: Walk._in_segment,
    FlagValue: Walk._flag_value,
}
