"""
What a flag service may do to its clients, by name.
"""

from __future__ import annotations

import sys
from enum import Enum

if sys.version_info >= (3, 11):
    from typing import Self
else:
    from typing_extensions import Self

__all__ = ["Fault"]


class Fault(str, Enum):
    """
    A way for a flag service to fail, or to be odd. `Fault("slow-drip")` is `Fault.SLOW_DRIP`.

    Attributes:
        says: what happens, in a sentence's middle.
    """

    says: str

    def __new__(cls, name: str, says: str) -> Self:
        fault = str.__new__(cls, name)
        fault._value_ = name
        fault.says = says
        return fault

    def __str__(self) -> str:
        return str(self.value)

    # The connection.
    REFUSED = "refused", "nobody listens on the port"
    ACCEPT_HANGS = "accept-hangs", "the backlog is full: connecting takes for ever"
    NEVER_ANSWERS = "never-answers", "the request is taken, and never answered"
    TLS_WRONG = "tls-wrong", "TLS is spoken where plain HTTP was asked for, and the other way round"

    # The status.
    REDIRECT_LOOP = "redirect-loop", "301 to the same place, for ever"
    REDIRECT_ELSEWHERE = "redirect-elsewhere", "307 to another origin, which has the document"
    UNAUTHORIZED = "401", "401"
    FORBIDDEN = "403", "403"
    NOT_FOUND = "404", "404"
    RATE_LIMITED = "429-seconds", "429, with Retry-After in seconds"
    RATE_LIMITED_DATE = "429-date", "429, with Retry-After as an HTTP date"
    RATE_LIMITED_ISO = "429-iso", "429, with Retry-After as an ISO 8601 time"
    SERVER_ERROR = "500", "500"
    UNAVAILABLE = "503", "503"

    # The body, or the event.
    SLOW_DRIP = "slow-drip", "one byte a second"
    TRUNCATED = "truncated", "the connection is cut half-way through"
    WRONG_LENGTH = "wrong-length", "Content-Length says half of what comes"
    INVALID_UTF8 = "invalid-utf8", "a byte that is no UTF-8 within a text"
    WRONG_ROOT = "wrong-root", "a JSON array where the document belongs"
    DEEP_NESTING = "deep-nesting", "JSON nested 100,000 deep"
    ENDLESS_LINE = "endless-line", "24 MB without a line end"
    GZIP_BOMB = "gzip-bomb", "1 MB of gzip that unpacks to 1 GiB"
    HTML_PAGE = "html-page", "a web page with status 200"
    NULL_FLAGS = "null-flags", "null where the flags belong"
    POISONED_ETAG = "poisoned-etag", "one bad document, and 304 to everything after it; to its etag for ever"

    # The stream; polls are answered as they should be.
    SPLIT_CHARACTERS = "split-characters", "chunks that split every character that can be split"
    CR_LINES = "cr-lines", "lines that end with CR"
    UNCHUNKED = "unchunked", "a stream without chunks, that ends with the connection"
    GOES_SILENT = "goes-silent", "streams stay open and say nothing more, not even a heartbeat"
    ENDS_EVERY_SECOND = "ends-every-second", "streams come to a clean end after a second"
    HEARTBEATS_ONLY = "heartbeats-only", "streams bring heartbeats, and no document"
    WRONG_ORDER = "wrong-order", "the newest document comes first, an older one with a lower id after it"

    # What a service remembers.
    OLDER_DOCUMENT = "older-document", "after a reconnect, the document before the newest one"
    VERSIONS_BEGIN_AGAIN = "versions-begin-again", "ids and versions begin again at 1"
    KEEP_ALIVE_DROPPED = "keep-alive-dropped", "a kept connection is closed when it is used again"
    RESTARTING = "restarting", "away; back at heal(), with ids that begin again at 1"
