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

from itertools import islice
from typing import Any, Final

from flagcore.errors import MalformedDocument
from flagcore.formats.coercion import text
from flagcore.formats.jsonlogic import Translation
from flagcore.formats.jsonlogic_operators import LOOKUP, NOW, WITHIN
from flagcore.resolution import ABSENT, NO_METADATA
from flagcore.rules.model import (
    Attribute,
    Call,
    Choice,
    Const,
    Definition,
    Expression,
    Fault,
    Rule,
    Ruleset,
    Scope,
    Select,
)
from flagcore.value import MAX_NODES, kind, member

__all__ = ["parse"]

#: The generation of `fractional` that the newest flagd daemon uses.
NEWEST: Final = "v2"

#: A flag that leaves it to the caller: it serves nobody anything, and the reason is DEFAULT, not STATIC.
_NOBODY: Final = Rule(Const(False), Choice(ABSENT))

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
    shared = _Evaluators(evaluators, generation)
    definitions = {key: _Flag(key, flag, where, metadata, shared).definition() for key, flag, where in _flags(document)}
    return Ruleset({}, definitions, metadata=metadata or NO_METADATA)


def _flags(document: dict[str, Any]) -> list[tuple[str, Any, str]]:
    flags = document.get("flags")
    if isinstance(flags, dict):
        if "" in flags:
            raise MalformedDocument("expected keys of at least one character, got an empty one", where="$.flags")
        return [(key, flag, member("$.flags", key)) for key, flag in flags.items()]
    if not isinstance(flags, list):
        came = "nothing" if "flags" not in document else kind(flags)
        raise MalformedDocument(f"expected an object of flags, or an array, got {came}", where="$.flags")
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


class _Evaluators:
    """
    The rules that flags share. One that is the same for each flag is translated once.
    """

    def __init__(self, rules: dict[str, Any], generation: str) -> None:
        self.rules = rules
        self.generation = generation
        #: {(name, within a lambda): (its expression, the expressions that it is made of)}
        self.made: dict[tuple[str, bool], tuple[Expression, int]] = {}
        self._room = MAX_NODES

    def spend(self, expressions: int) -> bool:
        """
        Whether the document may become so many expressions more. Rules that flags share can make a short document a
        very long one.
        """
        self._room -= expressions
        return self._room >= 0


class _Flag:
    """
    One flag of a document on its way to a definition.
    """

    def __init__(self, key: str, flag: Any, where: str, metadata: dict[str, Any], shared: _Evaluators) -> None:
        self.key = key
        self.flag = flag
        self.where = where
        self._set_metadata = metadata
        self._shared = shared

    def definition(self) -> Definition | Fault:
        try:
            choices = self._choices()
            metadata = self._own_metadata()
        except MalformedDocument as error:
            return Fault(error.message, error.where)
        fallback = self._fallback(choices)
        if self.flag["state"] == "DISABLED":
            return Definition(fallback, metadata=metadata, disabled=True)
        try:
            rules = self._rules(choices)
        except MalformedDocument as error:
            return Fault(error.message, error.where)
        if not rules and fallback.value is ABSENT:
            rules = (_NOBODY,)
        return Definition(fallback, metadata=metadata, rules=rules)

    def _choices(self) -> dict[str, Choice]:
        if not isinstance(self.flag, dict):
            raise MalformedDocument(f"expected an object, got {kind(self.flag)}", where=self.where)
        state = self.flag.get("state")
        if state not in _STATES:
            came = _came(state) if "state" in self.flag else "nothing"
            raise MalformedDocument(f"expected {' or '.join(_STATES)}, got {came}", where=f"{self.where}.state")
        where = f"{self.where}.variants"
        variants = self.flag.get("variants")
        if not isinstance(variants, dict) or not variants or "" in variants:
            came = "none" if variants == {} else "one without a name" if variants else kind(variants)
            raise MalformedDocument(f"expected an object of named variants, got {came}", where=where)
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
                f"expected the name of a variant ({', '.join(choices)}) or null, got {_came(name)}",
                where=f"{self.where}.defaultVariant",
            )
        return choices[name]

    def _rules(self, choices: dict[str, Choice]) -> tuple[Rule, ...]:
        targeting = self.flag.get("targeting")
        if targeting is None or targeting == {}:
            return ()
        where = f"{self.where}.targeting"
        if not isinstance(targeting, dict) or len(targeting) != 1:
            came = f"{len(targeting)} members" if isinstance(targeting, dict) else kind(targeting)
            raise MalformedDocument(f"expected an object with one operator, got {came}", where=where)
        name = _Targeting(where, self.key, self._shared).of(targeting)
        return (Rule(None, Select(name, choices, spelled)),)


def spelled(result: Any) -> str | None:
    """
    The name of the variant that a rule's result means: a string itself, `true` and `false` for a boolean, a number's
    digits; None, for the default variant, where it is null.
    """
    if type(result) is str:
        return result
    if result is None or result is ABSENT:
        return None
    if type(result) is float and not -float("inf") < result < float("inf"):
        return None  # JSON has no such number
    return kind(result) if type(result) in (list, dict) else text(result)


class _Targeting(Translation):
    """
    The way from one flag's targeting to an expression: JsonLogic that knows the flag's key, the time, and the rules
    that flags share.

    Attributes:
        particular: whether something made so far is this flag's alone.
    """

    def __init__(self, where: str, key: str, shared: _Evaluators, *, within: Translation | None = None) -> None:
        super().__init__(where, shared.generation)
        self.key = key
        self.particular = False
        self.inside = within.inside if within is not None else 0
        self._shared = shared
        self._referred = within is not None

    def counted(self, expressions: int) -> None:
        super().counted(expressions)
        if not self._shared.spend(expressions):
            raise self.fault(f"expected rules of at most {MAX_NODES} parts in all, got more")

    def rule(self, name: str, arguments: Any) -> Expression:
        return self._reference(arguments) if name == "$ref" else super().rule(name, arguments)

    def scope(self) -> Expression:
        return Scope() if self.inside else Call(WITHIN, (Scope(), self.flag_key()))

    def flag_key(self) -> Expression:
        if self.inside:
            return Const("")
        self.particular = True
        return Const(self.key)

    def attribute(self, path: tuple[str, ...]) -> Expression:
        if self.inside or path[0] != "$flagd":
            return Attribute(path)
        if path == ("$flagd", "flagKey"):
            return self.flag_key()
        if path == ("$flagd", "timestamp"):
            return Call(NOW)
        return Call(LOOKUP, (self.scope(), Const(".".join(path))))

    def _reference(self, name: Any) -> Expression:
        if self._referred:  # flagd replaces references once
            raise self.fault("expected a shared rule without references of its own, got one")
        rules = self._shared.rules
        if not isinstance(name, str) or name not in rules:
            known = ", ".join(list(islice(rules, 10))) or "there is none"
            raise self.fault(f"expected the name of a shared rule ({known}), got {_came(name)}")
        made = self._shared.made.get((name, bool(self.inside)))
        if made is None:
            shared = _Targeting(member("$['$evaluators']", name), self.key, self._shared, within=self)
            made = shared.of(rules[name]), shared.count
            if not shared.particular:
                self._shared.made[name, bool(self.inside)] = made
        super().counted(made[1])
        return made[0]


def _came(value: object) -> str:
    return repr(value) if isinstance(value, str) and len(value) <= 80 else kind(value)
