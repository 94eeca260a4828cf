"""
Server-sent events: bytes in, events out. No socket, no thread, no clock.

    stream = EventStream()
    for chunk in connection:
        for event in stream.receive(chunk):
            ...

Two promises. However the bytes are cut into chunks, the events are the same, and each comes as soon as its last byte
is there. And nothing a server sends makes this hold more than its cap: a line that never ends, an event that never
ends, are refused.

Source: WHATWG HTML 9.2.5 and 9.2.6, https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from flagcore.errors import EventTooLarge

__all__ = ["MAX_EVENT_BYTES", "EventStream", "EventTooLarge", "ServerSentEvent"]

#: Bytes one line, or one event, may hold. 5 MiB is what SOASAP's own clients allow; ten thousand flags take about one.
MAX_EVENT_BYTES = 5 * 1024 * 1024

#: Milliseconds a `retry` field is read as at most, about 31 years. Reading a million digits takes a processor long.
_MAX_RETRY_MS = 10**12

#: U+FEFF in UTF-8. One is dropped at the very start; any other is data.
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

#: The three line ends, and no other: `str.splitlines` would also split at U+2028, form feeds and more.
_LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """
    One event.

    Attributes:
        type: the event's name; `message` when it was given none.
        data: its data lines, joined by line feeds.
        id: the last event id as of this event; "" while none was given.
        content: `data` as it came. In `data` bytes that are no UTF-8 have become U+FFFD, as the standard has it, and
            nobody can tell any more that the document was damaged.
    """

    type: str
    data: str
    id: str
    content: bytes = field(default=b"", repr=False, compare=False)


class EventStream:
    """
    The decoder of one connection's stream. I/O: none. Locks: none; for one thread or task at a time.

    Args:
        max_event_bytes: bytes one line or one event may hold; more raises `EventTooLarge`.
        last_event_id: the id that stood when the connection was made: ids outlive reconnects.

    Attributes:
        last_event_id: the id to send as `Last-Event-ID` when connecting again; "" for none.
        retry_ms: milliseconds the server asked to wait before connecting again; None until it said.
    """

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES, *, last_event_id: str = "") -> None:
        self.last_event_id = last_event_id
        self.retry_ms: int | None = None
        self._max_event_bytes = max_event_bytes
        #: The stream's first bytes while they may still turn out a byte order mark; None once that is settled.
        self._start: bytes | None = b""
        self._after_cr = False
        self._too_large = False
        self._line = bytearray()
        self._data = bytearray()
        self._type = b""
        self._id = last_event_id.encode()

    @property
    def pending_bytes(self) -> int:
        """
        Bytes held of a line or an event that is not complete; 0 between two events.
        """
        return len(self._line) + len(self._data) + len(self._type)

    def receive(self, chunk: bytes) -> list[ServerSentEvent]:
        """
        The events that `chunk` completes, in order. Takes time in proportion to `chunk`, however much is pending.

        A line ends at its CR: an LF that opens the next chunk is the rest of that line end, not a line of its own.
        An event that is not complete when the stream ends does not exist, and neither does its id.

        Raises:
            EventTooLarge: a line or an event outgrew the cap. What was pending is dropped, and the stream is of no
                further use.
        """
        if self._too_large:
            raise self._refusal()
        chunk = self._without_mark(chunk)
        if self._after_cr and chunk:
            self._after_cr = False
            if chunk.startswith(b"\n"):
                chunk = chunk[1:]
        events: list[ServerSentEvent] = []
        start = 0
        for end in _LINE_END.finditer(chunk):
            self._hold(chunk[start : end.start()])
            self._take_line(events)
            start = end.end()
        self._after_cr = chunk.endswith(b"\r")
        self._hold(chunk[start:])
        return events

    def _without_mark(self, chunk: bytes) -> bytes:
        if self._start is None:
            return chunk
        chunk = self._start + chunk
        if len(chunk) < len(_BYTE_ORDER_MARK) and _BYTE_ORDER_MARK.startswith(chunk):
            self._start = chunk
            return b""
        self._start = None
        return chunk.removeprefix(_BYTE_ORDER_MARK)

    def _hold(self, part: bytes) -> None:
        if self.pending_bytes + len(part) > self._max_event_bytes:
            self._too_large = True
            self._line, self._data, self._type = bytearray(), bytearray(), b""
            raise self._refusal()
        self._line += part

    def _refusal(self) -> EventTooLarge:
        return EventTooLarge(
            f"expected lines and events of at most {self._max_event_bytes} bytes, got a longer one: "
            "serve a smaller document, or by polling"
        )

    def _take_line(self, events: list[ServerSentEvent]) -> None:
        if not self._line:
            self._dispatch(events)
            return
        line, self._line = bytes(self._line), bytearray()
        if line.startswith(b":"):
            return
        name, _, value = line.partition(b":")
        self._take_field(name, value.removeprefix(b" "))

    def _take_field(self, name: bytes, value: bytes) -> None:
        if name == b"data":
            self._data += value + b"\n"
        elif name == b"event":
            self._type = value
        elif name == b"id" and b"\0" not in value:
            self._id = value
        elif name == b"retry" and value.isdigit():  # bytes.isdigit knows ASCII only: what the standard asks
            digits = value.lstrip(b"0") or b"0"
            self.retry_ms = int(digits) if len(digits) <= len(str(_MAX_RETRY_MS)) else _MAX_RETRY_MS

    def _dispatch(self, events: list[ServerSentEvent]) -> None:
        self.last_event_id = self._id.decode(errors="replace")
        if self._data:
            kind = self._type.decode(errors="replace") or "message"
            content = bytes(self._data[:-1])
            events.append(ServerSentEvent(kind, content.decode(errors="replace"), self.last_event_id, content))
        self._data, self._type = bytearray(), b""
