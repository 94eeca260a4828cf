"""
The words between the feed's engine and its drivers: what the engine asks, and what it is answered.

Plain frozen values, so that a test can send answers and compare asks. `Body` and `SAME` answer a `Fetch` too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from flagcore.errors import SourceError
from flagcore.source import Body, Same

__all__ = [
    "Answer",
    "Ask",
    "Call",
    "Called",
    "Chunk",
    "Ended",
    "Failed",
    "Fetch",
    "GiveUp",
    "Keep",
    "Kept",
    "Open",
    "Opened",
    "Read",
    "Silent",
    "Wait",
    "Waited",
]


@dataclass(frozen=True, slots=True)
class Fetch:
    """
    Ask for the document. Answered with `Body`, `SAME` or `Failed`.

    Attributes:
        etag: what names the document that the engine last had kept; None for none, and then `SAME` is no answer. A
            driver whose sink has another one by now asks without it.
    """

    etag: str | None


@dataclass(frozen=True, slots=True)
class Open:
    """
    Ask for the stream; a stream that is still open is dropped. Answered with `Opened` or `Failed`.

    Attributes:
        last_event_id: where to go on; "" for the beginning.
    """

    last_event_id: str


@dataclass(frozen=True, slots=True)
class Read:
    """
    Ask for the open stream's next bytes, as soon as there are any. Answered with `Chunk`, `Ended`, `Silent` or
    `Failed`; after the last three the stream is closed.

    Attributes:
        awaited: None when any byte shows that the stream lives; else the number of the event that must come in time,
            counted from the first `Read` with the same attributes, however many bytes come meanwhile.
        within_seconds: the time it has; None for the read deadline. That one holds for each byte in any case.
    """

    awaited: int | None = None
    within_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """
    Report `error`, if there is one, before anything else; then, unless `seconds` is 0, drop the stream and sleep.
    Answered with `Waited`.

    Attributes:
        seconds: how long to sleep; 0 only reports, and leaves an open stream open.
        error: what failed, for `Sink.fail`.
        covered: True when another way keeps the document fresh, so that `error` is no outage.
    """

    seconds: float
    error: SourceError | None = None
    covered: bool = False


@dataclass(frozen=True, slots=True)
class Keep:
    """
    Ask to parse and publish. Answered with `Kept`, or with `Failed` when the bytes are no document.

    Attributes:
        body: the document, or `SAME`: the one at hand is current.
    """

    body: Body | Same


@dataclass(frozen=True, slots=True)
class Call:
    """
    Ask for a call that may have to wait for the disk. Answered with `Called`. It must not raise.
    """

    call: Callable[[], object]


@dataclass(frozen=True, slots=True)
class GiveUp:
    """
    Nothing more is asked of the source, though the conversation goes on: close every connection, and report `error`,
    if there is one. Answered with `Waited`.

    Attributes:
        error: the denial, for `Sink.end`.
    """

    error: SourceError | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """
    The stream is open.
    """


@dataclass(frozen=True, slots=True)
class Chunk:
    """
    Bytes of the stream, as they came.
    """

    data: bytes


@dataclass(frozen=True, slots=True)
class Ended:
    """
    The stream came to a clean end.
    """


@dataclass(frozen=True, slots=True)
class Silent:
    """
    The read deadline passed without a byte, or without what was awaited.
    """


@dataclass(frozen=True, slots=True)
class Waited:
    """
    The time is over.
    """


@dataclass(frozen=True, slots=True)
class Kept:
    """
    The document is published.
    """


@dataclass(frozen=True, slots=True)
class Called:
    """
    What a call returned.
    """

    result: object


@dataclass(frozen=True, slots=True)
class Failed:
    """
    What was asked for could not be had.
    """

    error: SourceError


Ask: TypeAlias = Fetch | Open | Read | Wait | Keep | Call | GiveUp
Answer: TypeAlias = Body | Same | Opened | Chunk | Ended | Silent | Waited | Kept | Called | Failed
