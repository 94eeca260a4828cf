from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _own_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    No test reads or writes the user's own cache folder, and none is configured by the environment it runs in.
    """
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in [name for name in os.environ if name.startswith(("FLAGCORE_", "FLAGS_", "FLAG_"))]:
        monkeypatch.delenv(name)
