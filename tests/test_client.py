import gc
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import anyio
import pytest

from flagcore import (
    Body,
    ErrorCode,
    ErrorContext,
    ErrorSource,
    EvaluationContext,
    Flag,
    FlagClient,
    MemorySource,
    Status,
    get_flags,
    life,
)
from flagcore.errors import ConfigError, MalformedDocument, SourceDenied, SourceUnavailable
from tests.documents import Table, body, eventually, native


def client_of(*sources: Any, **options: Any) -> FlagClient:
    return FlagClient(*sources, cache_dir=None, **options)


def feed_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("flagcore")]


class Bare:
    name = "bare"

    def fetch(self, etag: str | None) -> Body:
        return body(a=1)


# --- construction ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sources", "options", "message"),
    [
        ((), {}, "sources: expected at least one"),
        (("flags.yaml",), {}, r"sources\[0\]: expected a source"),
        ((MemorySource(native()), 5), {}, r"sources\[1\]"),
        ((Table(body(), poll_seconds="30"),), {}, "table: poll_seconds: expected a number of seconds"),  # type: ignore[arg-type]
        ((Table(body(), name=b"mine"),), {}, r"sources\[0\].name: expected a str, got bytes"),  # type: ignore[arg-type]
        ((Bare(),), {}, "got Bare, which lacks format, poll_seconds"),
        ((MemorySource(native()),), {"on_error": "log"}, "on_error"),
        ((MemorySource(native()),), {"max_stale_seconds": 0}, "max_stale_seconds"),
        ((MemorySource(native()),), {"max_stale_seconds": True}, "max_stale_seconds"),
        ((MemorySource(native()),), {"on_stale": "panic"}, "on_stale"),
        ((MemorySource(native()),), {"share": 1}, "share"),
        ((MemorySource(native()),), {"cache_dir": 5}, "cache_dir"),
    ],
)
def test_refuses_what_cannot_be_right(sources: Any, options: Any, message: str) -> None:
    """Said at construction, naming the option, what was expected and what came."""
    with pytest.raises(ConfigError, match=message):
        FlagClient(*sources, **options)


def test_no_read_raises_though_a_source_becomes_none() -> None:
    """What was looked at when the client was made may be otherwise when it wakes."""
    source = Table(body(a=1))
    client = client_of(source)
    source.poll_seconds = "30"  # type: ignore[assignment]
    assert client.get_int("a", 7) == 7
    assert client.flags().get_int("a", 7) == 7
    assert client.health().is_ready is False


# --- asleep, awake, closed ------------------------------------------------------------------------------------------


def test_the_first_read_wakes_a_client() -> None:
    """A client that was never started starts at its first read, which does not wait."""
    source = Table(body(a=1))
    client = client_of(source)
    assert source.asked == []
    assert client.status is Status.NOT_READY
    source.gate.clear()
    assert client.get_int("a", 7) == 7
    assert client.details("a", 7).error_code is ErrorCode.PROVIDER_NOT_READY
    source.gate.set()
    eventually(lambda: client.get_int("a", 7) == 1)
    client.close()


@pytest.mark.parametrize("read", ["view", "with a context", "feature"])
def test_every_kind_of_read_wakes(read: str) -> None:
    """A view, a read with a context, and a feature's read are reads too."""
    client = client_of(Table(body(a=1)))
    if read == "view":
        client.flags()
    elif read == "feature":
        client.get_feature_config("a", [])
    else:
        client.get_int("a", 0, {"org": "x"})
    assert client.wait_ready(5)
    client.close()


def test_starting_twice_keeps_the_feed() -> None:
    """A second start does nothing, and a `with` that did not start the client does not stop it."""
    client = client_of(Table(body(a=1), poll_seconds=5))
    assert client.start(5) is True
    first = client._state.layers[0].feed
    with client:
        assert client._state.layers[0].feed is first
    assert client.status is Status.READY
    client.close()
    assert client.status is Status.STALE


def test_a_closed_client_answers_from_its_last_state() -> None:
    """Nothing wakes it but a start."""
    source = Table(body(a=1))
    with client_of(source) as client:
        assert client.wait_ready(5)
    asked = len(source.asked)
    assert client.get_int("a") == 1
    assert client.flags().get_int("a") == 1
    assert client.flags().fresh().get_int("a") == 1
    time.sleep(0.06)
    assert len(source.asked) == asked
    assert feed_threads() == []
    source.answer = body(a=2)
    assert client.start(5)
    assert client.get_int("a") == 2
    client.close()


def test_close_is_idempotent_and_takes_any_thread() -> None:
    """Twice, from another thread, from many at once, before a start: no matter."""
    client = client_of(Table(body(a=1)))
    client.close()
    client.start(5)
    threads = [threading.Thread(target=client.close) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    client.close()
    assert feed_threads() == []


def test_a_moment_without_threads_is_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    """No start, read or end raises, and a later read tries again."""
    monkeypatch.setattr(life, "_RETRY_SECONDS", 0.05)
    genuine, denying = threading.Thread.start, [True]

    def start(self: threading.Thread) -> None:
        if denying and self.name == "flagcore feed second":
            raise RuntimeError("can't start new thread")
        genuine(self)

    monkeypatch.setattr(threading.Thread, "start", start)
    errors: list[ErrorContext] = []
    client = client_of(Table(body(a=1)), Table(body(b=2), name="second"), on_error=errors.append)
    client.start(5)
    assert client.get_int("b", 7) == 7
    assert client.status is Status.ERROR
    client.close()
    with client:
        assert client._life.is_awake is False
        denying.clear()
        eventually(lambda: client.get_int("b", 7) == 2)
        assert client.wait_ready(5)
    assert feed_threads() == []
    assert {str(each.exception) for each in errors} == {"second: can't start new thread"}
    assert len(errors) >= 2


CLOSING_HANDLER = """
import signal, sys, time
from flagcore import FlagClient, MemorySource
source = MemorySource({"flags": {"a": {"value": 0}}})
client = FlagClient(source, cache_dir=None)
client.start()
calls = 0
def close(*_):
    global calls
    calls += 1
    client.close()
signal.signal(signal.SIGALRM, close)
for number in range(250):
    before = calls
    signal.setitimer(signal.ITIMER_REAL, 0.001 + number * 2e-6)
    while calls == before:
        source.update({"flags": {"a": {"value": number % 2}}})
print(calls)
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the platform has no timer signals")
def test_a_signal_handler_may_close() -> None:
    """Wherever the thread that it interrupts stands: in the midst of a change, and holding its locks."""
    argv = [sys.executable, "-c", CLOSING_HANDLER]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout == "250\n"


def test_close_does_not_wait_for_a_source_that_hangs() -> None:
    """A source of one's own can't be interrupted; the client is closed all the same, and it changes nothing after."""
    source = Table(body(a=1))
    source.gate.clear()
    client = client_of(source)
    client.start()
    eventually(lambda: bool(source.asked))
    began = time.monotonic()
    client.close(timeout_seconds=0.1)
    assert time.monotonic() - began < 1
    source.gate.set()
    eventually(lambda: feed_threads() == [])
    assert client.get_int("a", 7) == 7


def test_no_start_raises_or_waits_for_a_source_that_is_down() -> None:
    """An application always starts."""
    client = client_of(Table(SourceUnavailable("the table is gone")))
    began = time.monotonic()
    assert client.start() is False
    assert time.monotonic() - began < 0.5
    assert client.start(0.05) is False
    eventually(lambda: client.status is Status.ERROR)
    assert client.get_bool("a", True) is True
    client.close()


# --- readiness and status -------------------------------------------------------------------------------------------


def test_ready_needs_each_source_to_have_been_tried() -> None:
    """At least one has a document, and none is still on its first attempt."""
    slow, quick = Table(body(b=1)), MemorySource(native(a=1))
    slow.gate.clear()
    with client_of(quick, slow) as client:
        assert client.wait_ready(0.05) is False
        assert client.status is Status.NOT_READY
        assert client.get_int("a") == 1
        assert client.details("b", 0).error_code is ErrorCode.PROVIDER_NOT_READY
        slow.answer = SourceUnavailable("gone")
        slow.gate.set()
        assert client.wait_ready(5) is True
        assert client.status is Status.ERROR


def test_an_outage_is_stale_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """The last good answer stays; one line when it starts, one when it ends, however long it lasts."""
    caplog.set_level(logging.INFO, "flagcore")
    source = Table(body("1", a=1))
    heard: list[ErrorContext] = []
    with client_of(source, on_error=heard.append) as client:
        assert client.wait_ready(5)
        source.answer = SourceUnavailable("the table is gone")
        eventually(lambda: len(heard) >= 2)
        assert client.status is Status.STALE
        assert client.get_int("a") == 1
        source.answer = body("1", a=1)
        eventually(lambda: client.status is Status.READY)
    assert {(each.source, each.is_transient, each.origin) for each in heard} == {(ErrorSource.NETWORK, True, "table")}
    assert isinstance(heard[0].exception, SourceUnavailable)
    assert heard[0].timestamp.tzinfo is not None
    assert [record.getMessage() for record in caplog.records] == [
        "table: the table is gone; the last good document stays, and it is tried again",
        "table: answers again",
    ]


def test_a_denial_is_fatal_until_a_refresh() -> None:
    """The feed stops for good; waiting for it ends at once; a refresh tries again and follows on."""
    source = Table(SourceDenied("the key is not known", status=401))
    heard: list[ErrorContext] = []
    client = client_of(source, on_error=heard.append)
    assert client.start(30) is False
    assert client.status is Status.FATAL
    assert client.details("a", 0).error_code is ErrorCode.PROVIDER_FATAL
    assert [each.is_transient for each in heard] == [False]
    client.refresh()
    assert client.status is Status.FATAL
    assert len(heard) == 2
    source.answer = body("1", a=1)
    client.refresh()
    assert (client.status, client.get_int("a")) == (Status.READY, 1)
    source.answer = body("2", a=2)
    eventually(lambda: client.get_int("a") == 2)
    client.close()


def test_a_malformed_document_leaves_the_last_good_one() -> None:
    """It is told as the parser's error, with the path, and retried."""
    source = Table(body("1", a=1))
    heard: list[ErrorContext] = []
    with client_of(source, on_error=heard.append) as client:
        client.wait_ready(5)
        source.answer = type(body())(b'{"flags": [5]}', "2")
        eventually(lambda: bool(heard))
        assert client.get_int("a") == 1
        assert client.status is Status.STALE
        assert heard[0].source is ErrorSource.PARSER
        assert "$.flags: expected an object" in str(heard[0].exception)
        source.answer = body("3", a=3)
        eventually(lambda: client.get_int("a") == 3)


def test_a_source_that_raises_anything_harms_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A bug in a source of one's own counts as an outage."""
    with client_of(Table(ZeroDivisionError("oops"))) as client:
        eventually(lambda: client.status is Status.ERROR)
    assert "ZeroDivisionError" in caplog.text


def test_a_callback_that_raises_harms_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Neither `on_error` nor a listener can stop the feed or another listener."""

    def bad(_: object) -> None:
        raise ZeroDivisionError

    source = Table(SourceUnavailable("gone"))
    heard: list[frozenset[str]] = []
    client = client_of(source, on_error=bad)
    client.on_change(bad)
    client.on_change(heard.append)
    with client:
        eventually(lambda: client.status is Status.ERROR)
        source.answer = body(a=1)
        eventually(lambda: client.get_int("a") == 1)
        eventually(lambda: heard == [frozenset({"a"})])
    assert "ZeroDivisionError" in caplog.text


# --- changes --------------------------------------------------------------------------------------------------------


def test_listeners_hear_the_keys_that_changed() -> None:
    """Added, removed, of another value or another type; nothing for a document that says the same."""
    source = MemorySource(native(same=1, changed=1, typed=1, gone=1, deep={"a": [1]}))
    client = client_of(source)
    heard: list[frozenset[str]] = []
    end = client.on_change(heard.append)
    source.update(native(same=1, changed=2, typed=True, new=1, deep={"a": [1.0]}))
    source.update(native(same=1, changed=2, typed=True, new=1, deep={"a": [1.0]}))
    assert heard == [frozenset({"changed", "typed", "gone", "new", "deep"})]
    end()
    end()
    source.update(native())
    assert len(heard) == 1


def test_a_listener_may_ask_the_client_anything() -> None:
    """It runs outside of every lock."""
    source = MemorySource(native(a=1))
    client = client_of(source)
    seen: list[int] = []

    def listener(_: frozenset[str]) -> None:
        client.refresh()
        done = threading.Event()
        threading.Thread(target=lambda: (seen.append(client.get_int("a")), client.refresh(), done.set())).start()
        assert done.wait(5)

    client.on_change(listener)
    source.update(native(a=2))
    assert seen == [2]


# --- layers ---------------------------------------------------------------------------------------------------------


def test_the_first_layer_that_defines_a_flag_answers() -> None:
    """Whole: its overrides and its hierarchy are its own."""
    upper = MemorySource({"features": {"f": {"default": 1, "x": 2}}, "ordered_hierarchy": ["org"]}, "foff")
    lower = MemorySource(
        {
            "hierarchy": ["team", "user"],
            "flags": {
                "f": {"value": 9},
                "g": {"value": 0, "overrides": [{"team": "t", "value": 5}]},
                "h": {"value": 1},
            },
        }
    )
    client = client_of(upper, lower)
    assert client.get_int("f", context={"org": "x"}) == 2
    assert client.get_int("g", context={"team": "t", "org": "x"}) == 5
    assert client.get_feature_config("f", ["x"]) == 2
    assert client.get_feature_config("g", ["t", "u"]) == 5
    assert client.get_int("h") == 1
    assert sorted(client.snapshot) == ["f", "g", "h"]
    lower.update(native(f=8, h=3))
    assert (client.get_int("f"), client.get_int("h")) == (1, 3)
    upper.update({"features": {}, "ordered_hierarchy": []})
    assert client.get_int("f") == 8
    assert client.snapshot.version == "r1+r1"


def test_the_whole_is_as_well_as_its_worst_layer() -> None:
    """One that is down makes the client say so."""
    good, bad = Table(body(a=1), name="good"), Table(SourceUnavailable("gone"), name="bad")
    with client_of(good, bad) as client:
        assert client.wait_ready(5)
        assert client.status is Status.ERROR
        assert client.get_int("a") == 1
        bad.answer = body(b=1)
        eventually(lambda: client.status is Status.READY)
        assert client.details("nowhere", 0).error_code is ErrorCode.FLAG_NOT_FOUND


# --- tasks ----------------------------------------------------------------------------------------------------------

both_loops = pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])


@both_loops
@pytest.mark.anyio
async def test_a_task_keeps_it_fresh(anyio_backend: str) -> None:
    """Under asyncio and trio; it starts and stops with the block."""
    source = Table(body("1", a=1))
    async with client_of(source) as client:
        assert await client.await_ready(5)
        source.answer = body("2", a=2)
        with anyio.fail_after(5):
            while client.get_int("a") != 2:  # noqa: ASYNC110 - what a reader sees, not what it is told
                await anyio.sleep(0.005)
        assert await client.astart() is True
    assert client.get_int("a") == 2
    assert client.status is Status.STALE


@both_loops
@pytest.mark.anyio
async def test_start_and_close_may_be_in_different_tasks(anyio_backend: str) -> None:
    """No task group is held across the block."""
    client = client_of(Table(body(a=1)))
    async with anyio.create_task_group() as group:
        group.start_soon(client.astart, 5)
    assert client.get_int("a") == 1
    async with anyio.create_task_group() as group:
        group.start_soon(client.aclose)
    await client.aclose()


@both_loops
@pytest.mark.anyio
async def test_an_exception_leaves_the_block_as_it_is(anyio_backend: str) -> None:
    """Not wrapped in a group."""
    with pytest.raises(ZeroDivisionError):
        async with client_of(Table(body(a=1))):
            raise ZeroDivisionError


@both_loops
@pytest.mark.anyio
async def test_arefresh_fetches_without_holding_up_the_loop(anyio_backend: str) -> None:
    """The loop turns while the source is slow."""
    source = Table(body("1", a=1), poll_seconds=60)
    async with client_of(source) as client:
        assert await client.await_ready(5)
        source.answer = body("2", a=2)
        source.gate.clear()
        async with anyio.create_task_group() as group:
            group.start_soon(client.arefresh)
            await anyio.sleep(0.02)
            assert client.get_int("a") == 1
            source.gate.set()
        assert client.get_int("a") == 2


@both_loops
@pytest.mark.anyio
async def test_a_task_fed_client_takes_calls_from_threads(anyio_backend: str) -> None:
    """`wait_ready`, `refresh` and `close` work from any thread while the loop runs."""
    source = Table(body("1", a=1), poll_seconds=60)
    client = client_of(source)
    await client.astart()

    def elsewhere() -> None:
        assert client.wait_ready(5)
        source.answer = body("2", a=2)
        client.refresh()
        client.close()

    await anyio.to_thread.run_sync(elsewhere)
    assert client.get_int("a") == 2


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_client_survives_its_loop(backend: str) -> None:
    """`refresh`, `close` and a start in a thread work when the loop is gone."""
    source = Table(body("1", a=1), poll_seconds=60)
    client = client_of(source)

    async def main() -> None:
        assert await client.astart(5)

    anyio.run(main, backend=backend)
    source.answer = body("2", a=2)
    client.refresh()
    assert client.get_int("a") == 2
    client.close()
    source.answer = body("3", a=3)
    assert client.start(5)
    assert client.get_int("a") == 3
    client.close()


@both_loops
@pytest.mark.anyio
async def test_bindings_of_tasks_do_not_meet(anyio_backend: str) -> None:
    """Each task reads the view bound in it."""
    client = client_of(MemorySource({"ordered_hierarchy": ["org"], "features": {"f": {"default": 0, "x": 1}}}, "foff"))
    found: dict[str, int] = {}

    async def job(org: str) -> None:
        with client.bound({"org": org}):
            await anyio.sleep(0.01)
            found[org] = get_flags().get_int("f")

    async with anyio.create_task_group() as group:
        group.start_soon(job, "x")
        group.start_soon(job, "y")
    assert found == {"x": 1, "y": 0}


# --- forks ----------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_follows_by_itself() -> None:
    """It serves the last state at once, says that nothing follows it, and wakes at its first read."""
    source = Table(body("1", a=1))
    client = client_of(source)
    assert client.start(5)
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            told = [client.status.value]
            told.append(str(client.get_int("a")))
            source.answer = body("2", a=2)
            eventually(lambda: client.get_int("a") == 2)
            told.append(client.status.value)
            client.close()
            os.write(write, " ".join(told).encode())
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    assert os.read(read, 100).decode() == "STALE 1 READY"
    assert client.get_int("a") == 1
    client.close()
    os.close(read)
    os.close(write)


def test_a_client_that_is_dropped_goes_away() -> None:
    """One that was never started holds nothing back."""
    import weakref

    gone = weakref.ref(client_of(MemorySource(native(a=1))))
    gc.collect()
    assert gone() is None


def test_reads_declared_flags() -> None:
    """The client reads what a view reads, from the newest state."""
    client = client_of(MemorySource(native(a=5)))
    assert client.get(Flag("a", 0), EvaluationContext("u")) == 5
    assert client.all() == {"a": 5}


def test_on_status_tells_each_other_status() -> None:
    """
    Each status once, until it is unsubscribed; what a callback raises harms nothing.
    """
    table = Table(body(on=True))
    client = FlagClient(table, cache_dir=None)
    told: list[Status] = []
    client.on_status(lambda status: 1 / 0)
    end = client.on_status(told.append)
    with client:
        eventually(lambda: told == [Status.READY])
        table.answer = SourceUnavailable("down")
        eventually(lambda: told == [Status.READY, Status.STALE])
        end()
        end()
        table.answer = body(on=False)
        client.refresh()
        eventually(lambda: client.status is Status.READY)
    assert told == [Status.READY, Status.STALE]


def test_on_status_ends_on_the_status_that_is() -> None:
    """Though the thread that brought an earlier one is held up, and tells it late."""
    first, second = Table(body(a=1)), Table(body(b=1), name="second")
    second.gate.clear()
    client = client_of(first, second)
    told: list[Status] = []
    held, go_on = threading.Event(), threading.Event()

    def hold(keys: frozenset[str]) -> None:
        if "b" in keys:
            held.set()
            go_on.wait(10)

    client.on_change(hold)
    client.on_status(told.append)
    with client:
        second.gate.set()
        assert held.wait(5)
        assert client.status is Status.READY
        first.answer = SourceUnavailable("down")
        eventually(lambda: client.status is Status.STALE and told != [])
        go_on.set()
        second.answer = SourceUnavailable("down")  # its thread has gone on when this is heard of
        eventually(lambda: client.health().sources[1].status is Status.STALE)
    assert told == [Status.STALE]


def test_a_kept_error_keeps_nothing_of_what_came() -> None:
    """`on_error` is told with a traceback; afterwards no frame is left that would hold a document of 64 MB."""
    errors: list[ErrorContext] = []
    frames: list[bool] = []

    def note(context: ErrorContext) -> None:
        errors.append(context)
        frames.append(context.exception.__traceback__ is not None)

    client = FlagClient(Table(Body(b"<html>"), poll_seconds=0), cache_dir=None, on_error=note)
    client.refresh()
    client.close()
    error: BaseException | None = errors[-1].exception
    assert isinstance(error, MalformedDocument)
    assert all(frames)
    while error is not None:
        assert error.__traceback__ is None
        error = error.__cause__ or error.__context__
