"""
How a client and its sources are, and what is told when something goes wrong behind the scenes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum

__all__ = ["ErrorContext", "ErrorHandler", "ErrorSource", "Status", "worst"]


class Status(str, Enum):
    """
    How far the flags at hand can be trusted. OpenFeature's provider status, truthful at every moment.
    """

    READY = "READY"  #: confirmed by the source, in this process
    #: an earlier document (from disk, or from before an outage) answers, or by `on_stale="default"` no longer does
    STALE = "STALE"
    NOT_READY = "NOT_READY"  #: nothing has come yet
    #: nothing has come, or by `on_stale="fail"` it is too old; the last attempt failed, another will be made
    ERROR = "ERROR"
    FATAL = "FATAL"  #: the service denies this client; `refresh()` tries again

    def __str__(self) -> str:
        return self.value


_BADNESS = {status: badness for badness, status in enumerate(Status)}


def worst(statuses: list[Status]) -> Status:
    """
    The status of a whole whose parts have `statuses`: that of the part that is worst off.
    """
    return max(statuses, key=_BADNESS.__getitem__, default=Status.READY)


class ErrorSource(str, Enum):
    """
    The part that something went wrong in.
    """

    NETWORK = "network"
    DISK = "disk"
    PARSER = "parser"


@dataclass(frozen=True)
class ErrorContext:
    """
    What `FlagClient(on_error=…)` is called with.

    Attributes:
        exception: what went wrong. Its message carries no key and no header.
        source: the part it went wrong in.
        is_transient: True when another attempt will be made and may succeed.
        timestamp: when, with time zone (UTC).
        origin: the name of the source concerned.
    """

    exception: BaseException
    source: ErrorSource
    is_transient: bool
    timestamp: datetime
    origin: str = ""

    @staticmethod
    def now(exception: BaseException, source: ErrorSource, *, is_transient: bool, origin: str = "") -> ErrorContext:
        """
        The context of something that has gone wrong just now.
        """
        return ErrorContext(exception, source, is_transient, datetime.now(timezone.utc), origin)

    def let_go(self) -> None:
        """
        Internal: take the traceback from the exception and its causes, once all are told. Whoever keeps it would keep
        its frames, and they what came, up to 64 MiB.
        """
        at: BaseException | None = self.exception
        while at is not None:
            at.__traceback__ = None
            at = at.__cause__ or at.__context__


#: What `on_error` may be. Called in the feed's thread or task; what it raises is logged and harms nothing.
ErrorHandler = Callable[[ErrorContext], object]
