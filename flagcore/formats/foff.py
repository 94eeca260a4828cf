"""
Foff's format: the configs of one scope, each with a default and overrides along an ordered hierarchy.

    {"ordered_hierarchy": ["org", "team"],
     "features": {"dark-mode": {"default": false, "acme": true, "acme#web": false}}}

A key of a feature is its path's ids joined by `#`. It is taken apart here, once, so that an id which holds a `#` itself
can never be taken for a path. Source: the service's published documentation and client.
"""

from __future__ import annotations

from typing import Any

from flagcore.errors import MalformedDocument
from flagcore.resolution import ABSENT
from flagcore.rules.model import Choice, Definition, Ruleset
from flagcore.value import kind, member

__all__ = ["parse"]

_SEPARATOR = "#"
_DEFAULT = "default"


def parse(document: dict[str, Any]) -> Ruleset:
    """
    What a scope's configs say.

    Raises:
        MalformedDocument: `features` is missing or no object of objects, or `ordered_hierarchy` no array of names.
    """
    hierarchy = document.get("ordered_hierarchy", [])
    if not isinstance(hierarchy, list) or not all(isinstance(name, str) and name for name in hierarchy):
        raise MalformedDocument("expected an array of names, most general first", where="$.ordered_hierarchy")
    features = document.get("features")
    if not isinstance(features, dict):
        came = "nothing" if features is None and "features" not in document else kind(features)
        raise MalformedDocument(f"expected an object of features, got {came}", where="$.features")
    names = tuple(hierarchy)
    return Ruleset({}, {key: _definition(key, each) for key, each in features.items()}, names)


def _definition(key: str, feature: object) -> Definition:
    if not isinstance(feature, dict):
        where = member("$.features", key)
        raise MalformedDocument(f"expected an object with a default and overrides, got {kind(feature)}", where=where)
    overrides = {tuple(path.split(_SEPARATOR)): Choice(value) for path, value in feature.items() if path != _DEFAULT}
    return Definition(Choice(feature.get(_DEFAULT, ABSENT)), overrides)
