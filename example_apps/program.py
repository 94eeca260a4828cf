"""
A server in a process of its own: started, asked whether it answers, stopped.
"""

from __future__ import annotations

import http.client
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["Program", "stop_all"]

#: Where `python -m example_apps…` finds the examples: the checkout.
_ROOT = Path(__file__).parents[1]

#: Seconds that one question may take; a program that is busy starting is asked again.
_ANSWER_SECONDS = 5.0

#: Seconds that all programs together get to end by themselves. uvicorn gives open connections three.
_STOP_SECONDS = 5.0

#: Lines of a program's log to show when it has died: a traceback's last frames and its message.
_LAST_LINES = 12


class Program:
    """
    One server, running from construction on. Its output goes to a file, so that four of them do not talk at once.

    Args:
        name: for people, and of the log file.
        port: where it will listen on 127.0.0.1.
        arguments: what follows `python -m`.
        environ: its whole environment.
        folder: where its log goes.
    """

    def __init__(
        self, name: str, port: int, arguments: Sequence[str], environ: Mapping[str, str], folder: Path
    ) -> None:
        self.name = name
        self.port = port
        self._log = folder / f"{name}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=_ROOT,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def url(self) -> str:
        """
        Its address, such as http://127.0.0.1:8099.
        """
        return f"http://127.0.0.1:{self.port}"

    @property
    def has_died(self) -> bool:
        """
        Whether its process has ended.
        """
        return self._process.poll() is not None

    def answers(self) -> bool:
        """
        Whether it answers HTTP, with whatever status: a shop that is closed is running. Asks once, for 5 s at most.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_ANSWER_SECONDS)
        try:
            connection.request("GET", "/")
            connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        return True

    def last_words(self) -> str:
        """
        The end of its log, and how it ended.
        """
        lines = self._log.read_text("utf-8", "replace").splitlines()[-_LAST_LINES:]
        return "\n".join([*lines, f"{self.name} has ended with status {self._process.poll()}; see above."])

    def terminate(self) -> None:
        """
        Ask it to end.
        """
        self._process.terminate()

    def wait(self, seconds: float) -> None:
        """
        Wait until it has ended; kill it when `seconds` have passed.
        """
        try:
            self._process.wait(max(0.0, seconds))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def stop_all(programs: Sequence[Program]) -> None:
    """
    End them all, at once. None is left when this returns, which is within 5 s or little more.
    """
    deadline = time.monotonic() + _STOP_SECONDS
    for program in programs:
        program.terminate()
    for program in programs:
        program.wait(deadline - time.monotonic())
