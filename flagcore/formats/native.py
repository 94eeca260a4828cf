"""
flagcore's own format: flags with a value, named variants and hierarchical overrides.

    hierarchy: [org, team, user]
    flags:
      theme:
        description: Colours of the shop
        value: light
        overrides:
          - {org: acme, value: dark}
          - {org: acme, team: growth, value: midnight}

The whole of it is on the documentation's page on the native format.
"""

from __future__ import annotations

from datetime import date
from difflib import get_close_matches
from typing import Any

from flagcore.errors import MalformedDocument
from flagcore.resolution import NO_METADATA
from flagcore.rules.model import Choice, Definition, Ruleset
from flagcore.value import Json, kind, member

__all__ = ["parse"]

_DOCUMENT = ("flags", "hierarchy", "metadata", "$schema")
_FLAG = ("description", "expires", "metadata", "overrides", "owner", "tags", "value", "variants")
_LATER = {
    "rules": "targeting rules come with a later release of flagcore",
    "segments": "segments come with a later release of flagcore",
}


def parse(document: dict[str, Any]) -> Ruleset:
    """
    What a native document says.

    Raises:
        MalformedDocument: a name that the format has not, a value of another type than it wants, a variant or a path
            that does not exist.
    """
    _known(document, _DOCUMENT, "$")
    hierarchy = _hierarchy(document.get("hierarchy", []))
    _scalars(document.get("metadata", {}), "$.metadata")
    flags = document.get("flags")
    if not isinstance(flags, dict):
        came = "nothing" if "flags" not in document else kind(flags)
        raise MalformedDocument(f"expected an object of flags, got {came}", where="$.flags")
    plain: dict[str, Json] = {}
    definitions: dict[str, Definition] = {}
    for key, flag in flags.items():
        where = member("$.flags", key)
        definition = _Flag(flag, where).definition(hierarchy)
        if definition.overrides or definition.fallback.variant is not None or definition.metadata:
            definitions[key] = definition
        else:
            plain[key] = definition.fallback.value
    return Ruleset(plain, definitions, hierarchy)


class _Flag:
    """
    One flag of a document on its way to a definition.
    """

    def __init__(self, flag: object, where: str) -> None:
        if not isinstance(flag, dict):
            raise MalformedDocument(f"expected an object with a value, got {kind(flag)}", where=where)
        _known(flag, _FLAG, where)
        self.flag: dict[str, Any] = flag
        self.where = where
        for name in ("description", "owner"):
            _expect(flag.get(name, ""), str, member(where, name), "a string")
        self._expires()
        self._tags()
        self.metadata = _scalars(flag.get("metadata", {}), f"{where}.metadata")
        self.variants = self._variants()

    def definition(self, hierarchy: tuple[str, ...]) -> Definition:
        overrides = _expect(self.flag.get("overrides", []), list, f"{self.where}.overrides", "an array")
        fallback = self._choice(self.flag, self.where)
        table: dict[tuple[str, ...], Choice] = {}
        for number, override in enumerate(overrides):
            where = f"{self.where}.overrides[{number}]"
            path = self._path(override, where, hierarchy)
            if path in table:
                raise MalformedDocument(f"expected one override for {'#'.join(path)}, got a second", where=where)
            table[path] = self._choice(override, where)
        return Definition(fallback, table, self.metadata or NO_METADATA)

    def _path(self, override: object, where: str, hierarchy: tuple[str, ...]) -> tuple[str, ...]:
        if not isinstance(override, dict):
            raise MalformedDocument(f"expected an object with ids and a value, got {kind(override)}", where=where)
        _known(override, (*hierarchy, "value"), where)
        ids = [override[name] for name in hierarchy if name in override]
        names = tuple(name for name in hierarchy if name in override)
        if not names or names != hierarchy[: len(names)]:
            paths = " or ".join("+".join(hierarchy[: n + 1]) for n in range(len(hierarchy))) or "a `hierarchy` first"
            raise MalformedDocument(f"expected {paths}, got {'+'.join(names) or 'no id'}", where=where)
        for name, each in zip(names, ids, strict=True):
            if type(each) not in (str, int) or each == "":
                raise MalformedDocument(f"expected an id, got {each!r}", where=member(where, name))
        return tuple(str(each) for each in ids)

    def _choice(self, holder: dict[str, Any], where: str) -> Choice:
        if "value" not in holder:
            raise MalformedDocument("expected a value, got nothing", where=f"{where}.value")
        value = holder["value"]
        if self.variants is None:
            return Choice(value)
        if not isinstance(value, str) or value not in self.variants:
            raise MalformedDocument(
                f"expected the name of a variant ({', '.join(self.variants)}), got {value!r}", where=f"{where}.value"
            )
        return Choice(self.variants[value], value)

    def _variants(self) -> dict[str, Json] | None:
        if "variants" not in self.flag:
            return None
        where = f"{self.where}.variants"
        variants: dict[str, Json] = _expect(self.flag["variants"], dict, where, "an object of names and payloads")
        if not variants:
            raise MalformedDocument("expected at least one variant, got none", where=where)
        return variants

    def _expires(self) -> None:
        expires = self.flag.get("expires")
        if expires is None:
            return
        try:
            date.fromisoformat(expires[:10])
        except (TypeError, ValueError) as error:
            where = f"{self.where}.expires"
            raise MalformedDocument(f"expected a date such as 2027-03-01, got {expires!r}", where=where) from error

    def _tags(self) -> None:
        tags = _expect(self.flag.get("tags", []), list, f"{self.where}.tags", "an array of strings")
        for number, tag in enumerate(tags):
            _expect(tag, str, f"{self.where}.tags[{number}]", "a string")


def _hierarchy(names: object) -> tuple[str, ...]:
    where = "$.hierarchy"
    for number, name in enumerate(_expect(names, list, where, "an array of attribute names, most general first")):
        if not isinstance(name, str) or not name or name == "value":
            raise MalformedDocument(f"expected the name of an attribute, got {name!r}", where=f"{where}[{number}]")
        if name in names[:number]:  # type: ignore[index] # a list, as _expect saw
            raise MalformedDocument(f"expected each name once, got {name!r} again", where=f"{where}[{number}]")
    return tuple(names)  # type: ignore[arg-type]


def _scalars(metadata: object, where: str) -> dict[str, Any]:
    # OpenFeature specification, "Flag Evaluation", Types: flag metadata holds booleans, strings and numbers.
    found: dict[str, Any] = _expect(metadata, dict, where, "an object")
    for name, value in found.items():
        if not isinstance(value, (str, int, float)):
            raise MalformedDocument(
                f"expected a string, number or boolean, got {kind(value)}", where=member(where, name)
            )
    return found


def _expect(value: object, type_: type, where: str, expected: str) -> Any:
    if isinstance(value, type_):
        return value
    raise MalformedDocument(f"expected {expected}, got {kind(value)}", where=where)


def _known(holder: dict[str, Any], names: tuple[str, ...], where: str) -> None:
    for name in holder:
        if name in names:
            continue
        if name in _LATER:
            raise MalformedDocument(f"{_LATER[name]}; until then take {name!r} out", where=member(where, name))
        close = get_close_matches(name, names, 1)
        hint = f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(sorted(names))}"
        raise MalformedDocument(f"unknown name {name!r}{hint}", where=member(where, name))
