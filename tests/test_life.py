"""
Clients in a process like uWSGI's. The server's own module is stood in for here; `tests/servers` has the real one.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from flagcore import FlagClient, MemorySource, Status, life
from flagcore.errors import SourceDenied, SourceUnavailable
from tests.documents import Table, body, eventually, native


class Uwsgi(SimpleNamespace):
    """
    What uWSGI's module says of the process that asks.
    """

    def __init__(self, worker: int, *, has_threads: int = 1) -> None:
        super().__init__(has_threads=has_threads, worker=worker)

    def worker_id(self) -> int:
        return self.worker

    def mule_id(self) -> int:
        return 0

    def i_am_the_spooler(self) -> None:
        return None


@pytest.fixture(autouse=True)
def _nothing_said_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(life, "_told", [])


@pytest.fixture
def uwsgi(monkeypatch: pytest.MonkeyPatch) -> Uwsgi:
    """
    The process is uWSGI's master, until `worker` is set.
    """
    module = Uwsgi(0)
    monkeypatch.setitem(sys.modules, "uwsgi", module)
    return module


@pytest.fixture
def threadless(uwsgi: Uwsgi) -> Uwsgi:
    """
    The process is a worker in which threads stand still.
    """
    uwsgi.worker, uwsgi.has_threads = 1, 0
    return uwsgi


def client_of(*sources: Any) -> FlagClient:
    return FlagClient(*sources, cache_dir=None)


def feeds() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith("flagcore feed")]


def test_nothing_starts_in_a_master(uwsgi: Uwsgi) -> None:
    """Neither a start nor a read; what the program itself holds answers, and nobody waits for the rest."""
    source = Table(body(a=1))
    client = client_of(MemorySource(native(b=2)), source)
    began = time.monotonic()
    assert client.start(5) is False
    assert client.wait_ready(5) is False
    assert time.monotonic() - began < 1
    assert (client.get_int("b"), client.get_int("a", 7), client.flags().get_int("b")) == (2, 7, 2)
    assert (source.asked, feeds(), client.status) == ([], [], Status.NOT_READY)
    with client:
        assert feeds() == []
    uwsgi.worker = 1
    eventually(lambda: client.get_int("a", 7) == 1)
    assert (client.status, feeds()) == (Status.READY, ["flagcore feed table"])
    client.close()


def test_a_closed_client_started_in_a_master_is_asleep(uwsgi: Uwsgi) -> None:
    """It wakes in the worker, as if it had never been closed."""
    client = client_of(Table(body(a=1)))
    client.close()
    client.start()
    uwsgi.worker = 1
    client.get_int("a")
    assert client.wait_ready(5)
    client.close()


def test_a_workers_first_views_wait_for_what_the_start_could_not(uwsgi: Uwsgi) -> None:
    """All that are made meanwhile, for as long as the start was told to; a client's own getters never do."""
    source = Table(body(a=1))
    source.gate.clear()
    client = client_of(source)
    client.start(30)
    uwsgi.worker = 1
    began = time.monotonic()
    assert client.get_int("a", 7) == 7
    assert time.monotonic() - began < 5
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(client.flags().get_int("a"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert found == []
    source.gate.set()
    for thread in threads:
        thread.join(5)
    assert found == [1, 1, 1]
    client.close()


def test_views_wait_no_longer_than_that(uwsgi: Uwsgi) -> None:
    """A source that does not answer holds up the first views only, by `wait_seconds`."""
    source = Table(body(a=1))
    source.gate.clear()
    client = client_of(source)
    client.start(0.1)
    uwsgi.worker = 1
    began = time.monotonic()
    assert client.flags().get_int("a", 7) == 7
    assert 0.1 <= time.monotonic() - began < 5
    began = time.monotonic()
    assert client.flags().get_int("a", 7) == 7
    assert time.monotonic() - began < 0.1
    source.gate.set()
    client.close()


def test_without_threads_readers_fetch(threadless: Uwsgi, caplog: pytest.LogCaptureFixture) -> None:
    """Where a view is made, and by the client's getters; at most every `poll_seconds`; views already made never."""
    source = Table(body("1", a=1), poll_seconds=0.2)
    client = client_of(MemorySource(native(b=2)), source)
    assert client.start(5) is True
    assert (client.status, feeds()) == (Status.READY, [])
    assert client.start(5) is True
    view = client.flags()
    source.answer = body("2", a=2)
    assert (view.get_int("a"), client.flags().get_int("a"), len(source.asked)) == (1, 1, 1)
    time.sleep(0.25)
    assert view.get_int("a") == 1
    assert len(source.asked) == 1
    assert (view.fresh().get_int("a"), len(source.asked)) == (2, 2)
    time.sleep(0.25)
    assert (client.get_int("a"), len(source.asked)) == (2, 3)
    client.close()
    time.sleep(0.25)
    assert (client.flags().get_int("a"), client.status, len(source.asked)) == (2, Status.STALE, 3)
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 1
    assert "wait up to 5 s" in told[0]
    assert "`enable-threads = true`" in told[0]


def test_without_threads_a_failure_is_an_outage_and_is_tried_again(
    threadless: Uwsgi, caplog: pytest.LogCaptureFixture
) -> None:
    """One line when it begins, one when it ends."""
    caplog.set_level(logging.INFO, "flagcore")
    source = Table(SourceUnavailable("gone"), poll_seconds=0.02)
    client = client_of(source)
    assert client.start(1) is False
    eventually(lambda: client.get_int("a", 7) == 7 and len(source.asked) > 2)
    assert client.status is Status.ERROR
    source.answer = body(a=1)
    eventually(lambda: client.get_int("a", 7) == 1)
    client.close()
    told = [record.getMessage() for record in caplog.records if record.getMessage().startswith("table")]
    assert len(told) == 2


def test_without_threads_a_denial_is_final_until_a_refresh(threadless: Uwsgi, caplog: pytest.LogCaptureFixture) -> None:
    """One request and one line; a refresh that is let in has readers fetch again."""
    source = Table(SourceDenied("no", status=401), poll_seconds=0.02)
    client = client_of(source)
    assert client.start(1) is False
    for _ in range(5):
        assert client.get_int("a", 7) == 7
        time.sleep(0.03)
    assert (client.status, len(source.asked)) == (Status.FATAL, 1)
    assert [record.levelname for record in caplog.records if record.levelno == logging.ERROR] == ["ERROR"]
    source.answer = body("1", a=1)
    client.refresh()
    source.answer = body("2", a=2)
    eventually(lambda: client.get_int("a", 7) == 2)
    client.close()


def test_without_threads_readers_leave_a_source_alone_for_as_long_as_it_asks(threadless: Uwsgi) -> None:
    """Retry-After is obeyed as by a thread."""
    source = Table(SourceUnavailable("busy", retry_after=0.3), poll_seconds=0.02)
    client = client_of(source)
    began = time.monotonic()
    assert client.start(1) is False
    source.answer = body(a=1)
    eventually(lambda: client.get_int("a", 7) == 1)
    assert time.monotonic() - began >= 0.3
    client.close()


def test_a_listener_that_reads_fetches_nothing(threadless: Uwsgi) -> None:
    """It is told in the midst of a fetch, by the reader who fetches."""
    source = Table(body("1", a=1), poll_seconds=0.02)
    client = client_of(source)
    heard: list[int] = []
    client.on_change(lambda _: heard.append(client.get_int("a") + client.flags().get_int("a")))
    client.start(1)
    assert (heard, len(source.asked)) == ([2], 1)
    client.close()


def test_without_threads_and_without_a_wait_a_thread_does_what_it_can(
    threadless: Uwsgi, caplog: pytest.LogCaptureFixture
) -> None:
    """Requests never wait unless somebody said so; the log says what to set."""
    client = client_of(Table(body(a=1)))
    client.get_int("a")
    assert len(feeds()) == 1
    client.close()
    assert [record.getMessage().count("`enable-threads = true`") for record in caplog.records] == [1]


def test_a_module_of_that_name_is_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """A project may have a `uwsgi.py` of its own."""
    monkeypatch.setitem(sys.modules, "uwsgi", SimpleNamespace(application=None))
    with client_of(Table(body(a=1))) as client:
        assert client.wait_ready(5)
