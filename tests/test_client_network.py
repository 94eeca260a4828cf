"""
The client with its network sources, against a real server on loopback, its disk cache in a folder of the test's own.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from flagcore import ErrorContext, ErrorSource, FlagClient, FoffSource, HTTPSource, SoasapSource, Status
from tests.documents import eventually, native
from tests.loopback import Call, Server

SECRET = "s3cr3t-key-of-the-test"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


def serving(document: dict[str, Any], etag: str = '"1"') -> Callable[[Call], None]:
    def script(call: Call) -> None:
        if call.headers.get("if-none-match") == etag:
            call.answer(304, ETag=etag)
        else:
            call.answer(200, json.dumps(document).encode(), ETag=etag, Content_Type="application/json")

    return script


def streaming(*documents: dict[str, Any]) -> Callable[[Call], None]:
    def script(call: Call) -> None:
        call.stream(*(b"data: " + json.dumps(each).encode() + b"\n\n" for each in documents))
        call.hang()

    return script


def failing(status: int) -> Callable[[Call], None]:
    return lambda call: call.answer(status, b"no")


def source_of(server: Server, **options: Any) -> HTTPSource:
    options = {"headers": {"X-Key": SECRET}, "poll_seconds": 0.05, **options}
    return HTTPSource(f"{server.url}/flags", "native", **options)


def on_disk(source: Any, folder: Path) -> Any:
    """
    The flag `a` as a client that is never woken has it.
    """
    return FlagClient(source, cache_dir=folder).snapshot.answers["a"].value


def test_polls_with_etags(server: Server, tmp_path: Path) -> None:
    """The first answer is kept, and asked for again only by its name."""
    server.script["/flags"] = serving(native(a=1))
    with FlagClient(source_of(server), cache_dir=tmp_path) as client:
        assert client.wait_ready(5)
        assert client.get_int("a") == 1
        assert client.snapshot.version == '"1"'
        assert client.snapshot.origin == f"{server.url}/flags"
        server.script["/flags"] = serving(native(a=2), '"2"')
        eventually(lambda: client.get_int("a") == 2)
    sent = [call.headers.get("if-none-match") for call in server.seen("/flags")]
    assert sent[0] is None
    assert set(sent[1:]) <= {'"1"', '"2"'}
    assert {call.headers["x-key"] for call in server.seen("/flags")} == {SECRET}


@pytest.mark.parametrize(
    ("path", "media_type", "text"),
    [
        ("/flags", "application/yaml", "flags: {a: {value: 1}}"),
        ("/flags", "text/x-yaml; charset=utf-8", "flags: {a: {value: 1}}"),
        ("/flags", "application/toml", "[flags.a]\nvalue = 1"),
        ("/flags.yml", "text/plain", "flags:\n  a:\n    value: 1 # a comment"),
        ("/flags.toml", "application/octet-stream", "[flags.a]\nvalue = 1"),
        ("/flags.yaml", "application/json", '{"flags": {"a": {"value": 1}}}'),
        ("/flags", "text/plain", '{"flags": {"a": {"value": 1}}}'),
    ],
)
def test_reads_a_document_as_its_type_or_its_name_says(
    server: Server, tmp_path: Path, path: str, media_type: str, text: str
) -> None:
    """A file of flags on any web server will do; from the disk cache too."""
    server.script[path] = lambda call: call.answer(200, text.encode(), Content_Type=media_type)
    source = HTTPSource(f"{server.url}{path}?v=1.json", "native")
    with FlagClient(source, cache_dir=tmp_path) as client:
        assert client.wait_ready(5)
        assert client.get_int("a") == 1
    assert on_disk(source, tmp_path) == 1


def test_answers_from_disk_when_the_server_is_down(server: Server, tmp_path: Path) -> None:
    """A cold start gives the last good document at once, with status STALE, and confirms it when it can."""
    server.script["/flags"] = serving(native(a=1))
    with FlagClient(source_of(server), cache_dir=tmp_path) as client:
        assert client.wait_ready(5)
    server.script["/flags"] = failing(503)
    cold = FlagClient(source_of(server), cache_dir=tmp_path)
    assert cold.get_int("a") == 1
    assert cold.status is Status.STALE
    assert cold.snapshot.origin.endswith("(disk)")
    assert cold.wait_ready(0.2) is False
    server.script["/flags"] = serving(native(a=1))
    assert cold.wait_ready(5)
    assert cold.status is Status.READY
    assert server.calls[-1].headers.get("if-none-match") == '"1"'
    cold.close()


def test_another_key_has_another_cache(server: Server, tmp_path: Path) -> None:
    """What one key may read, a process with another key does not see; nor under another format or address."""
    server.script["/flags"] = serving(native(a=1))
    with FlagClient(source_of(server), cache_dir=tmp_path) as client:
        assert client.wait_ready(5)
    for other in (source_of(server, headers={"X-Key": "other"}), HTTPSource(f"{server.url}/flags", "soasap")):
        assert FlagClient(other, cache_dir=tmp_path).snapshot.fetched_at is None
    assert on_disk(source_of(server, poll_seconds=9), tmp_path) == 1


@pytest.mark.parametrize("damage", [b"", b"rubbish", b'{"flagcore":1}\n{}'])
def test_a_damaged_cache_is_told_and_ignored(server: Server, tmp_path: Path, damage: bytes) -> None:
    """`on_error` hears of the disk; the start goes on."""
    server.script["/flags"] = serving(native(a=1))
    with FlagClient(source_of(server), cache_dir=tmp_path) as client:
        assert client.wait_ready(5)
    (path,) = tmp_path.glob("*.flags")
    path.write_bytes(damage)
    heard: list[ErrorContext] = []
    with FlagClient(source_of(server), cache_dir=tmp_path, on_error=heard.append) as client:
        assert client.wait_ready(5)
        assert client.get_int("a") == 1
    assert [each.source for each in heard] == [ErrorSource.DISK]
    assert on_disk(source_of(server), tmp_path) == 1


def test_a_cached_document_that_no_longer_parses_is_ignored(
    server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Written by a release that understood more, say."""
    from flagcore.feed.disk import DiskCache
    from flagcore.source import Body

    source = source_of(server)
    heard: list[ErrorContext] = []
    cache = DiskCache(tmp_path, lambda error: pytest.fail(str(error)))
    cache.put(source.identity, Body(b'{"flags": [5]}'), 1.0)
    assert cache.flush(5)
    server.script["/flags"] = failing(500)
    client = FlagClient(source, cache_dir=tmp_path, on_error=heard.append)
    assert client.status is Status.NOT_READY
    assert heard[0].source is ErrorSource.DISK
    assert "$.flags: expected an object" in str(heard[0].exception)
    assert caplog.messages == [str(heard[0].exception)]


def test_follows_a_stream_and_falls_back_to_polls(server: Server, tmp_path: Path) -> None:
    """While the stream is refused the polls keep it fresh, and it is no outage."""
    server.script["/flags"] = serving(native(a=1))
    server.script["/stream"] = failing(503)
    heard: list[ErrorContext] = []
    source = source_of(server, stream_url=f"{server.url}/stream")
    with FlagClient(source, cache_dir=tmp_path, on_error=heard.append) as client:
        assert client.wait_ready(5)
        eventually(lambda: bool(heard))
        server.script["/flags"] = serving(native(a=2), '"2"')
        eventually(lambda: client.get_int("a") == 2)
        assert client.status is Status.READY
        server.script["/stream"] = streaming(native(a=3))
        eventually(lambda: client.get_int("a") == 3, 10)


def test_what_a_refresh_brought_is_not_confirmed_by_an_older_etag(server: Server) -> None:
    """The service went there and back between two polls, and its etags are digests of the content."""
    server.script["/flags"] = serving(native(a=1), '"1"')
    with FlagClient(source_of(server, poll_seconds=0.3), cache_dir=None) as client:
        assert client.wait_ready(5)
        server.script["/flags"] = serving(native(a=2), '"2"')
        client.refresh()
        assert client.get_int("a") == 2
        server.script["/flags"] = serving(native(a=1), '"1"')
        eventually(lambda: client.get_int("a") == 1)


def test_a_refresh_that_fails_beside_a_sound_stream_is_no_outage(server: Server, tmp_path: Path) -> None:
    """It is reported, and the stream goes on being believed."""
    server.script["/api/v1/flags/live"] = streaming({"a": 1})
    heard: list[ErrorContext] = []
    with FlagClient(SoasapSource(SECRET, server.url), cache_dir=tmp_path, on_error=heard.append) as client:
        assert client.wait_ready(5)
        server.script["/api/v1/flags/live"] = failing(503)
        client.refresh()
        assert len(heard) == 1
        assert client.status is Status.READY
        assert client.get_int("a") == 1


def test_an_outage_names_the_address_once(server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What, where, and what becomes of the readers, in one line."""
    server.script["/flags"] = failing(503)
    with FlagClient(source_of(server), cache_dir=tmp_path) as client:
        eventually(lambda: client.status is Status.ERROR)
    (line,) = [record.getMessage() for record in caplog.records]
    url = f"{server.url}/flags"
    assert line == f"{url}: expected 200, got 503; its callers get their defaults, and it is tried again"


def test_a_lazy_stream_reads_disk_first_and_wakes_at_the_first_read(server: Server, tmp_path: Path) -> None:
    """Making the client opens nothing; the first read answers from disk and begins to follow."""
    server.script["/api/v1/flags/live"] = streaming({"a": 1})
    with FlagClient(SoasapSource(SECRET, server.url), cache_dir=tmp_path) as client:
        assert client.wait_ready(5)
    calls = len(server.calls)
    server.script["/api/v1/flags/live"] = streaming({"a": 2})
    lazy = FlagClient(SoasapSource(SECRET, server.url), cache_dir=tmp_path)
    time.sleep(0.05)
    assert len(server.calls) == calls
    assert lazy.status is Status.STALE
    assert lazy.get_int("a") == 1
    eventually(lambda: lazy.get_int("a") == 2)
    lazy.close()


def test_close_writes_the_last_change_to_disk(server: Server, tmp_path: Path) -> None:
    """However short the time since the one before."""
    server.script["/api/v1/flags/live"] = streaming({"a": 1}, {"a": 2}, {"a": 3})
    with FlagClient(SoasapSource(SECRET, server.url), cache_dir=tmp_path) as client:
        eventually(lambda: client.get_int("a") == 3)
    assert on_disk(SoasapSource(SECRET, server.url), tmp_path) == 3


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_task_writes_and_reads_the_disk_too(server: Server, tmp_path: Path, backend: str) -> None:
    """And leaves no thread behind."""
    server.script["/flags"] = serving(native(a=1))

    async def main() -> None:
        async with FlagClient(source_of(server), cache_dir=tmp_path) as client:
            assert await client.await_ready(5)
        names = [thread.name for thread in threading.enumerate()]
        assert not [name for name in names if name.startswith("flagcore")]

    anyio.run(main, backend=backend)
    assert on_disk(source_of(server), tmp_path) == 1


def test_a_key_that_is_refused_is_said_without_the_key(
    server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """No log line, message, repr or file name holds it, whatever goes wrong."""
    caplog.set_level(logging.DEBUG)
    heard: list[ErrorContext] = []
    shown: list[str] = []
    for status in (401, 403, 500, 200):
        server.script["/flags"] = failing(status) if status != 200 else lambda call: call.answer(200, b"<html>")
        server.script["/live/api/v1/scopes/shop/configs"] = server.script["/flags"]
        server.script["/api/v1/flags/live"] = server.script["/flags"]
        for source in (
            source_of(server, headers={"Authorization": f"Bearer {SECRET}"}),
            HTTPSource(f"{server.url}/flags?key={SECRET}", "native"),
            HTTPSource(f"http://u:{SECRET}@127.0.0.1:{server.port}/flags", "native"),
            FoffSource(SECRET, "shop", f"{server.url}/live"),
            SoasapSource(SECRET, server.url),
        ):
            with FlagClient(source, cache_dir=tmp_path, on_error=heard.append) as client:
                expected = Status.FATAL if status in (401, 403) else Status.ERROR
                eventually(lambda expected=expected, client=client: client.status is expected, 10)
                shown += [repr(source), repr(client), repr(client.snapshot), source.name]
    shown += [str(each.exception) + repr(each.exception) + repr(each) for each in heard]
    shown += [str(each.exception.__cause__) for each in heard] + [path.name for path in tmp_path.iterdir()]
    assert len(heard) >= 20
    assert SECRET not in "\n".join(shown) + caplog.text


def test_an_older_document_is_not_thrown_away_by_a_bad_one(server: Server, tmp_path: Path) -> None:
    """A page of HTML with status 200 and an ETag poisons nothing: the next good document comes through."""
    server.script["/flags"] = serving(native(a=1))
    with FlagClient(source_of(server), cache_dir=tmp_path) as client:
        assert client.wait_ready(5)
        server.script["/flags"] = lambda call: call.answer(200, b"<html>", ETag='"bad"')
        eventually(lambda: client.status is Status.STALE)
        assert client.get_int("a") == 1
        server.script["/flags"] = serving(native(a=3), '"3"')
        eventually(lambda: client.get_int("a") == 3)
    assert '"bad"' not in {call.headers.get("if-none-match") for call in server.seen("/flags")}
