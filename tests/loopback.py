"""
A scripted HTTP server on the loopback: says exactly what a test tells it to, byte for byte, and nothing else.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field


@dataclass
class Call:
    """
    One request, and the connection to answer on.
    """

    method: str
    target: str
    headers: dict[str, str]
    sock: socket.socket
    server: Server = field(repr=False)
    body: bytes = b""

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def answer(self, status: int = 200, body: bytes = b"", **headers: str) -> None:
        """A whole answer."""
        self.head(status, Content_Length=str(len(body)), **headers)
        self.send(body)

    def head(self, status: int = 200, **headers: str) -> None:
        lines = [f"HTTP/1.1 {status} X"] + [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def stream(self, *events: bytes, chunked: bool = True) -> None:
        """The beginning of an event stream."""
        if chunked:
            self.head(Content_Type="text/event-stream; charset=utf-8", Transfer_Encoding="chunked")
        else:
            self.head(Content_Type="text/event-stream", Connection="close")
        self._chunked = chunked
        for event in events:
            self.event(event)

    def event(self, data: bytes) -> None:
        self.send(b"%x\r\n%s\r\n" % (len(data), data) if self._chunked else data)

    def finish(self) -> None:
        """The clean end of a chunked stream."""
        self.send(b"0\r\n\r\n")

    def hang(self) -> None:
        """Say nothing more, until the client goes or the test is over."""
        self.sock.settimeout(0.02)
        while not self.server.closing.is_set():
            with contextlib.suppress(TimeoutError):
                if not self.sock.recv(1024):
                    return

    def cut(self) -> None:
        """Close the connection, wherever it is."""
        raise ConnectionAbortedError


class Server:
    """
    Calls `script[path](call)` for each request, in the connection's own thread; a path without a script is a 404.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.script = {}
        self.calls: list[Call] = []
        self.closing = threading.Event()
        self.connections = 0
        self.open = 0
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def seen(self, path: str) -> list[Call]:
        return [call for call in self.calls if call.target.partition("?")[0] == path]

    def await_calls(self, path: str, count: int, timeout: float = 5.0) -> list[Call]:
        """The calls to `path`, once there are `count`."""
        until(lambda: len(self.seen(path)) >= count, timeout, lambda: f"{len(self.seen(path))} calls of {path}")
        return self.seen(path)

    def close(self) -> None:
        self.closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _accept(self) -> None:
        while not self.closing.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(sock,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        self.connections += 1
        self.open += 1
        try:
            if self._tls:
                sock.settimeout(5)
                sock = self._tls.wrap_socket(sock, server_side=True)
            self._converse(sock)
        except OSError:
            pass  # the client went; its test knows
        finally:
            self.open -= 1
            sock.close()

    def _converse(self, sock: socket.socket) -> None:
        buffer = b""
        while not self.closing.is_set():
            sock.settimeout(0.05)
            try:
                data = sock.recv(65536)
            except TimeoutError:
                continue
            if not data:
                return
            buffer += data
            while b"\r\n\r\n" in buffer:
                head, _, buffer = buffer.partition(b"\r\n\r\n")
                sock.settimeout(5)
                length = int(re.search(rb"(?i)\ncontent-length: *(\d+)", head + b"\ncontent-length: 0")[1])
                while len(buffer) < length:
                    buffer += sock.recv(65536)
                body, buffer = buffer[:length], buffer[length:]
                self._call(head, sock, body)

    def _call(self, head: bytes, sock: socket.socket, body: bytes = b"") -> None:
        first, *rest = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
        call = Call(method, target, headers, sock, self, body)
        self.calls.append(call)
        path = target.partition("?")[0]
        self.script.get(path, lambda call: call.answer(404))(call)


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
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            sock = stack.enter_context(socket.socket())
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        time.sleep(0.05)
        yield listener.getsockname()[1]
