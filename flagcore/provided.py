"""
States of the flags that are kept elsewhere: something else is asked for each answer, such as another vendor's provider.

They stand where a snapshot stands. What a snapshot promises by holding everything, these promise by asking once: a view
remembers each answer, so that one request sees one. Keys that a view has not asked for yet are answered by whatever is
current then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from flagcore.context import EvaluationContext
from flagcore.explanation import Explanation, Step, written
from flagcore.resolution import ABSENT, ErrorCode, Resolution
from flagcore.snapshot import Snapshot, failed
from flagcore.thunk import NOBODY, Asking

__all__ = ["Provided", "Stacked", "stacked"]

Ask = Callable[[str, EvaluationContext], Resolution[Any]]


class Provided(Snapshot):
    """
    A state that knows no flag itself and asks for each.

    Args:
        ask: gives the answer for a key and a context; `FLAG_NOT_FOUND` where there is no such flag. What it raises
            becomes a `GENERAL` answer.
        changed: the keys that this state and the one before it do not say the same of.
    """

    __slots__ = ("_ask", "changed")

    def __init__(
        self, ask: Ask, *, changed: frozenset[str], version: str, origin: str, fetched_at: float | None
    ) -> None:
        super().__init__(version=version, origin=origin, fetched_at=fetched_at)
        self._ask = ask
        self.changed = changed

    def resolve(self, key: str, context: EvaluationContext) -> Resolution[Any]:
        """
        The answer for `key`, asked for now. Takes as long as what is asked. Never raises.
        """
        try:
            return self._ask(key, context)
        except Exception as error:  # noqa: BLE001 - logged in failed; one flag spoils only itself
            return failed(key, error)

    def resolve_along(
        self,
        key: str,
        path: Sequence[object],  # noqa: ARG002 - it has no hierarchy
        asking: Asking = NOBODY,
    ) -> Resolution[Any]:
        """
        As `resolve`, for who is asking.
        """
        return self.resolve(key, asking.context)

    def explain(self, key: str, context: EvaluationContext) -> Explanation:
        """
        What is asked answers, and who that is; how it came to its answer is its own affair. Asked for now, as by
        `resolve`.
        """
        answer = self.resolve(key, context)
        step = Step(f"provider {self.origin}", _has(answer), _outcome(answer))
        return Explanation.of(key, answer, self.origin, self.version, (step,))

    def changed_from(self, other: Snapshot) -> frozenset[str]:
        """
        The keys that were said to have changed, and those of `other`.
        """
        return frozenset() if other is self else self.changed.union(other)


class Stacked(Snapshot):
    """
    Several states as one, some of them `Provided`: they are asked in turn until one has the flag.
    """

    __slots__ = ()

    def resolve(self, key: str, context: EvaluationContext) -> Resolution[Any]:
        """
        The answer of the first layer that has the flag; as `Provided.resolve`.
        """
        return self._first(key, lambda layer: layer.resolve(key, context))

    def resolve_along(self, key: str, path: Sequence[object], asking: Asking = NOBODY) -> Resolution[Any]:
        """
        The answer of the first layer that has the feature, for a path of ids.
        """
        return self._first(key, lambda layer: layer.resolve_along(key, path, asking))

    def explain(self, key: str, context: EvaluationContext) -> Explanation:
        """
        How the first layer that has the flag answers, behind the layers above it that were asked and have it not.
        """
        before: tuple[Step, ...] = ()
        for layer in self.layers:
            told = layer.explain(key, context)
            before += told.steps
            if _has(told.resolution):
                return replace(told, steps=before)
        return Explanation.of(key, self._not_found(key), version=self.version, steps=before)

    def origin_of(self, key: str) -> str:
        """
        The origin of the layer that defines `key`, else of the first that might.
        """
        found = (each.origin for each in self.layers if key in each or isinstance(each, Provided))
        return next(found, "")

    def changed_from(self, other: Snapshot) -> frozenset[str]:
        """
        As `Snapshot.changed_from`, with what new provided layers say has changed.
        """
        new = (each for each in self.layers if isinstance(each, Provided) and each not in other.layers)
        return super().changed_from(other).union(*(each.changed for each in new))

    def _first(self, key: str, ask: Callable[[Snapshot], Resolution[Any]]) -> Resolution[Any]:
        for layer in self.layers:
            answer = ask(layer)
            if _has(answer):
                return answer
        return self._not_found(key)


def _has(answer: Resolution[Any]) -> bool:
    return answer.error_code is not ErrorCode.FLAG_NOT_FOUND


def _outcome(answer: Resolution[Any]) -> str:
    if not _has(answer):
        return "it has no such flag"
    if answer.error_code is not None:
        return f"it could not answer: {answer.error_code}: {answer.error_message}"
    given = "it leaves the value to the caller" if answer.value is ABSENT else f"it gives {written(answer.value)}"
    variant = f", variant {answer.variant}" if answer.variant else ""
    return f"{given}, for the reason {answer.reason}{variant}"


def stacked(layers: Sequence[Snapshot], missing: ErrorCode) -> Snapshot:
    """
    Several states as one, as `Snapshot.layered`; a `Provided` one may be among them.
    """
    is_open = any(isinstance(each, Provided) for each in layers)
    return (Stacked if is_open else Snapshot).layered(layers, missing)
