"""
openfeature-flagd-core: flagd's evaluator in Python, fed the very document that flagcore's JsonLogic row reads.
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
        flags = {k: {"state": "ENABLED", "variants": {"v": v}, "defaultVariant": "v"} for k, v in values.items()}
        return json.dumps({"flags": flags}).encode()

    def load(self, document: bytes) -> Any:
        from openfeature.contrib.tools.flagd.core import FlagdCore

        core = FlagdCore()
        core.set_flags(document.decode())
        return core

    def swap(self, reader: Any, document: bytes) -> None:
        reader.set_flags(document.decode())

    def read(self, reader: Any, key: str) -> Any:
        return reader._resolve(key, None).value


class _FlagdCore:
    distribution = "openfeature-flagd-core"
    imports = (
        "import openfeature.contrib.tools.flagd.core",
        "from openfeature.contrib.tools.flagd.core import FlagdCore",
    )

    def __init__(self) -> None:
        self.bulk = _Bulk()
        self._core = self.bulk.load(json.dumps(specimen.flagd()).encode())

    def asking(self, who: Mapping[str, Any]) -> dict[str, Any]:
        from openfeature.evaluation_context import EvaluationContext

        rest = {key: value for key, value in who.items() if key != "targeting_key"}
        key = who["targeting_key"]
        return {"o": self._core, "C": EvaluationContext, "w": rest, "k": key, "c": EvaluationContext(key, rest)}

    def readings(self) -> dict[str, Reading | str]:
        targeted = Reading("o.resolve_boolean_value('targeted', False, c).value")
        return {
            "boolean": Reading("o.resolve_boolean_value('plain-42', False, c).value"),
            "string": Reading("o.resolve_string_value('text-3', '', c).value"),
            "json": Reading("o.resolve_object_value('object-2', {}, c).value"),
            "targeted": targeted,
            "built": Reading("o.resolve_boolean_value('targeted', False, C(k, {**w})).value"),
            "rollout": Reading("o.resolve_boolean_value('half', False, c).value"),
            "logic": Reading("o.resolve_boolean_value('logic', False, c).value"),
        }

    def close(self) -> None:
        pass


def make() -> Peer:
    """
    The evaluator with the flagd document.
    """
    return _FlagdCore()
