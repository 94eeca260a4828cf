"""
How a flag came to its answer: what `Flags.explain` says, for people and as data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flagcore.resolution import ABSENT, Resolution

__all__ = ["Explanation", "Finding", "Step", "written"]

#: Characters of a value that are shown to people. Data has all of it.
_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Finding:
    """
    Something that was looked at on the way.

    Attributes:
        text: what, as a condition is written: `country in ["NL", "BE"]`; or the bucket somebody falls into.
        result: what it gave; for a bucket, its number, or None where nobody can be told.
        values: {attribute: its value for this context}.
        within: the segments and other flags it was looked at for, from the outside in: `segment beta-testers`.
        buckets: of how many, where `result` is a bucket.
        below: the bucket from which on a rollout leaves people out, where it is one.
        missing: the attributes that this context has not.
    """

    text: str
    result: Any
    values: Mapping[str, Any] = field(default_factory=dict)
    within: tuple[str, ...] = ()
    buckets: int | None = None
    below: int | None = None
    missing: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """
        The same as JSON, without what does not apply.
        """
        found = {"text": self.text, "result": _json(self.result), "values": _json(self.values)}
        more = {
            "missing": list(self.missing),
            "within": list(self.within),
            "buckets": self.buckets,
            "below": self.below,
        }
        return {**found, **{name: value for name, value in more.items() if value not in (None, [])}}

    def __str__(self) -> str:
        within = "".join(f"{each}: " for each in self.within)
        if self.buckets is not None:
            return f"{within}{self.text}"
        there = (f"{name} is {written(value)}" for name, value in self.values.items())
        seen = ", ".join([*there, *(f"{name} is missing" for name in self.missing)])
        return f"{within}{self.text} → {written(self.result)}{f' ({seen})' if seen else ''}"


@dataclass(frozen=True, slots=True)
class Step:
    """
    A step on the way to the answer.

    Attributes:
        name: `overrides`, `rule 1` and so on, counted from 1, or `fallback`; `provider …` where one was asked.
        decided: whether it gave the answer.
        outcome: what came of it, in words.
        findings: what was looked at, in order; what did not need to be is not there.
    """

    name: str
    decided: bool
    outcome: str
    findings: tuple[Finding, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """
        The same as JSON.
        """
        findings = [each.as_dict() for each in self.findings]
        return {"name": self.name, "decided": self.decided, "outcome": self.outcome, "findings": findings}

    def __str__(self) -> str:
        lines = [f"{'✓' if self.decided else '·'} {self.name}: {self.outcome}"]
        return "\n".join([*lines, *(f"    {each}" for each in self.findings)])


@dataclass(frozen=True, slots=True)
class Explanation:
    """
    How a flag came to its answer for a context. It shows the values of attributes, which may be personal: that is what
    it is for. Show it to those who may see them, and keep it out of logs.

    Attributes:
        key: the flag's.
        resolution: the answer; its value is None where the flag leaves it to the caller.
        origin: the source that answers for it; empty where none does.
        version: of the state that it is answered from.
        steps: how it came about. None for a flag that is one value for everybody, or that nobody defines.
        served: whether there is a value; where not, callers get their defaults.
    """

    key: str
    resolution: Resolution[Any]
    origin: str = ""
    version: str = ""
    steps: tuple[Step, ...] = ()
    served: bool = True

    @classmethod
    def of(
        cls, key: str, answer: Resolution[Any], origin: str = "", version: str = "", steps: tuple[Step, ...] = ()
    ) -> Explanation:
        """
        The explanation of an answer as a snapshot gives it.
        """
        served = answer.value is not ABSENT
        return cls(key, answer if served else answer.replace(None), origin, version, steps, served)

    def as_dict(self) -> dict[str, Any]:
        """
        The same as JSON: strings, numbers, booleans, null, lists and dictionaries.
        """
        found = self.resolution
        return {
            "key": self.key,
            "value": _json(found.value),
            "served": self.served,
            "variant": found.variant,
            "reason": str(found.reason),
            "error_code": str(found.error_code) if found.error_code is not None else None,
            "error_message": found.error_message,
            "metadata": _json(found.metadata),
            "origin": self.origin,
            "version": self.version,
            "steps": [each.as_dict() for each in self.steps],
        }

    def __str__(self) -> str:
        found = self.resolution
        value = written(found.value) if self.served else "the caller's default"
        variant = f", variant {found.variant}" if found.variant is not None else ""
        lines = [f"{self.key} is {value} ({found.reason}{variant})"]
        if found.error_code is not None:
            lines.append(f"{found.error_code}: {found.error_message}")
        if found.metadata:
            lines.append(f"with {', '.join(f'{name} {written(each)}' for name, each in found.metadata.items())}")
        if self.origin:
            lines.append(f"from {self.origin}{f', version {self.version}' if self.version else ''}")
        return "\n".join([*lines, *map(str, self.steps)])


def written(value: Any) -> str:
    """
    A value as JSON, shortened; `missing` for none.
    """
    import json  # of use to few, so it does not come with the module

    if value is ABSENT:
        return "missing"
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):  # what an application put among the attributes
        text = f"<{type(value).__name__}>"
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _json(value: Any) -> Any:
    if value is ABSENT:
        return None
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        return {str(name): _json(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json(each) for each in value]
    return f"<{type(value).__name__}>"
