"""
Calls out of the feed, alike for both drivers: to the sink, and to a source that somebody else wrote.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from flagcore.errors import MalformedDocument, SourceError, SourceUnavailable
from flagcore.feed.asks import Answer, Failed, Fetch, Kept
from flagcore.feed.sink import Sink
from flagcore.source import Body, Same, Source

__all__ = ["Stoppable", "call_fetch", "conditional", "keep", "last_resort"]

logger = logging.getLogger("flagcore.feed")


class Stoppable(Protocol):
    """
    What knows whether a feed was stopped.
    """

    @property
    def is_cut(self) -> bool: ...


def keep(sink: Sink, body: Body | Same) -> Kept | Failed:
    """
    Hand `body` to the sink.
    """
    try:
        sink.keep(body)
    except MalformedDocument as error:
        return Failed(error)
    return Kept()


def call_fetch(source: Source, etag: str | None) -> Answer:
    """
    The answer of a source that has only `fetch`. Blocks for as long as that does.
    """
    try:
        answer = source.fetch(etag)
    except SourceError as error:
        return Failed(error)
    except OSError as error:
        return Failed(_unavailable(source, error))
    except Exception as error:
        # Somebody's own source: whatever it raises, the flags go on.
        logger.exception("%s: its fetch raised what a source should not; it is tried again", source.name)
        return Failed(_unavailable(source, error))
    if isinstance(answer, (Body, Same)):
        return answer
    return Failed(SourceUnavailable(f"{source.name}: expected Body or SAME of fetch, got {type(answer).__name__}"))


def conditional(fetch: Fetch, sink: Sink) -> Fetch:
    """
    What to fetch in place of `fetch`: the same, unless its etag no longer names the document that the sink has. Then
    somebody else brought that one, as `FlagClient.refresh` does, and 'unchanged' would confirm it.
    """
    return fetch if fetch.etag == sink.etag else Fetch(None)


@contextmanager
def last_resort(sink: Sink, feed: Stoppable) -> Iterator[None]:
    """
    Have a feed that dies of a bug say so: a client that is not fed any more must not look healthy.
    """
    try:
        yield
    except Exception:
        logger.exception("the feed stopped on an error of its own; please report it")
        if not feed.is_cut:
            sink.end(SourceUnavailable("the feed stopped on an error of its own; the log has it"))


def _unavailable(source: Source, error: Exception) -> SourceUnavailable:
    fault = SourceUnavailable(f"{source.name}: fetch raised {type(error).__name__}: {error}")
    fault.__cause__ = error
    return fault
