"""
soasap: one value a flag for everybody. Fed through the file that it keeps between runs, which it reads when made.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench import specimen
from bench.peer import Peer, Reading

__all__ = ["make"]


def _client(document: bytes) -> tuple[Any, Path]:
    from soasap import SoasapClientOptions
    from soasap.client import SoasapClientImpl
    from soasap.internal.file_cache import FileCacheService

    folder = Path(tempfile.mkdtemp(prefix="bench-soasap-"))
    FileCacheService("key", str(folder)).save(document.decode())
    # A port where nobody listens: its worker tries, waits and tries again, and the document on disk answers.
    options = SoasapClientOptions("key", "http://127.0.0.1:9", cache_directory=str(folder))
    return SoasapClientImpl(options), folder


class _Bulk:
    def __init__(self) -> None:
        self.folders: list[Path] = []

    def document(self, values: Mapping[str, Any]) -> bytes:
        return json.dumps(values).encode()

    def load(self, document: bytes) -> Any:
        client, folder = _client(document)
        self.folders.append(folder)
        return client

    def swap(self, reader: Any, document: bytes) -> None:
        # What its worker calls with an event's data; writing to disk comes later, in another thread.
        reader._on_sse_payload(document.decode())

    def read(self, reader: Any, key: str) -> Any:
        value = reader.get_json(key)
        return value if value is not None else reader.get_bool(key)


class _Soasap:
    distribution = "soasap"
    imports = ("import soasap", "from soasap import create_soasap_client")

    def __init__(self) -> None:
        self.bulk = _Bulk()
        self._client = self.bulk.load(self.bulk.document(specimen.values()))

    def asking(self, who: Mapping[str, Any]) -> dict[str, Any]:
        return {"o": self._client}

    def readings(self) -> dict[str, Reading | str]:
        return {
            "boolean": Reading("o.get_bool('plain-42')"),
            "string": Reading("o.get_string('text-3')"),
            "json": Reading("o.get_json('object-2')"),
        }

    def close(self) -> None:
        for folder in self.bulk.folders:
            shutil.rmtree(folder, ignore_errors=True)


def make() -> Peer:
    """
    soasap with the 96 flags that are the same for everybody.
    """
    return _Soasap()
