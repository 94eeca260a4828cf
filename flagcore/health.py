"""
How a client and its sources are at one moment, for people, probes and dashboards.

No I/O and no lock; no secret: names and messages are shown without the parts of a URL that may hold one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from flagcore.status import Status

__all__ = ["NO_CLIENT", "Health", "SourceHealth", "message", "shown"]

#: `user:password@` of a URL, and its query up to the punctuation of the sentence around: either may hold a secret.
_USERINFO = re.compile(r"(?<=://)[^/?#\s]*@")
_QUERY = re.compile(r"(?<=://)([^\s?#]*)\?[^\s'\"]*?(?=[:;,.)]*(?:[\s'\"]|$))")


@dataclass(frozen=True)
class SourceHealth:
    """
    How one source is.

    Attributes:
        name: what the source is called, without userinfo and query where that is a URL.
        status: how far its flags can be trusted.
        version: what names the document at hand; empty when none has come.
        age_seconds: seconds since the source last confirmed it, by sending it or by saying that it still stands; 0.0
            for one that the program itself holds; None when none has come.
        last_error: what last went wrong, also if it has recovered since; None when nothing has.
        last_error_at: when that was, with time zone (UTC).
    """

    name: str
    status: Status
    version: str
    age_seconds: float | None
    last_error: str | None = None
    last_error_at: datetime | None = None

    def as_dict(self) -> dict[str, Any]:
        """
        As JSON: ages to the millisecond, times in ISO 8601.
        """
        return {
            "name": self.name,
            "status": str(self.status),
            "version": self.version,
            "age_seconds": _rounded(self.age_seconds),
            "last_error": self.last_error,
            "last_error_at": None if self.last_error_at is None else self.last_error_at.isoformat(),
        }


@dataclass(frozen=True)
class Health:
    """
    How a client is.

    Attributes:
        status: that of the source that is worst off.
        is_ready: whether requests may be sent here: some source has brought a document, none is still on its first
            attempt without one, and none has passed `max_stale_seconds` with `on_stale="fail"`. An outage that the last
            good document bridges leaves it True.
        version: what names the state that answers; layers are joined by `+`.
        age_seconds: the age of the oldest source's document; None when none has come.
        sources: each, the first on top.
    """

    status: Status
    is_ready: bool
    version: str = ""
    age_seconds: float | None = None
    sources: tuple[SourceHealth, ...] = ()

    @property
    def http_status(self) -> int:
        """
        What a health check answers: 200 (OK) when ready, else 503 (Service Unavailable; RFC 9110 §15.6.4).
        """
        return 200 if self.is_ready else 503

    @property
    def http_headers(self) -> dict[str, str]:
        """
        What it says beside it: nobody is to keep this answer (RFC 9111 §5.2.2.5).
        """
        return {"Cache-Control": "no-store"}

    def as_dict(self) -> dict[str, Any]:
        """
        As JSON.
        """
        return {
            "status": str(self.status),
            "ready": self.is_ready,
            "version": self.version,
            "age_seconds": _rounded(self.age_seconds),
            "sources": [each.as_dict() for each in self.sources],
        }

    def as_json(self) -> bytes:
        """
        As the text of a JSON document, the same in every framework.
        """
        return msgspec.json.encode(self.as_dict())


#: Where there is no client to ask.
NO_CLIENT: Final = Health(Status.NOT_READY, is_ready=False)


def message(error: BaseException) -> str:
    """
    What an error says, as anybody may see it.
    """
    text, cause = str(error), error.__cause__
    if cause is not None and str(cause) and not type(cause).__module__.startswith("httpcore"):
        # What a source of one's own ran into may quote anything, such as the whole of a request: its kind will do.
        text = text.replace(f": {cause}", "")
    return shown(text)


def shown(text: str) -> str:
    """
    A text without the userinfo and queries of the URLs in it, and such that it can be written as UTF-8: a path may hold
    any bytes.
    """
    return _QUERY.sub(r"\1", _USERINFO.sub("", text)).encode("utf-8", "replace").decode()


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
