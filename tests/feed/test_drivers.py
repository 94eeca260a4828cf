"""
The two drivers in their three worlds, against a real server: the same tests for thread, asyncio and trio.
"""

from __future__ import annotations

import socket
import threading
import time

import anyio
import pytest

from flagcore.errors import EventTooLarge, MalformedDocument, SourceDenied, SourceUnavailable, StateError
from flagcore.feed import backoff, session
from flagcore.feed.tasks import TaskFeed
from flagcore.feed.threads import ThreadFeed, fetch_once
from flagcore.source import SAME, Body
from flagcore.sources.http import FoffSource, HTTPSource, SoasapSource
from flagcore.testing import FaultyServer
from tests.feed.worlds import Fed, Recorder
from tests.loopback import closed_port, deaf_port, until

#: Seconds a stop may take, in every state.
PROMPT = 1.0


def polled(server, **options):
    return HTTPSource(f"{server.url}/flags", "native", **{"poll_seconds": 0.05, **options})


def streamed(server, **options):
    return SoasapSource("key", base_url=server.url, **options)


LIVE = "/api/v1/flags/live"


class Own:
    """A source of one's own."""

    name, format, poll_seconds = "own", "native", 0.02

    def __init__(self, fetch):
        self.fetch = fetch


@pytest.fixture
def swift(monkeypatch):
    """Back-off at a tenth of its length."""
    monkeypatch.setattr(backoff, "STEPS_SECONDS", tuple(step / 10 for step in backoff.STEPS_SECONDS))


@pytest.mark.usefixtures("swift")
class TestFollowing:
    def test_polls_with_the_etag(self, world, server):
        """A document is fetched, kept and confirmed; a new one is kept."""
        texts = [b"one"]

        def flags(call):
            etag = f'"{texts[-1].decode()}"'
            same = call.headers.get("if-none-match") == etag
            call.answer(304) if same else call.answer(200, texts[-1], ETag=etag)

        server.script["/flags"] = flags
        sink = Recorder()
        with Fed(world, polled(server, headers={"X-Key": "s3cret"}), sink):
            sink.await_told(b"one", "same", "same")
            texts.append(b"two")
            sink.await_any(b"two")
        first, second = server.seen("/flags")[:2]
        assert first.headers["x-key"] == "s3cret"
        assert first.headers["user-agent"].startswith("flagcore/")
        assert "if-none-match" not in first.headers
        assert second.headers["if-none-match"] == '"one"'
        assert server.connections == 1, "polls in quick succession share a connection"

    def test_begins_with_the_etag_of_the_sink(self, world, server):
        """A document from the disk cache need not come again."""
        server.script["/flags"] = lambda call: call.answer(304)
        sink = Recorder(etag='"disk"')
        with Fed(world, polled(server), sink):
            sink.await_told("same")
        assert server.calls[0].headers["if-none-match"] == '"disk"'

    def test_asks_without_an_etag_when_the_sink_has_another_document(self, world, server):
        """As after a refresh: 'unchanged' would confirm what the service never said it of."""

        def flags(call):
            same = call.headers.get("if-none-match") == '"one"'
            call.answer(304) if same else call.answer(200, b"one", ETag='"one"')

        server.script["/flags"] = flags
        sink = Recorder()
        with Fed(world, polled(server), sink):
            sink.await_told(b"one", "same")
            sink.etag = '"two"'
            until(lambda: sink.told.count(b"one") == 2, 5, lambda: sink.told)

    def test_a_source_of_ones_own_is_asked_likewise(self, world):
        """Its etags are its own business, and no less to be believed."""
        asked = []

        def fetch(etag):
            asked.append(etag)
            return SAME if etag == "one" else Body(b"one", "one")

        sink = Recorder()
        with Fed(world, Own(fetch), sink):
            sink.await_told(b"one", "same")
            sink.etag = "two"
            until(lambda: asked.count(None) == 2, 5, lambda: asked)

    def test_fetches_once_when_polling_is_off(self, world, server):
        """With poll_seconds 0 one success is enough, and the feed ends by itself."""
        server.script["/flags"] = lambda call: call.answer(200, b"one")
        sink = Recorder()
        with Fed(world, polled(server, poll_seconds=0), sink) as fed:
            sink.await_told(b"one", "ended")
            until(lambda: fed.feed.join(0.1))
        assert sink.errors == [None]

    def test_reports_failures_and_recovers(self, world, server):
        """What fails is told before the wait, and what comes after it is kept."""
        states = iter([503, 500])
        server.script["/flags"] = lambda call: call.answer(next(states, 200), b"one")
        sink = Recorder()
        with Fed(world, polled(server), sink):
            sink.await_told("failed", "failed", b"one")
        assert "503" in str(sink.errors[0])

    def test_a_malformed_document_is_reported_and_fetched_again(self, world, server):
        """Its etag is not remembered, so that 'unchanged' cannot pin it."""
        server.script["/flags"] = lambda call: call.answer(200, b"bad", ETag='"bad"')
        sink = Recorder()
        with Fed(world, polled(server), sink):
            sink.await_told("failed", "failed")
        assert isinstance(sink.errors[0], MalformedDocument)
        assert "if-none-match" not in server.seen("/flags")[1].headers

    def test_denied_ends_the_feed(self, world, server):
        """401 is told once, and nothing is asked again."""
        server.script["/flags"] = lambda call: call.answer(401)
        sink = Recorder()
        with Fed(world, polled(server), sink) as fed:
            sink.await_told("ended")
            until(lambda: fed.feed.join(0.1))
        assert isinstance(sink.errors[0], SourceDenied)
        assert len(server.calls) == 1

    def test_keeps_each_event_as_it_comes(self, world, server):
        """An event is kept at once, chunked or not, though the connection stays open and the next is far."""
        more = threading.Event()

        def live(call):
            call.stream(": hello\n\ndata: é1\n\n".encode(), chunked=len(server.calls) % 2 == 1)
            more.wait(5)
            call.event(b"data: 2\n")
            call.event(b"\n")
            call.hang()

        server.script[LIVE] = live
        for _ in range(2):
            more.clear()
            sink = Recorder()
            with Fed(world, streamed(server), sink):
                sink.await_told("é1".encode())
                more.set()
                sink.await_told("é1".encode(), b"2", timeout=1)
        call = server.calls[0]
        assert call.headers["x-api-key"] == "key"
        assert call.headers["accept"] == "text/event-stream"
        assert call.headers["cache-control"] == "no-cache"
        assert "last-event-id" not in call.headers

    def test_reconnects_with_the_last_event_id(self, world, server):
        """After a clean end the stream is opened anew, where it left off."""

        def live(call):
            call.stream(b"id: 7\ndata: one\n\n")
            call.finish()

        server.script[LIVE] = live
        sink = Recorder()
        with Fed(world, streamed(server), sink):
            sink.await_told(b"one", b"one")
        assert server.seen(LIVE)[1].headers["last-event-id"] == "7"
        assert sink.errors == []

    def test_a_silent_stream_that_reconnects_is_no_outage(self, world, server):
        """Silence beyond the deadline opens a new connection, and is told to nobody."""

        def live(call):
            call.stream(b"data: %d\n\n" % len(server.calls))
            call.hang()

        server.script[LIVE] = live
        source = streamed(server)
        source.silence_seconds = 0.1
        sink = Recorder()
        with Fed(world, source, sink):
            sink.await_told(b"1", b"2")
        assert sink.errors == []

    def test_a_stream_cut_short_before_its_first_event_is_reported(self, world, server):
        """A connection that breaks off is told, and made anew."""

        def live(call):
            call.stream(b"data: half")
            call.cut()

        server.script[LIVE] = live
        sink = Recorder()
        with Fed(world, streamed(server), sink):
            sink.await_told("failed")
        assert isinstance(sink.errors[0], SourceUnavailable)

    def test_an_event_too_large_drops_the_connection(self, world, server):
        """An event beyond the cap is told, and its connection closed before the wait."""
        gone = threading.Event()

        def live(call):
            call.stream()
            try:
                for _ in range(100):
                    call.event(b"x" * 100_000)
                call.hang()
            finally:
                gone.set()

        server.script[LIVE] = live
        sink = Recorder()
        with Fed(world, streamed(server), sink):
            sink.await_told("failed")
            assert gone.wait(0.5)
        assert isinstance(sink.errors[0], EventTooLarge)

    @pytest.mark.parametrize("status", [204, 401, 403])
    def test_a_denied_stream_ends_the_feed(self, world, server, status):
        """A stream that asks not to come back is obeyed."""
        server.script[LIVE] = lambda call: call.answer(status)
        sink = Recorder()
        with Fed(world, streamed(server), sink):
            sink.await_told("ended")
        assert sink.errors[0].status == status

    def test_falls_back_from_stream_to_poll_and_back(self, world, server):
        """While the stream is away polls keep the flags fresh, and nobody calls it an outage."""
        up = threading.Event()
        text = [b"one"]
        server.script["/flags"] = lambda call: call.answer(200, text[-1])

        def live(call):
            if not up.is_set():
                call.answer(503)
                return
            call.stream(b"data: streamed\n\n")
            call.hang()

        server.script["/stream"] = live
        sink = Recorder()
        with Fed(world, polled(server, stream_url=f"{server.url}/stream"), sink):
            sink.await_told(b"one", "covered")
            text.append(b"two")
            sink.await_any(b"two")
            up.set()
            sink.await_any(b"streamed")
            polls = len(server.seen("/flags"))
            time.sleep(0.2)
            assert len(server.seen("/flags")) == polls, "nobody polls while the stream is up"
        assert "failed" not in [each[0] for each in sink.told if isinstance(each, tuple)]

    def test_closes_the_gap_once_the_stream_is_open(self, world, server):
        """What changed between the first fetch and the stream is fetched behind its opening."""
        server.script["/flags"] = lambda call: call.answer(200, b"new" if server.seen("/stream") else b"old")

        def live(call):
            call.stream(b": hello\n\n")
            call.hang()

        server.script["/stream"] = live
        sink = Recorder()
        with Fed(world, polled(server, poll_seconds=30, stream_url=f"{server.url}/stream"), sink):
            sink.await_told(b"old", b"new")

    def test_foff_asks_for_its_scope(self, world, server):
        """The scope is percent-encoded, the key in its header."""
        server.script["/live/api/v1/scopes/a%2Fb%20%C3%A9/configs"] = lambda call: call.answer(200, b"{}")
        sink = Recorder()
        source = FoffSource("key", "a/b é", base_url=f"{server.url}/live/", polling_interval=0)
        with Fed(world, source, sink):
            sink.await_told(b"{}")
        assert server.calls[0].headers["x-foff-api-key"] == "key"

    def test_a_large_document_is_parsed_outside_of_the_loop(self, world, server):
        """From 64 KiB on, a task hands a document to a thread; a thread keeps it where it is."""
        server.script["/flags"] = lambda call: call.answer(200, b"x" * 65536)
        sink = Recorder()
        with Fed(world, polled(server, poll_seconds=30), sink):
            sink.await_told(b"x" * 65536)
        (name,) = sink.threads
        assert name.startswith("flagcore feed" if world == "thread" else "flagcore parse")


@pytest.mark.usefixtures("swift")
class TestOwnSources:
    def test_follows_a_source_of_ones_own(self, world):
        """A plain blocking fetch is all that is needed."""
        etags = []

        def fetch(etag):
            time.sleep(0.001)
            etags.append(etag)
            return Body(b"one", etag="1") if etag is None else SAME

        sink = Recorder()
        with Fed(world, Own(fetch), sink):
            sink.await_told(b"one", "same", "same")
        assert etags[:2] == [None, "1"]

    @pytest.mark.parametrize(
        ("fault", "logged"), [(SourceUnavailable("away"), False), (OSError("away"), False), (KeyError("away"), True)]
    )
    def test_whatever_it_raises_is_an_outage(self, world, fault, logged, caplog):
        """Any exception counts as unavailable; one that a source should not raise is logged."""
        faults = iter([fault])

        def fetch(etag):
            for each in faults:
                raise each
            return Body(b"one")

        sink = Recorder()
        with Fed(world, Own(fetch), sink):
            sink.await_told("failed", b"one")
        assert isinstance(sink.errors[0], SourceUnavailable)
        assert "away" in str(sink.errors[0])
        assert bool([record for record in caplog.records if record.name == "flagcore.feed"]) is logged

    def test_what_is_no_document_is_an_outage(self, world):
        """A fetch that forgets to return is told so."""
        sink = Recorder()
        with Fed(world, Own(lambda etag: None), sink):
            sink.await_told("failed")
        assert "got NoneType" in str(sink.errors[0])

    def test_one_that_hangs_touches_nothing_after_stop(self, world):
        """A fetch cannot be interrupted; its answer is thrown away."""
        entered, release = threading.Event(), threading.Event()

        def fetch(etag):
            entered.set()
            release.wait(5)
            return Body(b"late")

        sink = Recorder()
        fed = Fed(world, Own(fetch), sink)
        if world == "thread":
            fed.feed.start()
            assert entered.wait(2)
            fed.feed.stop()
            assert fed.feed.join(0.05) is False
            release.set()
            assert fed.feed.join(2)
        else:
            with fed:
                assert entered.wait(2)
                fed.stop()
                release.set()
        assert sink.told == []


class TestStopping:
    def check(self, world, source, ready, states):
        sink = Recorder()
        with Fed(world, source, sink) as fed:
            ready(sink)
            assert fed.stop() < PROMPT, states
        told = list(sink.told)
        time.sleep(0.05)
        assert sink.told == told, "nothing is told after stop"

    def test_while_connecting(self, world):
        """A connection that is never answered does not hold a stop up."""
        with deaf_port() as port:
            source = HTTPSource(f"http://127.0.0.1:{port}/", "native")
            self.check(world, source, lambda sink: time.sleep(0.2), "connecting")

    def test_while_waiting_for_an_answer(self, world, server):
        """A server that takes the request and says nothing does not hold a stop up."""
        server.script["/flags"] = lambda call: call.hang()
        self.check(world, polled(server), lambda sink: server.await_calls("/flags", 1), "answer")

    def test_while_reading_a_silent_stream(self, world, server):
        """Closing alone would leave the reader asleep."""

        def live(call):
            call.stream(b"data: one\n\n")
            call.hang()

        server.script[LIVE] = live
        self.check(world, streamed(server), lambda sink: sink.await_told(b"one"), "reading")
        until(lambda: server.open == 0)

    def test_while_waiting_for_the_next_poll(self, world, server):
        """Half a minute of waiting ends at once."""
        server.script["/flags"] = lambda call: call.answer(200, b"one")
        self.check(world, polled(server, poll_seconds=30), lambda sink: sink.await_told(b"one"), "waiting")

    def test_while_waiting_to_retry(self, world):
        """So does a back-off."""
        source = HTTPSource(f"http://127.0.0.1:{closed_port()}/", "native")
        self.check(world, source, lambda sink: sink.await_told("failed"), "retrying")

    def test_while_a_name_look_up_hangs(self, world, monkeypatch):
        """The look-up goes on alone, in a daemon thread that touches nothing any more."""
        entered, release = threading.Event(), threading.Event()
        genuine = socket.getaddrinfo

        def getaddrinfo(host, *rest, **more):
            if host != "flags.example.test":
                return genuine(host, *rest, **more)
            entered.set()
            release.wait(10)
            raise socket.gaierror("too late")

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        source = HTTPSource("http://flags.example.test/", "native")
        try:
            self.check(world, source, lambda sink: entered.wait(2), "look-up")
            assert [thread for thread in threading.enumerate() if "look-up" in thread.name and thread.daemon]
        finally:
            release.set()
        until(lambda: not [thread for thread in threading.enumerate() if "look-up" in thread.name])

    def test_while_a_tls_handshake_hangs(self, world, server):
        """A server that never says hello does not hold a stop up."""
        source = HTTPSource(f"https://127.0.0.1:{server.port}/", "native")
        self.check(world, source, lambda sink: until(lambda: server.open == 1), "handshake")

    def test_while_a_body_drips(self, world, server):
        """A body that comes a byte at a time does not hold a stop up."""

        def flags(call):
            call.head(200, Content_Length="100000")
            while not server.closing.is_set():
                call.send(b"x")
                time.sleep(0.01)

        server.script["/flags"] = flags
        self.check(world, polled(server), lambda sink: server.await_calls("/flags", 1), "body")

    def test_stop_before_start_and_twice(self, world):
        """A feed that was stopped does not start; stopping again does nothing."""
        sink = Recorder()
        feed = (ThreadFeed if world == "thread" else TaskFeed)(Own(lambda etag: Body(b"one")), sink)
        feed.stop()
        feed.stop()
        if world == "thread":
            feed.start()
        else:

            async def main():
                feed.start()
                await anyio.sleep(0.02)

            anyio.run(main, backend=world)
        assert feed.join(0)
        assert sink.told == []

    def test_starting_twice_starts_once(self, world):
        """A second start does nothing."""
        sink = Recorder()
        with Fed(world, Own(lambda etag: Body(b"one")), sink) as fed:
            sink.await_told(b"one")
            if world == "thread":
                fed.feed.start()
                assert len([thread for thread in threading.enumerate() if thread.name == "flagcore feed own"]) == 1


class TestThreadFeed:
    def test_can_be_stopped_and_joined_by_itself(self):
        """A listener that closes the client runs in the feed's own thread, and must not wait for itself."""
        sink, joined = Recorder(), []
        feed = ThreadFeed(Own(lambda etag: Body(b"one")), sink)

        def keep(body):
            feed.stop()
            joined.append(feed.join(5))

        sink.keep = keep
        feed.start()
        assert feed.join(2)
        assert joined == [False]

    def test_a_feed_that_dies_of_a_bug_says_so(self, caplog):
        """A client that is not fed any more must not look healthy."""
        sink = Recorder()

        def keep(body):
            raise ZeroDivisionError

        sink.keep = keep
        feed = ThreadFeed(Own(lambda etag: Body(b"one")), sink)
        feed.start()
        assert feed.join(2)
        assert sink.told[0][0] == "ended"
        assert "error of its own" in caplog.text


class TestTaskFeed:
    backends = pytest.mark.parametrize("backend", ["asyncio", "trio"])

    def test_needs_a_loop(self):
        """Outside of a loop it says what to do instead."""
        with pytest.raises(StateError, match="with client:"):
            TaskFeed(Own(lambda etag: SAME), Recorder()).start()

    @backends
    def test_ends_with_its_loop(self, backend):
        """A loop that ends takes the task along; stop and join then only say so."""
        sink = Recorder()
        feed = TaskFeed(Own(lambda etag: Body(b"one")), sink)

        async def main():
            feed.start()
            while not sink.told:  # noqa: ASYNC110 - told by nothing that could be awaited
                await anyio.sleep(0.001)

        anyio.run(main, backend=backend)
        feed.stop()
        assert feed.join(1)

    @backends
    def test_lets_no_exception_out(self, backend, caplog):
        """A bug in the feed must not end the application."""
        sink = Recorder()

        def keep(body):
            raise ZeroDivisionError

        sink.keep = keep
        feed = TaskFeed(Own(lambda etag: Body(b"one")), sink)

        async def main():
            feed.start()
            assert await feed.wait_stopped(2)
            return "alive"

        assert anyio.run(main, backend=backend) == "alive"
        assert sink.told[0][0] == "ended"
        assert "error of its own" in caplog.text

    @backends
    def test_can_be_awaited_from_another_loop(self, backend, server):
        """Whoever waits for the end need not be in the loop where it happens."""
        server.script["/flags"] = lambda call: call.hang()
        with Fed(backend, polled(server), Recorder()) as fed:
            server.await_calls("/flags", 1)

            async def elsewhere():
                assert not await fed.feed.wait_stopped(0.05)
                fed.feed.stop()
                return await fed.feed.wait_stopped(1)

            assert anyio.run(elsewhere, backend="asyncio")

    @backends
    def test_join_in_its_own_loop_does_not_wait(self, backend, server):
        """A loop that waited for its own task would wait in vain."""
        server.script["/flags"] = lambda call: call.hang()
        feed = TaskFeed(polled(server), Recorder())

        async def main():
            feed.start()
            began = time.monotonic()
            assert feed.join(5) is False
            assert time.monotonic() - began < 1
            feed.stop()
            assert await feed.wait_stopped(1)

        anyio.run(main, backend=backend)

    def test_asyncio_run_is_not_held_back_by_a_look_up(self, monkeypatch):
        """A resolver that hangs would hold asyncio's own executor, and the loop's end with it."""
        release = threading.Event()
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: release.wait(10) and [])

        async def main():
            TaskFeed(HTTPSource("http://flags.example.test/", "native"), Recorder()).start()
            await anyio.sleep(0.05)

        began = time.monotonic()
        anyio.run(main)
        took = time.monotonic() - began
        release.set()
        assert took < PROMPT


class TestFetchOnce:
    def test_gets_one_document(self, server):
        """One fetch, in the caller's thread."""
        server.script["/flags"] = lambda call: call.answer(200, b"one")
        sink = Recorder()
        assert fetch_once(polled(server), sink) is None
        assert sink.told == [b"one"]

    def test_gets_the_first_event_of_a_stream(self, server):
        """A source that only streams gives its first event, and is left."""

        def live(call):
            call.stream(b": hello\n\n", b"data: one\n\n")
            call.hang()

        server.script[LIVE] = live
        sink = Recorder()
        assert fetch_once(streamed(server), sink) is None
        assert sink.told == [b"one"]
        until(lambda: server.open == 0)

    def test_tells_and_returns_what_failed(self, server):
        """The sink hears of it as of any failure."""
        server.script["/flags"] = lambda call: call.answer(500)
        sink = Recorder()
        error = fetch_once(polled(server), sink)
        assert sink.told == [("failed", error)]

    def test_tells_and_returns_a_denial(self, server):
        """A denial is an end."""
        server.script["/flags"] = lambda call: call.answer(403)
        sink = Recorder()
        error = fetch_once(polled(server), sink)
        assert sink.told == [("ended", error)]

    def test_a_stream_that_drips_comments_ends_at_the_deadline(self, server):
        """Within the source's time-out, whatever the server does."""

        def live(call):
            call.stream()
            while not server.closing.is_set():
                call.event(b": still here\n")
                time.sleep(0.02)

        server.script[LIVE] = live
        began = time.monotonic()
        assert isinstance(fetch_once(streamed(server, timeout_seconds=0.3), Recorder()), SourceUnavailable)
        assert time.monotonic() - began < 2


def test_a_stream_that_only_beats_is_renewed(world, monkeypatch):
    """With polls behind it, a document that the stream never brings is found out nevertheless."""
    monkeypatch.setattr(session, "_QUIET_SECONDS", 0.3)
    with FaultyServer(b"one", heartbeat_seconds=0.02) as server:
        server.fault("heartbeats-only")
        sink = Recorder()
        with Fed(world, HTTPSource(server.url, "native", stream_url=server.stream_url), sink):
            sink.await_told(b"one")
            server.update(b"two")
            sink.await_any(b"two")
    assert sink.errors == []


def test_a_stream_that_drips_is_left(world):
    """An event that is never whole is told, and the connection dropped, though it is never silent."""
    with FaultyServer(b"one") as server:
        server.fault("slow-drip")
        source = SoasapSource("key", base_url=server.url)
        source.silence_seconds = 1.3
        sink = Recorder()
        with Fed(world, source, sink):
            sink.await_told("failed")
            until(lambda: server.open_connections == 0)
    assert "whole event" in str(sink.errors[0])


def test_a_kept_connection_that_was_dropped_is_no_outage(world):
    """The request is sent again on a new one, and nobody hears of it."""
    with FaultyServer(b"one") as server:
        server.fault("keep-alive-dropped")
        sink = Recorder()
        with Fed(world, HTTPSource(server.url, "native", poll_seconds=0.05), sink):
            sink.await_told(b"one", "same", "same")
        assert server.connections > 1
    assert sink.errors == []
