"""
The Django project as real processes, and a flag service that counts who asks it.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
MANAGE = str(Path(__file__).parent / "django_project" / "manage.py")

#: Seconds within which a process that starts must have started.
SOON = 20.0


class Service:
    """
    A flag service that counts who comes.

    Attributes:
        requests: how many have come.
    """

    def __init__(self) -> None:
        self.requests = 0
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                service.requests += 1
                body = b'{"flags": {"new-checkout": {"value": true}}}'
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def environment(self) -> dict[str, str]:
        """
        What makes a project ask this service, once for each process.
        """
        url = f"http://127.0.0.1:{self._server.server_address[1]}/flags"
        return {
            "FLAGCORE_SOURCE": "http",
            "FLAGCORE_URL": url,
            "FLAGCORE_FORMAT": "native",
            "FLAGCORE_POLL_SECONDS": "3600",
        }

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def environment(extra: dict[str, str]) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), **extra}


def run(*arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """
    A Python process of the project's, to its end.
    """
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, env=environment(extra), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def free_port() -> int:
    """
    A port that was free a moment ago, below those that outgoing connections take for themselves.
    """
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                listener.bind(("127.0.0.1", port))
                return port


class Running:
    """
    A process of the project's and its children, for as long as the block.
    """

    def __init__(self, *arguments: str, **extra: str) -> None:
        self._arguments = arguments
        self._extra = extra

    def __enter__(self) -> subprocess.Popen[bytes]:
        self._process = subprocess.Popen(
            [sys.executable, *self._arguments],
            env=environment(self._extra),
            cwd=ROOT,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return self._process

    def __exit__(self, *_: object) -> None:
        os.killpg(self._process.pid, signal.SIGTERM)
        self._process.wait(10)


def answered(url: str) -> Any:
    """
    The JSON at `url`, as soon as a server answers there.
    """
    end = time.monotonic() + SOON
    while True:
        with suppress(httpx.TransportError):
            return httpx.get(url).json()
        assert time.monotonic() < end, f"nothing answers at {url}"
        time.sleep(0.05)
