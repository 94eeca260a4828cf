"""
What becomes of a document that its source has not confirmed for long.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from flagcore import ErrorCode, FlagClient, HTTPSource, MemorySource, Reason, Status
from flagcore.errors import ConfigError, SourceDenied, SourceUnavailable
from flagcore.feed.disk import DiskCache
from flagcore.sources.http import SoasapSource
from flagcore.staleness import Countdown
from tests.documents import Table, body, eventually, native
from tests.loopback import Call, Server

DOWN = SourceUnavailable("down")

#: Seconds that a document may be stale here: long enough to be seen before it is over.
LIMIT = 0.2


def client_of(*sources: Any, on_stale: Any = "default", **options: Any) -> FlagClient:
    return FlagClient(*sources, **{"cache_dir": None, "max_stale_seconds": LIMIT, **options}, on_stale=on_stale)


def waiting() -> list[threading.Thread]:
    """The threads that wait for a document to become too old."""
    return [thread for thread in threading.enumerate() if thread.name == "flagcore-stale"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"on_stale": "panic", "max_stale_seconds": 1}, "'serve', 'default' or 'fail'; got 'panic'"),
        ({"on_stale": "fail", "max_stale_seconds": None}, "max_stale_seconds beside it, got None"),
        ({"max_stale_seconds": float("inf")}, "seconds above 0 or None, got inf"),
    ],
)
def test_a_policy_that_cannot_be_right_is_refused(options: dict[str, Any], message: str) -> None:
    """At construction, in words that say what may stand there."""
    with pytest.raises(ConfigError, match=message):
        client_of(MemorySource(native()), **options)


def test_by_default_the_last_good_document_serves_for_ever() -> None:
    """Its age is to be seen, and the status says STALE; nothing waits for anything."""
    table = Table(body("1", a=1))
    with client_of(table, on_stale="serve", max_stale_seconds=0.01) as client:
        assert client.wait_ready(5)
        table.answer = DOWN
        eventually(lambda: (client.health().age_seconds or 0) > 0.1)
        assert (client.get_int("a"), client.status) == (1, Status.STALE)
        assert waiting() == []


@pytest.mark.parametrize(
    ("policy", "code", "status"),
    [("default", ErrorCode.PROVIDER_NOT_READY, Status.STALE), ("fail", ErrorCode.GENERAL, Status.ERROR)],
)
def test_a_document_too_old_gives_defaults_until_it_is_confirmed(
    policy: str, code: ErrorCode, status: Status, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer says why, listeners hear of it, and the log has one line each way; then all is as before."""
    caplog.set_level(logging.INFO, "flagcore.client")
    caplog.set_level(logging.INFO, "flagcore")
    table = Table(body("1", a=1))
    changed: list[frozenset[str]] = []
    told: list[Status] = []
    with client_of(table, on_stale=policy) as client:
        assert client.wait_ready(5)
        assert waiting() == []
        client.on_change(changed.append)
        client.on_status(told.append)
        before = client.flags()
        table.answer = DOWN
        eventually(lambda: client.status is Status.STALE)
        assert client.get_int("a") == 1
        eventually(lambda: client.get_int("a", 7) == 7)
        answer = client.flags().details("a", 7)
        assert (answer.value, answer.reason, answer.error_code) == (7, Reason.ERROR, code)
        assert "max_stale_seconds" in str(answer.error_message)
        assert (client.status, client.all(), before.get_int("a")) == (status, {}, 1)
        eventually(lambda: waiting() == [])
        table.answer = body("1", a=1)
        client.refresh()
        assert (client.get_int("a"), client.status) == (1, Status.READY)
        assert changed == [{"a"}, {"a"}]
        assert told == [Status.STALE, *([Status.ERROR] if policy == "fail" else []), Status.READY]
    begun, too_old, over = [record.getMessage() for record in caplog.records]
    assert "the last good document stays" in begun
    assert f"max_stale_seconds={LIMIT}, on_stale={policy!r}" in too_old
    assert over == "table: answers again"


def test_a_layer_too_old_leaves_its_flags_to_the_one_below() -> None:
    """A file of defaults, say, takes over flag by flag; layers above are not touched."""
    table = Table(body("1", a=1, b=1))
    with client_of(MemorySource(native(b=0)), table, MemorySource(native(a=3))) as client:
        assert client.wait_ready(5)
        assert (client.get_int("a"), client.get_int("b")) == (1, 0)
        table.answer = DOWN
        eventually(lambda: client.get_int("a") == 3)
        assert client.get_int("b") == 0
        assert client.health().is_ready


@pytest.mark.parametrize("error", [SourceDenied("no", status=401), SourceUnavailable("busy", retry_after=3600.0)])
def test_the_moment_comes_while_nothing_is_asked_of_the_source(error: Exception) -> None:
    """Denied for good, or told to come back in an hour: no attempt is needed to see that time passes."""
    table = Table(body("1", a=1))
    with client_of(table) as client:
        assert client.wait_ready(5)
        table.answer = error
        eventually(lambda: client.get_int("a") == 0)
        table.answer = body("2", a=2)
        client.refresh()
        assert client.get_int("a") == 2


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_it_holds_for_tasks_too(backend: str) -> None:
    """Without a step of the loop's own, and without a thread left at the end."""
    table = Table(body("1", a=1))

    async def until(condition: Callable[[], bool]) -> None:
        with anyio.fail_after(5):
            while not condition():  # noqa: ASYNC110 - as eventually(): what comes true is no event
                await anyio.sleep(0.01)

    async def main() -> None:
        async with client_of(table, on_stale="fail") as client:
            assert await client.await_ready(5)
            table.answer = DOWN
            await until(lambda: waiting() != [])
            await until(lambda: client.status is Status.ERROR)
            assert client.get_int("a", 7) == 7
            table.answer = body("2", a=2)
            await client.arefresh()
            assert client.get_int("a") == 2
        assert waiting() == []

    anyio.run(main, backend=backend)


def test_a_closed_client_keeps_what_it_has() -> None:
    """Nothing waits any more; the age goes on growing, and the status says that nothing follows."""
    table = Table(body("1", a=1))
    with client_of(table) as client:
        assert client.wait_ready(5)
        table.answer = DOWN
        eventually(lambda: waiting() != [])
    assert waiting() == []
    eventually(lambda: (client.health().age_seconds or 0) > LIMIT)
    assert (client.get_int("a"), client.status) == (1, Status.STALE)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_forked_child_counts_for_itself() -> None:
    """It inherits the document with its age, not the thread that waited."""
    table = Table(body("1", a=1))
    with client_of(table) as client:
        assert client.wait_ready(5)
        table.answer = DOWN
        eventually(lambda: waiting() != [])
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                assert client.get_int("a") == 1
                eventually(lambda: client.get_int("a", 7) == 7)
                client.close()
                status = 0
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_a_document_on_disk_brings_its_age_along(tmp_path: Path) -> None:
    """One that is too old when the process starts gives defaults from the first read on, until the server answers."""
    with Server() as server:
        server.script["/flags"] = lambda call: call.answer(503)
        source = HTTPSource(f"{server.url}/flags", "native", poll_seconds=0.05)
        cache = DiskCache(tmp_path, lambda error: pytest.fail(str(error)))
        cache.put(source.identity, body("1", a=1), time.time() - 3600)
        assert cache.flush(5)
        with client_of(source, cache_dir=tmp_path, max_stale_seconds=7200) as client:
            assert (client.get_int("a"), round(client.health().age_seconds or 0, -1)) == (1, 3600)
        with client_of(source, cache_dir=tmp_path, max_stale_seconds=600) as client:
            assert client.get_int("a", 7) == 7
            server.script["/flags"] = lambda call: call.answer(200, body(a=2).content, Content_Type="application/json")
            eventually(lambda: client.get_int("a") == 2)


def test_a_document_on_disk_is_as_old_as_its_last_confirmation(tmp_path: Path) -> None:
    """One that has not changed for long, and stood a moment before the process ended, is young."""
    with Server() as server:
        server.script["/flags"] = lambda call: call.answer(304 if call.headers.get("if-none-match") else 500)
        source = HTTPSource(f"{server.url}/flags", "native", poll_seconds=0.05)
        cache = DiskCache(tmp_path, lambda error: pytest.fail(str(error)))
        cache.put(source.identity, body('"1"', a=1), time.time() - 3600)
        assert cache.flush(5)
        with client_of(source, cache_dir=tmp_path, max_stale_seconds=7200) as client:
            assert client.wait_ready(5)
        server.script["/flags"] = lambda call: call.answer(503)
        with client_of(source, cache_dir=tmp_path, max_stale_seconds=600) as client:
            assert client.get_int("a") == 1
            assert 0 < (client.health().age_seconds or 0) < 60
            assert time.time() - (client.snapshot.fetched_at or 0) > 3500


def test_an_answer_of_unchanged_confirms_the_document() -> None:
    """A document of last year is no older than the last time the service said that it stands."""
    with Server() as server:
        fresh = body('"1"', a=1)

        def script(call: Call) -> None:
            if call.headers.get("if-none-match"):
                call.answer(304)
            else:
                call.answer(200, fresh.content, ETag='"1"', Content_Type="application/json")

        server.script["/flags"] = script
        with client_of(HTTPSource(f"{server.url}/flags", "native", poll_seconds=0.05)) as client:
            assert client.wait_ready(5)
            came = client.snapshot.fetched_at
            server.await_calls("/flags", 6)
            age = client.health().age_seconds
            assert age is not None
            assert age < time.time() - (came or 0)
            assert (client.status, client.snapshot.fetched_at) == (Status.READY, came)


def test_a_heartbeat_confirms_the_document() -> None:
    """An open stream that says nothing new has the newest."""
    beat, over = threading.Event(), threading.Event()

    def script(call: Call) -> None:
        call.stream(b'data: {"a": 1}\n\n')
        beat.wait(5)
        call.event(b": here\n\n")
        over.wait(5)

    with Server() as server:
        server.script["/api/v1/flags/live"] = script
        with client_of(SoasapSource("key", server.url), max_stale_seconds=30) as client:
            assert client.wait_ready(5)
            eventually(lambda: (client.health().age_seconds or 0) > 0.2)
            assert client.status is Status.READY
            beat.set()
            eventually(lambda: (client.health().age_seconds or 9) < 0.2)
            over.set()


def test_a_poll_that_is_never_answered_does_not_look_ready() -> None:
    """Its deadline ends it, and then it is an outage like any other."""
    with Server() as server:
        document = body(a=1).content
        server.script["/flags"] = lambda call: (
            call.answer(200, document, Content_Type="application/json") if len(server.calls) == 1 else call.hang()
        )
        source = HTTPSource(f"{server.url}/flags", "native", poll_seconds=0.05, timeout_seconds=0.2)
        with client_of(source, max_stale_seconds=0.1) as client:
            assert client.wait_ready(5)
            eventually(lambda: client.get_int("a", 7) == 7)
            assert client.status is Status.STALE


def test_a_listener_that_is_slow_holds_up_no_reader_and_no_other_status() -> None:
    """What it is told of is there for everybody before it is told; the listeners after it hear of it too."""
    source = MemorySource(native(a=1))
    client = FlagClient(source, cache_dir=None)
    entered, go, heard = threading.Event(), threading.Event(), threading.Event()

    def slow(_: frozenset[str]) -> None:
        entered.set()
        assert go.wait(5)

    client.on_change(slow)
    client.on_change(lambda _: heard.set())
    with client:
        updating = threading.Thread(target=source.update, args=(native(a=2),))
        updating.start()
        assert entered.wait(5)
        assert (client.get_int("a"), client.flags().get_int("a"), client.status) == (2, 2, Status.READY)
        go.set()
        assert heard.wait(5)
        updating.join(5)


def test_a_countdown_that_is_stopped_calls_nothing() -> None:
    """However often it is stopped; and a moment that has passed is called at once."""
    called: list[str] = []
    stopped = Countdown(time.monotonic() + 0.1, lambda: called.append("stopped"))
    stopped.start()
    stopped.stop()
    stopped.stop()
    assert stopped.join(5)
    past = Countdown(time.monotonic() - 1, lambda: called.append("past"))
    assert past.join(0)  # not started: nothing to wait for
    past.start()
    assert past.join(5)
    assert called == ["past"]
