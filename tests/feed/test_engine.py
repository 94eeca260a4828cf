"""
The engine as values: answers go in, asks come out. No socket, no thread, no clock.
"""

from __future__ import annotations

import math
import random

import pytest

from flagcore.errors import ConfigError, EventTooLarge, MalformedDocument, SourceDenied, SourceUnavailable
from flagcore.feed.engine import (
    Chunk,
    Ended,
    Failed,
    Fetch,
    Keep,
    Kept,
    Open,
    Opened,
    Plan,
    Read,
    Silent,
    Wait,
    Waited,
    feed,
    once,
)
from flagcore.network.refusal import StreamRefused
from flagcore.source import SAME, Body
from flagcore.sources.http import HTTPSource, SoasapSource

POLL = Plan(polls=True, streams=False, poll_seconds=30.0)
STREAM = Plan(polls=False, streams=True, poll_seconds=0.0)
BOTH = Plan(polls=True, streams=True, poll_seconds=30.0)

#: Seconds a stream with polls behind it may bring no event, when chance is at its highest.
QUIET = 270.0

DOWN = SourceUnavailable("down")
A = Body(b"a", etag='"a"')
B = Body(b"b", etag='"b"')


class High(random.Random):
    """Chance at its highest: a back-off waits its whole step, an interval is shortened by all it may be."""

    def random(self):
        return 1.0


class Talk:
    """A conversation with an engine, answer by answer."""

    def __init__(self, plan, *, etag=None, flow=None, rng=None):
        self.flow = flow or feed(plan, etag=etag, rng=rng or High())
        self.ask = next(self.flow)
        self.over = False
        self.result = None

    def tell(self, *answers):
        """What is asked after the last of these answers."""
        for answer in answers:
            assert not self.over, f"nobody waits for {answer}"
            try:
                self.ask = self.flow.send(answer)
            except StopIteration as done:
                self.over, self.result, self.ask = True, done.value, None
        return self.ask


def event(text, last_id=""):
    return Chunk((f"id: {last_id}\n" if last_id else "").encode() + f"data: {text}\n\n".encode())


class TestPolling:
    def test_fetches_keeps_waits_and_fetches_with_the_etag(self):
        """Polling goes round, and says what it has."""
        talk = Talk(POLL)
        assert talk.ask == Fetch(None)
        assert talk.tell(A) == Keep(A)
        assert talk.tell(Kept()) == Wait(27.0)
        assert talk.tell(Waited()) == Fetch('"a"')
        assert talk.tell(SAME) == Keep(SAME)
        assert talk.tell(Kept()) == Wait(27.0)

    def test_begins_with_the_etag_of_the_document_at_hand(self):
        """A document from the disk cache is confirmed by 'unchanged'."""
        talk = Talk(POLL, etag='"disk"')
        assert talk.ask == Fetch('"disk"')
        assert talk.tell(SAME) == Keep(SAME)

    def test_unchanged_is_no_answer_when_nothing_was_at_hand(self):
        """A service that says 'unchanged' to a client without a document has failed."""
        wait = Talk(POLL).tell(SAME)
        assert isinstance(wait, Wait)
        assert isinstance(wait.error, SourceUnavailable)

    def test_an_interval_is_only_ever_shortened_and_by_a_tenth_at_most(self):
        """Jitter spreads clients, but none waits longer than was configured."""
        waits = []
        for seed in range(200):
            talk = Talk(POLL, rng=random.Random(seed))
            waits.append(talk.tell(A, Kept()).seconds)
        assert 27 <= min(waits) < 27.5 < 29.5 < max(waits) <= 30

    def test_zero_seconds_fetch_until_the_first_success(self):
        """With poll_seconds 0 failures are retried, and one success is enough."""
        talk = Talk(Plan(poll_seconds=0.0))
        assert talk.tell(Failed(DOWN)) == Wait(1.0, error=DOWN)
        assert talk.tell(Waited()) == Fetch(None)
        assert talk.tell(A) == Keep(A)
        talk.tell(Kept())
        assert talk.over
        assert talk.result is None

    def test_failures_go_up_the_steps_and_a_success_goes_back_to_the_first(self):
        """Back-off takes 1, 2, 5, 10, 30, 30 s, and begins anew after a success."""
        talk, waits = Talk(POLL), []
        for _ in range(6):
            waits.append(talk.tell(Failed(DOWN)))
            talk.tell(Waited())
        assert waits == [Wait(float(step), error=DOWN) for step in (1, 2, 5, 10, 30, 30)]
        talk.tell(A, Kept(), Waited())
        assert talk.tell(Failed(DOWN)) == Wait(1.0, error=DOWN)

    def test_each_wait_is_between_half_the_step_and_the_step(self):
        """Clients that failed together do not come back together."""
        waits = [Talk(POLL, rng=random.Random(seed)).tell(Failed(DOWN)).seconds for seed in range(200)]
        assert 0.5 <= min(waits) < 0.55 < 0.95 < max(waits) <= 1.0

    @pytest.mark.parametrize(("seconds", "highest"), [(0.2, 1.0), (3.0, 3.0), (60.0, 30.0)])
    def test_a_failure_is_never_retried_later_than_the_next_poll(self, seconds, highest):
        """Back-off stays below the polling interval, but not below its own first step."""
        talk, waits = Talk(Plan(poll_seconds=seconds)), []
        for _ in range(6):
            waits.append(talk.tell(Failed(DOWN)).seconds)
            talk.tell(Waited())
        assert max(waits) == highest

    @pytest.mark.parametrize(("asked", "waited"), [(0.0, 1.0), (120.0, 120.0), (10.0**9, 3600.0)])
    def test_obeys_retry_after_within_reason(self, asked, waited):
        """What the service asks for is waited at least, up to an hour."""
        error = SourceUnavailable("busy", retry_after=asked)
        assert Talk(POLL).tell(Failed(error)) == Wait(waited, error=error)

    def test_denied_ends_it(self):
        """No key, no use."""
        denied, talk = SourceDenied("no", status=401), Talk(POLL)
        talk.tell(Failed(denied))
        assert talk.over
        assert talk.result is denied

    def test_the_etag_of_a_malformed_document_is_not_remembered(self):
        """'Unchanged' must not pin a document that could not be kept."""
        bad, talk = MalformedDocument("no object"), Talk(POLL)
        talk.tell(A, Kept(), Waited())
        assert talk.tell(B) == Keep(B)
        assert talk.tell(Failed(bad)) == Wait(1.0, error=bad)
        assert talk.tell(Waited()) == Fetch('"a"')


class TestStreaming:
    def test_keeps_each_event_and_reads_on(self):
        """Every event of the stream is a whole document."""
        talk = Talk(STREAM)
        assert talk.ask == Open("")
        assert talk.tell(Opened()) == Read(0)
        assert talk.tell(Chunk(b"data: on")) == Read(0)
        assert talk.tell(Chunk(b"e\n\ndata: two\n\n: rest")) == Keep(Body(b"one"))
        assert talk.tell(Kept()) == Keep(Body(b"two"))
        assert talk.tell(Kept()) == Read(2)

    def test_a_heartbeat_confirms_the_document_that_the_stream_brought(self):
        """Not before there is one, not while an event is on its way, and not once one could not be kept."""
        bad, talk = MalformedDocument("no"), Talk(STREAM)
        assert talk.tell(Opened(), Chunk(b": here\n\n")) == Read(0)
        assert talk.tell(event("one"), Kept()) == Read()
        assert talk.tell(Chunk(b": he")) == Read(1)
        assert talk.tell(Chunk(b"re\n\n")) == Keep(SAME)
        assert talk.tell(Kept(), event("bad"), Failed(bad)) == Wait(0.0, error=bad)
        assert talk.tell(Waited(), Chunk(b": here\n\n")) == Read()
        assert talk.tell(event("two"), Kept(), Chunk(b": here\n\n")) == Keep(SAME)

    def test_comes_back_with_the_last_id_after_a_clean_end(self):
        """An end is no error; the id goes along, and outlives a connection that brings none."""
        talk = Talk(STREAM)
        talk.tell(Opened(), event("é", "7"), Kept())
        assert talk.tell(Ended()) == Wait(1.0)
        assert talk.tell(Waited()) == Open("7")
        talk.tell(Opened(), event("b"), Kept())
        assert talk.tell(Ended(), Waited()) == Open("7")

    def test_the_steps_begin_anew_once_an_event_was_kept(self):
        """Failures in a row go up the steps; a document ends the row, opening alone does not."""
        talk = Talk(STREAM)
        assert talk.tell(Failed(DOWN)) == Wait(1.0, error=DOWN)
        assert talk.tell(Waited(), Opened(), Failed(DOWN)) == Wait(2.0, error=DOWN)
        assert talk.tell(Waited(), Failed(DOWN)) == Wait(5.0, error=DOWN)
        talk.tell(Waited(), Opened(), event("a"), Kept())
        assert talk.tell(Ended()) == Wait(1.0)

    def test_an_end_before_the_first_event_is_an_error(self):
        """A stream that brings nothing must not look healthy."""
        wait = Talk(STREAM).tell(Opened(), Ended())
        assert wait.seconds == 1.0
        assert isinstance(wait.error, SourceUnavailable)

    def test_a_stream_that_worked_and_broke_off_is_an_outage_only_if_it_stays_away(self):
        """A restart of the service is not reported; a service that does not come back is."""
        talk = Talk(STREAM)
        talk.tell(Opened(), event("a"), Kept())
        assert talk.tell(Failed(DOWN)) == Wait(1.0)
        assert talk.tell(Waited()) == Open("")
        assert talk.tell(Failed(DOWN)) == Wait(2.0, error=DOWN)

    def test_silence_reconnects_at_once_and_without_error(self):
        """A silent stream that reconnects cleanly is no outage; one that does not, is."""
        talk = Talk(STREAM)
        talk.tell(Opened(), event("a", "1"), Kept())
        assert talk.tell(Silent()) == Open("1")
        assert talk.tell(Failed(DOWN)) == Wait(1.0, error=DOWN)

    def test_silence_again_takes_a_step(self):
        """Only the first of silences in a row reconnects at once."""
        talk = Talk(STREAM)
        assert talk.tell(Failed(DOWN), Waited(), Opened(), event("a"), Kept(), Silent()) == Open("")
        assert talk.tell(Opened(), Silent()).seconds == 1.0
        assert talk.tell(Waited(), Opened(), event("a"), Kept()) == Read()
        assert talk.tell(Silent()) == Open("")

    def test_silence_before_the_first_event_is_an_error(self):
        """Whether nothing came at all, or nothing but heartbeats: what answers is no longer what the service says."""
        talk = Talk(STREAM)
        assert talk.tell(Opened(), Chunk(b": here\n\n")) == Read(0)
        wait = talk.tell(Silent())
        assert wait.seconds == 1.0
        assert "before one came" in str(wait.error)

    def test_an_event_that_has_begun_must_end(self):
        """A drip is never silent: each event has the read deadline from its first byte to its last."""
        talk = Talk(STREAM)
        assert talk.tell(Opened(), event("a"), Kept()) == Read()
        assert talk.tell(Chunk(b"d")) == talk.tell(Chunk(b"ata")) == Read(1)
        assert talk.tell(Silent()) == Open("")
        assert talk.tell(Opened(), Chunk(b"d")) == Read(0)
        assert talk.tell(Silent()).error is not None

    @pytest.mark.parametrize(("retry", "waited"), [("500", 1.0), ("8000", 8.0), ("9" * 20, 30.0)])
    def test_retry_is_a_lower_bound_within_reason(self, retry, waited):
        """The server may ask for longer waits than the steps, up to their last."""
        talk = Talk(STREAM)
        talk.tell(Opened(), Chunk(f"retry: {retry}\ndata: a\n\n".encode()), Kept())
        assert talk.tell(Ended()) == Wait(waited)

    def test_an_event_too_large_drops_the_connection(self):
        """What outgrows the cap is reported, and the stream is opened anew after a wait."""
        wait = Talk(STREAM).tell(Opened(), Chunk(b"data: " + b"x" * (5 * 1024 * 1024 + 1)))
        assert wait.seconds == 1.0
        assert isinstance(wait.error, EventTooLarge)

    def test_a_malformed_event_is_reported_and_the_stream_goes_on(self):
        """The correction will come down the same stream."""
        bad, talk = MalformedDocument("no object"), Talk(STREAM)
        assert talk.tell(Opened(), event("x"), Failed(bad)) == Wait(0.0, error=bad)
        assert talk.tell(Waited()) == Read(1)

    @pytest.mark.parametrize("status", [401, 403, 204])
    def test_denied_ends_it(self, status):
        """401, 403 and 204 ask not to come back."""
        denied, talk = SourceDenied("no", status=status), Talk(STREAM)
        talk.tell(Failed(denied))
        assert talk.over
        assert talk.result is denied

    def test_any_other_refusal_is_retried(self):
        """Without polls there is nothing to fall back to."""
        refused = StreamRefused("404")
        assert Talk(STREAM).tell(Failed(refused)) == Wait(1.0, error=refused)

    def test_obeys_retry_after(self):
        """A busy stream is left alone."""
        busy = SourceUnavailable("busy", retry_after=60.0)
        assert Talk(STREAM).tell(Failed(busy)) == Wait(60.0, error=busy)


class TestStreamAndPolls:
    def listening(self):
        talk = Talk(BOTH)
        talk.tell(A, Kept(), Opened(), SAME, Kept())
        assert talk.ask == Read(0, QUIET)
        return talk

    def test_fetches_first_then_opens_then_closes_the_gap(self):
        """Ready as soon as can be, and nothing is missed between the document and the stream."""
        talk = Talk(BOTH)
        assert talk.ask == Fetch(None)
        assert talk.tell(A) == Keep(A)
        assert talk.tell(Kept()) == Open("")
        assert talk.tell(Opened()) == Fetch('"a"')
        assert talk.tell(SAME) == Keep(SAME)
        assert talk.tell(Kept()) == Read(0, QUIET)
        assert talk.tell(event("c")) == Keep(Body(b"c"))
        assert talk.tell(Kept()) == Read(1, QUIET)

    def test_an_event_makes_the_etag_void(self):
        """After an event, 'unchanged since the fetched one' would confirm the wrong document."""
        talk = self.listening()
        assert talk.tell(event("c"), Kept(), Ended()) == Wait(1.0, covered=True)
        assert talk.tell(Waited(), Opened()) == Fetch(None)

    def test_a_malformed_event_is_left_for_a_fetch(self):
        """The service may have no better one to send; without a fetch, it would be quiet for minutes."""
        bad, talk = MalformedDocument("no object"), self.listening()
        assert talk.tell(event("x"), Failed(bad)) == Wait(1.0, error=bad, covered=True)
        assert talk.tell(Waited()) == Open("")
        assert talk.tell(Opened()) == Fetch('"a"')
        assert talk.tell(B, Failed(bad)) == Read(0, QUIET)
        assert talk.tell(Chunk(b": here\n")) == Wait(1.0, error=bad)

    def test_polls_while_the_stream_is_down_and_goes_back(self):
        """The stream's failures are covered while polls succeed; the stream is retried, and taken when it is back."""
        talk = Talk(Plan(polls=True, streams=True, poll_seconds=4.0))
        talk.tell(A, Kept())
        assert talk.tell(Failed(DOWN)) == Wait(1.0, error=DOWN, covered=True)
        assert talk.tell(Waited()) == Open("")
        assert talk.tell(Failed(DOWN)) == Wait(2.0, error=DOWN, covered=True)
        assert talk.tell(Waited()) == Open("")
        assert talk.tell(Failed(DOWN)) == Wait(pytest.approx(0.6), error=DOWN, covered=True)
        assert talk.tell(Waited()) == Fetch('"a"')
        assert talk.tell(SAME, Kept()) == Wait(pytest.approx(3.6), covered=True)
        assert talk.tell(Waited()) == Fetch('"a"')
        assert talk.tell(B, Kept()) == Wait(pytest.approx(0.8), covered=True)
        assert talk.tell(Waited()) == Open("")
        assert talk.tell(Opened()) == Fetch('"b"')
        assert talk.tell(SAME, Kept()) == Read(0, QUIET)

    def test_a_lost_stream_is_checked_by_a_fetch_once_it_stays_lost(self):
        """A failing retry of the stream is followed by a fetch at once, which tells a lost stream from an outage."""
        talk = self.listening()
        assert talk.tell(Failed(DOWN)) == Wait(1.0, error=DOWN, covered=True)
        assert talk.tell(Waited()) == Open("")
        assert talk.tell(Failed(DOWN)) == Fetch('"a"')
        gone = SourceUnavailable("gone")
        assert talk.tell(Failed(gone)) == Wait(1.0, error=gone, covered=False)

    def test_a_stream_that_failed_is_not_covered_while_polls_fail(self):
        """When both ways fail, it is an outage, whichever failed last."""
        talk = Talk(BOTH)
        gone = SourceUnavailable("gone")
        assert talk.tell(Failed(gone)) == Wait(0.0, error=gone)
        assert talk.tell(Waited()) == Open("")
        assert talk.tell(Failed(DOWN)) == Wait(1.0, error=DOWN)
        assert talk.tell(Waited()) == Open("")

    def test_a_stream_that_brings_nothing_is_renewed(self):
        """Its heartbeats may come from one who has lost sight of the document: the fetch behind the opening looks."""
        talk = Talk(BOTH)
        talk.tell(A, Kept(), Opened())
        assert talk.tell(SAME, Kept()) == Read(0, QUIET)
        assert talk.tell(Chunk(b": here\n"), Kept()) == Read(0, QUIET)
        assert talk.tell(event("b"), Kept()) == Read(1, QUIET)
        assert talk.tell(Silent()) == Open("")
        assert talk.tell(Opened()) == Fetch(None)

    def test_a_stream_alone_carries_on_when_fetches_fail(self):
        """With the fetch failing, the stream's documents are taken as they come, and the service is not pressed."""
        talk = Talk(BOTH)
        busy = SourceUnavailable("busy", retry_after=60.0)
        talk.tell(Failed(busy), Waited())
        assert talk.tell(Opened()) == Read(0, QUIET)
        assert talk.tell(event("a")) == Keep(Body(b"a"))
        assert talk.tell(Kept()) == Read(1, QUIET)
        assert talk.tell(Chunk(b": here\n")) == Keep(SAME)
        assert talk.tell(Kept()) == Read(1, QUIET)

    def test_a_gap_that_could_not_be_closed_ends_a_stream_without_documents(self):
        """A stream that says nothing of the document is left for another try when the fetch behind it failed."""
        talk = Talk(BOTH)
        talk.tell(A, Kept(), Opened())
        assert talk.tell(Failed(DOWN)) == Read(0, QUIET)
        assert talk.tell(Chunk(b"data: half")) == Read(0)
        assert talk.tell(Chunk(b"\n\n")) == Keep(Body(b"half"))
        talk = Talk(BOTH)
        talk.tell(A, Kept(), Opened(), Failed(DOWN))
        assert talk.tell(Chunk(b": here\n")) == Wait(1.0, error=DOWN)

    @pytest.mark.parametrize(
        "error", [SourceDenied("no", status=401), SourceDenied("no", status=204), StreamRefused("404")]
    )
    def test_a_refused_stream_leaves_the_polls_alone(self, error):
        """With polls to fall back to, a refusal is no outage, and the stream is tried again in five minutes."""
        talk = Talk(BOTH)
        talk.tell(A, Kept())
        assert talk.tell(Failed(error)) == Wait(27.0, error=error, covered=True)
        waited = 27.0
        while talk.tell(Waited()) == Fetch('"a"'):
            wait = talk.tell(SAME, Kept())
            assert (wait.error, wait.covered) == (None, True)
            waited += wait.seconds
        assert talk.ask == Open("")
        assert waited == pytest.approx(270.0)

    def test_a_denied_fetch_ends_it(self):
        """A key that is refused is refused for the stream too."""
        denied, talk = SourceDenied("no", status=403), Talk(BOTH)
        talk.tell(Failed(denied))
        assert talk.result is denied
        talk = Talk(BOTH)
        talk.tell(A, Kept(), Opened(), Failed(denied))
        assert talk.over
        assert talk.result is denied

    def test_silence_reconnects_at_once(self):
        """As with a stream alone; the fetch closes the gap again."""
        talk = self.listening()
        assert talk.tell(Silent()) == Open("")
        assert talk.tell(Opened()) == Fetch('"a"')
        assert talk.tell(SAME, Kept(), Silent()) == Wait(1.0, covered=True)

    def test_a_clean_end_is_not_reported(self):
        """A balancer's time limit is a stream's daily life."""
        assert self.listening().tell(Ended()) == Wait(1.0, covered=True)

    def test_zero_poll_seconds_fetch_once_beside_the_stream(self):
        """Without an interval there is the first fetch and one at each opening; nothing covers the stream."""
        talk = Talk(Plan(polls=True, streams=True, poll_seconds=0.0))
        talk.tell(A, Kept())
        assert talk.tell(Failed(DOWN)) == Wait(1.0, error=DOWN)
        assert talk.tell(Waited()) == Open("")
        assert talk.tell(Opened()) == Fetch('"a"')


class TestOnce:
    def test_fetches_one_document(self):
        """Exactly one, kept."""
        talk = Talk(POLL, flow=once(POLL, etag='"x"'))
        assert talk.ask == Fetch('"x"')
        assert talk.tell(A) == Keep(A)
        talk.tell(Kept())
        assert talk.over
        assert talk.result is None

    def test_reads_a_stream_to_its_first_event(self):
        """A source that only streams gives its first event."""
        talk = Talk(STREAM, flow=once(STREAM))
        assert talk.ask == Open("")
        assert talk.tell(Opened(), Chunk(b": hello\n\ndata: a")) == Read()
        assert talk.tell(Chunk(b"\n\n")) == Keep(Body(b"a"))
        talk.tell(Kept())
        assert talk.over
        assert talk.result is None

    @pytest.mark.parametrize("answers", [[Failed(DOWN)], [A, Failed(DOWN)]])
    def test_says_why_a_fetch_failed(self, answers):
        """The error is the result; nothing is retried."""
        talk = Talk(POLL, flow=once(POLL))
        talk.tell(*answers)
        assert talk.result is DOWN

    @pytest.mark.parametrize(
        "answers",
        [
            [Failed(DOWN)],
            [Opened(), Failed(DOWN)],
            [Opened(), Ended()],
            [Opened(), Silent()],
            [Opened(), Chunk(b"x" * 6_000_000)],
            [Opened(), event("x"), Failed(DOWN)],
        ],
    )
    def test_says_why_a_stream_failed(self, answers):
        """The error is the result; nothing is retried."""
        talk = Talk(STREAM, flow=once(STREAM))
        talk.tell(*answers)
        assert talk.over
        assert isinstance(talk.result, SourceUnavailable)


class TestPlan:
    class Own:
        name, format, poll_seconds = "own", "native", 5

        def fetch(self, etag):
            return SAME

    def test_a_source_of_ones_own_polls(self):
        """Who has only `fetch` is fetched."""
        assert Plan.of(self.Own()) == Plan(polls=True, streams=False, poll_seconds=5.0)

    def test_only_the_http_sources_stream(self):
        """What a source of one's own happens to call an attribute means nothing."""
        own = self.Own()
        own.stream_url, own.poll_url = "x", None
        assert Plan.of(own) == Plan(polls=True, streams=False, poll_seconds=5.0)
        assert Plan.of(SoasapSource("k")) == Plan(polls=False, streams=True, poll_seconds=0.0)
        assert Plan.of(HTTPSource("http://x", "native", stream_url="http://x")) == Plan(streams=True, poll_seconds=30.0)

    @pytest.mark.parametrize("seconds", [-1, math.nan, math.inf, True, "5", None])
    def test_refuses_what_is_no_number_of_seconds(self, seconds):
        """A source of one's own is checked as flagcore's are."""
        own = self.Own()
        own.poll_seconds = seconds
        with pytest.raises(ConfigError, match="own: poll_seconds"):
            Plan.of(own)
