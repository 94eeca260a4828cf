"""
The native format's flags: a value, named variants, overrides along the hierarchy, rules.
"""

from __future__ import annotations

from typing import Any

from flagcore.errors import MalformedDocument
from flagcore.formats.condition import Known
from flagcore.formats.native_rule import RuleReader
from flagcore.formats.native_schema import FLAG, OVERRIDE, SCALAR, TAG
from flagcore.formats.shape import each_of, members
from flagcore.resolution import ABSENT, NO_METADATA
from flagcore.rules.instant import instant
from flagcore.rules.model import Choice, Definition, Rule
from flagcore.value import Json, as_int, member

__all__ = ["read_flag"]


def read_flag(key: str, flag: object, where: str, hierarchy: tuple[str, ...], known: Known) -> Definition:
    """
    What one flag of a document says.

    Args:
        key: its key.
        flag: its decoded JSON.
        where: its JSON path, for errors.
        hierarchy: the attribute names that its overrides may go along.
        known: the flags and segments of its document.

    Raises:
        MalformedDocument: it is no flag; it has the path of the fault.
    """
    return _FlagReader(key, flag, where).definition(hierarchy, known)


class _FlagReader:
    def __init__(self, key: str, flag: object, where: str) -> None:
        self._key = key
        self._where = where
        self._flag = members(flag, FLAG, where, wanted="an object with a value")
        self._variants: dict[str, Json] | None = self._flag.get("variants")
        if self._variants is not None and not self._variants:
            raise MalformedDocument("expected at least one variant, got none", where=f"{where}.variants")
        each_of(self._flag.get("tags", []), TAG, f"{where}.tags")
        each_of(self._flag.get("metadata", {}), SCALAR, f"{where}.metadata")
        expires = self._flag.get("expires")
        if expires is not None and instant(expires) is None:
            raise MalformedDocument(f"expected a date such as 2027-03-01, got {expires!r}", where=f"{where}.expires")

    def definition(self, hierarchy: tuple[str, ...], known: Known) -> Definition:
        fallback = self._choice(self._flag["value"], f"{self._where}.value")
        overrides = self._overrides(hierarchy)
        metadata = self._flag.get("metadata") or NO_METADATA
        return Definition(fallback, overrides, metadata, self._rules(known))

    def _choice(self, value: Json, where: str) -> Choice:
        if self._variants is None:
            return Choice(value)
        if not isinstance(value, str) or value not in self._variants:
            expected = f"the name of a variant ({', '.join(self._variants)})"
            raise MalformedDocument(f"expected {expected}, got {value!r}", where=where)
        return Choice(self._variants[value], value)

    def _rules(self, known: Known) -> tuple[Rule, ...]:
        rules = self._flag.get("rules", [])
        if not rules:
            return ()
        is_named = self._variants is not None
        reader = RuleReader(self._key, self._flag["value"], self._choice, is_named=is_named, known=known)
        return tuple(reader.rule(rule, f"{self._where}.rules[{number}]") for number, rule in enumerate(rules))

    def _overrides(self, hierarchy: tuple[str, ...]) -> dict[tuple[str, ...], Choice]:
        table: dict[tuple[str, ...], Choice] = {}
        for number, each in enumerate(self._flag.get("overrides", [])):
            where = f"{self._where}.overrides[{number}]"
            override = members(each, OVERRIDE, where, wanted="an object with ids and a value", others=hierarchy)
            path = _path(override, where, hierarchy)
            if path in table:
                raise MalformedDocument(f"expected one override for {'#'.join(path)}, got a second", where=where)
            table[path] = self._choice(override["value"], f"{where}.value")
        return table


def _path(override: dict[str, Any], where: str, hierarchy: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple(name for name in hierarchy if name in override)
    if not names or names != hierarchy[: len(names)]:
        paths = " or ".join("+".join(hierarchy[: n + 1]) for n in range(len(hierarchy))) or "a `hierarchy` first"
        raise MalformedDocument(f"expected {paths}, got {'+'.join(names) or 'no id'}", where=where)
    return tuple(_identifier(override[name], member(where, name)) for name in names)


def _identifier(value: Json, where: str) -> str:
    if isinstance(value, str) and value:
        return value
    number = as_int(value)
    if number is ABSENT:
        raise MalformedDocument(f"expected an id, got {value!r}", where=where)
    return str(number)
