"""
An HTTP server on the loopback that says exactly what it is told to, byte for byte, and nothing else.

Plain sockets and threads: what a well-behaved HTTP library would refuse to send is what is wanted here.
"""

from __future__ import annotations

import re
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

__all__ = ["Call", "ScriptedServer"]

#: Calls that are remembered, the newest ones: a soak of a million requests must not fill the memory it watches.
_KEPT_CALLS = 1000

#: Connections at a time; one more is closed as it comes. A client that leaks connections must not take the machine.
_MAX_CONNECTIONS = 500

#: Seconds that one write, or the rest of a request, may take. A client that does neither within it has gone.
_IO_SECONDS = 5.0

#: Seconds between two looks at whether the other side has gone, where nothing else would tell.
_LOOK_SECONDS = 0.05

#: Connections that fit into a backlog of none, at most: Linux lets one in, others a few.
_MAX_BACKLOG = 16

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *([0-9]+)")


@dataclass
class Call:
    """
    One request, and the connection to answer on.

    Attributes:
        method: such as `GET`.
        target: path and query.
        headers: by name in lower case.
        body: what was sent along.
        port: where it came in.
        nth: its number on its connection, from 1.
        at: when it came, in seconds of `time.monotonic`.
    """

    method: str
    target: str
    headers: dict[str, str]
    sock: socket.socket = field(repr=False)
    closing: threading.Event = field(repr=False)
    body: bytes = b""
    port: int = 0
    nth: int = 1
    at: float = field(default_factory=time.monotonic)
    _chunked: bool = field(default=False, repr=False)

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def answer(self, status: int = 200, body: bytes = b"", **headers: str) -> None:
        """
        A whole answer. In a header's name, `_` stands for `-`.
        """
        self.head(status, Content_Length=str(len(body)), **headers)
        self.send(body)

    def head(self, status: int = 200, **headers: str) -> None:
        """
        The beginning of an answer, up to its body.
        """
        lines = [f"HTTP/1.1 {status} X"] + [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def stream(self, *events: bytes, chunked: bool = True) -> None:
        """
        The beginning of an event stream.
        """
        self._chunked = chunked
        if chunked:
            self.head(Content_Type="text/event-stream; charset=utf-8", Transfer_Encoding="chunked")
        else:
            self.head(Content_Type="text/event-stream", Connection="close")
        for event in events:
            self.event(event)

    def event(self, data: bytes) -> None:
        """
        Bytes of the stream, as one chunk of their own.
        """
        self.send(b"%x\r\n%s\r\n" % (len(data), data) if self._chunked else data)

    def finish(self) -> None:
        """
        The clean end of a chunked stream.
        """
        self.send(b"0\r\n\r\n")

    def hang(self) -> None:
        """
        Say nothing more, until the client goes or the server closes.
        """
        while not (self.closing.is_set() or self.is_gone(_LOOK_SECONDS)):
            pass

    def is_gone(self, within_seconds: float = 0.0) -> bool:
        """
        Whether the client has closed the connection; waits for that at most `within_seconds`.
        """
        self.sock.settimeout(within_seconds or 1e-6)
        try:
            return not self.sock.recv(65536)
        except TimeoutError:
            return False
        except OSError:
            return True
        finally:
            with suppress(OSError):
                self.sock.settimeout(_IO_SECONDS)

    def cut(self) -> None:
        """
        Close the connection, wherever it is.
        """
        raise ConnectionAbortedError


class ScriptedServer:
    """
    Hands each request to `answer`, in the connection's own thread. Listens on 127.0.0.1 from its making to `close`.

    Args:
        answer: says something; an `OSError` from it closes the connection.
        tls: TLS settings of a server; None for plain HTTP.

    Attributes:
        calls: the newest thousand requests.
        requests: how many there were.
        connections: how many connections there were.
        port: where it listens; stays the same.
        tls: may be replaced, and then goes for new connections.
        welcome: called with each new connection's socket before anything is read of it; None for no such thing.
    """

    def __init__(self, answer: Callable[[Call], None], tls: ssl.SSLContext | None = None) -> None:
        self.calls: list[Call] = []
        self.requests = 0
        self.connections = 0
        self.tls = tls
        self.welcome: Callable[[socket.socket], None] | None = None
        self.closing = threading.Event()
        self._answer = answer
        self._lock = threading.Lock()
        self._open: dict[int, socket.socket] = {}
        self._threads: set[threading.Thread] = set()
        # Never listens itself: it keeps the port, so that the server can be away and come back to the same one.
        self._holder = _bound(0)
        self.port: int = self._holder.getsockname()[1]
        self._door: _Door | _BlockedDoor | None = None
        self.listen()

    @property
    def origin(self) -> str:
        """
        Scheme, host and port.
        """
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def open(self) -> int:
        """
        How many connections are open.
        """
        return len(self._open)

    def listen(self) -> None:
        """
        Take connections. Does nothing to a server that does.
        """
        if self._door is None:
            self._door = _Door(self.port, self._admit)

    def block(self) -> None:
        """
        Let connections hang before they are taken, until `leave`; those that are open stay.
        """
        self.leave()
        self._door = _BlockedDoor(self.port)

    def leave(self) -> None:
        """
        Refuse connections; those that are open stay.
        """
        door, self._door = self._door, None
        if door is not None:
            door.close()

    def cut(self) -> None:
        """
        Shut every connection down.
        """
        with self._lock:
            sockets = list(self._open.values())
        for sock in sockets:
            with suppress(OSError):  # gone by itself
                socket.socket.shutdown(sock, socket.SHUT_RDWR)  # TLS's own would take its state from the one who reads

    def close(self) -> None:
        """
        Cut every connection, and wait for their threads.
        """
        self.closing.set()
        self.leave()
        self.cut()
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join(_IO_SECONDS)
        self._holder.close()

    def _admit(self, sock: socket.socket) -> None:
        thread = threading.Thread(target=self._serve, args=(sock,), name=f"scripted server {self.port}", daemon=True)
        with self._lock:
            self.connections += 1
            if len(self._open) >= _MAX_CONNECTIONS:
                sock.close()
                return
            self._open[id(thread)] = sock
            self._threads.add(thread)
        thread.start()

    def _serve(self, sock: socket.socket) -> None:
        me = threading.current_thread()
        try:
            sock.settimeout(_IO_SECONDS)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.welcome is not None:
                self.welcome(sock)
            if self.tls is not None:
                sock = self._wrapped(sock, self.tls)
            self._converse(sock)
        except (OSError, ValueError):
            pass  # the client went, or does not speak HTTP; its test knows
        finally:
            with self._lock:
                self._open.pop(id(me)).close()
                self._threads.discard(me)

    def _wrapped(self, sock: socket.socket, tls: ssl.SSLContext) -> socket.socket:
        # Known before the handshake, which may take long and must be cut as anything else.
        with self._lock:
            wrapped = tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
            self._open[id(threading.current_thread())] = wrapped
        wrapped.do_handshake()
        return wrapped

    def _converse(self, sock: socket.socket) -> None:
        buffer = b""
        nth = 0
        while not self.closing.is_set():
            head, found, rest = buffer.partition(b"\r\n\r\n")
            if not found:
                sock.settimeout(None)  # an idle connection is woken by `cut`
                data = sock.recv(65536)
                if not data:
                    return
                buffer += data
                continue
            sock.settimeout(_IO_SECONDS)
            said = _LENGTH.search(head)
            length = int(said[1]) if said else 0
            while len(rest) < length:
                rest += sock.recv(65536) or _ended()
            nth += 1
            buffer = rest[length:]
            self._take(head, rest[:length], sock, nth)

    def _take(self, head: bytes, body: bytes, sock: socket.socket, nth: int) -> None:
        first, *rest = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
        call = Call(method, target, headers, sock, self.closing, body, self.port, nth)
        with self._lock:
            self.requests += 1
            self.calls.append(call)
            del self.calls[:-_KEPT_CALLS]
        self._answer(call)


class _Door:
    """
    One spell of listening, in a thread of its own. Closing it takes effect before it returns.
    """

    def __init__(self, port: int, admit: Callable[[socket.socket], None]) -> None:
        self._admit = admit
        self._listener = _bound(port)
        self._listener.listen(128)
        self._listener.setblocking(False)
        self._woken, self._waker = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name=f"scripted server {port}: door", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._waker.close()
        self._thread.join()
        self._listener.close()
        self._woken.close()

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if self._woken in ready:
                    return
                with suppress(OSError):  # it went before it was let in
                    sock, _ = self._listener.accept()
                    self._admit(sock)


class _BlockedDoor:
    """
    A listener whose backlog is full, so that the system lets nobody else in.
    """

    def __init__(self, port: int) -> None:
        self._sockets = [_bound(port)]
        self._sockets[0].listen(0)
        for _ in range(_MAX_BACKLOG):
            sock = socket.socket()
            self._sockets.append(sock)
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", port))
            with selectors.DefaultSelector() as selector:
                selector.register(sock, selectors.EVENT_WRITE)
                if not selector.select(_LOOK_SECONDS):
                    return

    def close(self) -> None:
        for sock in self._sockets:
            sock.close()


def _bound(port: int) -> socket.socket:
    sock = socket.socket()
    try:
        for option in ("SO_REUSEADDR", "SO_REUSEPORT"):
            if hasattr(socket, option):
                sock.setsockopt(socket.SOL_SOCKET, getattr(socket, option), 1)
        sock.bind(("127.0.0.1", port))
    except BaseException:
        sock.close()
        raise
    return sock


def _ended() -> bytes:
    raise ConnectionResetError
