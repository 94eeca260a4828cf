"""
A scripted HTTP server on the loopback, for tests: says to each path exactly what the test tells it to.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time

from flagcore.testing import FaultyServer
from flagcore.testing.scripted import Call, ScriptedServer

__all__ = ["Call", "Server", "closed_port", "deaf_port", "until"]


class Server(ScriptedServer):
    """
    Calls `script[path](call)` for each request, in the connection's own thread; a path without a script is a 404.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.script = {}
        super().__init__(self._play, tls)

    @property
    def url(self) -> str:
        return self.origin

    def seen(self, path: str) -> list[Call]:
        return [call for call in self.calls if call.path == path]

    def await_calls(self, path: str, count: int, timeout: float = 5.0) -> list[Call]:
        """The calls to `path`, once there are `count`."""
        until(lambda: len(self.seen(path)) >= count, timeout, lambda: f"{len(self.seen(path))} calls of {path}")
        return self.seen(path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _play(self, call: Call) -> None:
        self.script.get(call.path, lambda call: call.answer(404))(call)


def until(condition, timeout: float = 5.0, what=lambda: "it") -> None:
    """
    Wait until `condition()` holds; fail with `what()` after `timeout` seconds.
    """
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, f"waited {timeout} s in vain: {what()}"
        time.sleep(0.002)


def closed_port() -> int:
    """
    A port on which nobody listens.
    """
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


@contextlib.contextmanager
def deaf_port():
    """
    A port whose backlog is full: connecting to it takes for ever.
    """
    with FaultyServer({}) as server:
        server.fault("accept-hangs")
        yield server.port
