"""
How a client says that it is.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from flagcore import FileSource, FlagClient, Health, MemorySource, Status
from flagcore.adapter import health
from flagcore.errors import SourceDenied, SourceUnavailable
from flagcore.health import message
from flagcore.status import ErrorContext
from tests.documents import Table, body, eventually, native

DOWN = SourceUnavailable("down")


def test_without_a_client_nothing_is_ready() -> None:
    """A probe of an application that has none gets an answer all the same."""
    found = health(None)
    assert (found.status, found.is_ready, found.http_status, found.sources) == (Status.NOT_READY, False, 503, ())
    assert found.as_json() == b'{"status":"NOT_READY","ready":false,"version":"","age_seconds":null,"sources":[]}'


def test_a_client_that_was_never_started_wakes() -> None:
    """A probe may be all that ever asks: it must not wait for a read that waits for the probe."""
    table = Table(body("1", a=1))
    client = FlagClient(table, cache_dir=None)
    assert client.health().status in (Status.NOT_READY, Status.READY)
    eventually(lambda: health(client).is_ready)
    assert [(each.name, each.version) for each in client.health().sources] == [("table", "1")]
    client.close()
    assert (client.health().status, client.health().is_ready) == (Status.STALE, True)


def test_a_layer_in_trouble_is_told_and_takes_nothing_out_of_service() -> None:
    """The whole is as its worst source; requests may come as long as some document answers."""
    table = Table(DOWN)
    client = FlagClient(MemorySource(native(a=1)), table, cache_dir=None)
    table.gate.clear()
    with client:
        found = client.health()
        assert (found.status, found.is_ready) == (Status.NOT_READY, False)  # still on its first attempt
        table.gate.set()
        eventually(lambda: client.health().status is Status.ERROR)
        found = client.health()
    assert found.is_ready
    assert [(each.status, each.age_seconds) for each in found.sources] == [(Status.READY, 0.0), (Status.ERROR, None)]
    assert found.age_seconds == 0.0


def test_a_client_that_is_denied_is_ready_only_with_a_document() -> None:
    """A wrong key in a new deployment is seen at once; a key that is withdrawn ends no running service."""
    table = Table(SourceDenied("no", status=401))
    with FlagClient(table, cache_dir=None) as client:
        eventually(lambda: client.status is Status.FATAL)
        assert not client.health().is_ready
    table.answer = body(a=1)
    with FlagClient(table, cache_dir=None) as client:
        assert client.wait_ready(5)
        table.answer = SourceDenied("no", status=401)
        eventually(lambda: client.status is Status.FATAL)
        assert client.health().is_ready


def test_the_last_error_stays_to_be_seen() -> None:
    """Also when all is well again: when it was says how long ago."""
    told: list[ErrorContext] = []
    table = Table(DOWN)
    with FlagClient(table, cache_dir=None, on_error=told.append) as client:
        eventually(lambda: bool(told))
        table.answer = body(a=1)
        assert client.wait_ready(5)
        (found,) = client.health().sources
    assert (found.status, found.last_error, found.last_error_at) == (Status.READY, "down", told[-1].timestamp)
    assert found.last_error_at is not None
    assert found.last_error_at.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            "https://u:p@h.example:8443/x?key=1: expected 200, got 503",
            "https://h.example:8443/x: expected 200, got 503",
        ),
        ("see 'redis://:p@h/0?ssl=1', then retry", "see 'redis://h/0', then retry"),
        ("is it on? a@b", "is it on? a@b"),
    ],
)
def test_an_url_is_shown_without_what_may_be_secret(said: str, shown: str) -> None:
    """Userinfo and query go, in names and messages; other text stays as it is."""
    assert message(SourceUnavailable(said)) == shown
    with FlagClient(Table(body(), name=said), cache_dir=None) as client:
        assert [each.name for each in client.health().sources] == [shown]


def test_ages_are_shown_to_the_millisecond() -> None:
    """What a program reads is what it was told; nobody needs more."""
    found = Health(Status.STALE, is_ready=True, version="7", age_seconds=1.23456)
    assert (found.as_dict()["age_seconds"], found.http_status) == (1.235, 200)
    assert found.http_headers == {"Cache-Control": "no-store"}


def test_any_path_can_be_told(tmp_path: Path) -> None:
    """A file's name may hold bytes that are no UTF-8; the check answers all the same."""
    path = tmp_path / "fl\udcffags.json"
    path.write_bytes(b'{"flags": {"a": {"value": 1}}}')
    with FlagClient(FileSource(path), cache_dir=None) as client:
        assert b"fl?ags.json" in client.health().as_json()
