"""
What answers for one flag, and who is asking: the forms that rules are compiled to, and that a snapshot asks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from flagcore.context import ANONYMOUS, EvaluationContext
from flagcore.explanation import Step
from flagcore.resolution import Resolution

__all__ = ["NOBODY", "Along", "Asking", "Decide", "Thunk"]

#: A question about one flag, for a context.
Decide = Callable[[EvaluationContext], Resolution[Any]]

#: As `Snapshot.resolve_along`.
Along = Callable[[str, Sequence[object], "Asking"], Resolution[Any]]


class Asking(Protocol):
    """
    Who is asking: a view, whose context is built when it is first looked at.
    """

    @property
    def context(self) -> EvaluationContext: ...


class _Nobody:
    context = ANONYMOUS


#: Nobody in particular.
NOBODY: Final[Asking] = _Nobody()


class Thunk(Protocol):
    """
    What answers for one flag that is more than a plain value. Equal to another when it would answer the same.
    """

    def __call__(self, context: EvaluationContext) -> Resolution[Any]:
        """
        The answer for `context`.
        """
        ...

    def decider(self) -> Decide:
        """
        What `__call__` asks. It may raise, and then `__call__` gives the answer.
        """
        ...

    def explain(self, context: EvaluationContext) -> tuple[Resolution[Any], tuple[Step, ...]]:
        """
        The answer for `context`, and the steps to it.
        """
        ...

    def along(self, path: Sequence[object], asking: Asking | None) -> Resolution[Any]:
        """
        The answer for a path of ids along the hierarchy, most general first. Where the path does not decide, the rules
        do, for who is asking; None leaves them out.
        """
        ...
