"""
The native format's rules: who gets what share of which value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flagcore.errors import MalformedDocument
from flagcore.formats.condition import Known, parse_condition
from flagcore.formats.native_schema import MAX_WEIGHT, RAMP, RULE, WEIGHT
from flagcore.formats.ramp import ramp
from flagcore.formats.shape import each_of, members
from flagcore.rules.instant import instant
from flagcore.rules.model import Attribute, Choice, Const, Expression, Rollout, Rule, Split
from flagcore.value import Json, as_int, kind, member

__all__ = ["RuleReader"]

_WANTED = "an object with one of value, rollout, split"
_TARGETING_KEY = Attribute(("targeting_key",))


class RuleReader:
    """
    Reads the rules of one flag.

    Args:
        key: the flag's key, which shares are drawn with unless a rule says another salt.
        fallback: what the flag serves when nothing else decides.
        choose: makes a choice of what a `value` says, at a JSON path: `choose(value, where)`.
        is_named: whether the flag has named variants.
        known: the flags and segments of its document.
    """

    def __init__(
        self, key: str, fallback: Json, choose: Callable[[Json, str], Choice], *, is_named: bool, known: Known
    ) -> None:
        self._key = key
        self._fallback = fallback
        self._choose = choose
        self._is_named = is_named
        self._known = known

    def rule(self, value: object, where: str) -> Rule:
        """
        The rule that `value` says.

        Raises:
            MalformedDocument: it is none; it has the path and what was expected.
        """
        rule = members(value, RULE, where, wanted=_WANTED)
        return Rule(self._when(rule, where), self._then(rule, where))

    def _when(self, rule: dict[str, Any], where: str) -> Expression | None:
        return parse_condition(rule["if"], member(where, "if"), self._known) if "if" in rule else None

    def _then(self, rule: dict[str, Any], where: str) -> Choice | Rollout | Split:
        served = [name for name in ("value", "rollout", "split") if name in rule]
        if served not in (["value"], ["rollout"], ["value", "rollout"], ["split"]):
            came = " and ".join(served) or "none of them"
            raise MalformedDocument(
                f"expected value, rollout or split (value may stand beside rollout), got {came}", where=where
            )
        if served == ["value"]:
            return self._value(rule, where)
        by, salt = self._by(rule, where), self._salt(rule, where)
        if served == ["split"]:
            return Split(self._choices(rule["split"], f"{where}.split"), by, salt)
        return Rollout(self._share(rule, where), _percent(rule["rollout"], f"{where}.rollout"), by, salt)

    def _value(self, rule: dict[str, Any], where: str) -> Choice:
        for name in ("by", "salt"):
            if name in rule:
                raise MalformedDocument(
                    f"expected {name} beside rollout or split, got it beside value", where=member(where, name)
                )
        return self._choose(rule["value"], f"{where}.value")

    def _share(self, rule: dict[str, Any], where: str) -> Choice:
        if "value" in rule:
            return self._choose(rule["value"], f"{where}.value")
        if self._is_named or not isinstance(self._fallback, bool):
            came = "variants" if self._is_named else kind(self._fallback)
            raise MalformedDocument(
                f"expected a value beside rollout, since the flag has {came}, got none", where=where
            )
        return Choice(True)

    def _choices(self, split: dict[str, Any], where: str) -> tuple[tuple[Choice, int], ...]:
        if not self._is_named and not isinstance(self._fallback, str):
            came = kind(self._fallback)
            raise MalformedDocument(
                f"expected a flag with variants, or whose value is a string, got {came}", where=where
            )
        each_of(split, WEIGHT, where)
        found = []
        for name, weight in split.items():
            if not 0 <= weight <= MAX_WEIGHT:
                raise MalformedDocument(
                    f"expected a weight of 0 to {MAX_WEIGHT}, got {weight}", where=member(where, name)
                )
            found.append((self._choose(name, member(where, name)), as_int(weight)))
        if not any(weight for _, weight in found):
            raise MalformedDocument("expected a weight above 0, got none", where=where)
        return tuple(found)

    def _by(self, rule: dict[str, Any], where: str) -> Expression:
        if "by" not in rule:
            return _TARGETING_KEY
        path = tuple(rule["by"].split("."))
        if not all(path):
            raise MalformedDocument(f"expected the name of an attribute, got {rule['by']!r}", where=f"{where}.by")
        return Attribute(path)

    def _salt(self, rule: dict[str, Any], where: str) -> str:
        salt: str = rule.get("salt", self._key)
        if "salt" in rule and not salt:
            raise MalformedDocument("expected a salt of one character or more, got none", where=f"{where}.salt")
        return salt


def _percent(rollout: Any, where: str) -> Expression:
    if not isinstance(rollout, dict):
        return Const(_checked_percent(rollout, where))
    said = members(rollout, RAMP, where, wanted="a ramp")
    start, end = (_time(said[name], f"{where}.{name}") for name in ("start", "end"))
    if start >= end:
        raise MalformedDocument("expected an end after the start, got one before it", where=f"{where}.end")
    first, last = (
        _checked_percent(said.get(name, usual), f"{where}.{name}") for name, usual in (("from", 0), ("to", 100))
    )
    return ramp(first, last, start, end)


def _time(text: str, where: str) -> float:
    found = instant(text)
    if found is None:
        raise MalformedDocument(f"expected a date or a time such as 2027-03-01T09:00:00Z, got {text!r}", where=where)
    return found


def _checked_percent(percent: float, where: str) -> float:
    if 0 <= percent <= 100:
        return percent
    raise MalformedDocument(f"expected a percentage of 0 to 100, got {percent}", where=where)
