"""
Unleash's client, bootstrapped, without registration, metrics or fetching. Values other than booleans are variants.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from typing import Any

from bench import specimen
from bench.peer import Peer, Reading

__all__ = ["make"]


def _feature(key: str, *strategies: dict[str, Any], on: bool = True, text: str | None = None) -> dict[str, Any]:
    feature: dict[str, Any] = {"name": key, "enabled": on, "type": "release"}
    feature["strategies"] = list(strategies) or [{"name": "default", "parameters": {}}]
    if text is not None:
        variant = {"name": "only", "weight": 1000, "weightType": "fix", "stickiness": "default"}
        feature["variants"] = [{**variant, "payload": {"type": "string", "value": text}}]
    return feature


def _document() -> dict[str, Any]:
    constraints = [
        {"contextName": "country", "operator": "IN", "values": specimen.COUNTRIES},
        {"contextName": "plan", "operator": "IN", "values": [specimen.PLAN]},
    ]
    parameters = {"rollout": "50", "stickiness": "userId", "groupId": "half"}
    features = [_feature(key, on=value) for key, value in specimen.BOOLEANS.items()]
    features += [_feature(key, text=value) for key, value in specimen.TEXTS.items()]
    features += [
        _feature("targeted", {"name": "default", "parameters": {}, "constraints": constraints}),
        _feature("half", {"name": "flexibleRollout", "parameters": parameters}),
    ]
    return {"version": 2, "features": features}


class _Unleash:
    distribution = "UnleashClient"
    imports = ("import UnleashClient", "from UnleashClient import UnleashClient")
    bulk = None

    def __init__(self) -> None:
        from UnleashClient import UnleashClient
        from UnleashClient.cache import FileCache

        self._folder = tempfile.mkdtemp(prefix="bench-unleash-")
        cache = FileCache("bench", directory=self._folder)
        cache.bootstrap_from_dict(_document())
        self._client = UnleashClient(
            "http://127.0.0.1:9", "bench", cache=cache, disable_metrics=True, disable_registration=True,
            refresh_interval=86_400,
        )  # fmt: skip
        self._client.initialize_client(fetch_toggles=False)

    def asking(self, who: Mapping[str, Any]) -> dict[str, Any]:
        context = {("userId" if key == "targeting_key" else key): value for key, value in who.items()}
        return {"o": self._client, "c": context, "w": context}

    def readings(self) -> dict[str, Reading | str]:
        return {
            "boolean": Reading("o.is_enabled('plain-42', c)"),
            "string": Reading("o.get_variant('text-3', c)['payload']['value']"),
            "targeted": Reading("o.is_enabled('targeted', c)"),
            "built": Reading("o.is_enabled('targeted', {**w})"),
            "rollout": Reading("o.is_enabled('half', c)"),
        }

    def close(self) -> None:
        self._client.destroy()
        shutil.rmtree(self._folder, ignore_errors=True)


def make() -> Peer:
    """
    Unleash with 93 of the flags: without the objects, the hierarchy and JsonLogic.
    """
    return _Unleash()
