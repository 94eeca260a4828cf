"""
A percentage that moves in a straight line from one value to another, between two times.
"""

from __future__ import annotations

import time
from typing import Any

from flagcore.resolution import ABSENT
from flagcore.rules.model import Call, Const, Expression, Operator

__all__ = ["RAMP", "ramp"]


def _ramp(first: Any, last: Any, start: Any, end: Any) -> Any:
    if not all(type(each) in (int, float) for each in (first, last, start, end)) or start >= end:
        return ABSENT
    done = (time.time() - start) / (end - start)
    return first + (last - first) * min(max(done, 0.0), 1.0)


#: What `explain` and errors call it; takes two percentages and two times in seconds since the epoch.
RAMP = Operator("ramp", _ramp)


def ramp(first: float, last: float, start: float, end: float) -> Expression:
    """
    The percentage at the time of evaluation.

    Args:
        first: percent until `start`, 0 to 100.
        last: percent from `end` on, 0 to 100.
        start: seconds since the epoch.
        end: the same; after `start`.
    """
    return Call(RAMP, (Const(first), Const(last), Const(start), Const(end)))
