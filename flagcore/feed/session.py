"""
One source's stream, connection after connection: a part of the engine, as pure as that.

What outlives a connection is here: the last event id, the server's `retry`, and how often it failed in a row.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

from flagcore.errors import EventTooLarge, SourceDenied, SourceError, SourceUnavailable
from flagcore.feed.asks import Answer, Ask, Chunk, Ended, Failed, Keep, Open, Read, Silent, Wait
from flagcore.feed.backoff import STEPS_SECONDS, Backoff, requested_seconds
from flagcore.feed.sse import EventStream, ServerSentEvent
from flagcore.source import SAME, Body

__all__ = ["Over", "Stream"]

#: Seconds after which a stream with polls behind it is renewed if no event came: one whose service has lost sight of
#: the document beats on for ever. A connection and a 304 in five minutes are nothing to a service that is streaming.
_QUIET_SECONDS = 300.0

#: The share by which that may be shortened, so that clients that connected together do not renew together.
_JITTER = 0.1

_Steps: TypeAlias = Generator[Ask, Answer, "Over"]
_Flow: TypeAlias = Generator[Ask, Answer, SourceError | None]


@dataclass(frozen=True, slots=True)
class Over:
    """
    How a connection ended.

    Attributes:
        error: why, when that is worth a report; None for an end that belongs to a stream's life.
        opened: it was open before.
        silent: it ended because nothing came, not even a heartbeat.
    """

    error: SourceError | None
    opened: bool = True
    silent: bool = False


class Stream:
    """
    The stream of one source, over all its connections.
    """

    def __init__(self, rng: Random) -> None:
        self._backoff = Backoff(rng)
        self._quiet_seconds = _QUIET_SECONDS * (1 - _JITTER * rng.random())
        self._last_event_id = ""
        self._retry_seconds = 0.0
        #: The connection before this one ended in silence, and nothing came since.
        self._was_silent = False

    def session(self, on_open: Callable[[], _Flow] | None = None, on_event: Callable[[], None] | None = None) -> _Steps:
        """
        One connection, from opening it to its end.

        Args:
            on_open: fetches the document once the stream is open. That closes the gap between an earlier document and
                the stream's first event. A source without polls has none, and its stream must begin with a document.
            on_event: told of each document that the stream brought.
        """
        answer = yield Open(self._last_event_id)
        if isinstance(answer, Failed):
            return Over(answer.error, opened=False)
        gap = (yield from on_open()) if on_open else None
        if isinstance(gap, SourceDenied):
            return Over(gap)
        owes_document = on_open is None
        kept = False
        is_current = on_open is not None and gap is None
        came = 0
        events = EventStream(last_event_id=self._last_event_id)
        while True:
            # What has begun must end in time: a service that drips is never silent.
            is_owed = not kept and (owes_document or events.pending_bytes > 0)
            answer = yield self._read(came, is_owed=is_owed or events.pending_bytes > 0, owes_document=owes_document)
            if not isinstance(answer, Chunk):
                return self._over(answer, gap=gap, kept=kept, is_owed=is_owed)
            try:
                received = events.receive(answer.data)
            except EventTooLarge as error:
                return Over(error)
            self._note(events)
            came += len(received)
            for event in received:
                answer = yield Keep(_body(event))
                is_current = not isinstance(answer, Failed)
                if not isinstance(answer, Failed):
                    kept, gap = True, None
                    self._backoff.reset()
                    if on_event is not None:
                        on_event()
                elif on_open is not None:
                    # The fetch behind the next opening tells whether the service has a better one.
                    return Over(answer.error)
                else:
                    # Reported, but no reason to leave: the correction will come down this very stream.
                    yield Wait(0.0, error=answer.error)
            if is_current and not received and not events.pending_bytes:
                # A heartbeat: the document would have come by the way it came, had it changed.
                yield Keep(SAME)
            if gap is not None and not events.pending_bytes:
                # It speaks, but not of the document: without the fetch that failed, nobody knows what was missed.
                return Over(gap)

    def first(self) -> _Flow:
        """
        One connection, until its first event is kept. Returns why it was not, or None.
        """
        answer = yield Open("")
        events = EventStream()
        while not isinstance(answer, Failed):
            answer = yield Read()
            if isinstance(answer, Ended | Silent):
                return _no_document()
            if isinstance(answer, Chunk):
                try:
                    received = events.receive(answer.data)
                except EventTooLarge as error:
                    return error
                if received:
                    kept = yield Keep(_body(received[-1]))
                    return kept.error if isinstance(kept, Failed) else None
        return answer.error

    def pause(self, over: Over) -> float:
        """
        Seconds until the next connection; 0 for at once.
        """
        if over.silent and not self._was_silent:
            self._was_silent = True
            return 0.0
        return max(self._backoff.next(), self._retry_seconds, requested_seconds(over.error))

    def _read(self, came: int, *, is_owed: bool, owes_document: bool) -> Read:
        if is_owed:
            return Read(came)
        return Read() if owes_document else Read(came, self._quiet_seconds)

    def _over(self, answer: Answer, *, gap: SourceError | None, kept: bool, is_owed: bool) -> Over:
        if isinstance(answer, Silent) and not is_owed:
            return Over(gap, silent=gap is None)
        if kept:
            # A connection that worked and broke off is a restart or a balancer's time limit. It is an outage only if
            # the next one fails too.
            return Over(None)
        if isinstance(answer, Failed):
            return Over(answer.error)
        return Over(gap or (_no_document() if is_owed else None))

    def _note(self, events: EventStream) -> None:
        self._was_silent = False
        self._last_event_id = events.last_event_id
        if events.retry_ms is not None:
            self._retry_seconds = min(events.retry_ms / 1000, STEPS_SECONDS[-1])


def _body(event: ServerSentEvent) -> Body:
    return Body(event.content)


def _no_document() -> SourceUnavailable:
    return SourceUnavailable(
        "expected a whole event with a document, but the stream ended or its time was over before one came"
    )
