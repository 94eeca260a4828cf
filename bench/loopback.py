"""
A server on the loopback, for peers that take their flags from a service only, and for the row about streams.
"""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["Loopback"]


class Loopback:
    """
    Answers each GET with `document`; with an event stream where one is asked for.

    Attributes:
        document: the present answer's body.
        url: where it listens.
        padding: bytes of comment after each event, for readers that wait for more than an event.
    """

    def __init__(self, document: bytes, padding: int = 0) -> None:
        self.document = document
        self.padding = padding
        self._streams: list[Any] = []
        self._closing = threading.Event()
        loopback = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if "event-stream" in self.headers.get("Accept", ""):
                    self.send_response(200)
                    self.send_header("Content-Type", "text/event-stream")
                    self.send_header("Connection", "close")
                    self.end_headers()
                    self.wfile.write(loopback.event())
                    loopback._streams.append(self.wfile)
                    loopback._closing.wait()
                else:
                    self.send_response(200)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(loopback.document)))
                    self.end_headers()
                    self.wfile.write(loopback.document)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        # A client that is measured may be gone before its answer: that is no news.
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def event(self) -> bytes:
        """
        The document as an event, with the padding after it.
        """
        return b"data: " + self.document + b"\n\n" + (b":" + b" " * self.padding + b"\n" if self.padding else b"")

    def send(self, document: bytes) -> None:
        """
        Replace the document and tell every open stream.
        """
        self.document = document
        event = self.event()
        for stream in self._streams:
            stream.write(event)

    def close(self) -> None:
        """
        End all streams and stop listening.
        """
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
