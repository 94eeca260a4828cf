"""
flagd's format: flags with variants, and a JsonLogic rule that names the variant.

    {"flags": {
        "theme": {"state": "ENABLED", "variants": {"light": "#fff", "dark": "#000"}, "defaultVariant": "light",
                  "targeting": {"if": [{"==": [{"var": "plan"}, "pro"]}, "dark"]}}},
     "$evaluators": {"paying": {"in": [{"var": "plan"}, ["pro", "team"]]}},
     "metadata": {"flagSetId": "shop"}}

`flagd` buckets as the newest flagd daemon does, which is `flagd-v2`; `flagd-v3` as the accepted decision on units that
are no text. A flag that can't be understood is a fault of that flag alone; a default variant that does not exist
spoils the document, as it does in flagd. Source: flagd's documentation, "Flag Definitions", and its JSON schemas.
"""

from __future__ import annotations

from typing import Any, Final

from flagcore.errors import MalformedDocument
from flagcore.explanation import written
from flagcore.formats.coercion import text
from flagcore.formats.flagd_targeting import Evaluators, Targeting, came, listed
from flagcore.resolution import ABSENT, NO_METADATA, Reason
from flagcore.rules.model import (
    Choice,
    Definition,
    Fault,
    Rule,
    Ruleset,
    Select,
)
from flagcore.value import kind, member

__all__ = ["parse"]

#: The generation of `fractional` that the newest flagd daemon uses.
NEWEST: Final = "v2"

_STATES = ("ENABLED", "DISABLED")


def parse(document: dict[str, Any], generation: str = NEWEST) -> Ruleset:
    """
    What a document of flag definitions says.

    Args:
        document: for providers (`flags` is an object) or for the daemon (or an array of flags with a `key`).
        generation: of `fractional`: `v2` or `v3`.

    Raises:
        MalformedDocument: `flags`, `$evaluators` or `metadata` is not what it must be, or a flag's default variant
            does not exist.
    """
    metadata = _metadata(document.get("metadata", {}), "$.metadata")
    evaluators = document.get("$evaluators", {})
    if not isinstance(evaluators, dict):
        raise MalformedDocument(f"expected an object of rules, got {kind(evaluators)}", where="$['$evaluators']")
    shared = Evaluators(evaluators, generation)
    definitions = {key: _Flag(key, flag, where, metadata, shared).definition() for key, flag, where in _flags(document)}
    return Ruleset({}, definitions, metadata=metadata or NO_METADATA)


def _flags(document: dict[str, Any]) -> list[tuple[str, Any, str]]:
    flags = document.get("flags")
    if isinstance(flags, dict):
        if "" in flags:
            raise MalformedDocument("expected keys of at least one character, got an empty one", where="$.flags")
        return [(key, flag, member("$.flags", key)) for key, flag in flags.items()]
    if not isinstance(flags, list):
        got = "nothing" if "flags" not in document else kind(flags)
        raise MalformedDocument(f"expected an object of flags, or an array, got {got}", where="$.flags")
    found: dict[str, tuple[str, Any, str]] = {}
    for index, flag in enumerate(flags):
        where = member("$.flags", index)
        key = flag.get("key") if isinstance(flag, dict) else None
        if not isinstance(key, str) or not key:
            raise MalformedDocument("expected an object with a `key` of at least one character", where=where)
        if key in found:
            raise MalformedDocument(f"expected each key once, got {key!r} again", where=f"{where}.key")
        found[key] = (key, flag, where)
    return list(found.values())


def _metadata(metadata: object, where: str) -> dict[str, Any]:
    if not isinstance(metadata, dict):
        raise MalformedDocument(f"expected an object, got {kind(metadata)}", where=where)
    for name, value in metadata.items():
        if not isinstance(value, (str, int, float)):
            raise MalformedDocument(
                f"expected a string, number or boolean, got {kind(value)}", where=member(where, name)
            )
    return metadata


class _Flag:
    """
    One flag of a document on its way to a definition.
    """

    def __init__(self, key: str, flag: Any, where: str, metadata: dict[str, Any], shared: Evaluators) -> None:
        self.key = key
        self.flag = flag
        self.where = where
        self._set_metadata = metadata
        self._shared = shared

    def definition(self) -> Definition | Fault:
        try:
            state = self._state()
            metadata = self._own_metadata()
            choices = self._choices()
        except MalformedDocument as error:
            return Fault(error.message, error.where)
        fallback = self._fallback(choices)
        if state == "DISABLED":
            return Definition(Choice(ABSENT), metadata=metadata, reason=Reason.DISABLED)
        try:
            rules = self._rules(choices)
        except MalformedDocument as error:
            return Fault(error.message, error.where)
        return Definition(fallback, metadata=metadata, rules=rules)

    def _state(self) -> Any:
        if not isinstance(self.flag, dict):
            raise MalformedDocument(f"expected an object, got {kind(self.flag)}", where=self.where)
        state = self.flag.get("state")
        if state not in _STATES:
            got = came(state) if "state" in self.flag else "nothing"
            raise MalformedDocument(f"expected {' or '.join(_STATES)}, got {got}", where=f"{self.where}.state")
        return state

    def _choices(self) -> dict[str, Choice]:
        where = f"{self.where}.variants"
        variants = self.flag.get("variants")
        if not isinstance(variants, dict) or not variants or "" in variants:
            got = "one without a name" if isinstance(variants, dict) else kind(variants)
            got = "none" if variants == {} else got if "variants" in self.flag else "nothing"
            raise MalformedDocument(f"expected an object of named variants, got {got}", where=where)
        kinds = {kind(value): name for name, value in variants.items()}
        for found, name in kinds.items():
            if found not in ("a boolean", "a string", "a number", "an object"):
                raise MalformedDocument(
                    f"expected a boolean, string, number or object, got {found}", where=member(where, name)
                )
        if len(kinds) > 1:
            raise MalformedDocument(f"expected variants of one type, got {' and '.join(kinds)}", where=where)
        return {name: Choice(value, name) for name, value in variants.items()}

    def _own_metadata(self) -> Any:
        own = _metadata(self.flag.get("metadata", {}), f"{self.where}.metadata")
        # Shared by all flags that have none of their own.
        return {**self._set_metadata, **own} if own else (self._set_metadata or NO_METADATA)

    def _fallback(self, choices: dict[str, Choice]) -> Choice:
        name = self.flag.get("defaultVariant")
        if name is None or name == "":
            return Choice(ABSENT)
        if not isinstance(name, str) or name not in choices:
            raise MalformedDocument(
                f"expected the name of a variant ({listed(choices)}) or null, got {came(name)}",
                where=f"{self.where}.defaultVariant",
            )
        return choices[name]

    def _rules(self, choices: dict[str, Choice]) -> tuple[Rule, ...]:
        targeting = self.flag.get("targeting")
        if targeting is None or targeting == {}:
            return ()
        where = f"{self.where}.targeting"
        if not isinstance(targeting, dict) or len(targeting) != 1:
            got = f"{len(targeting)} members" if isinstance(targeting, dict) else kind(targeting)
            raise MalformedDocument(f"expected an object with one operator, got {got}", where=where)
        name = Targeting(where, self.key, self._shared).of(targeting)
        return (Rule(None, Select(name, choices, spelled)),)


def spelled(result: Any) -> str | None:
    """
    The name of the variant that a rule's result means: a string itself, `true` and `false` for a boolean, a number's
    digits, an array or object as JSON; None, for the default variant, where it is null.
    """
    if type(result) is str:
        return result
    if result is None or result is ABSENT:
        return None
    if type(result) is float and not -float("inf") < result < float("inf"):
        return None  # JSON has no such number
    # As JSON, so that no variant goes by it but for one that is called so on purpose.
    return written(result) if type(result) in (list, dict) else text(result)
