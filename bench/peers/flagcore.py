"""
flagcore itself, with the 100 flags in its own format; the JsonLogic row with the flagd document.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bench import specimen
from bench.peer import Peer, Reading

__all__ = ["make"]


class _Bulk:
    """
    Many flags, through a source in memory: parsed, compiled and published as those from a network are.
    """

    def document(self, values: Mapping[str, Any]) -> bytes:
        return json.dumps({"flags": {key: {"value": value} for key, value in values.items()}}).encode()

    def load(self, document: bytes) -> Any:
        from flagcore import FlagClient, MemorySource

        source = MemorySource(document)
        client = FlagClient(source, cache_dir=None)
        client.start()
        return client, source

    def swap(self, reader: Any, document: bytes) -> None:
        reader[1].update(document)

    def read(self, reader: Any, key: str) -> Any:
        return reader[0].get_json(key)


class _Flagcore:
    distribution = "flagcore"
    imports = ("import flagcore", "from flagcore import FlagClient, HTTPSource")

    def __init__(self) -> None:
        from flagcore import EvaluationContext, FlagClient, MemorySource

        self.bulk = _Bulk()
        self._client = FlagClient(MemorySource(specimen.native()), cache_dir=None)
        self._other = FlagClient(MemorySource(specimen.flagd(), "flagd"), cache_dir=None)
        self._of = EvaluationContext.of
        self._client.start()
        self._other.start()

    def asking(self, who: Mapping[str, Any]) -> dict[str, Any]:
        context = self._of(who)
        path = [who.get(name) for name in specimen.HIERARCHY]
        return {"c": context, "w": dict(who), "v": self._client.flags(context), "h": path}

    def readings(self) -> dict[str, Reading | str]:
        o = {"o": self._client}
        return {
            "boolean": Reading("v.get_bool('plain-42')"),
            "string": Reading("v.get_string('text-3')"),
            "json": Reading("v.get_json('object-2')"),
            "targeted": Reading("o.get_bool('targeted', False, c)", o),
            "built": Reading("o.get_bool('targeted', False, {**w})", o),
            "again": Reading("v.get_bool('targeted')"),
            "rollout": Reading("o.get_bool('half', False, c)", o),
            "deepest": Reading("o.get_string('layered', '', c)", o),
            "default": Reading("o.get_string('layered', '', c)", o),
            "path": Reading("v.get_feature_config('layered', h)"),
            "logic": Reading("o.get_bool('logic', False, c)", {"o": self._other}),
            "all": Reading("o.flags(c).all()", o),
        }

    def close(self) -> None:
        self._client.close()
        self._other.close()


def make() -> Peer:
    """
    flagcore with the 100 flags in memory.
    """
    return _Flagcore()
