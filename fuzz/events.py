"""
The event stream decoder against any bytes, cut anywhere.

The first two bytes say how the rest is cut, and how much a line or an event may hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from flagcore.feed.sse import EventStream, EventTooLarge, ServerSentEvent

__all__ = ["SEEDS", "once"]

SEEDS = (
    b"\x01\xffdata: a\n\n",
    b'\x02\xff\xef\xbb\xbfevent: put\r\nid: 7\r\ndata: {"flags":\r\ndata: {}}\r\n\r\n',
    b"\x03\xff: heartbeat\r\rretry: 0012\rdata\rdata: \xe2\x82\xac\r\r",
    b"\x04\x08data: longer than it may be\n\ndata: a\n\n",
    b"\x05\xffid: 1\x00\nid: 2\nevent\ndata:  a\ndata:b\n\nid\n\ndata: \xff\xf0\x9f\n\n",
    b"\x06\x20retry: 99999999999999999999\nretry: \xd9\xa1\n\xef\xbb\xbfdata: a\n\n",
)

#: What a decoding came to: the events, whether a cap ended it, and what the stream knows then.
Outcome = tuple[list[ServerSentEvent], bool, str, "int | None"]


def once(data: bytes) -> None:
    """
    Decode `data` whole, byte by byte and in pieces.

    Raises:
        AssertionError: the cuts made a difference, the events are not those of the standard, or more was held than
            the cap allows.
    """
    seed, cap, stream = data[:1], 1 + sum(data[1:2]), data[2:]
    pieces = list(_cut(stream, Random(seed)))
    bytewise = [stream[n : n + 1] for n in range(len(stream))]
    events, too_large, *known = _decoded(bytewise, cap)
    for chunks in (pieces, [b"", *bytewise, b""], [stream]):
        came, refused, *knows = _decoded(chunks, cap)
        assert refused == too_large, (chunks, cap)
        # What a chunk holds before the line that is too long goes with it.
        assert came == events[: len(came)] if refused else came == events, (chunks, came, events)
        assert refused or knows == known, (chunks, knows, known)
    if not too_large:
        assert events == list(_by_the_standard(stream)), (stream, events)


def _decoded(chunks: list[bytes], cap: int) -> Outcome:
    stream = EventStream(cap)
    events: list[ServerSentEvent] = []
    for chunk in chunks:
        try:
            events += stream.receive(chunk)
        except EventTooLarge:
            assert stream.pending_bytes == 0, "what was refused is still held"
            return events, True, stream.last_event_id, stream.retry_ms
        assert stream.pending_bytes <= cap, (stream.pending_bytes, cap)
    return events, False, stream.last_event_id, stream.retry_ms


def _cut(stream: bytes, random: Random) -> Iterator[bytes]:
    while stream:
        size = random.choice((1, 2, 3, 7, 40))
        yield stream[:size]
        stream = stream[size:]


def _by_the_standard(stream: bytes) -> Iterator[ServerSentEvent]:
    """
    WHATWG HTML 9.2.6, step by step, on a stream that is there as a whole.
    """
    text = stream.decode("utf-8", "replace").removeprefix("\ufeff")
    *lines, _ = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    data, kind, last = "", "", ""
    for line in lines:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                yield ServerSentEvent(kind or "message", data.removesuffix("\n"), last)
            data, kind = "", ""
        elif field == "data":
            data += value + "\n"
        elif field == "event":
            kind = value
        elif field == "id" and "\0" not in value:
            last = value
