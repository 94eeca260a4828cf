"""
A source's requests, sent by a thread that blocks; its twin that awaits is `flagcore.network.tasks`.

One thread uses a `Network`; any other may cut its leash. No wait is without an end: connecting has a deadline, a
fetch has one from its first step to its last byte, and a stream has one for its silence.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TypeVar

import httpcore

from flagcore.network.exchange import Exchange, Head, Receive, Rest, Send, fetching, opening
from flagcore.network.fault import BROKEN_OFF, CLOSING_FAULTS, translated
from flagcore.network.leash import Leash
from flagcore.network.patience import Patience
from flagcore.network.remote import NetworkSource
from flagcore.network.route import Routes, head_of, wire
from flagcore.network.sockets import Sockets
from flagcore.source import Body, Same

__all__ = ["Network"]

T = TypeVar("T")


class Network:
    """
    The connections of one feed to one source. Opens none until asked; holds them until `close`.

    Args:
        source: what to ask, and of whom.
        leash: what cuts every wait short; after that everything fails.
    """

    def __init__(self, source: NetworkSource, leash: Leash | None = None) -> None:
        self._leash = leash or Leash()
        self._source = source
        self._sockets = sockets = Sockets(self._leash)

        def make_pool(**settings: object) -> httpcore.ConnectionPool:
            return httpcore.ConnectionPool(network_backend=sockets, **settings)  # type: ignore[arg-type]

        self._routes = Routes(source.trust(), source.proxy_rule(), make_pool)
        self._stream: _Answer | None = None
        self._patience = Patience(source.silence_seconds)

    def fetch(self, etag: str | None) -> Body | Same:
        """
        The document, or `SAME`, within the source's `timeout_seconds`.

        Raises:
            SourceUnavailable: nothing usable came.
            SourceDenied: nothing will.
        """
        answer = self._answer()
        try:
            with self._leash.within(self._source.timeout_seconds):
                return _carry_out(fetching(self._source.poll_target(), etag), answer)
        finally:
            answer.close()

    def open(self, last_event_id: str) -> None:
        """
        Open the stream, within the source's `timeout_seconds`; one that is open is dropped.

        Raises:
            SourceUnavailable: it did not open.
            SourceDenied: it never will.
        """
        self.drop()
        answer = self._answer()
        try:
            with self._leash.within(self._source.timeout_seconds):
                _carry_out(opening(self._source.stream_target(), last_event_id), answer)
        except BaseException:
            answer.close()
            raise
        self._stream, self._patience = answer, Patience(self._source.silence_seconds)

    def read(self, awaited: int | None = None, within_seconds: float | None = None) -> bytes | None:
        """
        The stream's next bytes as soon as there are any, b"" at its end, None after 30 s without any. After the
        latter two the stream is closed.

        Args:
            awaited: as `Read.awaited`.
            within_seconds: as `Read.within_seconds`.

        Raises:
            SourceUnavailable: the stream broke off.
        """
        if self._stream is None:
            return b""
        chunk: bytes | None = b""
        try:
            with self._leash.within(self._patience.left(awaited, within_seconds)):
                chunk = self._stream.read()
        finally:
            if not chunk:
                self.drop()
        return chunk

    def drop(self) -> None:
        """
        Close the stream, if one is open.
        """
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    def close(self) -> None:
        """
        Close every connection. By the thread that uses them.
        """
        self.drop()
        for pool in self._routes.take_all():
            pool.close()

    def _answer(self) -> _Answer:
        return _Answer(self._routes, self._source, self._sockets, self._leash)


class _Answer:
    """
    One answer as it comes in; a new request drops it for the next.
    """

    def __init__(
        self, routes: Routes[httpcore.ConnectionPool], source: NetworkSource, sockets: Sockets, leash: Leash
    ) -> None:
        self._routes = routes
        self._source = source
        self._sockets = sockets
        self._leash = leash
        self._shown = source.name
        self._response: httpcore.Response | None = None
        self._chunks: Iterator[bytes] = iter(())

    def take(self, step: Send | Receive | Rest) -> Head | bytes:
        if isinstance(step, Receive):
            return self.receive()
        if isinstance(step, Rest):
            return self.rest()
        return self.send(step)

    def send(self, step: Send) -> Head:
        self.close()
        request = step.request
        self._shown = request.address.shown
        with translated(self._shown):
            pool = self._routes.pool_for(request.address)
            wired = wire(request, self._source.timeout_seconds, self._source.silence_seconds)
            self._response = response = self._handled(pool, wired)
            self._chunks = iter(response.iter_stream())
        return head_of(response)

    def _handled(self, pool: httpcore.ConnectionPool, request: httpcore.Request) -> httpcore.Response:
        while True:
            made = self._sockets.made
            try:
                return pool.handle_request(request)
            except BROKEN_OFF:
                # A kept connection may be closed as it is used again. Nothing is asked that may not be asked twice.
                if self._sockets.made != made:
                    raise

    def receive(self) -> bytes:
        with translated(self._shown):
            return next(self._chunks, b"")

    def rest(self) -> bytes:
        with translated(self._shown):
            self._leash.left(None)
        return b""

    def read(self) -> bytes | None:
        with translated(self._shown):
            try:
                return next(self._chunks, b"")
            except httpcore.ReadTimeout:
                return None

    def close(self) -> None:
        response, self._response = self._response, None
        if response is not None:
            with suppress(*CLOSING_FAULTS):
                response.close()


def _carry_out(exchange: Exchange[T], answer: _Answer) -> T:
    try:
        step = next(exchange)
        while True:
            step = exchange.send(answer.take(step))
    except StopIteration as done:
        result: T = done.value
        return result
