"""
furagu: an OpenFeature provider that evaluates in process. Fed by a transport of one's own, as its documentation has it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bench import specimen
from bench.peer import Peer, Reading
from bench.peers.openfeature import SDK

__all__ = ["make", "provider", "transport"]

_TYPES = {bool: "boolean", str: "string", int: "number", float: "number", dict: "json", list: "json"}


def _flag(key: str, values: list[Any], fallthrough: dict[str, Any] | None = None, rules: Any = ()) -> dict[str, Any]:
    return {
        "key": key,
        "type": _TYPES[type(values[0])],
        "version": 1,
        "salt": key,
        "enabled": True,
        "variations": [{"id": f"v{number}", "value": value} for number, value in enumerate(values)],
        "offVariation": "v0",
        "fallthrough": fallthrough or {"kind": "fixed", "variation": "v0"},
        "targets": [],
        "rules": list(rules),
    }


def _ruleset(flags: dict[str, Any]) -> bytes:
    moment = "2026-01-01T00:00:00Z"
    document = {"schemaVersion": 2, "envId": "bench", "version": 1, "generatedAt": moment, "flags": flags}
    return json.dumps(document).encode()


def _whole() -> bytes:
    clauses = [
        {"attr": "country", "op": "in", "values": specimen.COUNTRIES},
        {"attr": "plan", "op": "in", "values": [specimen.PLAN]},
    ]
    rule = {"id": "r", "clauses": clauses, "rollout": {"kind": "fixed", "variation": "v1"}}
    halves = [{"variation": each, "weight": 50_000} for each in ("v0", "v1")]
    flags = {key: _flag(key, [value]) for key, value in specimen.values().items()}
    flags["targeted"] = _flag("targeted", [False, True], rules=[rule])
    flags["half"] = _flag("half", [False, True], {"kind": "percentage", "buckets": halves})
    return _ruleset(flags)


def transport(body: bytes | None = None) -> Any:
    """
    What answers every request with `body`, by default the specimen, without a network.
    """
    from furagu.transport import Response

    class Transport:
        def request(self, method: str, url: str, **_: Any) -> Any:
            return Response(status=200, headers={"etag": '"v1"'}, body=body or _whole())

    return Transport()


def provider(body: bytes | None = None) -> Any:
    """
    A provider that has downloaded `body` from this process.
    """
    from furagu import FuraguProvider

    return FuraguProvider("furagu_srv_bench", events=False, streaming=False, transport=transport(body))


class _Bulk:
    def document(self, values: Mapping[str, Any]) -> bytes:
        return _ruleset({key: _flag(key, [value]) for key, value in values.items()})

    def load(self, document: bytes) -> Any:
        from openfeature.evaluation_context import EvaluationContext

        made = provider(document)
        made.initialize(EvaluationContext())
        return made

    def swap(self, reader: Any, document: bytes) -> None:
        from furagu.eval.types import parse_ruleset_json
        from furagu.transport import FetchedRuleset

        # What its poll does once the body is there.
        reader._swap(FetchedRuleset(parse_ruleset_json(document), '"v2"'))

    def read(self, reader: Any, key: str) -> Any:
        from openfeature.evaluation_context import EvaluationContext

        found = reader.resolve_boolean_details(key, None, EvaluationContext()).value
        return found if found is not None else reader.resolve_object_details(key, {}, EvaluationContext()).value


class _Furagu(SDK):
    distribution = "furagu"
    imports = ("import furagu", "from openfeature import api; from furagu import FuraguProvider")
    bulk = _Bulk()

    def readings(self) -> dict[str, Reading | str]:
        return {**super().readings(), "rollout": Reading("o.get_boolean_value('half', False, c)")}


def make() -> Peer:
    """
    furagu with 98 of the flags: it has no hierarchy and no JsonLogic.
    """
    return _Furagu(provider())
