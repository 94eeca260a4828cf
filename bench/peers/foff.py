"""
foff: configs with overrides along a hierarchy, asked for by a path of ids. Fed by a server on the loopback.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bench import specimen
from bench.loopback import Loopback
from bench.peer import Peer, Reading

__all__ = ["make"]


class _Bulk:
    def __init__(self) -> None:
        self.servers: list[Loopback] = []

    def document(self, values: Mapping[str, Any]) -> bytes:
        features = {key: {"default": value} for key, value in values.items()}
        return json.dumps({"ordered_hierarchy": specimen.HIERARCHY, "features": features}).encode()

    def load(self, document: bytes) -> Any:
        from foff import Client, Config

        server = Loopback(document)
        self.servers.append(server)
        return Client(Config("key", server.url, "scope", 0)), server

    def swap(self, reader: Any, document: bytes) -> None:
        # What its poll does: the request to the loopback is part of it.
        reader[1].document = document
        reader[0]._fetch_configs()

    def read(self, reader: Any, key: str) -> Any:
        return reader[0].get_feature_config(key, ["a", "b", "c"])


class _Foff:
    distribution = "foff"
    imports = ("import foff", "from foff import Client, Config")

    def __init__(self) -> None:
        self.bulk = _Bulk()
        document = json.loads(self.bulk.document(specimen.values()))
        layered = {"#".join(path): value for path, value in specimen.LAYERED.items()}
        document["features"]["layered"] = {"default": "light", **layered}
        self._reader = self.bulk.load(json.dumps(document).encode())

    def asking(self, who: Mapping[str, Any]) -> dict[str, Any]:
        return {"o": self._reader[0], "h": [who[name] for name in specimen.HIERARCHY]}

    def readings(self) -> dict[str, Reading | str]:
        layered = Reading("o.get_feature_config('layered', h)")
        return {
            "boolean": Reading("o.get_feature_config('plain-42', h)"),
            "string": Reading("o.get_feature_config('text-3', h)"),
            "json": Reading("o.get_feature_config('object-2', h)"),
            "deepest": layered,
            "default": layered,
            "path": layered,
        }

    def close(self) -> None:
        for server in self.bulk.servers:
            server.close()


def make() -> Peer:
    """
    foff with the 96 plain flags and the hierarchical one. It gives the cache's own objects, not copies.
    """
    return _Foff()
