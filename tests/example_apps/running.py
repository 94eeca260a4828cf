"""
`python -m example_apps`, started for real: where it is, which processes it has, and its end.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

_ROOT = Path(__file__).parents[2]

#: Seconds for four servers to start on a machine that has a lot else to do.
_START_SECONDS = 60.0


class Running:
    """
    The four programs.

    Args:
        folder: stands in for the machine's temporary folder; must exist.
        arguments: further ones of the command line.
    """

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        # Of one's own: other tests may run the examples at the same time. Below those that the kernel hands out.
        port = str(random.randrange(10_000, 32_000, 10))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "example_apps", "--port", port, *arguments],
            cwd=_ROOT,
            env={**os.environ, "TMPDIR": str(folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a process group of its own, as a terminal gives one
        )
        self.urls: list[str] = []
        self._pids: list[int] = []

    def __enter__(self) -> Running:  # noqa: PYI034 - Self is not in Python 3.10
        return self

    def __exit__(
        self, failure: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        if failure is not None:
            # Nothing is known of its state: a test that fails leaves no process either.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        elif self.process.poll() is None:
            self.stop()
        self.process.wait()

    def await_ready(self) -> None:
        """
        Wait until it has printed the four addresses, as it does when all answer.
        """
        assert self.process.stdout is not None
        printed = ""
        for line in self.process.stdout:
            printed += line
            if "Ctrl-C" in line:
                break
        self.urls = re.findall(r"http://127\.0\.0\.1:\d+", printed)
        assert len(self.urls) == 4, printed or self.process.communicate()[1]

    def pids(self) -> list[int]:
        """
        The processes that it has started, and those that these have.
        """
        found = [self.process.pid]
        for pid in found:
            with contextlib.suppress(FileNotFoundError):  # it has just ended
                found += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        self._pids = found[1:]
        return self._pids

    def put(self, key: str, value: Any) -> None:
        """
        Change a flag as the server's page does.
        """
        answer = httpx.put(f"{self.urls[0]}/api/v1/flags/{key}", json={"value": value}, headers={"if-match": "*"})
        assert answer.status_code == 200, answer.text

    def stop(self, signal_: int = signal.SIGTERM) -> tuple[int, str]:
        """
        Send the signal and wait for the end.

        Returns:
            The exit status and what it wrote to standard error.
        """
        self.pids()
        self.process.send_signal(signal_)
        return self.ended()

    def press_ctrl_c(self) -> tuple[int, str]:
        """
        As `stop`, the way a terminal does it: all processes get the signal, at once.
        """
        self.pids()
        os.killpg(self.process.pid, signal.SIGINT)
        return self.ended()

    def ended(self) -> tuple[int, str]:
        """
        As `stop`, without a signal.
        """
        _, written = self.process.communicate(timeout=_START_SECONDS)
        return self.process.returncode, written

    def leftovers(self) -> list[object]:
        """
        What has outlived it: processes seen at the last look, open ports, files.
        """
        alive: list[object] = [pid for pid in self._pids if Path(f"/proc/{pid}").exists()]
        return [*alive, *filter(_is_open, self.urls), *self.folder.iterdir()]


def _is_open(url: str) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) == 0


def until(condition: Any, within_seconds: float) -> float:
    """
    The seconds that `condition()` took to hold; fails after `within_seconds`.
    """
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() - begin < within_seconds, f"not within {within_seconds} s"
        time.sleep(0.01)
    return time.monotonic() - begin
