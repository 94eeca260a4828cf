"""
The processes of a soak: the reader threads, an ASGI server with one process, a WSGI server with four.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["WORKERS", "Readers", "WebServer", "children"]

#: gunicorn's workers.
WORKERS = 4

#: Seconds that a process may take to end: two to close, and what the server itself takes.
_STOP_SECONDS = 20.0

#: Seconds that the readers may take to end: the last change may wait for a stream's 30 s of silence.
_SETTLE_SECONDS = 120.0

_ROOT = Path(__file__).parents[1]

_UVICORN = "uvicorn --factory --fd {fd} --log-level warning --no-access-log soak.apps:asynchronous"
_GUNICORN = (
    "gunicorn --bind fd://{fd} --workers {workers} --worker-class gthread --threads 4 --preload --log-level warning "
    "--graceful-timeout 5 soak.apps:threaded()"
)


class Readers:
    """
    `soak.readers`, from its start to its findings.
    """

    name = "readers"

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self.log = folder / "readers.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "soak.readers"],
                cwd=_ROOT,
                env={**os.environ, **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def pids(self) -> list[int]:
        """
        Of what is to be watched.
        """
        return [self._process.pid]

    def finish(self, revision: int) -> dict[str, Any]:
        """
        Have them wait for `revision` and end. Returns their `Findings`.

        Raises:
            RuntimeError: they ended without any.
        """
        try:
            said, _ = self._process.communicate(f"{revision}\n", _SETTLE_SECONDS)
            found: dict[str, Any] = json.loads(said)
        except (subprocess.TimeoutExpired, ValueError) as error:
            raise RuntimeError(f"the readers: {error}; {self.log.read_text(encoding='utf-8')}") from error
        return found

    def kill(self) -> None:
        """
        End it if it has not ended.
        """
        self._process.kill()
        self._process.wait()


class WebServer:
    """
    A web server on a port of the kernel's choice, which takes connections before it is up.
    """

    def __init__(self, name: str, environment: Mapping[str, str], folder: Path) -> None:
        command = {"uvicorn": _UVICORN, "gunicorn": _GUNICORN}[name]
        self.name = name
        self.log = folder / f"{name}.log"
        with socket.create_server(("127.0.0.1", 0), backlog=512) as listener, self.log.open("wb") as log:
            self.url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
            self._process = subprocess.Popen(
                [sys.executable, "-m", *command.format(fd=listener.fileno(), workers=WORKERS).split()],
                cwd=_ROOT,
                env={**os.environ, **environment},
                pass_fds=[listener.fileno()],
                stdout=log,
                stderr=log,
            )

    def pids(self) -> list[int]:
        """
        Of what is to be watched: whoever serves pages.
        """
        return children(self._process.pid) or [self._process.pid]

    def stop(self) -> float:
        """
        SIGTERM. Returns the seconds until it was gone.

        Raises:
            RuntimeError: it had to be killed, or ended with another code than a server that was told to.
        """
        begun = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            code = None
        if code not in (0, -signal.SIGTERM):
            raise RuntimeError(f"{self.name}: ended with {code}; {self.log.read_text(encoding='utf-8')}")
        return time.monotonic() - begun

    def kill(self) -> None:
        """
        End it and its workers if they have not ended.
        """
        for pid in children(self._process.pid):
            os.kill(pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()


def children(pid: int) -> list[int]:
    """
    The processes that `pid` has started and that run. I/O: reads /proc.
    """
    try:
        told = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(each) for each in told.split()]
