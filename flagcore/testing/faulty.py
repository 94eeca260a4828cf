"""
A flag service that fails on demand.
"""

from __future__ import annotations

import socket
import ssl
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

from flagcore.errors import ConfigError
from flagcore.testing.answers import ANSWERS, POISON, answer_well, give, retry_after, wants_stream
from flagcore.testing.fault import Fault
from flagcore.testing.revision import Revision, cut_at_characters, encoded
from flagcore.testing.scripted import Call, ScriptedServer
from flagcore.testing.spoiled import bomb

if sys.version_info >= (3, 11):
    from typing import Self
else:
    from typing_extensions import Self

__all__ = ["FaultyServer"]

#: Seconds between two looks at whether the client of a stream has gone.
_LOOK_SECONDS = 0.05

#: Seconds that a stream lasts which ends every second.
_SPELL_SECONDS = 1.0

_BY_NAME: dict[str, Fault] = {fault.value: fault for fault in Fault}

_RATE_LIMITS = (Fault.RATE_LIMITED, Fault.RATE_LIMITED_DATE, Fault.RATE_LIMITED_ISO)

#: Faults at which nobody is there.
_AWAY = (Fault.REFUSED, Fault.RESTARTING)

#: A fatal alert, "protocol version". Source: RFC 8446 §6.
_TLS_ALERT = b"\x15\x03\x01\x00\x02\x02\x46"

_PLAIN_REFUSAL = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

_HEARTBEAT = b":\n\n"


class FaultyServer:
    """
    A flag server on 127.0.0.1 that serves one document, well or with one fault at a time, at any path: as a stream of
    server-sent events to whoever accepts `text/event-stream`, else with an ETag.

        with FaultyServer({"flags": {"new-checkout": {"value": True}}}) as server:
            source = HTTPSource(server.url, "native", stream_url=server.stream_url, timeout_seconds=0.5)
            with FlagClient(source, cache_dir=None) as client:
                server.fault("503")
                ...
                server.heal()

    Methods work from any thread. One thread for each connection, 500 connections at most; nothing is kept of a
    request but the newest thousand `calls`.

    Args:
        document: in any format: a mapping, or JSON as str or bytes.
        tls: the TLS settings of a server; None for plain HTTP.
        retry_after_seconds: what Retry-After asks for while a rate limit is on.
        heartbeat_seconds: seconds from one heartbeat of a stream to the next.

    Raises:
        ConfigError: the document is of another type.
        OSError: no port can be had.

    Attributes:
        active: the fault that is on; None for none.
    """

    def __init__(
        self,
        document: Mapping[str, Any] | str | bytes,
        *,
        tls: ssl.SSLContext | None = None,
        retry_after_seconds: float = 2.0,
        heartbeat_seconds: float = 10.0,
    ) -> None:
        self.active: Fault | None = None
        self._newest = self._older = Revision(encoded(document), 1)
        self._retry_after_seconds = retry_after_seconds
        self._heartbeat_seconds = heartbeat_seconds
        #: Guards what follows, and tells the streams of each change.
        self._changed = threading.Condition()
        self._epoch = 0
        self._poisoned: set[str] = set()
        self._elsewhere: ScriptedServer | None = None
        self._server = ScriptedServer(self._answer, tls)

    @property
    def url(self) -> str:
        """
        Where the document is fetched.
        """
        return f"{self._server.origin}/flags"

    @property
    def stream_url(self) -> str:
        """
        Where it is listened to.
        """
        return f"{self._server.origin}/stream"

    @property
    def port(self) -> int:
        """
        Where it listens; it stays the same through every fault.
        """
        return self._server.port

    @property
    def tls(self) -> ssl.SSLContext | None:
        """
        The TLS settings. Others go for new connections: to show another certificate, or none.
        """
        return self._server.tls

    @tls.setter
    def tls(self, tls: ssl.SSLContext | None) -> None:
        self._server.tls = tls

    @property
    def requests(self) -> int:
        """
        How many requests came.
        """
        return self._server.requests

    @property
    def connections(self) -> int:
        """
        How many connections were taken.
        """
        return self._server.connections

    @property
    def open_connections(self) -> int:
        """
        How many connections are open.
        """
        return self._server.open

    @property
    def calls(self) -> list[Call]:
        """
        The newest thousand requests, with `method`, `target`, `headers` and `body`.
        """
        return list(self._server.calls)

    @property
    def calls_elsewhere(self) -> list[Call]:
        """
        The requests that followed a redirect to the other origin.
        """
        return [] if self._elsewhere is None else list(self._elsewhere.calls)

    def fault(self, name: Fault | str) -> None:
        """
        Begin to fail; the fault that was on ends. Every open connection is cut, so that its client meets the fault at
        once; but streams that go silent stay open.

        Args:
            name: a `Fault`, or its value such as `"slow-drip"`.

        Raises:
            ConfigError: there is no such fault.
        """
        fault = _BY_NAME.get(name)
        if fault is None:
            raise ConfigError(f"fault: expected one of {', '.join(_BY_NAME)}; got {name!r}")
        if fault is Fault.GZIP_BOMB:
            bomb()  # made now, rather than by every request that meets it
        self._turn(fault)
        if fault is Fault.ACCEPT_HANGS:
            self._server.block()
        elif fault in _AWAY:
            self._server.leave()
        if fault is not Fault.GOES_SILENT:
            self._cut()

    def heal(self) -> None:
        """
        Work again. What the fault still holds is cut, as by a restart of the service; but streams that went silent
        stay silent, and open, since nothing ever comes down a connection that is half open.
        """
        was_silent = self.active is Fault.GOES_SILENT
        self._turn(None)
        self._server.listen()
        if not was_silent:
            self._cut()

    def update(self, document: Mapping[str, Any] | str | bytes) -> None:
        """
        Replace the document, and tell the open streams.

        Raises:
            ConfigError: the document is of another type.
        """
        content = encoded(document)
        with self._changed:
            self._older, self._newest = self._newest, Revision(content, self._newest.number + 1)
            self._changed.notify_all()

    def close(self) -> None:
        """
        Cut every connection and stop listening. Idempotent.
        """
        for server in self._servers:
            server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def _servers(self) -> list[ScriptedServer]:
        return [server for server in (self._server, self._elsewhere) if server is not None]

    def _cut(self) -> None:
        for server in self._servers:
            server.cut()

    def _turn(self, fault: Fault | None) -> None:
        with self._changed:
            self._epoch += 1
            self.active = fault
            self._poisoned.clear()
            if fault in (Fault.VERSIONS_BEGIN_AGAIN, Fault.RESTARTING):
                self._newest = Revision(self._newest.content, 1)
            self._changed.notify_all()
        if fault is Fault.REDIRECT_ELSEWHERE and self._elsewhere is None:
            self._elsewhere = ScriptedServer(self._serve_well, self._server.tls)
        self._server.welcome = self._mistake_tls if fault is Fault.TLS_WRONG else None
        self._server.leave()
        if fault is not Fault.ACCEPT_HANGS and fault not in _AWAY:
            self._server.listen()

    @property
    def _revision(self) -> Revision:
        return self._older if self.active is Fault.OLDER_DOCUMENT else self._newest

    def _answer(self, call: Call) -> None:
        fault, revision = self.active, self._revision
        if fault is not None and fault in ANSWERS:
            ANSWERS[fault](call, revision, fault)
        elif fault in _RATE_LIMITS:
            call.answer(429, Retry_After=retry_after(fault, self._retry_after_seconds))
        elif fault is Fault.REDIRECT_ELSEWHERE and self._elsewhere is not None:
            call.answer(307, Location=self._elsewhere.origin + call.target)
        elif fault is Fault.KEEP_ALIVE_DROPPED and call.nth > 1:
            call.cut()
        elif fault is Fault.POISONED_ETAG and not wants_stream(call):
            self._poison(call)
        else:
            self._serve_well(call)

    def _serve_well(self, call: Call) -> None:
        if wants_stream(call):
            self._stream(call)
        else:
            answer_well(call, self._revision)

    def _poison(self, call: Call) -> None:
        if call.path in self._poisoned:
            call.answer(304, ETag=POISON)
        else:
            self._poisoned.add(call.path)
            give(call, b'{"flags": ', POISON)

    def _mistake_tls(self, sock: socket.socket) -> None:
        sock.recv(65536)
        sock.sendall(_TLS_ALERT if self._server.tls is None else _PLAIN_REFUSAL)
        raise ConnectionAbortedError

    def _stream(self, call: Call) -> None:
        with self._changed:
            fault, epoch = self.active, self._epoch
        call.stream(chunked=fault is not Fault.UNCHUNKED)
        told: Revision | None = None
        began = beat = time.monotonic()
        while not call.closing.is_set() and not call.is_gone():
            revision = self._await_news(epoch, told)
            if revision is None:  # cut, or from here on silent
                return call.hang()
            if revision is not told and fault is not Fault.HEARTBEATS_ONLY:
                self._tell(call, revision, fault)
                if fault is Fault.GOES_SILENT:
                    return call.hang()
            told, now = revision, time.monotonic()
            if now > beat + self._heartbeat_seconds:
                beat = now
                call.event(_HEARTBEAT)
            if fault is Fault.ENDS_EVERY_SECOND and now > began + _SPELL_SECONDS:
                return call.finish()
        return None

    def _await_news(self, epoch: int, told: Revision | None) -> Revision | None:
        # The present revision, soon; None when the fault that `epoch` names is over.
        with self._changed:
            self._changed.wait_for(lambda: self._epoch != epoch or self._revision is not told, _LOOK_SECONDS)
            return self._revision if self._epoch == epoch else None

    def _tell(self, call: Call, revision: Revision, fault: Fault | None) -> None:
        events = [revision.event]
        if fault is Fault.WRONG_ORDER:
            events.append(self._older.event)
        elif fault is Fault.CR_LINES:
            events = [revision.event.replace(b"\n", b"\r")]
        elif fault is Fault.SPLIT_CHARACTERS:
            events = cut_at_characters(revision.event)
        for event in events:
            call.event(event)
