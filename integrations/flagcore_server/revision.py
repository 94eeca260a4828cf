"""
One state of the definition file, and what it looks like in each protocol.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import chain
from typing import Any

from flagcore import Snapshot
from flagcore.rules.compiler import compile_ruleset
from flagcore.rules.model import Attribute, Definition, Expression, Ruleset
from flagcore.rules.references import expressions_of, parts_of

__all__ = ["Rendering", "Revision", "version_of"]

_log = logging.getLogger("flagcore.server")

#: What Foff joins the ids of a path with.
_SEPARATOR = "#"
#: The member of a Foff feature that holds its fallback.
_DEFAULT = "default"
#: Hexadecimal digits of a version: 80 bits, so that two states of one file never share one by chance.
_VERSION_DIGITS = 20


def version_of(content: bytes) -> str:
    """
    A name for these bytes, the same in every process and after every restart.
    """
    return sha256(content).hexdigest()[:_VERSION_DIGITS]


@dataclass(frozen=True)
class Rendering:
    """
    One document as it goes over the wire.

    Attributes:
        content: JSON in UTF-8, on one line.
        version: what names it; its strong ETag is this in quotes.
    """

    content: bytes
    version: str

    @classmethod
    def of(cls, document: object, *, ascii_only: bool = False) -> Rendering:
        """
        The rendering of a JSON value; with `ascii_only` no character takes more than one byte.
        """
        content = json.dumps(document, ensure_ascii=ascii_only, separators=(",", ":")).encode()
        return cls(content, version_of(content))

    @property
    def etag(self) -> str:
        """
        The strong entity tag. Source: RFC 9110, section 8.8.3.
        """
        return f'"{self.version}"'


@dataclass(frozen=True)
class Revision:
    """
    One state of the definition file, checked by the native format. Renderings are made when first asked for.

    Attributes:
        document: the file as plain JSON values; not to be changed.
        ruleset: what it says.
        name: the file's.
    """

    document: dict[str, Any]
    ruleset: Ruleset
    name: str

    @property
    def flags(self) -> dict[str, dict[str, Any]]:
        """
        {flag key: its definition}, in the file's order.
        """
        flags: dict[str, dict[str, Any]] = self.document["flags"]
        return flags

    @property
    def hierarchy(self) -> list[str]:
        """
        The attributes that overrides go along, most general first.
        """
        hierarchy: list[str] = self.document.get("hierarchy", [])
        return hierarchy

    @property
    def segments(self) -> dict[str, str]:
        """
        {name: condition}, in the file's order.
        """
        segments: dict[str, str] = self.document.get("segments", {})
        return segments

    @cached_property
    def attributes(self) -> list[str]:
        """
        The attributes of a context that anything here looks at, the targeting key apart, most general first and then
        in the file's order. Of a nested one the outermost name.
        """
        found = dict.fromkeys([*self.hierarchy, *(path[0] for path in _paths(self.ruleset))])
        return [name for name in found if name not in ("targeting_key", "targetingKey")]

    @cached_property
    def snapshot(self) -> Snapshot:
        """
        Its flags as they answer. Each is compiled when it is first asked.
        """
        found, version = self.ruleset, self.native.version
        thunks = compile_ruleset(found)
        return Snapshot(found.plain, thunks, hierarchy=found.hierarchy, version=version, origin=self.name)

    @cached_property
    def native(self) -> Rendering:
        """
        The document itself.
        """
        return Rendering.of(self.document)

    @cached_property
    def soasap(self) -> Rendering:
        """
        {key: value}: what each flag serves when nothing else decides. All ASCII: the published client decodes block by
        block, and would break a character that stands on the border of two.
        """
        return Rendering.of({key: _payload(flag, flag["value"]) for key, flag in self.flags.items()}, ascii_only=True)

    @cached_property
    def foff(self) -> Rendering:
        """
        One scope's configs: a feature a flag, its overrides under their ids joined by `#`.
        """
        features = {key: self._feature(key, flag) for key, flag in self.flags.items()}
        return Rendering.of({"ordered_hierarchy": self.hierarchy, "features": features})

    def _feature(self, key: str, flag: dict[str, Any]) -> dict[str, Any]:
        feature = {_DEFAULT: _payload(flag, flag["value"])}
        for override in flag.get("overrides", []):
            path = [str(override[name]) for name in self.hierarchy if name in override]
            joined = _SEPARATOR.join(path)
            if joined == _DEFAULT or any(_SEPARATOR in each for each in path):
                _say_left_out(key, joined)
            else:
                feature[joined] = _payload(flag, override["value"])
        return feature


def _paths(ruleset: Ruleset) -> Iterator[tuple[str, ...]]:
    definitions = (each for each in ruleset.definitions.values() if isinstance(each, Definition))
    rules = chain.from_iterable(map(expressions_of, definitions))
    for each in chain(ruleset.segments.values(), rules):
        left: list[Expression] = [each]
        while left:
            part = left.pop()
            if isinstance(part, Attribute):
                yield part.path
            left.extend(reversed(parts_of(part)))


def _payload(flag: dict[str, Any], value: Any) -> Any:
    return flag["variants"][value] if "variants" in flag else value


_said: set[tuple[str, str]] = set()


def _say_left_out(key: str, path: str) -> None:
    if (key, path) in _said:
        return
    _said.add((key, path))
    _log.warning(
        "flag %r: its override for %r cannot be told from another in Foff's protocol; left out there", key, path
    )
