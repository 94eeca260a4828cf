"""
What flags add to a request: one module a framework, each with `pairs(name)`, applications with and without.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from statistics import median
from time import thread_time

from bench.clock import Effort
from bench.peer import OURS
from bench.report import Report

__all__ = ["PEERS", "Ask", "measure"]

#: Those that come with adapters for all three frameworks.
PEERS = (OURS, "furagu")
#: Answers so many requests, one after the other, and checks the last one's body.
Ask = Callable[[int], None]


def measure(report: Report, effort: Effort) -> None:
    """
    Add the microseconds that flags add to a request: the median of the differences between two batches of requests
    made right after each other, one to a bare application, one with the flags in it.
    """
    for framework in ("fastapi", "flask", "django"):
        try:
            pairs = import_module(f"bench.web.{framework}").pairs(report.name)
        except ModuleNotFoundError as error:
            report.absent[framework] = f"needs {error.name}"
            continue
        for row, (bare, other) in pairs.items():
            report.figures[row] = _added(bare, other, effort)
            report.checked[row] = 2


def _added(bare: Ask, other: Ask, effort: Effort) -> float:
    _seconds(bare, 20), _seconds(other, 20)  # the first requests build what later ones find
    count = max(20, int(effort.batch_seconds / _seconds(bare, 20) * 20))
    # Alternating, many short batches: what slows the machine down for a moment then falls on both.
    return median(_seconds(other, count) - _seconds(bare, count) for _ in range(3 * effort.repeats)) / count * 1e6


def _seconds(ask: Ask, count: int) -> float:
    # This thread's own time: what else the machine does is no part of so small a difference.
    begun = thread_time()
    ask(count)
    return thread_time() - begun
