"""
How much one read may evaluate.
"""

from __future__ import annotations

from typing import Final

from flagcore.resolution import ErrorCode

__all__ = ["LIMIT", "Budget", "Failure"]

#: Expressions that one read evaluates at most: some milliseconds at the worst, and far above any rule that is meant.
LIMIT: Final = 10_000


class Failure(ValueError):
    """
    What an operator raises where the whole flag is to answer with an error, so that its callers get their defaults.

    Args:
        code: OpenFeature's error code.
        message: what was expected and what came.
    """

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Budget:
    """
    The expressions that one read may still evaluate. Of that read alone: not shared between threads.

    Args:
        spent: those that are certain already.
    """

    __slots__ = ("left",)

    def __init__(self, spent: int = 0) -> None:
        self.left = LIMIT - spent

    def spend(self, expressions: int) -> None:
        """
        Note that so many more are evaluated.

        Raises:
            Failure: they are too many.
        """
        self.left -= expressions
        self.check()

    def check(self) -> None:
        """
        Raises:
            Failure: too many have been evaluated.
        """
        if self.left < 0:
            raise Failure(ErrorCode.GENERAL, f"expected a rule that evaluates at most {LIMIT} parts, got more")
