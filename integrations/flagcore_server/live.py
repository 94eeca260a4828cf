"""
Server-sent events that go on until the client leaves or the server closes.

Source: WHATWG HTML, section 9.2 "Server-sent events".
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager, aclosing, nullcontext, suppress

import anyio
from starlette.types import Receive, Scope, Send

from flagcore_server.revision import Rendering, Revision
from flagcore_server.watch import Watch

__all__ = ["KEEP_ALIVE", "KEEP_ALIVE_SECONDS", "LiveResponse", "aligned", "event", "revisions"]

#: What is sent when nothing happened, so that proxies and readers can tell a quiet connection from a dead one.
KEEP_ALIVE = b": keep-alive\n\n"
#: Seconds of quiet before it. Readers give up on a stream after 30 s of silence, proxies after 60 s.
KEEP_ALIVE_SECONDS = 12.0
#: The published SOASAP client (1.0.3) hands on what it reads in blocks of this many bytes, and reconnects at each end
#: of an HTTP chunk. An answer of known length, in which each event ends on a block's border, reaches it at once.
_BLOCK_BYTES = 4096
#: Length of such an answer beyond its first event. When it is used up the stream ends as announced and the client
#: comes back within a second or two: after some 250 changes of small files.
_ROOM_BYTES = 1 << 20

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-store, no-transform"),
    (b"x-accel-buffering", b"no"),  # nginx and those who follow it would hold events back
]


def event(data: bytes, *, type_: str = "", id_: str = "") -> bytes:
    """
    One event on the wire. `data` is one line, as compact JSON is.
    """
    head = (f"event: {type_}\n" if type_ else "") + (f"id: {id_}\n" if id_ else "")
    return head.encode() + b"data: " + data + b"\n\n"


async def revisions(watch: Watch, render: Callable[[Revision], Rendering]) -> AsyncGenerator[bytes, None]:
    """
    Each state of the flags as one event with its version as id, the present one at once; keep-alives in between.
    """
    sent = ""
    while not watch.closed:
        serial, revision = watch.store.serial, watch.store.revision
        rendering = render(revision) if revision is not None else None
        if rendering is not None and rendering.version != sent:
            sent = rendering.version
            yield event(rendering.content, id_=sent)
        await watch.changed(serial, KEEP_ALIVE_SECONDS)
        if watch.store.serial == serial and not watch.closed:
            yield KEEP_ALIVE


async def aligned(chunks: AsyncGenerator[bytes, None], length: int) -> AsyncGenerator[bytes]:
    """
    The same events in exactly `length` bytes: after each, a comment fills the block; what is left at the end, too.
    """
    sent = 0
    async with aclosing(chunks):
        async for chunk in chunks:
            whole = chunk if chunk is KEEP_ALIVE else chunk + _filler(-(sent + len(chunk)) % _BLOCK_BYTES)
            if sent + len(whole) > length:
                break
            sent += len(whole)
            yield whole
    yield _filler(length - sent)


def aligned_length(first: int) -> int:
    """
    The bytes to announce for an aligned stream whose first event's data takes `first`.
    """
    return (first // _BLOCK_BYTES + 2) * _BLOCK_BYTES + _ROOM_BYTES


def _filler(size: int) -> bytes:
    # In lines of one block at most: readers refuse overlong ones, asyncio's at 64 KiB.
    whole, rest = divmod(size, _BLOCK_BYTES)
    return _comment(_BLOCK_BYTES) * whole + _comment(rest)


def _comment(size: int) -> bytes:
    return b":" + b" " * (size - 2) + b"\n" if size > 1 else b"\n" * size


class LiveResponse:
    """
    An ASGI answer that streams what a generator yields, until it ends or the client leaves.

    Args:
        chunks: the bytes to send, each at once.
        during: entered while the connection is open.
        length: the whole answer's length in bytes, if it is known.
    """

    def __init__(
        self,
        chunks: AsyncGenerator[bytes, None],
        *,
        during: AbstractContextManager[None] | None = None,
        length: int | None = None,
    ) -> None:
        self._chunks = chunks
        self._during = during or nullcontext()
        self._headers = [*_HEADERS, *([(b"content-length", b"%d" % length)] if length is not None else [])]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """
        Send the whole of it. Ends without an error when the client goes away.
        """
        with self._during:
            async with aclosing(self._chunks), anyio.create_task_group() as group:
                group.start_soon(_cancel_when_gone, receive, group.cancel_scope)
                # The ASGI server's word for a client that has left, from specification 2.4 on.
                with suppress(OSError):
                    await self._send(scope, send)
                group.cancel_scope.cancel()

    async def _send(self, scope: Scope, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self._headers})
        if scope["method"] != "HEAD":
            async for chunk in self._chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def _cancel_when_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
