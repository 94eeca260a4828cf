from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# What a machine under load takes for an example says nothing about the example.
settings.register_profile("flagcore", deadline=None)
settings.load_profile("flagcore")


@pytest.fixture(autouse=True)
def _own_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    No test reads or writes the user's own cache folder, and none is configured by the environment it runs in.
    """
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in [name for name in os.environ if name.startswith(("FLAGCORE_", "FLAGS_", "FLAG_"))]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _no_thread_left() -> Iterator[None]:
    """
    Each test closes what it started: none may be disturbed by another's threads, nor hide that one was left.
    """
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 2
    while left := [each for each in threading.enumerate() if each not in before and each.name.startswith("flagcore")]:
        assert time.monotonic() < deadline, f"left running: {[each.name for each in left]}"
        time.sleep(0.01)
