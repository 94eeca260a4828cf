"""
What everybody is fed: 100 flags, those who ask, and the answers they must get before anything is timed.
"""

from __future__ import annotations

import json
from typing import Any, Final

__all__ = [
    "ANSWERS",
    "BOOLEANS",
    "COUNTRIES",
    "HIERARCHY",
    "LAYERED",
    "OBJECTS",
    "PATHS",
    "PLAN",
    "TEXTS",
    "WHO",
    "flagd",
    "large",
    "native",
    "values",
]

Who = dict[str, Any]

#: 86 booleans, 5 strings and 5 objects, the same for everybody; four more flags depend on who asks.
BOOLEANS: Final = {f"plain-{number:02}": number % 2 == 0 for number in range(86)}
TEXTS: Final = {f"text-{number}": f"the {number}. theme" for number in range(5)}
OBJECTS: Final = {f"object-{number}": {"max": number, "names": ["a", "b"], "deep": {"on": True}} for number in range(5)}

#: The two clauses of the targeting rule: country in these, and this plan.
COUNTRIES: Final = ["NL", "BE"]
PLAN: Final = "enterprise"
HIERARCHY: Final = ["org", "team", "user"]
LAYERED: Final = {("acme",): "dark", ("acme", "growth"): "midnight", ("acme", "growth", "ann"): "black"}

_ANN = {"org": "acme", "team": "growth", "user": "ann"}
#: Those who ask. The first of a row is the one who is timed.
WHO: Final[dict[str, Who]] = {
    "hit": {"targeting_key": "user-17", "country": "NL", "plan": "enterprise", **_ANN},
    "abroad": {"targeting_key": "user-18", "country": "US", "plan": "enterprise", **_ANN, "org": "other"},
    "free": {"targeting_key": "user-19", "country": "BE", "plan": "free", **_ANN, "user": "bob"},
}
PATHS: Final = {name: [who[level] for level in HIERARCHY] for name, who in WHO.items()}

_TARGETED = [("hit", True), ("abroad", False), ("free", False)]
_LAYERS = [("hit", "black"), ("abroad", "light"), ("free", "midnight")]
#: {row: [(who asks, the answer), …]}. No entry for a rollout: each vendor hashes in its own way; its share is checked.
ANSWERS: Final[dict[str, list[tuple[str, Any]]]] = {
    "boolean": [("hit", True)],
    "string": [("hit", "the 3. theme")],
    "json": [("hit", OBJECTS["object-2"])],
    "targeted": _TARGETED,
    "built": _TARGETED,
    "again": _TARGETED,
    "deepest": _LAYERS,
    "default": [_LAYERS[1], _LAYERS[0], _LAYERS[2]],
    "path": _LAYERS,
    "logic": _TARGETED,
}


def values() -> dict[str, Any]:
    """
    {key: value} of the 96 flags that are the same for everybody.
    """
    return {**BOOLEANS, **TEXTS, **OBJECTS}


def native() -> dict[str, Any]:
    """
    The 100 flags in flagcore's own format.
    """
    condition = f'country in ["{COUNTRIES[0]}", "{COUNTRIES[1]}"] and plan == "{PLAN}"'
    targeted = {"value": False, "rules": [{"if": condition, "value": True}]}
    overrides = [{**dict(zip(HIERARCHY, path, strict=False)), "value": value} for path, value in LAYERED.items()]
    return {
        "hierarchy": HIERARCHY,
        "flags": {
            **{key: {"value": value} for key, value in values().items()},
            "targeted": targeted,
            "logic": targeted,
            "half": {"value": False, "rules": [{"rollout": 50}]},
            "layered": {"value": "light", "overrides": overrides},
        },
    }


def flagd() -> dict[str, Any]:
    """
    The same in flagd's format, but for the hierarchy, which it has not.
    """
    clauses = [{"in": [{"var": "country"}, COUNTRIES]}, {"==": [{"var": "plan"}, PLAN]}]
    targeting = {"if": [{"and": clauses}, "true", "false"]}
    half = {"fractional": [["true", 50], ["false", 50]]}
    return {
        "flags": {
            **{key: _fixed(value) for key, value in values().items()},
            "targeted": {**_switch(), "targeting": targeting},
            "logic": {**_switch(), "targeting": targeting},
            "half": {**_switch(), "targeting": half},
        }
    }


def _fixed(value: Any) -> dict[str, Any]:
    return {"state": "ENABLED", "variants": {"only": value}, "defaultVariant": "only"}


def _switch() -> dict[str, Any]:
    return {"state": "ENABLED", "variants": {"true": True, "false": False}, "defaultVariant": "false"}


def large(count: int, revision: int, *, flag_bytes: int = 0) -> dict[str, Any]:
    """
    {key: value} of `count` plain flags; between two neighbouring revisions every value differs. Booleans; with
    `flag_bytes`, objects of about that many bytes of JSON.
    """
    if not flag_bytes:
        return {f"flag-{number:05}": (number + revision) % 2 == 0 for number in range(count)}
    rest = "x" * (flag_bytes - len(json.dumps({"revision": revision, "tags": ["a", "b"], "text": ""})) - 15)
    return {f"flag-{n:05}": {"revision": revision, "tags": ["a", "b"], "text": rest} for n in range(count)}
