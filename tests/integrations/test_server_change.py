"""
Changing flags through the flag server: who may, what is refused, and that nothing is ever lost.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import httpx
import pytest

for _needed in ("starlette", "uvicorn"):
    pytest.importorskip(_needed)

from tests.integrations import served
from tests.integrations.served import SAMPLE, Stream, eventually, put, serving, state

path, client = served.path, served.client


def test_change_is_written_and_served(client: httpx.Client, path: Path) -> None:
    """A change stands in the file and in the next answer; all else in the file is as it was."""
    version = state(client)["flags"]["new-checkout"]["version"]
    answer = put(client, "new-checkout", True, f'"{version}"')
    assert answer.status_code == 200
    assert answer.json()["flag"]["value"] is True
    assert answer.headers["etag"] == f'"{answer.json()["flag"]["version"]}"'
    assert path.read_text("utf-8") == SAMPLE.replace("value: false   # off until", "value: true   # off until")
    assert client.get("/api/v1/document").json()["flags"]["new-checkout"]["value"] is True


def test_change_against_an_old_state_is_refused(client: httpx.Client, path: Path) -> None:
    """Who has not seen the present value does not overwrite it, and is told what it is."""
    version = state(client)["flags"]["theme"]["version"]
    assert put(client, "theme", "blue", f'"{version}"').status_code == 200
    stale = put(client, "theme", "green", f'"{version}"')
    assert stale.status_code == 412
    assert stale.json()["current"]["value"] == "blue"
    assert put(client, "theme", "green", f'"{stale.json()["current"]["version"]}"').status_code == 200
    assert state(client)["flags"]["theme"]["value"] == "green"


def test_change_of_another_flag_is_no_conflict(client: httpx.Client) -> None:
    """Two people who change two flags do not stand in each other's way; the document's version does as well."""
    before = state(client)
    put(client, "theme", "blue")
    version = before["flags"]["last"]["version"]
    assert put(client, "last", "kept", f'"{version}"').status_code == 200
    assert put(client, "last", "late", f'"{before["version"]}"').status_code == 412
    assert put(client, "last", "later", f'"{state(client)["version"]}"').status_code == 200


def test_edit_on_disk_counts_as_a_change(client: httpx.Client, path: Path) -> None:
    """A change made against what was there before an edit on disk is refused, and the edit stays."""
    version = state(client)["flags"]["last"]["version"]
    path.write_text(SAMPLE.replace("value: plain", "value: edited"), encoding="utf-8")
    assert put(client, "last", "page", f'"{version}"').status_code == 412
    assert "value: edited" in path.read_text("utf-8")


def test_changes_at_once_are_all_kept(client: httpx.Client, path: Path) -> None:
    """Forty changes of four flags from eight threads, through two servers of one file: each flag has its last."""
    keys = ["page-size", "ratio", "last", "theme"]

    def change(number: int) -> tuple[str, Any]:
        key = keys[number % 4]
        value = number + 1000 if key in ("page-size", "ratio") else f"v{number}"
        for _ in range(200):
            answer = put(clients[number % 2], key, value)
            if answer.status_code == 200:
                return key, value
            assert answer.status_code == 412
        raise AssertionError("never got through")

    with serving(path) as other, ThreadPoolExecutor(8) as pool:
        clients = [client, other]
        done = list(pool.map(change, range(40)))
        for number, key in enumerate(keys):
            change(number)
            assert client.get("/api/v1/document").json() == other.get("/api/v1/document").json()
            done.append((key, None))
    assert len(done) == 44
    found = client.get("/api/v1/document").json()["flags"]
    assert [found[key]["value"] for key in keys] == [1000, 1001, "v2", "v3"]
    assert "# off until it is tested" in path.read_text("utf-8")


def test_change_waits_for_another_process(client: httpx.Client, path: Path) -> None:
    """While another server process writes, a change waits, and is then made in what that one wrote."""
    fcntl = pytest.importorskip("fcntl", reason="Windows has no flock")
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        with ThreadPoolExecutor(1) as pool:
            change = pool.submit(put, client, "theme", "blue")
            assert not wait([change], 0.3).done
            path.write_text(SAMPLE.replace("value: plain", "value: theirs"), encoding="utf-8")
            fcntl.flock(folder, fcntl.LOCK_UN)
            assert change.result(5).status_code == 200
    finally:
        os.close(folder)
    assert "'blue'" in path.read_text("utf-8")
    assert "value: theirs" in path.read_text("utf-8")


def test_file_keeps_its_mode_and_link(client: httpx.Client, path: Path) -> None:
    """A change keeps the file's permissions, writes through a link, and leaves nothing else in the folder."""
    path.chmod(0o640)
    real = path.with_name("real.yaml")
    path.rename(real)
    path.symlink_to(real.name)
    assert put(client, "theme", "blue").status_code == 200
    assert path.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert "value: 'blue'" in real.read_text("utf-8")
    assert sorted(each.name for each in path.parent.iterdir()) == ["flags.yaml", "real.yaml"]


@pytest.mark.parametrize(
    ("key", "value", "where", "expected", "came"),
    [
        ("new-checkout", "yes", "$.value", "a boolean, as it is now", "a string"),
        ("new-checkout", 1, "$.value", "a boolean, as it is now", "a number"),
        ("page-size", True, "$.value", "a number, as it is now", "a boolean"),
        ("limits", [1], "$.value", "an object, as it is now", "an array"),
        ("search-engine", "medium", "$.value", "the name of a variant (small, large)", "'medium'"),
        ("search-engine", {"shards": 1}, "$.value", "the name of a variant (small, large)", "an object"),
    ],
)
def test_value_of_another_type_is_refused(
    client: httpx.Client, path: Path, key: str, value: Any, where: str, expected: str, came: str
) -> None:
    """A value that the flag's readers would not expect is refused with what was expected and what came."""
    answer = put(client, key, value)
    assert answer.status_code == 422
    facts = answer.json()
    assert (facts["where"], facts["expected"], facts["came"]) == (where, expected, came)
    assert path.read_text("utf-8") == SAMPLE


def test_type_changes_when_that_is_meant(client: httpx.Client) -> None:
    """`change_type` says that a value of another type is no slip; null takes any without it."""
    body = {"value": {"a": 1}, "change_type": True}
    headers = {"if-match": "*"}
    assert client.put("/api/v1/flags/page-size", json=body, headers=headers).status_code == 200
    assert put(client, "nothing", [1, "two"]).status_code == 200
    assert state(client)["flags"]["nothing"]["type"] == "array"


@pytest.mark.parametrize(
    ("body", "status", "where"),
    [
        (b"", 400, "$"),
        (b"{", 400, "$"),
        (b'{"value": NaN}', 400, "$"),
        (b'{"value": "\\ud800"}', 400, "$"),
        (b'{"value": "\xff"}', 400, "$"),
        (b'{"value": ' + b"[" * 5000 + b"]" * 5000 + b"}", 400, "$"),
        (b"[true]", 422, "$"),
        (b"{}", 422, "$.value"),
        (b'{"value": true, "change_type": 1}', 422, "$.change_type"),
        (b'{"value": true, "vlaue": false}', 422, "$.vlaue"),
    ],
)
def test_body_that_says_nothing_is_refused(
    client: httpx.Client, path: Path, body: bytes, status: int, where: str
) -> None:
    """A body that is no change is refused with the place of the fault."""
    headers = {"content-type": "application/json", "if-match": "*"}
    answer = client.put("/api/v1/flags/new-checkout", content=body, headers=headers)
    assert (answer.status_code, answer.json()["where"]) == (status, where)
    assert path.read_text("utf-8") == SAMPLE


@pytest.mark.parametrize("is_announced", [True, False])
def test_oversized_body_is_refused(client: httpx.Client, path: Path, is_announced: bool) -> None:
    """More than 1 MiB is refused, whether its length was announced or not."""
    body = b'{"value": "' + b"x" * (1 << 20) + b'"}'
    chunks = iter([body[:700_000], body[700_000:]])
    headers = {"content-type": "application/json", "if-match": "*"}
    answer = client.put("/api/v1/flags/theme", content=body if is_announced else chunks, headers=headers)
    assert answer.status_code == 413
    assert path.read_text("utf-8") == SAMPLE


def test_body_without_end_is_cut_off(client: httpx.Client, path: Path) -> None:
    """A sender that never stops is not read for ever."""
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 200:
            sent += 1
            yield b" " * (1 << 20)

    headers = {"content-type": "application/json", "if-match": "*"}
    with contextlib.suppress(httpx.TransportError):  # cut off, it may not get to read the answer
        assert client.put("/api/v1/flags/theme", content=endless(), headers=headers).status_code == 413
    assert sent < 200
    assert path.read_text("utf-8") == SAMPLE


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_body_that_is_not_called_json_is_refused(client: httpx.Client, kind: str) -> None:
    """What a page elsewhere can send without asking first is refused by its type."""
    assert put(client, "theme", "blue", **{"content-type": kind}).status_code == 415


def test_change_names_what_it_was_made_against(client: httpx.Client) -> None:
    """A change without If-Match is refused: it could overwrite what nobody looked at."""
    answer = client.put("/api/v1/flags/theme", json={"value": "blue"})
    assert answer.status_code == 428
    assert "If-Match" in answer.json()["error"]


def test_unknown_flag_is_refused_with_those_close_by(client: httpx.Client) -> None:
    """A misspelt key gets 404 and the keys that may have been meant; flags are not made by accident."""
    answer = put(client, "new-chekout", True)
    assert (answer.status_code, answer.json()["close"]) == (404, ["new-checkout"])


def test_key_with_a_slash_can_be_changed(client: httpx.Client) -> None:
    """Any key works, percent-encoded."""
    assert put(client, "odd key/with slash", False).status_code == 200
    assert state(client)["flags"]["odd key/with slash"]["value"] is False


def test_malformed_file_is_not_written_to(client: httpx.Client, path: Path) -> None:
    """While the file on disk is malformed nothing is written into it: that edit would be lost."""
    path.write_text(SAMPLE + "  broken", encoding="utf-8")
    assert put(client, "theme", "blue").status_code == 409
    assert path.read_text("utf-8") == SAMPLE + "  broken"


def test_toml_is_read_only(tmp_path: Path) -> None:
    """A TOML file is served, and a change of it refused with a word on what to do."""
    path = tmp_path / "flags.toml"
    path.write_text("[flags.a]\nvalue = 1\n", encoding="utf-8")
    with serving(path) as client:
        assert state(client)["editable"] is False
        answer = put(client, "a", 2)
        assert answer.status_code == 409
        assert "editor" in answer.json()["error"]


def test_changing_needs_the_admin_token(path: Path) -> None:
    """With a token set, loopback or not, changes and the page's data need it; the API key is not enough."""
    with serving(path, admin_token="secret-token", api_key="secret-key") as client:
        for headers in ({}, {"authorization": "Bearer secret-key"}, {"authorization": "Bearer wrong"}):
            answer = put(client, "theme", "blue", **headers)
            assert answer.status_code == 401
            assert "secret" not in answer.text
            assert client.get("/api/v1/admin/state", headers=headers).status_code == 401
            assert client.get("/api/v1/admin/events", headers=headers).status_code == 401
        assert put(client, "theme", "blue", authorization="Bearer secret-token").status_code == 200


def test_without_a_token_only_loopback_changes(path: Path) -> None:
    """A server that others can reach refuses changes until a token is set, and says how."""
    with serving(path, loopback=False) as client:
        answer = put(client, "theme", "blue")
        assert answer.status_code == 403
        assert "FLAGCORE_SERVE_ADMIN_TOKEN" in answer.json()["error"]
        assert client.get("/api/v1/document").status_code == 200
    assert path.read_text("utf-8") == SAMPLE


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "shop.example"},
        {"host": "127.0.0.1.shop.example"},
        {"host": "localhost@shop.example"},
        {"host": ""},
        {"host": "[bad"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://shop.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"x-forwarded-for": "127.0.0.1"},
    ],
    ids=lambda headers: "-".join(next(iter(headers.items()))),
)
def test_request_from_elsewhere_is_refused(client: httpx.Client, path: Path, headers: dict[str, str]) -> None:
    """A page of another site, a name that was made to point here, and a proxy change nothing and see nothing."""
    assert put(client, "theme", "blue", **headers).status_code in (400, 403)
    assert client.get("/api/v1/admin/state", headers=headers).status_code in (400, 403)
    assert path.read_text("utf-8") == SAMPLE


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1:1", "[::1]:8099", "flags.localhost"])
def test_request_by_a_loopback_name_is_taken(client: httpx.Client, host: str) -> None:
    """Every name that can only mean this machine will do, from the page's own origin."""
    headers = {"host": host, "origin": f"http://{host}", "sec-fetch-site": "same-origin"}
    assert put(client, "theme", "blue", **headers).status_code == 200


def test_reading_on_loopback_needs_a_loopback_name(path: Path, client: httpx.Client) -> None:
    """Without a key, a name made to point here does not read flags either; with the key any name does."""
    headers = {"host": "shop.example"}
    assert client.get("/api/v1/document", headers=headers).status_code == 403
    with serving(path, api_key="key") as guarded:
        assert guarded.get("/api/v1/document", headers={**headers, "x-api-key": "key"}).status_code == 200


def test_state_says_what_the_page_shows(client: httpx.Client) -> None:
    """The page's data hold each flag's type, expiry, overrides and last change."""
    flags = state(client)["flags"]
    assert [flags[key]["type"] for key in ("new-checkout", "limits", "search-engine", "nothing", "countries")] == [
        "boolean",
        "object",
        "object",
        "null",
        "array",
    ]
    assert (flags["new-checkout"]["expired"], flags["search-engine"]["expired"]) == (False, True)
    assert flags["theme"]["overrides"][1] == {"path": {"org": "acme", "team": "growth"}, "value": "midnight"}
    assert flags["theme"]["changed_by"] == "start"
    put(client, "theme", "blue")
    changed = state(client)["flags"]
    assert (changed["theme"]["changed_by"], changed["last"]["changed_by"]) == ("page", "start")
    assert changed["theme"]["changed_at"] > flags["theme"]["changed_at"]


def test_edit_on_disk_is_a_change_by_the_file(client: httpx.Client, path: Path) -> None:
    """What changed on disk is told apart from what changed on the page."""
    state(client)
    path.write_text(SAMPLE.replace("value: plain", "value: edited"), encoding="utf-8")
    flags = state(client)["flags"]
    assert (flags["last"]["changed_by"], flags["theme"]["changed_by"]) == ("file", "start")


def test_events_tell_the_page(client: httpx.Client, path: Path) -> None:
    """The page is told of flags and of clients at once, and then of every change of either."""
    with Stream(client, "/api/v1/admin/events") as events:
        assert len(events.json("flags")["flags"]) == 14
        assert events.json("clients") == []
        client.get("/api/v1/scopes/shop/configs", headers={"user-agent": "poller/1"})
        [seen] = events.json("clients")
        assert (seen["agent"], seen["mode"], seen["requests"], seen["address"]) == ("poller/1", "poll", 1, "127.0.0.1")
        path.write_text("nonsense", encoding="utf-8")
        assert events.json("flags")["error"]["where"] == "$"


def test_polls_of_one_client_are_one_line(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that polls is listed once, with its count, until it has been away for long."""
    for _ in range(3):
        client.get("/api/v1/document", headers={"user-agent": "poller/1"})
    [seen] = state(client)["clients"]
    assert seen["requests"] == 3
    monkeypatch.setattr("flagcore_server.clients._GONE_SECONDS", 0.0)
    assert eventually(lambda: state(client)["clients"] == [])


def test_a_client_that_streams_is_listed_once(client: httpx.Client) -> None:
    """What it fetches beside its stream is no second client; when the stream ends, its polls show again."""
    client.get("/api/v1/document")
    with Stream(client, "/api/v1/document/stream"):
        assert [each["mode"] for each in state(client)["clients"]] == ["stream"]
    assert eventually(lambda: [each["mode"] for each in state(client)["clients"]] == ["poll"])


def test_made_up_clients_do_not_fill_the_memory(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of ever new user agents only the latest are remembered, each cut to a bearable length."""
    monkeypatch.setattr("flagcore_server.clients._MOST_POLLING", 3)
    for number in range(5):
        client.get("/api/v1/document", headers={"user-agent": f"{number}" * 1000})
    agents = [each["agent"] for each in state(client)["clients"]]
    assert agents == [str(number) * 200 for number in (2, 3, 4)]


def test_unwritable_folder_is_said(client: httpx.Client, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk refuses, so does the server, and the file is as it was."""

    def refuse(*_: object, **__: object) -> tuple[int, str]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("flagcore_server.file.mkstemp", refuse)
    answer = put(client, "theme", "blue")
    assert (answer.status_code, path.read_text("utf-8")) == (503, SAMPLE)
    assert "nothing was changed" in answer.json()["error"]


def test_edit_between_reading_and_writing_is_not_lost(
    client: httpx.Client, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An edit on disk in the very moment of a change wins, and the change is refused."""
    edited = SAMPLE.replace("value: plain", "value: edited")

    def fsync(_: int) -> None:
        path.write_text(edited, encoding="utf-8")

    monkeypatch.setattr("flagcore_server.file.os.fsync", fsync)
    assert put(client, "theme", "blue").status_code == 412
    assert path.read_text("utf-8") == edited
    assert [each.name for each in path.parent.iterdir()] == ["flags.yaml"]


def test_answers_are_guarded(client: httpx.Client) -> None:
    """Every answer says that nothing of another origin may be used with it."""
    for address in ("/", "/page/page.js", "/api/v1/document", "/nowhere"):
        headers = client.get(address).headers
        policy = dict(each.strip().split(" ", 1) for each in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == "'self'"
        assert headers["x-content-type-options"] == "nosniff"


def test_page_uses_only_its_own_files(client: httpx.Client) -> None:
    """The page and its files name no other origin, and hold no script or style in place."""
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "style=" not in page.text
    assert "<script>" not in page.text
    for name in ("page.js", "page.css", "flag.svg", "api.js", "row.js", "confirm.js"):
        file = client.get(f"/page/{name}")
        assert file.status_code == 200, name
        assert "innerHTML" not in file.text
        assert "//" not in file.text.replace("// ", "").replace("http://www.w3.org/2000/svg", ""), name
        again = client.get(f"/page/{name}", headers={"if-none-match": file.headers["etag"]})
        assert again.status_code == 304
    assert client.get("/page/..%2Fserver.py").status_code == 404


def test_change_is_seen_by_the_caller_at_once(client: httpx.Client) -> None:
    """Who has been told that a change is made reads it: in each protocol, without waiting."""
    for number in range(5):
        put(client, "page-size", number)
        assert json.loads(client.get("/api/v1/scopes/s/configs").content)["features"]["page-size"]["default"] == number
