from __future__ import annotations

import errno
import json
import logging
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import pytest

from flagcore import FlagClient, HTTPSource, SoasapSource, Status
from flagcore.errors import MalformedDocument
from flagcore.feed import election, sharing
from flagcore.feed.asks import Chunk, Keep, Kept, Read, Silent, Wait
from flagcore.feed.election import Glance
from flagcore.feed.word import Word
from flagcore.options import read_options
from flagcore.source import Body
from flagcore.testing import FaultyServer
from tests.documents import eventually, native
from tests.feed.following import FLIP_SECONDS, ROOT, TAKE_OVER_SECONDS, Following
from tests.loopback import Server

fcntl = pytest.importorskip("fcntl", reason="the platform has no locks that end with their process")

KEY = "key-of-the-test"


@pytest.fixture
def service() -> Iterator[FaultyServer]:
    """A flag service."""
    with FaultyServer(native(a=1)) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "shared"


def source(service: FaultyServer, poll_seconds: float = 0.1, key: str = KEY) -> HTTPSource:
    return HTTPSource(service.url, "native", headers={"X-Key": key}, poll_seconds=poll_seconds, timeout_seconds=1)


def sharing_client(service: FaultyServer, folder: Path, poll_seconds: float = 0.1, **options: object) -> FlagClient:
    return FlagClient(source(service, poll_seconds), share=True, cache_dir=folder, **options)  # type: ignore[arg-type]


def the_only(folder: Path, suffix: str) -> Path:
    (path,) = folder.glob(f"*{suffix}")
    return path


def test_one_that_is_let_in_again_has_not_ended(service: FaultyServer, folder: Path) -> None:
    """It hears of the refresh of another client; its own that fails is then no outage."""
    service.fault("401")
    with sharing_client(service, folder) as one, sharing_client(service, folder) as other:
        eventually(lambda: one.status is other.status is Status.FATAL)
        service.heal()
        one.refresh()
        eventually(lambda: one.status is other.status is Status.READY)
        assert other._life.ended() == []
        assert other._state.layers[0].is_followed


def test_a_feed_that_cannot_start_lets_go_of_the_lock(
    service: FaultyServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or each attempt would leave an open file behind."""

    def no_thread(*_: object, **__: object) -> None:
        raise RuntimeError("can't start new thread")

    client = sharing_client(service, folder)
    with monkeypatch.context() as moment:
        moment.setattr(threading.Thread, "start", no_thread)
        assert client.start() is False
    assert [each for each in election._elections if each._lock is not None] == []


# --- processes ------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="the platform has no /proc")
def test_processes_have_one_connection_and_another_holds_it_when_the_holder_dies(folder: Path) -> None:
    """Threads, asyncio and trio alike; a change is seen by all in time, and so is a `kill -9`."""
    with FaultyServer({"a": 0}) as service, Following(service, folder) as following:
        following.run("thread", "asyncio", "trio", "thread")
        following.await_all(4, "a=0", "status=READY")
        assert service.connections == 1
        took = [following.flip(number, 4) for number in range(1, 6)]
        # The median: on a machine that does much else, the one flip or the other waits for a processor.
        assert sorted(took)[2] <= FLIP_SECONDS, took
        assert service.connections == 1
        takeovers = [following.kill_holder(), following.kill_holder()]
        assert min(takeovers) <= TAKE_OVER_SECONDS, takeovers
        following.flip(6, 2)
        assert service.connections == 3
        assert service.open_connections == 1
        assert len(following.pids("status=READY")) == 2
        assert following.said == []
        assert not any(KEY.encode() in path.read_bytes() for path in folder.iterdir())


FORKING = f"""
import os, signal, sys, threading, time
from pathlib import Path
from flagcore import FlagClient, HTTPSource
client = FlagClient(HTTPSource(sys.argv[1], "native", headers={{"X-Key": {KEY!r}}}, poll_seconds=0.1), share=True,
                    cache_dir=sys.argv[2])
client.start(5)
if os.fork() == 0:
    sys.stdin.readline()
    print(os.getpid(), client.get_int("a"), flush=True)
    while client.get_int("a") != 3:
        time.sleep(0.01)
    print(client.wait_ready(5), flush=True)
    os._exit(0)
print("forked", flush=True)
signal.pause()
"""


def test_a_forked_child_does_not_keep_its_dead_parents_lock(service: FaultyServer, folder: Path) -> None:
    """The kernel frees it though the child lives, and the child follows whoever holds it now."""
    parent = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", FORKING, service.url, str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdin is not None
    assert parent.stdout is not None
    with parent.stdout, parent.stdin:
        assert parent.stdout.readline() == "forked\n"
        with sharing_client(service, folder) as client:
            assert client.wait_ready(5)
            parent.send_signal(signal.SIGKILL)
            parent.wait(5)
            seen = service.requests
            began = time.monotonic()
            eventually(lambda: service.requests > seen + 1)
            assert time.monotonic() - began <= TAKE_OVER_SECONDS
            service.update(native(a=2))
            eventually(lambda: client.get_int("a") == 2)
            parent.stdin.write("\n")
            parent.stdin.flush()
            assert parent.stdout.readline().split()[1] in "12"
            service.update(native(a=3))
            assert parent.stdout.readline() == "True\n"
            assert len({call.headers.get("x-key") for call in service.calls}) == 1


# --- two clients of one process -------------------------------------------------------------------------------------


def test_the_second_client_asks_nothing(service: FaultyServer, folder: Path) -> None:
    """It is ready by what the first one says, hears of changes, and is as fresh."""
    heard: list[frozenset[str]] = []
    with sharing_client(service, folder, 30) as first, sharing_client(service, folder, 30) as second:
        second.on_change(heard.append)
        assert first.wait_ready(5)
        assert second.wait_ready(5)
        assert second.get_int("a") == 1
        assert service.requests == 1
        service.update(native(a=2, b=3))
        first.refresh()
        second.refresh()
        assert (first.get_int("a"), second.get_int("b")) == (2, 3)
        assert service.requests == 3
    assert frozenset({"a", "b"}) in heard


def test_another_key_is_another_connection(service: FaultyServer, folder: Path) -> None:
    """What one key may see is no other's business."""
    other = FlagClient(source(service, 30, "another-key"), share=True, cache_dir=folder)
    with sharing_client(service, folder, 30) as client, other:
        assert client.wait_ready(5)
        assert other.wait_ready(5)
        assert {call.headers["x-key"] for call in service.calls} == {KEY, "another-key"}


def test_trouble_is_everybodys_and_so_is_its_end(service: FaultyServer, folder: Path) -> None:
    """A follower is READY only while the holder confirms."""
    heard: list[str] = []
    with sharing_client(service, folder) as first:
        assert first.wait_ready(5)
        with sharing_client(service, folder, on_error=lambda each: heard.append(str(each.exception))) as second:
            assert second.wait_ready(5)
            service.fault("503")
            eventually(lambda: second.status is Status.STALE)
            assert first.status is Status.STALE
            assert "503" in heard[0]
            with sharing_client(service, folder) as third:
                eventually(lambda: third.status is Status.STALE)
                assert third.get_int("a") == 1
                assert not third.wait_ready(0)
            service.fault("null-flags")
            eventually(lambda: any("$.flags" in each for each in heard))
            service.heal()
            eventually(lambda: second.status is Status.READY)
            assert first.status is Status.READY


def test_a_denial_is_everybodys_and_costs_one_request(service: FaultyServer, folder: Path) -> None:
    """Nobody asks again until somebody is told to; if that one is let in, all are."""
    with sharing_client(service, folder) as first, sharing_client(service, folder) as second:
        assert first.wait_ready(5)
        assert second.wait_ready(5)
        service.fault("401")
        eventually(lambda: first.status is second.status is Status.FATAL)
        asked = service.requests
        service.heal()
        time.sleep(3 * sharing.LOOK_SECONDS)
        assert service.requests == asked
        assert second.get_int("a") == 1
        service.update(native(a=2))
        second.refresh()
        eventually(lambda: first.status is second.status is Status.READY)
        eventually(lambda: first.get_int("a") == second.get_int("a") == 2)
        service.update(native(a=3))
        eventually(lambda: first.get_int("a") == second.get_int("a") == 3)
        second.close()
        service.update(native(a=4))
        eventually(lambda: first.get_int("a") == 4)


def test_what_a_follower_refreshed_is_not_confirmed_by_the_holder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service went there and back between two polls of the holder, which renews what it said of the older one."""
    monkeypatch.setattr(election, "_RENEWAL_SECONDS", 0.05)
    documents = [native(a=1)]
    with Server() as server:
        server.script["/flags"] = lambda call: call.answer(200, json.dumps(documents[-1]).encode())

        def client() -> FlagClient:
            source = HTTPSource(f"{server.url}/flags", "native", poll_seconds=0.5)
            return FlagClient(source, share=True, cache_dir=folder)

        with client() as first:
            assert first.wait_ready(5)
            with client() as second:
                assert second.wait_ready(5)
                documents.append(native(a=2))
                second.refresh()
                assert second.get_int("a") == 2
                documents.append(native(a=1))
                eventually(lambda: second.get_int("a") == 1)


def test_what_a_follower_refreshed_stays_where_the_holder_asks_only_once(
    service: FaultyServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The holder's signs of life say nothing of the document then."""
    monkeypatch.setattr(election, "_RENEWAL_SECONDS", 0.05)
    monkeypatch.setattr(sharing, "_IDLE_SECONDS", 0.2)
    with sharing_client(service, folder, 0) as first:
        assert first.wait_ready(5)
        with sharing_client(service, folder, 0) as second:
            assert second.wait_ready(5)
            service.update(native(a=2))
            second.refresh()
            time.sleep(5 * sharing.LOOK_SECONDS)
            assert (first.get_int("a"), second.get_int("a")) == (1, 2)


def test_trouble_is_good_for_as_long_as_the_stream_is_heard() -> None:
    """One bad event must not give each process a connection of its own."""
    tidings = sharing._Tidings(45.0, 15.0)
    bad, beat = MalformedDocument("no object"), Chunk(b": here\n")
    assert tidings.after(Read(), beat) is None
    word = tidings.before(Wait(0.0, error=bad))
    assert word is not None
    assert word.good_seconds == 45.0
    assert tidings.after(Read(), beat) is tidings.after(Read(), Silent()) is Glance.RENEWED
    word = tidings.before(Wait(7.0, error=bad))
    assert word is not None
    assert word.good_seconds == 22.0
    assert isinstance(tidings.after(Keep(Body(b"good")), Kept()), Word)
    assert tidings.after(Read(), beat) is None


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_tasks_share_as_threads_do(service: FaultyServer, folder: Path, backend: str) -> None:
    """Denied, let in again by one of them, and handed over."""

    async def holds(condition: Callable[[], bool]) -> None:
        with anyio.fail_after(5):
            while not condition():  # noqa: ASYNC110 - what it waits for tells no loop
                await anyio.sleep(0.005)

    async def main() -> None:
        async with sharing_client(service, folder) as first, sharing_client(service, folder) as second:
            assert await first.await_ready(5)
            assert await second.await_ready(5)
            assert service.open_connections == 1
            service.fault("401")
            await holds(lambda: first.status is second.status is Status.FATAL)
            service.heal()
            await second.arefresh()
            await holds(lambda: first.status is second.status is Status.READY)
            await second.aclose()
            service.update(native(a=2))
            await holds(lambda: first.get_int("a") == 2)

    anyio.run(main, backend=backend)


def test_closing_hands_over_at_once(service: FaultyServer, folder: Path) -> None:
    """The other one holds the connection a look later, and was READY all the while."""
    with sharing_client(service, folder, 30) as second:
        first = sharing_client(service, folder, 30)
        assert second.wait_ready(5)
        first.start(5)
        statuses: list[Status] = []
        first.on_status(statuses.append)
        second.close()
        eventually(lambda: service.requests == 2, TAKE_OVER_SECONDS)
        service.update(native(a=2))
        first.close()
        assert statuses == []
        assert first.get_int("a") in (1, 2)


def test_once_is_once_for_all(service: FaultyServer, folder: Path) -> None:
    """With `poll_seconds` 0 the others have the one document too."""
    with sharing_client(service, folder, 0) as first, sharing_client(service, folder, 0) as second:
        assert first.wait_ready(5)
        assert second.wait_ready(5)
        with sharing_client(service, folder, 0) as third:
            assert third.wait_ready(5)
        assert service.requests == 1


def test_what_a_dead_holder_said_yesterday_is_not_believed(service: FaultyServer, folder: Path) -> None:
    """Somebody has the lock and has said nothing yet: the old word confirms nothing."""
    with sharing_client(service, folder) as client:
        assert client.wait_ready(5)
    for path in folder.iterdir():
        os.utime(path, (time.time() - 86_400,) * 2)
    with held(folder), sharing_client(service, folder) as client:
        assert not client.wait_ready(3 * sharing.LOOK_SECONDS)
        assert client.status is Status.STALE
        assert client.get_int("a") == 1
        os.utime(the_only(folder, ".lock"))  # the holder lives after all, and says that it stands
        assert client.wait_ready(5)


def test_a_holder_that_hangs_is_done_without(
    service: FaultyServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process may live and do nothing, as one that is stopped: the others ask for themselves until it is gone."""
    monkeypatch.setattr(sharing, "_MARGIN_SECONDS", -0.5)
    with sharing_client(service, folder) as client:
        assert client.wait_ready(5)
    the_only(folder, ".shared").unlink()
    holder = held(folder)
    with holder, sharing_client(service, folder) as first, sharing_client(service, folder) as second:
        assert first.wait_ready(5)
        assert second.wait_ready(5)
        assert service.open_connections == 2
        assert not list(folder.glob("*.shared"))
        holder.release()
        eventually(lambda: service.open_connections == 1)
        service.update(native(a=2))
        eventually(lambda: first.get_int("a") == second.get_int("a") == 2)
        assert first.status is second.status is Status.READY


class held:  # noqa: N801 - a context manager
    """Whoever holds the connection in this folder, and does nothing with it."""

    def __init__(self, folder: Path) -> None:
        self._file = the_only(folder, ".lock").open("rb")

    def __enter__(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        self._file.close()


# --- where nothing can be shared ------------------------------------------------------------------------------------


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if "connection" in each.getMessage()]


def test_without_a_folder_each_has_its_own_connection(service: FaultyServer, caplog: pytest.LogCaptureFixture) -> None:
    """And the log says so, once."""
    with FlagClient(source(service), share=True, cache_dir=None) as client:
        assert client.wait_ready(5)
    assert len(told(caplog)) == 1


def no_locks(file: int, operation: int) -> None:
    raise OSError(errno.ENOLCK, "No locks available")


@pytest.mark.parametrize("why", ["others may write", "a file", "no lock file", "no locks", "no such platform"])
def test_where_the_folder_cannot_be_shared_each_has_its_own_connection(
    service: FaultyServer, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, why: str
) -> None:
    """Two clients, two connections, and a line of each that says why."""
    if why == "others may write":
        folder.mkdir()
        folder.chmod(0o777)
    elif why == "a file":
        folder.write_text("")
    elif why == "no such platform":
        monkeypatch.setattr(election, "fcntl", None)
    elif why == "no locks":
        monkeypatch.setattr(fcntl, "flock", no_locks)
    else:
        with sharing_client(service, folder) as client:
            assert client.wait_ready(5)
        lock = the_only(folder, ".lock")
        lock.unlink()
        lock.mkdir()
    before = service.requests
    caplog.clear()
    with sharing_client(service, folder, 30) as first, sharing_client(service, folder, 30) as second:
        assert first.wait_ready(5)
        assert second.wait_ready(5)
        assert service.requests == before + 2
    assert len(told(caplog)) == 2


def test_a_disk_that_fills_up_ends_the_sharing_and_nothing_else(
    service: FaultyServer, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody believes what was said before the disk was full."""
    caplog.set_level(logging.WARNING)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with sharing_client(service, folder) as first, sharing_client(service, folder) as second:
        assert first.wait_ready(5)
        assert second.wait_ready(5)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
        try:
            service.update(native(a=2, b="x" * 200_000))
            eventually(lambda: first.get_int("a") == second.get_int("a") == 2)
            eventually(lambda: len(told(caplog)) == 2)
            assert list(folder.glob("*.shared")) == []
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        service.update(native(a=3))
        eventually(lambda: first.get_int("a") == second.get_int("a") == 3)
        assert first.status is second.status is Status.READY


def test_a_source_that_has_no_network_shares_nothing(tmp_path: Path, folder: Path) -> None:
    """A file is read by whoever reads it."""
    from flagcore import FileSource

    (tmp_path / "flags.json").write_text('{"flags": {"a": {"value": 1}}}')
    with FlagClient(FileSource(tmp_path / "flags.json"), share=True, cache_dir=folder) as client:
        assert client.get_int("a") == 1
    assert not folder.exists()


def test_it_is_an_option_wherever_options_stand(service: FaultyServer, folder: Path) -> None:
    """`SHARE` in the settings, `FLAGCORE_SHARE` in the environment."""
    settings = {"SOURCE": "soasap", "API_KEY": KEY, "BASE_URL": service.url, "CACHE_DIR": str(folder)}
    options = read_options(settings, environ={"FLAGCORE_SHARE": "true"})
    with options.client as client, FlagClient(SoasapSource(KEY, service.url), share=True, cache_dir=folder):
        client.wait_ready(1)
        assert the_only(folder, ".lock").exists()
