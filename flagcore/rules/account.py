"""
A walk that is listened to: what becomes an explanation.
"""

from __future__ import annotations

from typing import Any

from flagcore.context import EvaluationContext
from flagcore.explanation import Finding, Step, written
from flagcore.resolution import ABSENT, Reason, Resolution
from flagcore.rules.buckets import unit
from flagcore.rules.budget import Failure
from flagcore.rules.model import Attribute, Call, Definition, Rollout, Select, Split
from flagcore.rules.program import Program
from flagcore.rules.references import parts_of
from flagcore.rules.scope import attribute
from flagcore.rules.spelling import spelled
from flagcore.rules.walk import Observer, Walk

__all__ = ["Account"]

#: Findings of one step that are kept: a loop over a long list makes thousands, and nobody reads them.
_MAX_FINDINGS = 200


class Account(Observer):
    """
    How one flag comes to its answer for one context.

    Args:
        program: the flag's document.
        key: the flag's.
        context: who is asking.
    """

    def __init__(self, program: Program, key: str, context: EvaluationContext) -> None:
        self.steps: list[Step] = []
        self._program = program
        self._key = key
        self._context = context
        self._findings: list[Finding] = []
        self._within: list[str] = []

    def told(self) -> tuple[Resolution[Any], tuple[Step, ...]]:
        """
        The answer and the steps to it. What an operator raises, it raises, but for `Failure`.
        """
        definition = self._program.ruleset.definitions[self._key]
        self._overrides(definition)
        try:
            answer = Walk(self._program.ruleset, self._program.outcomes, self._context, self).answer(self._key)
        except Failure as failure:
            answer = self._program.outcomes(self._key).error(failure.code, failure.message)
            self.steps.append(Step("rules", True, failure.message, self._taken()))
        if not any(step.decided for step in self.steps):
            self.steps.append(Step("fallback", True, _fallen(definition, answer)))
        return answer, tuple(self.steps)

    def called(self, call: Call, result: Any) -> None:
        looked = [part for part in parts_of(call) if isinstance(part, Attribute)]
        found = {".".join(each.path): attribute(self._context, each.path) for each in looked}
        self._found(Finding(spelled(call), result, _there(found), tuple(self._within), missing=_missing(found)))

    def entered(self, what: str, name: str) -> None:
        self._within.append(f"{what} {name}")

    def left(self, what: str, name: str, result: Any) -> None:
        self._within.pop()
        self._found(Finding(f"{what}({written(name)})", result, {}, tuple(self._within)))

    def drawn(self, salt: str, key: Any, bucket: int | None, buckets: int, below: int | None) -> None:
        if bucket is None:
            text = f"no bucket: expected a string or a whole number, got {written(key)}"
        else:
            limit = f", those below {below} are in" if below is not None else ""
            text = f"bucket {bucket} of {buckets} for {written(key)} with the salt {written(salt)}{limit}"
        self._found(Finding(text, bucket, {}, tuple(self._within), buckets, below))

    def ruled(self, number: int, matched: object, answer: Resolution[Any] | None) -> None:
        if self._within:  # another flag's
            return
        definition = self._program.ruleset.definitions[self._key]
        then = definition.rules[number].then if isinstance(definition, Definition) else None
        outcome = _outcome(then, matched, answer)
        self.steps.append(Step(f"rule {number + 1}", answer is not None, outcome, self._taken()))

    def _found(self, finding: Finding) -> None:
        if len(self._findings) < _MAX_FINDINGS:
            self._findings.append(finding)

    def _taken(self) -> tuple[Finding, ...]:
        taken, self._findings = tuple(self._findings), []
        return taken

    def _overrides(self, definition: object) -> None:
        if not isinstance(definition, Definition) or not definition.overrides:
            return
        names = self._program.ruleset.hierarchy
        values = {name: self._context.get(name, ABSENT) for name in names}
        found = self._program.outcomes(self._key).overridden(self._context, names)
        path = [unit(values[name]) for name in names[: self._matched(definition, values)]]
        spelled_path = ", ".join(f"{name}={each}" for name, each in zip(names, path, strict=False))
        outcome = f"the most specific is for {spelled_path}" if found is not None else "none is for this context"
        finding = Finding(f"overrides by {', '.join(names)}", path, _there(values), missing=_missing(values))
        self.steps.append(Step("overrides", found is not None, outcome, (finding,)))

    def _matched(self, definition: Definition, values: dict[str, Any]) -> int:
        ids = [unit(value) for value in values.values()]
        lengths = range(len(ids), 0, -1)
        return next((length for length in lengths if tuple(ids[:length]) in definition.overrides), 0)


def _there(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not ABSENT}


def _missing(values: dict[str, Any]) -> tuple[str, ...]:
    return tuple(name for name, value in values.items() if value is ABSENT)


def _fallen(definition: object, answer: Resolution[Any]) -> str:
    if not isinstance(definition, Definition):
        return "the flag can't be understood"
    if answer.reason is Reason.DISABLED:
        return "the flag is switched off"
    if definition.reason is not None:
        return f"the service has decided, for the reason {definition.reason}"
    if answer.value is ABSENT:
        return "nothing decided, and it leaves the value to the caller"
    return "nothing else decided" if definition.rules or definition.overrides else "the same for everybody"


def _outcome(then: object, matched: object, answer: Resolution[Any] | None) -> str:
    if not matched:
        return "its condition does not hold"
    if answer is not None:
        return f"serves {written(answer.value)}" if answer.error_code is None else str(answer.error_message)
    if isinstance(then, Rollout):
        return "outside of the rollout"
    if isinstance(then, Split):
        return "nobody can be told, so no part of the split is theirs"
    return "it names no variant" if isinstance(then, Select) else "it serves nothing"
