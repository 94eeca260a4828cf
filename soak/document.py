"""
The document that is served: thousands of flags, three of which say which revision it is.
"""

from __future__ import annotations

import json
from typing import Any

__all__ = ["TWINS", "document", "keys"]

#: Flags that change together, and that no request may see apart: a plain one, one with rules, one with variants.
TWINS = ("first-twin", "second-twin", "third-twin")

#: One flag in so many has rules, which is more than the flag sets that people publish have.
_RULED = 10


def keys(flags: int) -> list[str]:
    """
    The keys of all flags but the twins.
    """
    return [f"flag-{number}" for number in range(flags - len(TWINS))]


def document(revision: int, flags: int) -> bytes:
    """
    The document's revision `revision`, counted from 1, in the native format; it has `flags` flags.
    """
    ruled = [{"if": 'segment("pro") or seats > 3', "value": revision}]
    named = {"old": revision - 1, "new": revision}
    twins = ({"value": revision}, {"value": -revision, "rules": ruled}, {"variants": named, "value": "new"})
    members: dict[str, Any] = dict(zip(TWINS, twins, strict=True))
    for number, key in enumerate(keys(flags)):
        members[key] = _flag(number, (number + revision) % 7)
    segments = {"pro": 'plan == "pro" and country in ["NL", "BE", "DE"]'}
    return json.dumps({"segments": segments, "flags": members}).encode()


def _flag(number: int, turn: int) -> dict[str, Any]:
    if number % _RULED == 0:
        return {
            "value": False,
            "rules": [
                {"if": f'segment("pro") and seats >= {turn}', "value": True},
                {"rollout": 10 * turn},
            ],
        }
    return {"value": (turn % 2 == 0, turn, f"text {turn}", {"max": turn, "at": [turn]})[number % 4]}
