"""
LaunchDarkly's server SDK in its daemon mode: a store that somebody else fills, no connection, no events.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bench import specimen
from bench.peer import Peer, Reading

__all__ = ["make"]


def _flag(
    key: str, variations: list[Any], fallthrough: dict[str, Any] | None = None, rules: Any = ()
) -> dict[str, Any]:
    return {
        "key": key,
        "version": 1,
        "on": True,
        "salt": key,
        "variations": variations,
        "offVariation": 0,
        "fallthrough": fallthrough or {"variation": 0},
        "rules": list(rules),
        "targets": [],
        "prerequisites": [],
    }


def _clause(attribute: str, values: list[str]) -> dict[str, Any]:
    return {"attribute": attribute, "op": "in", "values": values, "contextKind": "user"}


class _Bulk:
    def document(self, values: Mapping[str, Any]) -> bytes:
        return json.dumps({key: _flag(key, [value]) for key, value in values.items()}).encode()

    def load(self, document: bytes) -> Any:
        from ldclient import Config, Context, LDClient
        from ldclient.feature_store import InMemoryFeatureStore

        store = InMemoryFeatureStore()  # type: ignore[no-untyped-call, unused-ignore]
        self.swap((None, None, store), document)
        config = Config("sdk-key", feature_store=store, use_ldd=True, send_events=False, diagnostic_opt_out=True)
        return LDClient(config), Context.create("user-17"), store

    def swap(self, reader: Any, document: bytes) -> None:
        from ldclient.versioned_data_kind import FEATURES, SEGMENTS

        reader[2].init({FEATURES: json.loads(document), SEGMENTS: {}})

    def read(self, reader: Any, key: str) -> Any:
        return reader[0].variation(key, reader[1], None)


class _LaunchDarkly:
    distribution = "launchdarkly-server-sdk"
    imports = ("import ldclient", "from ldclient import Config, Context, LDClient")

    def __init__(self) -> None:
        self.bulk = _Bulk()
        clauses = [_clause("country", specimen.COUNTRIES), _clause("plan", [specimen.PLAN])]
        halves = {"rollout": {"variations": [{"variation": each, "weight": 50_000} for each in (0, 1)]}}
        flags = {key: _flag(key, [value]) for key, value in specimen.values().items()}
        flags["targeted"] = _flag("targeted", [False, True], rules=[{"id": "r", "variation": 1, "clauses": clauses}])
        flags["half"] = _flag("half", [False, True], halves)
        self._client = self.bulk.load(json.dumps(flags).encode())[0]

    def asking(self, who: Mapping[str, Any]) -> dict[str, Any]:
        from ldclient import Context

        mapping = {"kind": "user", **{("key" if k == "targeting_key" else k): v for k, v in who.items()}}
        return {"o": self._client, "C": Context.from_dict, "w": mapping, "c": Context.from_dict(mapping)}

    def readings(self) -> dict[str, Reading | str]:
        return {
            "boolean": Reading("o.variation('plain-42', c, False)"),
            "string": Reading("o.variation('text-3', c, '')"),
            "json": Reading("o.variation('object-2', c, {})"),
            "targeted": Reading("o.variation('targeted', c, False)"),
            "built": Reading("o.variation('targeted', C(w), False)"),
            "rollout": Reading("o.variation('half', c, False)"),
            "all": Reading("o.all_flags_state(c).to_values_map()"),
        }

    def close(self) -> None:
        self._client.close()


def make() -> Peer:
    """
    The SDK with 98 of the flags.
    """
    return _LaunchDarkly()
