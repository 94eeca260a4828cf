"""
flagcore's own format: flags with a value, named variants, targeting rules, segments and hierarchical overrides.

    hierarchy: [org, team, user]
    segments:
      beta-testers: endswith(email, "@example.com") or plan == "enterprise"
    flags:
      new-checkout:
        description: The one-page checkout
        value: false
        rules:
          - if: segment("beta-testers")
            value: true
          - rollout: 25

The whole of it is on the documentation's page on the native format; `native_schema` holds its structure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flagcore.errors import MalformedDocument
from flagcore.formats.condition import Known, parse_condition
from flagcore.formats.native_flag import read_flag
from flagcore.formats.native_schema import DOCUMENT, SCALAR
from flagcore.formats.shape import each_of, members
from flagcore.rules.model import Definition, Expression, Fault, Ruleset
from flagcore.value import Json, member

__all__ = ["parse"]

#: The members of a flag in which there is nothing to check.
_PLAIN = {"value"}


def parse(document: dict[str, Any]) -> Ruleset:
    """
    What a native document says. A flag that can't be understood is a `Fault` among the definitions; a segment that
    can't be is one of the ruleset's `faults`, and so is each flag that uses it, and the rest stands.

    Raises:
        MalformedDocument: the document itself has a name that the format has not, or a member of another type.
    """
    members(document, DOCUMENT, "$", wanted="an object as the whole document")
    hierarchy = _hierarchy(document.get("hierarchy", []))
    each_of(document.get("metadata", {}), SCALAR, "$.metadata")
    flags = document["flags"]
    segments = _Segments(document.get("segments", {}), {key: _variants(flag) for key, flag in flags.items()})
    plain: dict[str, Json] = {}
    definitions: dict[str, Definition | Fault] = {}
    for key, flag in flags.items():
        if isinstance(flag, dict) and flag.keys() == _PLAIN:
            plain[key] = flag["value"]  # any JSON will do; most flags of a large document are such
            continue
        definition = segments.read(key, flag, hierarchy)
        if isinstance(definition, Fault) or _says_more(definition):
            definitions[key] = definition
        else:
            plain[key] = definition.fallback.value
    return Ruleset(plain, definitions, hierarchy, segments.expressions, faults=segments.faults)


class _Segments:
    """
    The segments of a document, and its flags read in their light.
    """

    def __init__(self, segments: dict[str, Any], flags: Mapping[str, Mapping[str, Json] | None]) -> None:
        self._flags = flags
        self._names = frozenset(segments)
        self._broken: set[str] = set()
        self.expressions: dict[str, Expression] = {}
        faults: list[Fault] = []
        uses: dict[str, set[str]] = {}
        for name, condition in segments.items():
            known, where = self._known(), member("$.segments", name)
            try:
                self.expressions[name] = parse_condition(condition, where, known)
                uses[name] = known.used
            except MalformedDocument as error:
                faults.append(_fault(error))
                self._broken.add(name)
        self._spread(uses)
        self.faults = tuple(faults)

    def read(self, key: str, flag: object, hierarchy: tuple[str, ...]) -> Definition | Fault:
        known, where = self._known(), member("$.flags", key)
        try:
            definition = read_flag(key, flag, where, hierarchy, known)
        except MalformedDocument as error:
            return _fault(error)
        broken = sorted(known.used & self._broken)
        if broken:
            return Fault(f"expected segments that can be understood, got {broken[0]!r}", f"{where}.rules")
        return definition

    def _known(self) -> Known:
        return Known(self._flags, self._names)

    def _spread(self, uses: dict[str, set[str]]) -> None:
        # What uses a broken segment is broken as well, however far away.
        while reached := {name for name, used in uses.items() if used & self._broken} - self._broken:
            self._broken |= reached
        for name in self._broken:
            self.expressions.pop(name, None)


def _says_more(definition: Definition) -> bool:
    named = definition.fallback.variant is not None
    return bool(named or definition.overrides or definition.rules or definition.metadata)


def _fault(error: MalformedDocument) -> Fault:
    return Fault(error.message, error.where)


def _variants(flag: object) -> Mapping[str, Json] | None:
    variants = flag.get("variants") if isinstance(flag, dict) else None
    return variants if isinstance(variants, dict) else None


def _hierarchy(names: list[Any]) -> tuple[str, ...]:
    where = "$.hierarchy"
    for number, name in enumerate(names):
        if not isinstance(name, str) or not name or name == "value":
            raise MalformedDocument(f"expected the name of an attribute, got {name!r}", where=f"{where}[{number}]")
        if name in names[:number]:
            raise MalformedDocument(f"expected each name once, got {name!r} again", where=f"{where}[{number}]")
    return tuple(names)
