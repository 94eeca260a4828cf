"""
How a document is kept fresh: a generator that asks, and is sent the answers.

No socket, no thread, no clock, no file: those are the driver's. Retry, jitter, ETag, reconnect, the fall-back from
stream to poll and the way back are here, once, for threads and tasks alike. Chance comes in as `rng`; time only as
`Wait`. The words are in `flagcore.feed.asks`.

    asks = feed(Plan.of(source), etag=sink.etag)
    ask = next(asks)
    while True:
        ask = asks.send(answer(ask))        # StopIteration.value: None, or the error that ended it for good

Three shapes: poll only, stream only, and stream with polls behind it. `once` gets a single document.
"""

from __future__ import annotations

import math
import random
from collections.abc import Generator
from typing import Protocol, TypeAlias

from flagcore.errors import SourceDenied, SourceError, SourceUnavailable
from flagcore.feed.asks import (
    Answer,
    Ask,
    Chunk,
    Ended,
    Failed,
    Fetch,
    Keep,
    Kept,
    Open,
    Opened,
    Read,
    Silent,
    Wait,
    Waited,
)
from flagcore.feed.backoff import STEPS_SECONDS, Backoff, requested_seconds
from flagcore.feed.plan import Plan
from flagcore.feed.session import Stream
from flagcore.network.refusal import StreamRefused
from flagcore.source import Body, Same

__all__ = [
    "Answer",
    "Ask",
    "Chunk",
    "Ended",
    "Failed",
    "Fetch",
    "Flow",
    "Follow",
    "Keep",
    "Kept",
    "Open",
    "Opened",
    "Plan",
    "Read",
    "Silent",
    "Wait",
    "Waited",
    "feed",
    "once",
]

#: A conversation that ends with None, or with the error that ended it.
Flow: TypeAlias = Generator[Ask, Answer, SourceError | None]


class Follow(Protocol):
    """
    What makes the conversation for a source: `feed`, or one around it.
    """

    def __call__(self, plan: Plan, *, etag: str | None) -> Flow: ...


#: The share of an interval by which it may be shortened, so that clients started together drift apart. Only ever
#: shortened: nobody waits longer than was configured.
_JITTER = 0.1

#: Seconds until a stream that was refused is tried again while polling works: a deployment may have brought it back,
#: and one request in five minutes is nothing to a service that is polled meanwhile.
_REFUSED_SECONDS = 300.0


def feed(plan: Plan, *, etag: str | None = None, rng: random.Random | None = None) -> Flow:
    """
    The conversation that keeps one source's document fresh, for as long as the driver goes on.

    Args:
        plan: what the source can do.
        etag: what names the document at hand, such as one from the disk cache.
        rng: where jitter comes from; a fresh one by default.

    Returns:
        By StopIteration: None when once was enough (`poll_seconds` is 0); else the error that ended it for good.
    """
    rng = rng or random.Random()  # noqa: S311 - jitter, not a secret
    if not plan.streams:
        return _poll(_Poll(plan, etag, rng))
    stream = Stream(rng)
    if not plan.polls:
        return _stream(stream)
    return _Both(plan, _Poll(plan, etag, rng), stream, rng).run()


def once(plan: Plan, *, etag: str | None = None) -> Flow:
    """
    The conversation that gets exactly one document: one fetch, or the first event of the stream. Never waits.

    Returns:
        By StopIteration: None when a document was kept or confirmed; else why not.
    """
    rng = random.Random()  # noqa: S311 - unused: nothing is retried here
    if plan.polls:
        return _Poll(plan, etag, rng).fetch()
    return Stream(rng).first()


class _Poll:
    """
    Fetching: the etag, and when the next fetch is due.
    """

    def __init__(self, plan: Plan, etag: str | None, rng: random.Random) -> None:
        self._plan = plan
        self._etag = etag
        self._rng = rng
        self._backoff = Backoff(rng)
        #: A document is at hand, so that `SAME` means something.
        self._holds = etag is not None

    def fetch(self) -> Flow:
        """
        One fetch, kept. The etag of a document that could not be kept is not remembered: a service that says 304 to
        it would pin its mistake.
        """
        answer = yield Fetch(self._etag)
        if isinstance(answer, Failed):
            return answer.error
        if not isinstance(answer, Body) and not (isinstance(answer, Same) and self._holds):
            return SourceUnavailable(f"expected a document, since none was at hand; got {answer!r}")
        kept = yield Keep(answer)
        if isinstance(kept, Failed):
            return kept.error
        if isinstance(answer, Body):
            self._etag, self._holds = answer.etag, True
        return None

    def forget(self) -> None:
        """
        The stream brought a document: the one at hand is no longer the one that the etag names.
        """
        self._etag, self._holds = None, True

    def pause(self, error: SourceError | None) -> float:
        """
        Seconds until the next fetch is due; infinite when once was enough.
        """
        seconds = self._plan.poll_seconds
        if error is None:
            self._backoff.reset()
            return seconds * (1 - _JITTER * self._rng.random()) if seconds else math.inf
        at_most = max(seconds, STEPS_SECONDS[0]) if seconds else STEPS_SECONDS[-1]
        return max(self._backoff.next(at_most=at_most), requested_seconds(error))


def _poll(poll: _Poll) -> Flow:
    while True:
        error = yield from poll.fetch()
        if isinstance(error, SourceDenied):
            return error
        pause = poll.pause(error)
        if pause == math.inf:
            return None
        yield Wait(pause, error=error)


def _stream(stream: Stream) -> Flow:
    while True:
        over = yield from stream.session()
        if isinstance(over.error, SourceDenied):
            return over.error
        pause = stream.pause(over)
        if pause:
            yield Wait(pause, error=over.error)


class _Both:
    """
    A stream with polls behind it. Time is counted in waits: `_poll_in` and `_stream_in` are the seconds until the
    next fetch and the next attempt at the stream.
    """

    def __init__(self, plan: Plan, poll: _Poll, stream: Stream, rng: random.Random) -> None:
        self._plan = plan
        self._poll = poll
        self._stream = stream
        self._rng = rng
        self._poll_in = 0.0
        self._stream_in = 0.0
        self._poll_error: SourceError | None = None

    def run(self) -> Flow:
        # The fetch comes first: it is what makes the client ready soonest.
        news = yield from self._fetch()
        while not isinstance(self._poll_error, SourceDenied):
            if self._stream_in <= 0:
                if news is not None:
                    # Listening may take days: what failed before it is reported before it.
                    yield Wait(0.0, error=news, covered=self._covered)
                news = yield from self._listen()
            elif self._poll_in <= 0:
                news = (yield from self._fetch()) or news
            else:
                pause = min(self._poll_in, self._stream_in)
                yield Wait(pause, error=news, covered=self._covered)
                self._poll_in -= pause
                self._stream_in -= pause
                news = None
        return self._poll_error

    @property
    def _covered(self) -> bool:
        return self._poll_error is None and self._plan.poll_seconds > 0

    def _fetch(self) -> Flow:
        self._poll_error = yield from self._poll.fetch()
        self._poll_in = self._poll.pause(self._poll_error)
        return self._poll_error

    def _listen(self) -> Flow:
        over = yield from self._stream.session(on_open=self._close_gap, on_event=self._heard)
        if isinstance(over.error, SourceDenied | StreamRefused):
            self._stream_in = _REFUSED_SECONDS * (1 - _JITTER * self._rng.random())
        else:
            self._stream_in = self._stream.pause(over)
        if over.opened and self._covered:
            # The document was current until now. Should the next attempt at the stream fail, a fetch right behind it
            # tells a lost stream from a lost service.
            self._poll_in = self._stream_in
        return over.error

    def _close_gap(self) -> Flow:
        if self._poll_in > 0 and self._poll_error is not None:
            # The service asked to be left alone, or is down: the stream may still bring the document.
            return self._poll_error
        return (yield from self._fetch())

    def _heard(self) -> None:
        self._poll.forget()
        self._poll_error = None
