"""
`python -m example_apps`: its end, whoever brings it about.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path

import pytest

import tests.example_apps.requirement  # noqa: F401
from tests.example_apps.running import Running, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


def test_all_end_when_one_dies(tmp_path: Path) -> None:
    """When a shop dies, the other three are stopped, its last words are shown, and the exit status is 1."""
    with Running(tmp_path) as running:
        running.await_ready()
        assert len(running.pids()) == 4
        _, _, flask, _ = running.pids()
        os.kill(flask, signal.SIGKILL)
        status, written = running.ended()
    assert status == 1
    assert "Flask has ended with status -9" in written
    assert "GET / HTTP/1.1" in written, "the end of its log"
    assert running.leftovers() == []


def test_stops_while_it_starts(tmp_path: Path) -> None:
    """A signal before the shops answer ends what has been started so far, with status 0."""
    with Running(tmp_path) as running:
        until(running.pids, 60)
        assert running.stop(signal.SIGTERM) == (0, "")
    assert running.leftovers() == []


def test_own_file_is_served_and_changed(tmp_path: Path) -> None:
    """With --flags the page changes that very file and leaves its comments; a port that is taken is passed over."""
    (tmp_path / "temporary").mkdir()
    path = tmp_path / "own.yaml"
    path.write_text("flags:\n  new-checkout: {value: false}  # off as yet\n", encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with Running(tmp_path / "temporary", "--flags", str(path), "--port", str(port)) as running:
            running.await_ready()
            running.put("new-checkout", True)
            assert running.press_ctrl_c() == (0, "")
    assert path.read_text("utf-8") == "flags:\n  new-checkout: {value: true}  # off as yet\n"
    assert not any(url.endswith(f":{port}") for url in running.urls)
    assert running.leftovers() == []


def test_says_what_is_wrong_with_its_arguments(tmp_path: Path) -> None:
    """A file that is not there, or a port that is none, is refused before anything starts."""
    with Running(tmp_path, "--flags", "nowhere.yaml") as running:
        status, written = running.ended()
    assert status == 2
    assert "--flags: expected a definition file, got nothing at nowhere.yaml" in written
    with Running(tmp_path, "--port", "70000") as running:
        assert running.ended()[0] == 2
    assert running.leftovers() == []
