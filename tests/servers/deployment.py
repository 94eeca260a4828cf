"""
A server under test: its processes, whom it answers through, and its end.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

from tests.servers.cell import Cell

__all__ = ["Deployment"]

_ROOT = Path(__file__).parents[2]

#: Seconds that a request may take, and that a server may take to come up on a machine that has a lot else to do.
_ANSWER_SECONDS = 10.0
_START_SECONDS = 60.0
#: Seconds between two questions; well below what an answer takes.
_BETWEEN_SECONDS = 0.005
#: Seconds after which processes that don't end are killed, so that a failing test leaves none.
_KILL_SECONDS = 15.0


class Deployment:
    """
    The processes that serve a cell's application.

    Args:
        cell: what to serve, and how.
        folder: for its log, its cache and whatever else it writes.
        environment: what configures its flags.

    Attributes:
        told: all that was ever read.
    """

    def __init__(self, cell: Cell, folder: Path, environment: Mapping[str, str]) -> None:
        self.cell = cell
        self.told: set[str] = set()
        self.folder = folder
        self._port = _free_port()
        self._log = folder / "log"
        (folder / "touched.py").write_text("")
        # Short, for the sockets that some put there: a path of theirs has 107 bytes.
        self._temporary = tempfile.TemporaryDirectory(prefix="servers")
        own = {**environment, **cell.environment, "TMPDIR": self._temporary.name, "PYTHONUNBUFFERED": "1"}
        given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        own["PYTHONPATH"] = os.pathsep.join([str(_ROOT), str(folder), *filter(None, given)])
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                cell.arguments(self._port),
                cwd=folder,
                env={**os.environ, **own},
                stdout=log,
                stderr=log,
                start_new_session=True,  # whoever is in it belongs to this, however it came about
            )

    def __enter__(self) -> Deployment:  # noqa: PYI034 - Self is not in Python 3.10
        return self

    def __exit__(self, *_: object) -> None:
        for pid in self.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._temporary.cleanup()

    @property
    def log(self) -> str:
        """
        What it has written.
        """
        return self._log.read_text(encoding="utf-8", errors="replace")

    def pids(self) -> set[int]:
        """
        Every process that came of it and still is.
        """
        return {pid for pid, session, state in _processes() if session == self._process.pid and state != "Z"}

    def ask(self) -> dict[int, str]:
        """
        Put a few questions at once, each on a connection of its own: {process: what it read}.
        """
        answers = self._ask(self.cell.workers + 1)
        self.told.update(answers.values())
        return answers

    def await_up(self) -> None:
        """
        Wait until it answers.
        """
        deadline = time.monotonic() + _START_SECONDS
        while not self.ask():
            assert self._process.poll() is None, f"it ended:\n{self.log}"
            assert time.monotonic() < deadline, f"it did not come up:\n{self.log}"
            time.sleep(0.05)

    def touch(self) -> None:
        """
        Change a file of the application.
        """
        (self.folder / "touched.py").write_text(f"at = {time.time()}\n")

    def end(self) -> float:
        """
        Have it end as its cell says. Returns how many seconds all of its processes took; fails if one is left.
        """
        began = time.monotonic()
        if self.cell.ends_group:
            os.killpg(self._process.pid, self.cell.end)
        else:
            self._process.send_signal(self.cell.end)
        while left := self.pids():
            self._process.poll()
            assert time.monotonic() < began + _KILL_SECONDS, f"still there: {left}\n{self.log}"
            time.sleep(0.01)
        seconds = time.monotonic() - began
        self._process.wait(_KILL_SECONDS)
        return seconds

    def _ask(self, times: int) -> dict[int, str]:
        asked = []
        with ThreadPoolExecutor(times) as pool:
            for _ in range(times):
                asked.append(pool.submit(self._ask_one))
                # Whoever took the one before is busy with it: at once, one process might take them all.
                time.sleep(_BETWEEN_SECONDS)
        return dict(each.result() for each in asked if each.result() is not None)

    def _ask_one(self) -> tuple[int, str] | None:
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=_ANSWER_SECONDS)) as connection:
            try:
                connection.request("GET", "/", headers={"Connection": "close"})
                response = connection.getresponse()
                content = response.read()
            except (OSError, http.client.HTTPException):
                return None  # not up yet, or about to be replaced
        assert response.status == 200, f"{response.status} {content!r}\n{self.log}"
        told = json.loads(content)
        return told["pid"], told["value"]


def _free_port() -> int:
    # Below those that the kernel hands out, as the server only listens in a moment.
    while True:
        port = random.randrange(10_000, 32_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def _processes() -> list[tuple[int, int, str]]:
    """
    (process, session, state) of all processes. Source: proc_pid_stat(5).
    """
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                state, _, _, session, *_ = (entry / "stat").read_text().rpartition(")")[2].split()
                found.append((int(entry.name), int(session), state))
    return found
