"""
Sockets for httpcore that another thread can interrupt, and that a deadline over many calls holds for.

Closing a socket does not wake the thread that reads it; shutting it down does. While a connection is being made there
is nothing to shut down on every system, so that is waited for in short slices.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpcore

from flagcore.network.leash import Leash
from flagcore.network.lookup import Endpoint, Lookup, endpoints_of, literal

__all__ = ["Sockets"]

#: Seconds between two looks at the leash while a connection is being made: well under the second in which a client
#: promises to close, and ten wake-ups a second for the few seconds this can take.
_SLICE_SECONDS = 0.1

#: Bytes read of a TLS connection at once: one record and its frame.
_RECORD_BYTES = 17 * 1024


class Sockets(httpcore.NetworkBackend):
    """
    What httpcore connects through.

    Args:
        leash: what cuts every call short.
    """

    def __init__(self, leash: Leash) -> None:
        self._leash = leash
        self._lookup = Lookup()
        #: Connections begun so far: tells a new one from one that was kept.
        self.made = 0

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,  # noqa: ARG002 - never asked for
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002 - never asked for
    ) -> httpcore.NetworkStream:
        self.made += 1
        with _told(httpcore.ConnectTimeout, httpcore.ConnectError):
            until = None if timeout is None else time.monotonic() + timeout
            endpoints = self._endpoints(host, port, timeout)
            for at, endpoint in enumerate(endpoints):
                # Each address has its share of the time, so that one that swallows packets leaves some for the next.
                left = self._leash.left(None if until is None else until - time.monotonic())
                share = None if left is None else left / (len(endpoints) - at)
                try:
                    return SocketStream(_connect(endpoint, self._leash, share), self._leash)
                except OSError:
                    if at == len(endpoints) - 1:
                        raise
            raise OSError(f"no address for {host!r}")

    def _endpoints(self, host: str, port: int, timeout: float | None) -> list[Endpoint]:
        written = literal(host, port)
        if written is not None:
            return [written]
        pending = self._lookup.begin(host, port)
        woken = threading.Event()
        pending.when_done(woken.set)
        unwatch = self._leash.watch(woken.set)
        try:
            woken.wait(self._leash.left(timeout))
        finally:
            unwatch()
        if not pending.is_done:
            self._leash.left(timeout)
            raise TimeoutError(f"looking up {host!r} took too long")
        return endpoints_of(pending)

    def sleep(self, seconds: float) -> None:
        self._leash.sleep(seconds)


class SocketStream(httpcore.NetworkStream):
    """
    A connected socket, known to the leash from now until it is closed.
    """

    def __init__(self, sock: socket.socket, leash: Leash) -> None:
        self._sock = sock
        self._leash = leash
        self._unwatch = leash.watch(self._shut_down)

    def _shut_down(self) -> None:
        # Gone, or never connected: there is nobody left to wake.
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with _told(httpcore.ReadTimeout, httpcore.ReadError):
            # In two steps: what waits here while the process forks goes on in the child too, where threads are gevent's
            # greenlets, and must not take what came for the parent.
            _await_readable(self._sock, self._leash.left(timeout))
            self._sock.settimeout(self._leash.left(timeout))
            return self._sock.recv(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        with _told(httpcore.WriteTimeout, httpcore.WriteError):
            self._sock.settimeout(self._leash.left(timeout))
            self._sock.sendall(buffer)

    def close(self) -> None:
        self._unwatch()
        self._sock.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return TLSStream(self, ssl_context, server_hostname, timeout)

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return _is_readable(self._sock)
        return {"socket": self._sock}.get(info)


class TLSStream(httpcore.NetworkStream):
    """
    TLS over a stream, which may be TLS itself: to a server behind an https proxy.
    """

    def __init__(
        self, inner: httpcore.NetworkStream, context: ssl.SSLContext, server_hostname: str | None, timeout: float | None
    ) -> None:
        self._inner = inner
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        try:
            with _told(httpcore.ConnectTimeout, httpcore.ConnectError):
                self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_hostname)
                while not self._attempt(self._tls.do_handshake, timeout):
                    pass
        except BaseException:
            inner.close()
            raise

    def _attempt(self, step: Callable[[], object], timeout: float | None) -> bool:
        """
        Whether `step` came through; else what it lacked has been fetched.
        """
        try:
            step()
        except ssl.SSLWantReadError:
            self._flush(timeout)
            data = self._inner.read(_RECORD_BYTES, timeout)
            if data:
                self._incoming.write(data)
            else:
                self._incoming.write_eof()
            return False
        self._flush(timeout)
        return True

    def _flush(self, timeout: float | None) -> None:
        if self._outgoing.pending:
            self._inner.write(self._outgoing.read(), timeout)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        got: list[bytes] = []
        with _told(httpcore.ReadTimeout, httpcore.ReadError):
            try:
                while not self._attempt(lambda: got.append(self._tls.read(max_bytes)), timeout):
                    pass
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                # HTTP itself knows whether this came too early.
                return b""
        return got[0]

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        with _told(httpcore.WriteTimeout, httpcore.WriteError):
            # Into memory, which takes all of it at once; the socket's part is in the flush.
            while not self._attempt(lambda: self._tls.write(buffer), timeout):
                pass

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return TLSStream(self, ssl_context, server_hostname, timeout)

    def get_extra_info(self, info: str) -> Any:
        return self._tls if info == "ssl_object" else self._inner.get_extra_info(info)


@contextmanager
def _told(late: type[Exception], broken: type[Exception]) -> Iterator[None]:
    """
    The system's errors in httpcore's words, which its interface asks for.
    """
    try:
        yield
    except TimeoutError as error:
        raise late(str(error)) from error
    except OSError as error:
        raise broken(str(error)) from error


def _connect(endpoint: Endpoint, leash: Leash, timeout: float | None) -> socket.socket:
    sock = socket.socket(endpoint.family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        code = sock.connect_ex(endpoint.place)
        if code in (errno.EINPROGRESS, errno.EWOULDBLOCK):
            _await_writable(sock, leash, timeout)
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        _check(code)
        # A request goes out in one piece, and should not wait for an acknowledgement of nothing.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        sock.close()
        raise
    return sock


def _check(code: int) -> None:
    if code:
        raise OSError(code, os.strerror(code))


def _await_writable(sock: socket.socket, leash: Leash, timeout: float | None) -> None:
    until = None if timeout is None else time.monotonic() + timeout
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_WRITE)
        while True:
            left = leash.left(None if until is None else until - time.monotonic())
            if left is not None and left <= 0:
                raise TimeoutError("connecting took too long")
            if selector.select(_SLICE_SECONDS if left is None else min(left, _SLICE_SECONDS)):
                return


def _await_readable(sock: socket.socket, timeout: float | None) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        if not selector.select(timeout):
            raise TimeoutError("nothing came in time")


def _is_readable(sock: socket.socket) -> bool:
    # An idle connection that has something to say was closed by the other side. A closed one counts as that too.
    if sock.fileno() < 0:
        return True
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        return bool(selector.select(0))
