"""
Every error flagcore raises, split by whose fault it is.

```
FlagcoreError
├─ ConfigError        (also ValueError)     you: an option, a key, a type. Raised at construction, never later.
│  └─ UnknownOption                         an option that does not exist
├─ StateError         (also RuntimeError)   you: a call that cannot mean anything here.
├─ SourceError                              them: the flag service
│  ├─ SourceUnavailable                     network, time-out, 429, 5xx: retried
│  │  └─ EventTooLarge                      a stream's line or event over the cap
│  ├─ SourceDenied                          401, 403, 204 on a stream: stopped for good
│  └─ MalformedDocument (also ValueError)   the bytes are not a document: the last good one stays
└─ CacheError                               the disk: reported, never raised from a start
```

Reading a flag raises none of these. No message, repr or attribute here carries a key or a header.
"""

from __future__ import annotations

__all__ = [
    "CacheError",
    "ConfigError",
    "EventTooLarge",
    "FlagcoreError",
    "MalformedDocument",
    "SourceDenied",
    "SourceError",
    "SourceUnavailable",
    "StateError",
    "UnknownOption",
]


class FlagcoreError(Exception):
    """
    The root of flagcore's errors. Cannot be raised itself.
    """

    def __init__(self, message: str) -> None:
        if type(self) in (FlagcoreError, SourceError):
            raise TypeError(f"{type(self).__name__} is abstract: raise one of its subclasses")
        super().__init__(message)


class ConfigError(FlagcoreError, ValueError):
    """
    An option, a flag key or a type that cannot be right. Raised at construction, before any request.
    """


class UnknownOption(ConfigError):
    """
    The name of an option that does not exist; the message lists those that do.
    """


class StateError(FlagcoreError, RuntimeError):
    """
    A call that cannot mean anything in the state the object is in.
    """


class SourceError(FlagcoreError):
    """
    What a source of flags could not give. Abstract: `SourceUnavailable`, `SourceDenied` or `MalformedDocument`.
    """


class SourceUnavailable(SourceError):
    """
    The service did not answer, or asked to be asked later. The feed retries.

    Attributes:
        retry_after: seconds the service asked to be left alone (0 or more), or None when it did not say.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class EventTooLarge(SourceUnavailable):
    """
    A line or an event of a stream outgrew its cap. The connection is dropped and made anew.
    """


class SourceDenied(SourceError):
    """
    The service will not serve this client, whatever it tries. The feed stops; `FlagClient.refresh()` tries again.

    Attributes:
        status: the HTTP status it answered with: 401, 403, or 204 on a stream; None where it was not HTTP that said no.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class MalformedDocument(SourceError, ValueError):
    """
    The bytes are no document of the format. The last good one stays, and the feed retries.

    Attributes:
        where: the JSON path of the fault, such as `$.flags.theme.value`; `$` for the document itself.
        message: what was expected and what came, without where.
        place: where that stands in a text, such as `line 7, column 12`; empty where the text is not known.
    """

    def __init__(self, message: str, *, where: str = "$", place: str = "") -> None:
        super().__init__(f"{where} ({place}): {message}" if place else f"{where}: {message}")
        self.where = where
        self.message = message
        self.place = place


class CacheError(FlagcoreError):
    """
    The disk cache could not be read or written. Reported to `on_error` and the log; serving goes on without it.
    """
