"""
GrowthBook: an instance a request, with that request's attributes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bench import specimen
from bench.peer import Peer, Reading

__all__ = ["make"]


class _Bulk:
    def document(self, values: Mapping[str, Any]) -> bytes:
        return json.dumps({key: {"defaultValue": value} for key, value in values.items()}).encode()

    def load(self, document: bytes) -> Any:
        from growthbook import GrowthBook

        return GrowthBook(features=json.loads(document))

    def swap(self, reader: Any, document: bytes) -> None:
        reader.set_features(json.loads(document))

    def read(self, reader: Any, key: str) -> Any:
        return reader.get_feature_value(key, None)


class _GrowthBook:
    distribution = "growthbook"
    imports = ("import growthbook", "from growthbook import GrowthBook")

    def __init__(self) -> None:
        from growthbook import GrowthBook

        self.bulk = _Bulk()
        self._type = GrowthBook
        condition = {"country": {"$in": specimen.COUNTRIES}, "plan": specimen.PLAN}
        self._features: dict[str, Any] = {
            **{key: {"defaultValue": value} for key, value in specimen.values().items()},
            "targeted": {"defaultValue": False, "rules": [{"condition": condition, "force": True}]},
            "half": {"defaultValue": False, "rules": [{"force": True, "coverage": 0.5, "hashAttribute": "id"}]},
        }
        # Made once, as its documentation says to keep one: `with_attributes` would be another peer.
        self._parsed = GrowthBook(features=self._features).get_features()

    def asking(self, who: Mapping[str, Any]) -> dict[str, Any]:
        attributes = {"id": who["targeting_key"], **who}
        view = self._type(attributes=attributes, features=self._features)
        return {"v": view, "G": self._type, "w": attributes, "f": self._parsed}

    def readings(self) -> dict[str, Reading | str]:
        return {
            "boolean": Reading("v.get_feature_value('plain-42', False)"),
            "string": Reading("v.get_feature_value('text-3', '')"),
            "json": Reading("v.get_feature_value('object-2', {})"),
            "targeted": Reading("v.is_on('targeted')"),
            "built": Reading("v.set_attributes({**w}) or v.is_on('targeted')"),
            "again": Reading("v.is_on('targeted')"),
            "rollout": Reading("v.is_on('half')"),
        }

    def close(self) -> None:
        pass


def make() -> Peer:
    """
    GrowthBook with 98 of the flags.
    """
    return _GrowthBook()
