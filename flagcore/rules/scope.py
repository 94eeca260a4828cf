"""
The data at hand: what an attribute's path leads to, in a context or in any JSON value.
"""

from __future__ import annotations

from typing import Any, Final

from flagcore.context import EvaluationContext
from flagcore.resolution import ABSENT

__all__ = ["KEYS", "attribute", "everything", "reached"]

#: The names of the targeting key among the attributes: flagcore's own and OpenFeature's.
KEYS: Final = ("targeting_key", "targetingKey")


def reached(data: Any, path: tuple[str, ...]) -> Any:
    """
    What is at `path` within a JSON value; `ABSENT` where a step of it is missing.
    """
    for step in path:
        data = data.get(step, ABSENT) if isinstance(data, dict) else ABSENT
    return data


def attribute(context: EvaluationContext, path: tuple[str, ...]) -> Any:
    """
    What is at `path` among a context's attributes, its targeting key being one of them.
    """
    if not path:
        return everything(context)
    return reached(context.get(path[0], ABSENT), path[1:])


def everything(context: EvaluationContext) -> dict[str, Any]:
    """
    All of a context as one object, the targeting key as OpenFeature names it. A copy one level deep.
    """
    found, key = dict(context._attributes), context.targeting_key
    for name in KEYS:
        found.pop(name, None)  # where a context is lent
    if key is not None:
        found["targetingKey"] = key
    return found
