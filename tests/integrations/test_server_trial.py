"""
Trying a context on the flag server: what each flag would give, as the core explains it, whatever the context.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

for _needed in ("starlette", "uvicorn"):
    pytest.importorskip(_needed)

from flagcore import EvaluationContext, FileSource, FlagClient
from flagcore.explanation import written
from flagcore_server import trial
from tests.integrations.ruled import RULED, ruled_in
from tests.integrations.served import serving, state


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ruled_in(tmp_path_factory.mktemp("ruled"))


@pytest.fixture(scope="module")
def client(path: Path) -> Iterator[httpx.Client]:
    """
    Of one server for all tests here that change nothing.
    """
    with serving(path) as client:
        yield client


def tried(client: httpx.Client, context: Any, **headers: str) -> httpx.Response:
    """
    The answer to a context, tried as the page tries it.
    """
    body = json.dumps({"context": context})
    return client.post(
        "/api/v1/admin/try", content=body, headers={"content-type": "application/json", **headers}, timeout=30
    )


def test_page_is_told_rules_segments_and_attributes(client: httpx.Client) -> None:
    """Rules and segments come as the file has them, and the attributes that any of them looks at."""
    told = state(client)
    assert told["segments"]["nearby"] == 'country in ["NL", "BE"] and not segment(\'beta-testers\')'
    assert told["flags"]["limits"]["rules"][1]["split"] == {"small": 60, "medium": 30, "large": 10}
    assert told["flags"]["plain"]["rules"] == []
    assert told["attributes"] == ["org", "team", "email", "plan", "country", "app_version", "user", "name"]


@pytest.mark.parametrize(
    "context",
    [
        {},
        {"targeting_key": "user-7", "country": "NL", "email": "kim@example.com"},
        {"targetingKey": "user-8", "country": "BE", "org": "acme", "user": {"age": 30}, "app_version": "2.2.0"},
        {"targeting_key": "", "org": 7, "country": ["NL"], "user": None},
    ],
)
def test_answers_are_the_cores_own(client: httpx.Client, path: Path, context: dict[str, Any]) -> None:
    """For every flag, what the core's `explain` says of it: value, reason, each step, each comparison."""
    told = tried(client, context).json()
    snapshot, asking = FlagClient(FileSource(path), cache_dir=None).snapshot, EvaluationContext.of(context)
    assert list(told["flags"]) == list(state(client)["flags"])
    assert told["left_out"] == 0
    for key, answer in told["flags"].items():
        expected = snapshot.explain(key, asking).as_dict()
        for step in expected["steps"]:
            for finding in step["findings"]:
                finding["result"] = written(finding["result"])
                finding["values"] = {name: written(value) for name, value in finding["values"].items()}
        # Two moments of a ramp are two percentages.
        for each in (expected, answer):
            del each["origin"], each["version"]
        if key not in ("payments-v2", "new-checkout"):
            assert answer == expected
        assert answer["value"] == expected["value"]


def test_answer_names_the_file_and_its_version(client: httpx.Client) -> None:
    """The layer is the file; the version is the document's."""
    told = tried(client, {}).json()
    answer = told["flags"]["theme"]
    assert (answer["origin"], answer["version"]) == ("flags.yaml", told["version"])
    assert told["version"] == state(client)["version"]


def test_edit_counts_at_the_next_try(tmp_path: Path) -> None:
    """A try is of what the file says now; while that is malformed, of the last good state."""
    path = ruled_in(tmp_path)
    with serving(path) as client:
        assert tried(client, {"org": "acme"}).json()["flags"]["theme"]["value"] == "dark"
        for text in (RULED.replace("value: dark", "value: black"), "flags: 7"):
            path.write_text(text, encoding="utf-8")
            assert tried(client, {"org": "acme"}).json()["flags"]["theme"]["value"] == "black"


def test_without_a_document_there_is_nothing_to_try(tmp_path: Path) -> None:
    """503, and the file's name."""
    with serving(tmp_path / "none.yaml") as client:
        answer = tried(client, {})
    assert answer.status_code == 503
    assert "none.yaml" in answer.json()["error"]


@pytest.mark.parametrize(
    ("body", "status", "where", "sentence"),
    [
        ("", 400, "$", "expected JSON"),
        ("{", 400, "$", "expected JSON"),
        ("[1]", 422, "$", "expected an object"),
        ("{}", 422, "$.context", "got null"),
        ('{"context": [1]}', 422, "$.context", "got an array"),
        ('{"context": {"targeting_key": 7}}', 422, "$.context.targeting_key", "a user's id in quotes, got a number"),
        ('{"context": {"targetingKey": true}}', 422, "$.context.targetingKey", "got a boolean"),
        ('{"context": {"name": "\\ud800"}}', 400, "$", "expected JSON"),
        ('{"context": ' + '{"a": ' * 200 + "1" + "}" * 201, 400, "$", "levels"),
    ],
)
def test_what_is_no_context_is_said(client: httpx.Client, body: str, status: int, where: str, sentence: str) -> None:
    """Where it stands, what was expected and what came."""
    answer = client.post("/api/v1/admin/try", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["where"][: len(where)]) == (status, where)
    assert sentence in answer.json()["error"]


def test_only_the_page_may_try(path: Path) -> None:
    """An explanation says how flags are defined: it takes the admin token, JSON, and a request of one's own page."""
    with serving(path, admin_token="admin", api_key="reader") as client:
        assert tried(client, {}).status_code == 401
        assert tried(client, {}, authorization="Bearer reader").status_code == 401
        own = {"authorization": "Bearer admin"}
        assert tried(client, {}, **own).status_code == 200
        assert tried(client, {}, **own, **{"sec-fetch-site": "cross-site"}).status_code == 403
        assert tried(client, {}, **own, **{"content-type": "text/plain"}).status_code == 415
        assert tried(client, "x" * 70_000, **own).status_code == 413


@pytest.mark.parametrize(
    "context",
    [
        {"email": "a" * 60_000 + "@example.com", "name": "\ue000"},
        {"country": ["NL"] * 4_000, "org": {"id": list(range(4_000))}},
        {"user": {"age": 10**300}, "app_version": "1." * 20_000},
        {"__class__": 1, "targeting_key": "\x00" * 9_000, "org": "__proto__"},
    ],
    ids=["long text", "long list", "large number", "odd names"],
)
def test_hostile_context_is_answered_in_short(client: httpx.Client, context: dict[str, Any]) -> None:
    """Whatever the context, every flag is answered, and the answer does not repeat what is long in it."""
    answer = tried(client, context)
    assert answer.status_code == 200
    assert answer.json()["left_out"] == 0
    assert len(answer.content) < 20_000


def test_try_of_many_flags_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When time is up the rest is left out and counted; one is tried at a time, and others are answered meanwhile."""
    busy, work = threading.Lock(), trial._tried

    def alone(*arguments: Any) -> bytes:
        assert busy.acquire(blocking=False), "another is tried at the same time"
        try:
            return work(*arguments)
        finally:
            busy.release()

    monkeypatch.setattr(trial, "_MAX_SECONDS", 0.1)
    monkeypatch.setattr(trial, "_tried", alone)
    path = tmp_path / "flags.json"
    rule = {"if": " or ".join(f'contains(roles, "r{number}")' for number in range(100)), "value": True}
    path.write_text(json.dumps({"flags": {f"f{n}": {"value": False, "rules": [rule]} for n in range(300)}}))
    with serving(path) as client, ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(tried, client, {"roles": [f"x{number}" for number in range(5_000)]}) for _ in range(3)]
        while not all(each.done() for each in asked):
            assert client.get("/health").json()["status"] == "ok"
        for each in asked:
            told = each.result().json()
            assert len(told["flags"]) + told["left_out"] == 300
            assert told["left_out"] > 0


def test_answer_is_bounded_in_bytes(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the answer is as long as answers get, the rest is left out and counted."""
    monkeypatch.setattr(trial, "_MAX_ANSWER_BYTES", 600)
    told = tried(client, {"country": "NL"}).json()
    assert 0 < len(told["flags"]) < 8
    assert told["left_out"] == 8 - len(told["flags"])
