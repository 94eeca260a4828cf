"""
A source's requests, sent by a task that awaits, under asyncio or trio; the twin of `flagcore.network.threads`.

To stop it, cancel the task: every wait here is cancelled at once. Names are looked up in a daemon thread, since
asyncio's own look-up holds `asyncio.run` back for as long as the resolver hangs.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from typing import Any, TypeVar

import anyio
import anyio.lowlevel
import httpcore

from flagcore.network.exchange import Exchange, Head, Receive, Rest, Send, fetching, opening
from flagcore.network.fault import BROKEN_OFF, CLOSING_FAULTS, translated
from flagcore.network.lookup import Endpoint, Lookup, endpoints_of, literal
from flagcore.network.loop import Loop
from flagcore.network.patience import Patience
from flagcore.network.remote import NetworkSource
from flagcore.network.route import Routes, head_of, wire
from flagcore.source import Body, Same

__all__ = ["AsyncNetwork"]

#: Seconds that closing may take when a connection does not want to: within the second that a client promises.
_CLOSE_SECONDS = 0.5

#: Seconds a connection may take when httpcore was not told, which it always is here.
_CONNECT_SECONDS = 60.0

T = TypeVar("T")


class AsyncNetwork:
    """
    The connections of one feed to one source. Opens none until asked; holds them until `aclose`.

    Args:
        source: what to ask, and of whom.
        loop: where this runs.
    """

    def __init__(self, source: NetworkSource, loop: Loop) -> None:
        self._source = source
        self._sockets = sockets = _Sockets(loop)

        def make_pool(**settings: Any) -> httpcore.AsyncConnectionPool:
            return httpcore.AsyncConnectionPool(network_backend=sockets, **settings)

        self._routes = Routes(source.trust(), source.proxy_rule(), make_pool)
        self._stream: _Answer | None = None
        self._patience = Patience(source.silence_seconds)

    async def fetch(self, etag: str | None) -> Body | Same:
        """
        As `Network.fetch`.
        """
        answer = _Answer(self._routes, self._source, self._sockets)
        try:
            with translated(self._source.name), anyio.fail_after(self._source.timeout_seconds):
                return await _carry_out(fetching(self._source.poll_target(), etag), answer)
        finally:
            await answer.aclose()

    async def open(self, last_event_id: str) -> None:
        """
        As `Network.open`.
        """
        await self.drop()
        answer = _Answer(self._routes, self._source, self._sockets)
        try:
            with translated(self._source.name), anyio.fail_after(self._source.timeout_seconds):
                await _carry_out(opening(self._source.stream_target(), last_event_id), answer)
        except BaseException:
            await answer.aclose()
            raise
        self._stream, self._patience = answer, Patience(self._source.silence_seconds)

    async def read(self, awaited: int | None = None, within_seconds: float | None = None) -> bytes | None:
        """
        As `Network.read`.
        """
        if self._stream is None:
            return b""
        chunk: bytes | None = None
        try:
            with anyio.move_on_after(self._patience.left(awaited, within_seconds)):
                chunk = await self._stream.read()
        finally:
            if not chunk:
                await self.drop()
        return chunk

    async def drop(self) -> None:
        """
        As `Network.drop`.
        """
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.aclose()

    async def aclose(self) -> None:
        """
        Close every connection, in a cancelled task too.
        """
        await self.drop()
        for pool in self._routes.take_all():
            with anyio.move_on_after(_CLOSE_SECONDS, shield=True):
                await pool.aclose()


class _Answer:
    """
    One answer as it comes in; a new request drops it for the next.
    """

    def __init__(self, routes: Routes[httpcore.AsyncConnectionPool], source: NetworkSource, sockets: _Sockets) -> None:
        self._routes = routes
        self._source = source
        self._sockets = sockets
        self._shown = source.name
        self._response: httpcore.Response | None = None
        self._chunks: AsyncIterator[bytes] | None = None

    async def take(self, step: Send | Receive | Rest) -> Head | bytes:
        if isinstance(step, Receive):
            return await self.read() or b""
        if isinstance(step, Rest):
            await anyio.lowlevel.checkpoint()
            return b""
        await self.aclose()
        self._shown = step.request.address.shown
        with translated(self._shown):
            pool = self._routes.pool_for(step.request.address)
            request = wire(step.request, self._source.timeout_seconds, self._source.silence_seconds)
            self._response = response = await self._handled(pool, request)
            self._chunks = response.aiter_stream()
        return head_of(response)

    async def _handled(self, pool: httpcore.AsyncConnectionPool, request: httpcore.Request) -> httpcore.Response:
        while True:
            made = self._sockets.made
            try:
                return await pool.handle_async_request(request)
            except BROKEN_OFF:  # as in its twin
                if self._sockets.made != made:
                    raise

    async def read(self) -> bytes | None:
        if self._chunks is None:
            return b""
        with translated(self._shown):
            try:
                return await anext(self._chunks, b"")
            except httpcore.ReadTimeout:
                return None

    async def aclose(self) -> None:
        response, self._response = self._response, None
        chunks, self._chunks = self._chunks, None
        if response is None or chunks is None:
            return
        with anyio.move_on_after(_CLOSE_SECONDS, shield=True), suppress(*CLOSING_FAULTS):
            await response.aclose()
            # The generators behind it run to their end on a closed connection. Left where they are, they would be
            # finished off by the loop in tasks of its own, and with a warning under trio.
            async for _ in chunks:
                pass


class _Sockets(httpcore.AsyncNetworkBackend):
    """
    What httpcore connects through: its own sockets, but our look-ups.
    """

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._lookup = Lookup()
        self.made = 0
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,  # noqa: ARG002 - never asked for
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002 - never asked for
    ) -> httpcore.AsyncNetworkStream:
        self.made += 1
        until = anyio.current_time() + (_CONNECT_SECONDS if timeout is None else timeout)
        endpoints = await self._endpoints(host, port, until)
        for at, endpoint in enumerate(endpoints):
            share = (until - anyio.current_time()) / (len(endpoints) - at)
            try:
                return _Stream(await self._backend.connect_tcp(endpoint.place[0], port, timeout=max(share, 0.0)))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                if at == len(endpoints) - 1:
                    raise type(error)(_reason(error)) from error
        raise httpcore.ConnectError(f"no address for {host!r}")

    async def _endpoints(self, host: str, port: int, until: float) -> list[Endpoint]:
        written = literal(host, port)
        if written is not None:
            return [written]
        try:
            pending = self._lookup.begin(host, port)
            with anyio.fail_after(until - anyio.current_time()):
                await self._loop.until_done(pending)
            return endpoints_of(pending)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(f"looking up {host!r} took too long") from error
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)


class _Stream(httpcore.AsyncNetworkStream):
    """
    httpcore's stream, closed also when its TLS handshake is cancelled: httpcore itself leaves it open then.
    """

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        try:
            return _Stream(await self._stream.start_tls(ssl_context, server_hostname, timeout))
        except BaseException:
            with anyio.move_on_after(_CLOSE_SECONDS, shield=True):
                await self._stream.aclose()
            raise

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


async def _carry_out(exchange: Exchange[T], answer: _Answer) -> T:
    try:
        step = next(exchange)
        while True:
            step = exchange.send(await answer.take(step))
    except StopIteration as done:
        result: T = done.value
        return result


def _reason(error: BaseException) -> str:
    # AnyIO says "all connection attempts failed", asyncio "connect call failed"; the system's reason is behind them.
    while error.__cause__ is not None:
        error = error.__cause__
    number = error.errno if isinstance(error, OSError) else None
    return f"[Errno {number}] {os.strerror(number)}" if number else str(error)
