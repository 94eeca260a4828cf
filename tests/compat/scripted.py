"""
A real HTTP server on loopback that answers as it is told at the moment it is asked: for what a sound service won't do.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Scripted(ThreadingHTTPServer):
    """
    Attributes:
        status: what the next request is answered with.
        body: what follows the head.
        type: its content type.
        gate: requests wait here until it is set.
        ended: event streams stay open after their body until it is set.
        asked: the path of each request that came.
        keys: the API key each came with, under either service's header.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.body = b""
        self.type = "application/json"
        self.asked: list[str] = []
        self.keys: list[str | None] = []
        self.gate = threading.Event()
        self.gate.set()
        self.ended = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """
        A client that went away while it was answered is no error here.
        """


class _Handler(BaseHTTPRequestHandler):
    server: Scripted

    def do_GET(self) -> None:
        """
        Note who asks, wait at the gate, answer.
        """
        script = self.server
        script.keys.append(self.headers["x-foff-api-key"] or self.headers["x-api-key"])
        script.asked.append(self.path)
        script.gate.wait(10)
        self.send_response(script.status)
        self.send_header("content-type", script.type)
        self.end_headers()
        self.wfile.write(script.body)
        if script.status == 200 and script.type == "text/event-stream":
            script.ended.wait(10)

    def log_message(self, *_: object) -> None:
        """
        Say nothing.
        """


@contextmanager
def scripted() -> Iterator[Scripted]:
    """
    The server while it runs; its open streams end with it.
    """
    server = Scripted()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.gate.set()
        server.ended.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def followers() -> list[str]:
    """
    The names of the threads that keep flags fresh.
    """
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("flagcore")]
