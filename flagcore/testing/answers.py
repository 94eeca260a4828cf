"""
How each fault answers one request. What concerns the connection itself, or every stream's life, is in
`flagcore.testing.faulty`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timezone
from email.utils import formatdate

from flagcore.testing.fault import Fault
from flagcore.testing.revision import Revision
from flagcore.testing.scripted import Call
from flagcore.testing.spoiled import ENDLESS_BYTES, HTML_PAGE, bomb, invalid_utf8, nested, nulled

__all__ = ["ANSWERS", "POISON", "answer_well", "give", "retry_after", "wants_stream"]

#: Seconds from one byte of a drip to the next: slow enough that no document is ever whole, and no read times out.
_DRIP_SECONDS = 1.0

#: Bytes of the endless line that are sent at once.
_PIECE_BYTES = 64 * 1024

#: The etag of the bad document of `Fault.POISONED_ETAG`.
POISON = '"poison"'

_STATUSES = {
    Fault.UNAUTHORIZED: 401,
    Fault.FORBIDDEN: 403,
    Fault.NOT_FOUND: 404,
    Fault.SERVER_ERROR: 500,
    Fault.UNAVAILABLE: 503,
}

_SPOILED: dict[Fault, Callable[[bytes], bytes]] = {
    Fault.INVALID_UTF8: invalid_utf8,
    Fault.WRONG_ROOT: lambda document: b"[" + document + b"]",
    Fault.DEEP_NESTING: nested,
    Fault.NULL_FLAGS: nulled,
}


def wants_stream(call: Call) -> bool:
    """
    Whether the client asks for events, rather than for a document.
    """
    return "text/event-stream" in call.headers.get("accept", "")


def answer_well(call: Call, revision: Revision) -> None:
    """
    The document, or 304 to who has it.
    """
    etag = call.headers.get("if-none-match")
    # A cache that once took a bad document goes on believing in it: who remembers its etag is never told of another.
    if etag in (revision.etag, POISON):
        call.answer(304, ETag=etag)
    else:
        give(call, revision.content, revision.etag)


def give(call: Call, content: bytes, etag: str) -> None:
    """
    A whole document.
    """
    call.answer(200, content, ETag=etag, Content_Type="application/json")


def retry_after(fault: Fault, seconds: float) -> str:
    """
    The header's value for a fault that limits the rate. Source: RFC 9110 §10.2.3.
    """
    if fault is Fault.RATE_LIMITED:
        return f"{seconds:g}"
    moment = time.time() + seconds
    if fault is Fault.RATE_LIMITED_DATE:
        return formatdate(moment, usegmt=True)
    return datetime.fromtimestamp(moment, timezone.utc).isoformat().replace("+00:00", "Z")


def _status(call: Call, _: Revision, fault: Fault) -> None:
    call.answer(_STATUSES[fault], b"no\n", Content_Type="text/plain")


def _spoil(call: Call, revision: Revision, fault: Fault) -> None:
    spoiled = Revision(_SPOILED[fault](revision.content), revision.number)
    if wants_stream(call):
        call.stream(spoiled.event)
        call.hang()
    else:
        give(call, spoiled.content, spoiled.etag)


def _never(call: Call, *_: object) -> None:
    call.hang()


def _loop(call: Call, *_: object) -> None:
    call.answer(301, Location=call.target)


def _page(call: Call, *_: object) -> None:
    call.answer(200, HTML_PAGE, Content_Type="text/html; charset=utf-8")


def _drip(call: Call, revision: Revision, _: Fault) -> None:
    data = _begin(call, revision)
    for at in range(len(data)):
        call.event(data[at : at + 1])
        if call.is_gone(_DRIP_SECONDS):
            call.cut()


def _truncate(call: Call, revision: Revision, _: Fault) -> None:
    data = _begin(call, revision)
    call.event(data[: len(data) // 2])
    call.cut()


def _begin(call: Call, revision: Revision) -> bytes:
    # The bytes that the head just sent promises.
    if wants_stream(call):
        call.stream()
        return revision.event
    call.head(200, Content_Length=str(len(revision.content)), Content_Type="application/json")
    return revision.content


def _misstate(call: Call, revision: Revision, _: Fault) -> None:
    streams = wants_stream(call)
    data = revision.event if streams else revision.content
    media_type = "text/event-stream" if streams else "application/json"
    call.head(200, Content_Length=str(len(data) // 2), Content_Type=media_type)
    call.send(data)


def _run_on(call: Call, *_: object) -> None:
    if wants_stream(call):
        call.stream(b"data: ")
    else:
        call.head(200, Content_Length=str(ENDLESS_BYTES), Content_Type="application/json")
    for piece in [b"x" * _PIECE_BYTES] * (ENDLESS_BYTES // _PIECE_BYTES):
        call.event(piece)
    if wants_stream(call):
        call.hang()


def _explode(call: Call, *_: object) -> None:
    media_type = "text/event-stream" if wants_stream(call) else "application/json"
    call.answer(200, bomb(), Content_Type=media_type, Content_Encoding="gzip")


#: What answers in place of the document, whether it was fetched or listened to.
ANSWERS: dict[Fault, Callable[[Call, Revision, Fault], None]] = {
    **dict.fromkeys(_STATUSES, _status),
    **dict.fromkeys(_SPOILED, _spoil),
    Fault.NEVER_ANSWERS: _never,
    Fault.REDIRECT_LOOP: _loop,
    Fault.SLOW_DRIP: _drip,
    Fault.TRUNCATED: _truncate,
    Fault.WRONG_LENGTH: _misstate,
    Fault.ENDLESS_LINE: _run_on,
    Fault.GZIP_BOMB: _explode,
    Fault.HTML_PAGE: _page,
}
