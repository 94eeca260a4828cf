"""
How a document is kept fresh where one process of the host holds the connection for all: the engine's conversation, with
an election around it.

Whoever holds the connection has the engine's own conversation, and tells the others what comes of it. The others look,
ten times a second, whether there is news, and whether they are to take over. No socket, thread or clock is here, and
the files are the election's: the driver makes the calls to it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import TypeAlias, TypeVar, cast

from flagcore.errors import SourceError
from flagcore.feed.asks import Answer, Ask, Call, Called, Chunk, Failed, GiveUp, Keep, Kept, Silent, Wait
from flagcore.feed.election import Election, Glance, Outlook, log_unshared
from flagcore.feed.engine import Flow, feed
from flagcore.feed.folder import PrivateFolder
from flagcore.feed.plan import Plan
from flagcore.feed.record import Unreadable
from flagcore.feed.word import Trouble, Word
from flagcore.source import Body, Source

__all__ = ["LOOK_SECONDS", "sharing"]

#: Seconds between two looks of those who follow: by so much a change reaches them later, and a take-over begins.
LOOK_SECONDS = 0.1

#: Seconds between two signs of life of a holder that was to ask only once.
_IDLE_SECONDS = 10.0

#: Seconds by which a word is good for longer than the source's own deadlines: a machine may be busy.
_MARGIN_SECONDS = 5.0

T = TypeVar("T")

_Steps: TypeAlias = Generator[Ask, Answer, T]


def sharing(folder: Path, source: Source, plan: Plan, *, etag: str | None = None) -> Flow:
    """
    The conversation for `source`, shared with all processes that use the same folder; the plain one where that can't
    be had, which is logged. I/O: makes a file, at once, in the caller's thread.

    Args:
        folder: the cache folder.
        source: one with an `identity`.
        plan: what it can do.
        etag: what names the document at hand.
    """
    deadline = getattr(source, "timeout_seconds", 10.0) + _MARGIN_SECONDS
    silence = getattr(source, "silence_seconds", 30.0) if plan.streams else _IDLE_SECONDS
    try:
        election = Election(PrivateFolder(folder), source.identity, source.name, deadline)  # type: ignore[attr-defined]
    except OSError as error:
        log_unshared(source.name, error)
        return feed(plan, etag=etag)
    return _Sharing(plan, election, _Tidings(max(plan.poll_seconds, silence) + deadline, deadline)).run()


class _Sharing:
    """
    One client's part in it.
    """

    def __init__(self, plan: Plan, election: Election, tidings: _Tidings) -> None:
        self._plan = plan
        self._election = election
        self._tidings = tidings
        #: What the holder confirms by renewing its last word; None while that was trouble, or no document.
        self._current: Body | None = None
        #: Whether the source denies this client. Then it asks nothing more, but hears of others who are let in again.
        self._is_denied = False

    def run(self) -> Flow:
        """
        The conversation. It ends only where the folder turns out not to be shared, and then as the engine's own.
        """
        try:
            yield from self._share()
        except (OSError, Unreadable) as error:
            yield Call(partial(self._election.give_up, error))
        finally:
            self._election.close()
        return (yield from feed(self._plan))

    def _share(self) -> _Steps[None]:
        outlook = yield from self._look()
        while True:
            if outlook is Glance.TAKEN:
                outlook = yield from self._hold()
            elif outlook is Glance.SILENT and not self._is_denied:
                outlook = yield from self._go_alone()
            else:
                yield from self._heed(outlook)
                outlook = yield from self._wait(LOOK_SECONDS)

    def _heed(self, outlook: Outlook) -> _Steps[None]:
        """
        Act on what the holder tells.
        """
        if outlook is Glance.RENEWED and self._current is not None:
            # Not `SAME`: the document at hand may be another one by now, as after `FlagClient.refresh`.
            yield Keep(self._current)
        if not isinstance(outlook, Word):
            return
        self._current = None
        if outlook.trouble is None:
            self._is_denied = False
            kept = yield Keep(outlook.body)
            if isinstance(kept, Failed):
                yield Wait(0.0, error=kept.error)
            elif self._plan.streams or self._plan.poll_seconds:  # else it asked once, and only shows that it lives
                self._current = outlook.body
        elif not outlook.trouble.is_final:
            yield Wait(0.0, error=outlook.trouble.error())
        elif not self._is_denied:
            yield from self._end(outlook.trouble.error())

    def _hold(self) -> _Steps[Outlook]:
        """
        Ask the source for all. From scratch, so that its document is at hand for those who come later.
        """
        self._current = None
        asks = feed(self._plan)
        try:
            ask = next(asks)
            while True:
                yield from self._tell(self._tidings.before(ask))
                answer = yield ask
                yield from self._tell(self._tidings.after(ask, answer))
                ask = asks.send(answer)
        except StopIteration as end:
            error: SourceError | None = end.value
        while error is None:  # once was enough; but if nobody held the connection, everybody would ask once
            yield Wait(_IDLE_SECONDS / 2)
            yield from self._tell(Glance.RENEWED)
        yield from self._tell(Word(Body(b""), Trouble.of(error), 0.0))
        yield from _call(self._election.leave)
        yield from self._end(error)
        return (yield from self._wait(LOOK_SECONDS))

    def _go_alone(self) -> _Steps[Outlook]:
        """
        Ask the source without telling anybody, for as long as the holder, though alive, tells nothing.
        """
        asks = feed(self._plan)
        outlook: Outlook = Glance.SILENT
        try:
            ask = next(asks)
            while outlook is Glance.SILENT:
                answer = yield ask
                outlook = yield from self._look()
                if outlook is Glance.SILENT:
                    ask = asks.send(answer)
        except StopIteration as end:
            if end.value is not None:
                yield from self._end(end.value)
        while outlook is Glance.SILENT and not self._is_denied:
            outlook = yield from self._wait(LOOK_SECONDS)
        if outlook is not Glance.TAKEN:
            yield GiveUp()
        return outlook

    def _end(self, error: SourceError) -> _Steps[None]:
        self._is_denied = True
        yield GiveUp(error)

    def _wait(self, seconds: float) -> _Steps[Outlook]:
        yield Wait(seconds)
        return (yield from self._look())

    def _look(self) -> _Steps[Outlook]:
        return (yield from _call(partial(self._election.look, may_take=not self._is_denied)))

    def _tell(self, news: Outlook | None) -> _Steps[None]:
        if isinstance(news, Word):
            yield from _call(partial(self._election.say, news))
        elif news is not None:
            yield from _call(self._election.renew)


class _Tidings:
    """
    What a holder has to tell the others, by what it asks and is answered.

    Args:
        good_seconds: how long a confirmation is good for, unless the source is heard of again.
        deadline_seconds: the most that one attempt at the source takes.
    """

    def __init__(self, good_seconds: float, deadline_seconds: float) -> None:
        self._good_seconds = good_seconds
        self._deadline_seconds = deadline_seconds
        self._document = Body(b"")
        #: Whether the others have been told that the document is current.
        self._is_told = False
        #: Whether they have been told that it is not.
        self._is_troubled = False

    def before(self, ask: Ask) -> Word | None:
        """
        What is to be told before `ask` is carried out.
        """
        if not isinstance(ask, Wait) or ask.error is None or ask.covered:
            return None
        self._is_told, self._is_troubled = False, True
        # Whoever only reports goes on listening: the stream is heard of before its own silence is over, or not at all.
        good_seconds = ask.seconds + self._deadline_seconds if ask.seconds else self._good_seconds
        return Word(Body(b""), Trouble.of(ask.error), good_seconds)

    def after(self, ask: Ask, answer: Answer) -> Outlook | None:
        """
        What is to be told when `ask` has been answered.
        """
        if self._is_troubled and isinstance(answer, Chunk | Silent):
            return Glance.RENEWED
        if not isinstance(ask, Keep) or not isinstance(answer, Kept):
            return None
        if isinstance(ask.body, Body) and ask.body != self._document:
            self._document, self._is_told = ask.body, False
        if self._is_told:
            return Glance.RENEWED
        self._is_told, self._is_troubled = True, False
        return Word(self._document, None, self._good_seconds)


def _call(call: Callable[[], T]) -> _Steps[T]:
    answer = yield Call(partial(_attempt, call))
    result = answer.result if isinstance(answer, Called) else answer
    if isinstance(result, Exception):
        raise result
    return cast("T", result)


def _attempt(call: Callable[[], object]) -> object:
    try:
        return call()
    except (OSError, Unreadable) as error:
        return error
