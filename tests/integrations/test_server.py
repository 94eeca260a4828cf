"""
The flag server towards applications: three protocols, live, with keys, from one file.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import anyio
import httpx
import pytest

for _needed in ("starlette", "uvicorn"):
    pytest.importorskip(_needed)

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from flagcore.errors import ConfigError
from flagcore_server import FlagServer
from flagcore_server.live import aligned
from tests.integrations import served
from tests.integrations.served import SAMPLE, Stream, eventually, put, running, serving, state

path, client = served.path, served.client


def test_document_is_the_file_as_json(client: httpx.Client) -> None:
    """The native document says what the file says, dates as text."""
    document = client.get("/api/v1/document").json()
    assert document["hierarchy"] == ["org", "team"]
    assert len(document["flags"]) == 14
    assert document["flags"]["new-checkout"]["expires"] == "2099-03-01"
    assert document["flags"]["greeting"] == {"value": "Wëlcome ☃"}


@pytest.mark.parametrize("address", ["/api/v1/document", "/api/v1/scopes/shop/configs"])
def test_unchanged_document_is_not_sent_again(client: httpx.Client, path: Path, address: str) -> None:
    """A reader that names the version it has gets 304, until the file changes."""
    etag = client.get(address).headers["etag"]
    assert etag.startswith('"')
    same = client.get(address, headers={"if-none-match": f'"other", W/{etag}'})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag)
    path.write_text(SAMPLE.replace("value: plain", "value: changed"), encoding="utf-8")
    other = client.get(address, headers={"if-none-match": etag})
    assert other.status_code == 200
    assert other.headers["etag"] != etag


def test_version_outlives_the_server(path: Path) -> None:
    """Two servers of one file name its state alike, so that a restart costs no reader a document."""
    etags = set()
    for _ in range(2):
        with serving(path) as client:
            etags.add(client.get("/api/v1/document").headers["etag"])
    assert len(etags) == 1


def test_stream_sends_whole_documents(client: httpx.Client, path: Path) -> None:
    """A stream begins with the present document and goes on with each later one, named by its version."""
    with Stream(client, "/api/v1/document/stream") as stream:
        assert stream.response.headers["content-type"].startswith("text/event-stream")
        assert "no-cache" in stream.response.headers["cache-control"]
        assert stream.response.headers["x-accel-buffering"] == "no"
        first = stream.next()
        assert f'"{first["id"]}"' == client.get("/api/v1/document").headers["etag"]
        path.write_text(SAMPLE.replace("value: plain", "value: changed"), encoding="utf-8")
        second = stream.next()
        assert json.loads(second["data"])["flags"]["last"]["value"] == "changed"
        assert second["id"] != first["id"]
        put(client, "last", "again")
        assert stream.json()["flags"]["last"]["value"] == "again"


def test_every_open_stream_hears_of_a_change(client: httpx.Client, path: Path) -> None:
    """Whichever stream happens to watch the file, all are told; also after the one that watched has left."""
    with Stream(client, "/api/v1/document/stream") as watching:
        watching.next()
        with Stream(client, "/api/v1/document/stream") as one, Stream(client, "/api/v1/document/stream") as other:
            one.next()
            other.next()
            watching.response.close()
            path.write_text(SAMPLE.replace("value: plain", "value: changed"), encoding="utf-8")
            assert one.json()["flags"]["last"]["value"] == other.json()["flags"]["last"]["value"] == "changed"


def test_streams_are_told_at_once(client: httpx.Client, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the server itself changes or happens to see goes out without waiting for the next look at the file."""
    monkeypatch.setattr("flagcore_server.watch.LOOK_SECONDS", 60.0)
    with Stream(client, "/api/v1/document/stream") as one, Stream(client, "/api/v1/document/stream") as other:
        one.next()
        other.next()
        put(client, "last", "changed")
        assert one.json()["flags"]["last"]["value"] == other.json()["flags"]["last"]["value"] == "changed"
        path.write_text(SAMPLE, encoding="utf-8")
        client.get("/api/v1/document")
        assert one.json()["flags"]["last"]["value"] == other.json()["flags"]["last"]["value"] == "plain"


def test_quiet_stream_is_kept_alive(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream on which nothing happens carries comments, and no event."""
    monkeypatch.setattr("flagcore_server.live.KEEP_ALIVE_SECONDS", 0.05)
    with client.stream("GET", "/api/v1/document/stream") as response:
        lines = response.iter_lines()
        seen = [next(lines) for _ in range(7)]
    assert seen[3:] == [": keep-alive", "", ": keep-alive", ""]


def test_foff_configs_have_every_flag(client: httpx.Client) -> None:
    """A scope's configs hold each flag with its default and its overrides, under ids joined by `#`."""
    configs = client.get("/api/v1/scopes/any%2Fscope/configs").json()
    assert configs["ordered_hierarchy"] == ["org", "team"]
    assert len(configs["features"]) == 14
    assert configs["features"]["search-engine"] == {"default": {"shards": 1}}
    assert configs["features"]["theme"]["acme#growth"] == "midnight"


def test_foff_leaves_out_what_it_would_confuse(client: httpx.Client) -> None:
    """An id with a `#`, or one that reads as the default's name, would answer for somebody else: not sent."""
    theme = client.get("/api/v1/scopes/shop/configs").json()["features"]["theme"]
    assert theme == {"default": "light", "acme": "dark", "acme#growth": "midnight"}


def test_soasap_stream_is_flat_and_follows(client: httpx.Client) -> None:
    """Each event is the whole set as {key: value}; variants stand for their payload."""
    with Stream(client, "/api/v1/flags/live") as stream:
        first = stream.json()
        assert first["search-engine"] == {"shards": 1}
        assert first["greeting"] == "Wëlcome ☃"
        assert list(first) == list(client.get("/api/v1/document").json()["flags"])
        put(client, "page-size", 48)
        assert stream.json()["page-size"] == 48


def test_soasap_events_end_on_a_block(client: httpx.Client) -> None:
    """Every event fills a whole number of 4,096-byte blocks of an answer of known length, all in ASCII."""
    with client.stream("GET", "/api/v1/flags/live") as response:
        assert int(response.headers["content-length"]) % 4096 == 0
        assert "transfer-encoding" not in response.headers
        chunks = response.iter_raw(4096)
        first = next(chunks)
        put(client, "page-size", 48)
        second = next(chunks)
    for each in (first, second):
        assert each.isascii()
        assert b"\n\n" in each
        assert each.endswith(b" \n")


def test_soasap_stream_ends_as_announced(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the announced length is used up the answer ends complete, not broken off."""
    monkeypatch.setattr("flagcore_server.live._ROOM_BYTES", 4096)
    with client.stream("GET", "/api/v1/flags/live") as response:
        chunks = response.iter_raw(4096)
        got = [next(chunks)]
        for value in range(3):
            put(client, "page-size", value)
        got.extend(chunks)
    assert sum(map(len, got)) == int(response.headers["content-length"])


def test_aligned_events_never_exceed_the_length() -> None:
    """An event that would not fit is left to the next connection; the rest is filled, to the byte."""

    async def events() -> AsyncGenerator[bytes, None]:
        for _ in range(9):
            yield b"data: x\n\n"

    async def run() -> list[bytes]:
        return [chunk async for chunk in aligned(events(), 3 * 4096)]

    chunks = anyio.run(run)
    assert [len(each) for each in chunks] == [4096, 4096, 4096, 0]
    assert max(map(len, b"".join(chunks).splitlines())) <= 4096


@pytest.mark.parametrize(
    "address",
    ["/api/v1/document", "/api/v1/document/stream", "/api/v1/scopes/shop/configs", "/api/v1/flags/live"],
)
@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": "Bearer wrong"}, {"x-api-key": "sécret"}, {"authorization": "Basic secret"}],
    ids=["none", "wrong", "not-ascii", "other-scheme"],
)
def test_reading_needs_the_api_key(path: Path, address: str, headers: dict[str, str]) -> None:
    """Without the key a reader gets 401, a sentence, and no flag."""
    with serving(path, api_key="secret-key") as client:
        encoded = {name: value.encode("latin-1") for name, value in headers.items()}
        answer = client.get(address, headers=encoded)
        assert answer.status_code == 401
        assert "expected the server's API key" in answer.json()["error"]
        assert "secret-key" not in answer.text
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("name", ["authorization", "x-api-key", "x-foff-api-key"])
def test_api_key_opens_every_protocol(path: Path, name: str) -> None:
    """The key is taken from each protocol's header; beyond ASCII too."""
    given = ("Bearer " if name == "authorization" else "") + "sécret-key"
    with serving(path, api_key="sécret-key") as client:
        headers = {name: given.encode()}
        for address in ("/api/v1/document", "/api/v1/scopes/shop/configs"):
            assert client.get(address, headers=headers).status_code == 200
        with client.stream("GET", "/api/v1/flags/live", headers=headers) as response:
            assert response.status_code == 200


def test_malformed_edit_keeps_the_last_good_state(client: httpx.Client, path: Path) -> None:
    """While the file is malformed the last good document is served, and the page is told what and where."""
    before = client.get("/api/v1/document")
    path.write_text(SAMPLE.replace("value: 24", "value: 24, vlaue: 1"), encoding="utf-8")
    after = client.get("/api/v1/document")
    assert (after.status_code, after.headers["etag"]) == (200, before.headers["etag"])
    assert state(client)["error"]["where"] == "$.flags['page-size'].vlaue"
    assert client.get("/health").json()["status"] == "stale"
    path.write_text(SAMPLE, encoding="utf-8")
    assert state(client)["error"] is None
    assert client.get("/health").json()["status"] == "ok"


def test_quick_edits_of_one_length_are_seen(client: httpx.Client, path: Path) -> None:
    """Two edits within one tick of the file system's clock, of one length, are told apart."""
    tick = time.time_ns() + 5_000_000_000  # a stamp that has not settled yet, however slow the test
    for value in ("one", "two"):
        path.write_text(SAMPLE.replace("value: plain", f"value: {value}"), encoding="utf-8")
        os.utime(path, ns=(tick, tick))
        assert client.get("/api/v1/document").json()["flags"]["last"]["value"] == value


def test_file_that_vanishes_and_returns(client: httpx.Client, path: Path) -> None:
    """A file moved away is an error on the page, and no outage."""
    path.rename(path.with_suffix(".bak"))
    assert client.get("/api/v1/document").status_code == 200
    assert "flags.yaml" in state(client)["error"]["message"]
    path.with_suffix(".bak").rename(path)
    assert state(client)["error"] is None


def test_server_without_a_file_yet(tmp_path: Path) -> None:
    """A server may start before its file: readers get 503 until it is there, and streams open then."""
    path = tmp_path / "later.json"
    with serving(path) as client:
        for address in ("/api/v1/document", "/api/v1/flags/live"):
            answer = client.get(address)
            assert answer.status_code == 503
            assert "later.json" in answer.json()["error"]
        assert client.get("/health").status_code == 503
        path.write_text('{"flags": {}}', encoding="utf-8")
        assert client.get("/api/v1/document").json() == {"flags": {}}


def test_half_a_character_is_no_document(tmp_path: Path) -> None:
    """YAML can spell half a surrogate pair, which no protocol can carry: the file is refused, not the reader."""
    path = tmp_path / "flags.yaml"
    path.write_text('flags: {a: {value: "\\ud800"}}', encoding="utf-8")
    with serving(path) as client:
        assert client.get("/api/v1/document").status_code == 503


@pytest.mark.parametrize("suffix", ["json", "toml"])
def test_other_syntaxes_are_served(tmp_path: Path, suffix: str) -> None:
    """JSON and TOML files are served as YAML ones are."""
    path = tmp_path / f"flags.{suffix}"
    text = {"json": '{"flags": {"a": {"value": 1}}}', "toml": "[flags.a]\nvalue = 1\n"}[suffix]
    path.write_text(text, encoding="utf-8")
    with serving(path) as client:
        assert client.get("/api/v1/document").json() == {"flags": {"a": {"value": 1}}}


def test_mounted_without_a_lifespan(path: Path) -> None:
    """Under any path of any application it serves, streams and follows the file with no start-up of its own."""
    app = Starlette(routes=[Mount("/our/flags", FlagServer(path, loopback=True))])
    config = uvicorn.Config(app, log_level="warning", lifespan="off", timeout_graceful_shutdown=1)
    with running(uvicorn.Server(config)) as url, httpx.Client(base_url=f"{url}/our/flags") as client:
        assert client.get("/").status_code == 200
        with Stream(client, "/api/v1/document/stream") as stream:
            stream.next()
            path.write_text(SAMPLE.replace("value: plain", "value: changed"), encoding="utf-8")
            assert stream.json()["flags"]["last"]["value"] == "changed"


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_any_event_loop(path: Path, backend: str) -> None:
    """The application runs on asyncio and on trio: a stream there sees a change of the file, and ends when closed."""

    def change() -> None:
        path.write_text(SAMPLE.replace("value: plain", "value: changed"), encoding="utf-8")

    async def run() -> list[bytes]:
        server = FlagServer(path)
        bodies: list[bytes] = []

        async def receive() -> dict[str, str]:
            await anyio.sleep_forever()
            return {}

        async def send(message: dict[str, bytes]) -> None:
            bodies.append(message.get("body", b""))
            if len(bodies) == 2:
                change()
            if len(bodies) == 3:
                server.close()

        scope = {
            "type": "http",
            "method": "GET",
            "path": "/api/v1/document/stream",
            "headers": [],
            "query_string": b"",
        }
        with anyio.fail_after(5):
            await server(scope, receive, send)
        return bodies

    bodies = anyio.run(run, backend=backend)
    assert b'"changed"' in bodies[2]
    assert bodies[3] == b""


def test_shutdown_ends_open_streams(path: Path) -> None:
    """A server with open streams of all kinds stops within two seconds, and each stream ends whole."""
    ended: list[str] = []

    def read(url: str, address: str) -> None:
        with httpx.stream("GET", url + address, timeout=10) as response:
            for _ in response.iter_raw():
                pass
        ended.append(address)

    addresses = ["/api/v1/document/stream", "/api/v1/flags/live", "/api/v1/admin/events"]
    with serving(path) as client:
        readers = [threading.Thread(target=read, args=(str(client.base_url), each), daemon=True) for each in addresses]
        for each in readers:
            each.start()
        eventually(lambda: len(state(client)["clients"]) == 2)
    for each in readers:
        each.join(2)
    assert sorted(ended) == sorted(addresses)


def test_reader_that_leaves_is_forgotten(client: httpx.Client) -> None:
    """A stream whose reader has gone ends on the server too."""
    with Stream(client, "/api/v1/document/stream", **{"user-agent": "shop/1"}) as stream:
        stream.next()
        [seen] = state(client)["clients"]
        assert (seen["agent"], seen["protocol"], seen["mode"]) == ("shop/1", "native", "stream")
    eventually(lambda: state(client)["clients"] == [])


def test_head_of_a_stream_ends(client: httpx.Client) -> None:
    """HEAD gets a stream's headers and no stream."""
    for address in ("/api/v1/document/stream", "/api/v1/flags/live"):
        answer = client.head(address)
        assert (answer.status_code, answer.content) == (200, b"")


def test_unknown_address_is_said_in_json(client: httpx.Client) -> None:
    """A wrong address or method gets a sentence, not a page of markup."""
    assert "the page is at the server's root" in client.get("/api/v2").json()["error"]
    assert client.delete("/api/v1/document").status_code == 405


@pytest.mark.parametrize(
    "options",
    [{"api_key": ""}, {"admin_token": "  "}, {"api_key": "same", "admin_token": "same"}],
    ids=["empty", "blank", "same"],
)
def test_keys_that_cannot_be_right(path: Path, options: dict[str, str]) -> None:
    """A blank key, or one key for both readers and changers, is refused before anything is served."""
    with pytest.raises(ConfigError):
        FlagServer(path, **options)


def test_suffix_that_cannot_be_right(tmp_path: Path) -> None:
    """A file whose suffix names no syntax is refused at once."""
    with pytest.raises(ConfigError, match=r"\.yaml"):
        FlagServer(tmp_path / "flags.ini")


def test_secrets_stay_out_of_the_repr(path: Path) -> None:
    """Neither key can be read off the server's representation."""
    server = FlagServer(path, api_key="secret-key", admin_token="secret-token")
    assert "secret" not in repr(server)
