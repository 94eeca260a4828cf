"""
Promise 1: a read never waits and never raises. Each test here fails if a read does what it must not.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from blockbuster import BlockBuster

from flagcore import Flag, FlagClient, Flags, MemorySource
from flagcore.client import FlagClient as Client
from tests.documents import Table, body, native

DOCUMENT = {"ordered_hierarchy": ["org"], "features": {"f": {"default": 0, "x": {"a": 1}}}}

READS: list[Callable[[Any], object]] = [
    lambda read: read.get_bool("on"),
    lambda read: read.is_enabled("on"),
    lambda read: read.get_int("n"),
    lambda read: read.get_float("n"),
    lambda read: read.get_number("n"),
    lambda read: read.get_string("s"),
    lambda read: read.get_json("j"),
    lambda read: read.get(Flag("n", 0)),
    lambda read: read.details("f", None),
    lambda read: read.details("unknown", None),
    lambda read: read.get_feature_config("f", ["x"]),
    lambda read: read.all(),
]


@pytest.fixture
def client() -> FlagClient:
    upper = MemorySource(native(on=True, n=1, s="x", j={"a": [1]}))
    client = FlagClient(upper, MemorySource(DOCUMENT, "foff"), cache_dir=None)
    client.start()
    return client


def views(client: FlagClient) -> list[FlagClient | Flags]:
    return [client, client.flags(), client.flags({"org": "x"})]


def test_a_read_makes_no_system_call(client: FlagClient) -> None:
    """No audit event (file, socket, process), and no call into a module that could make one."""
    reads = [(read, each) for each in views(client) for read in READS]
    for read, _ in reads:  # the first read of a flag compiles its rules
        read(client)
    called: list[str] = []
    seen: list[str] = []
    watching = False

    def audit(event: str, _: object) -> None:
        if watching:
            seen.append(event)

    def profile(_frame: object, event: str, argument: Any) -> None:
        if event == "c_call":
            called.append(f"{argument.__module__}.{argument.__name__}")

    sys.addaudithook(audit)
    gc.disable()  # others listen to the collector, and ask for the time
    sys.setprofile(profile)
    watching = True
    for read, each in reads:
        read(each)
    watching = False
    sys.setprofile(None)
    gc.enable()
    allowed = {"builtins", "None", "_abc", "_contextvars", "itertools"}
    calls = {name for name in called if name.rpartition(".")[0] not in allowed}
    # The process id is what tells a fork: asked where the client makes a view, which `all` and features do.
    assert calls <= {"posix.getpid", "sys.setprofile"}
    # The first read of a flag makes a function of its rules, in memory.
    compiling = {"builtins.id", "code.__new__", "compile", "exec", "function.__new__"}
    assert {event for event in seen if not event.startswith("sys.")} <= compiling
    assert any("isinstance" in name for name in called), "the profiler saw the reads"


def test_a_lock_held_elsewhere_does_not_stop_a_read() -> None:
    """Every lock of the client is held by another thread, as in the middle of a publication."""
    source = Table(body(a=1), poll_seconds=60)
    client = FlagClient(source, MemorySource(native(b=2)), cache_dir=None)
    locks: list[Any] = [
        client._state._writing,
        client._life._changing.own(),
        client._state.settled._changed,
        *(layer._lock for layer in client._state.layers),
    ]
    client.start(5)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        for lock in locks:
            lock.acquire()
        held.set()
        done.wait(10)
        for lock in reversed(locks):
            lock.release()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(5)
    result: list[int] = []
    reader = threading.Thread(
        target=lambda: result.extend([client.get_int("a"), client.flags({"org": "x"}).get_int("b"), len(client.all())])
    )
    reader.start()
    reader.join(2)
    stuck = reader.is_alive()
    done.set()
    holder.join(5)
    reader.join(5)
    assert not stuck
    assert result == [1, 2, 2]
    client.close()


def test_no_read_touches_a_lock_or_a_future(client: FlagClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither is taken nor made."""
    import _thread
    import asyncio

    reads = [(read, each) for each in views(client) for read in READS]
    for read, each in reads:
        read(each)

    def refuse(*_: object, **__: object) -> Any:
        raise AssertionError("a read made a lock or a future")

    for owner, name in ((threading, "Lock"), (threading, "RLock"), (_thread, "allocate_lock"), (asyncio, "Future")):
        monkeypatch.setattr(owner, name, refuse)
    gc.collect()
    before = len([each for each in gc.get_objects() if type(each).__name__ in ("Future", "Task")])
    for read, each in reads:
        read(each)
    assert len([each for each in gc.get_objects() if type(each).__name__ in ("Future", "Task")]) == before


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_reads_in_a_loop_block_nothing(anyio_backend: str) -> None:
    """Under a guard that fails on any blocking call inside the loop; the task feed runs beside them."""
    source = Table(body("1", a=1), poll_seconds=0.01)
    client = FlagClient(source, cache_dir=None)
    guard = BlockBuster()
    await client.astart(5)
    guard.activate()
    try:
        for number in range(2, 12):
            source.answer = body(str(number), a=number)
            await anyio.sleep(0.01)
            for read in READS:
                read(client)
                read(client.flags({"org": "x"}))
    finally:
        guard.deactivate()
        await client.aclose()
    assert client.get_int("a") > 2


def test_one_view_never_sees_two_states() -> None:
    """While another thread swaps as fast as it can, two flags that change together are read together."""
    source = MemorySource(native(a=0, b=0))
    client = FlagClient(source, cache_dir=None)
    stop = threading.Event()

    def swap() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            source.update(native(a=number, b=number))

    swapper = threading.Thread(target=swap)
    swapper.start()
    seen: set[int] = set()
    while len(seen) < 20:
        view = client.flags()
        first = view.get_int("a")
        assert view.get_int("b") == first
        assert view.get_int("a") == first
        seen.add(first)
    stop.set()
    swapper.join(5)


def test_a_flag_that_fails_spoils_only_itself(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever goes wrong while one flag is resolved, its reads give the default, and the log says which."""
    from flagcore.snapshot import Snapshot

    class Broken:
        def __call__(self, context: object) -> Any:
            raise ZeroDivisionError("oops")

        along = __call__

    take_off = client.lay(Snapshot({"fine": 1}, {"broken": Broken()}))
    assert client.get_int("broken", 7) == 7
    assert client.get_feature_config("broken", []) is None
    assert client.details("broken", 7).error_message == "ZeroDivisionError: oops"
    assert client.get_int("fine") == 1
    assert client.all()["fine"] == 1
    take_off()
    assert "'broken'" in caplog.text
