"""
Flags from an OFREP server, evaluated there for one context.
"""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import anyio
import pytest

from flagcore import ErrorCode, EvaluationContext, FlagClient, OFREPSource, Status
from flagcore.errors import ConfigError, SourceDenied, SourceUnavailable
from flagcore.options import read_options
from flagcore.source import SAME, Body
from tests.loopback import Call, Server, until

PATH = "/ofrep/v1/evaluate/flags"
BULK = json.dumps({"flags": [{"key": "on", "value": True, "reason": "TARGETING_MATCH", "variant": "yes"}]}).encode()


def test_the_context_is_posted(server: Server) -> None:
    """One POST with the context as OFREP spells it, the caller's headers, and the answer's etag."""
    server.script[PATH] = lambda call: call.answer(200, BULK, ETag='"1"')
    context = {"targeting_key": "eu-1", "region": "eu", "plan": {"name": "pro"}}
    source = OFREPSource(server.url + "/", context, headers={"Authorization": "Bearer key-1"})
    assert source.fetch(None) == Body(BULK, '"1"')
    [call] = server.calls
    assert (call.method, call.headers["content-type"]) == ("POST", "application/json")
    assert json.loads(call.body) == {"context": {"targetingKey": "eu-1", "region": "eu", "plan": {"name": "pro"}}}
    assert call.headers["authorization"] == "Bearer key-1"


def test_nobody_in_particular_is_an_empty_context(server: Server) -> None:
    """Without a context the server is asked for anybody."""
    server.script[PATH] = lambda call: call.answer(200, BULK)
    OFREPSource(server.url).fetch(None)
    OFREPSource(server.url, EvaluationContext("u1")).fetch(None)
    assert [json.loads(call.body) for call in server.calls] == [{"context": {}}, {"context": {"targetingKey": "u1"}}]


def test_unchanged_answers_are_the_same(server: Server) -> None:
    """304 to the etag keeps what is at hand."""
    server.script[PATH] = lambda call: call.answer(304 if "if-none-match" in call.headers else 200, b"")
    assert OFREPSource(server.url).fetch('"1"') is SAME


@pytest.mark.parametrize("world", ["thread", "asyncio", "trio"])
def test_a_client_follows_it(server: Server, world: str) -> None:
    """Polls on one connection; a change is seen, and told, under each feed."""
    values = [True]

    def answer(call: Call) -> None:
        etag = f'"{values[0]}"'
        if call.headers.get("if-none-match") == etag:
            return call.answer(304, ETag=etag)
        flags = [{"key": "on", "value": values[0], "variant": "v", "metadata": {"owner": "ui"}}]
        return call.answer(200, json.dumps({"flags": flags}).encode(), ETag=etag)

    server.script[PATH] = answer
    client = FlagClient(OFREPSource(server.url, {"region": "eu"}, poll_seconds=0.03), cache_dir=None)
    told: list[frozenset[str]] = []
    client.on_change(told.append)

    async def follow() -> None:
        async with client:
            assert await client.await_ready(5)
            await anyio.to_thread.run_sync(check)

    def check() -> None:
        details = client.details("on", False)
        assert (details.value, details.variant, dict(details.metadata)) == (True, "v", {"owner": "ui"})
        server.await_calls(PATH, 3)
        values[0] = False
        until(lambda: told[1:] == [{"on"}])
        assert client.get_bool("on", True) is False

    if world == "thread":
        with client:
            assert client.wait_ready(5)
            check()
    else:
        anyio.run(follow, backend=world)
    assert server.connections == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_denial_ends_it(server: Server, status: int) -> None:
    """401 and 403 are for good: FATAL, and no further request."""
    server.script[PATH] = lambda call: call.answer(status)
    with FlagClient(OFREPSource(server.url, poll_seconds=0.01), cache_dir=None) as client:
        assert client.wait_ready(5) is False
        assert client.status is Status.FATAL
        assert client.details("on", False).error_code is ErrorCode.PROVIDER_FATAL
        time.sleep(0.1)
        assert len(server.calls) == 1
    with pytest.raises(SourceDenied):
        OFREPSource(server.url).fetch(None)


@pytest.mark.parametrize("form", ["seconds", "http", "iso"])
def test_retry_after_is_taken_in_its_three_forms(server: Server, form: str) -> None:
    """Seconds, an HTTP date, and the ISO 8601 of the protocol's own example."""
    later = datetime.now(timezone.utc) + timedelta(seconds=120)
    said = {
        "seconds": "120",
        "http": format_datetime(later, usegmt=True),
        "iso": later.isoformat().replace("+00:00", "Z"),
    }
    server.script[PATH] = lambda call: call.answer(429, Retry_After=said[form])
    with pytest.raises(SourceUnavailable) as refused:
        OFREPSource(server.url).fetch(None)
    assert refused.value.retry_after == pytest.approx(120, abs=3)


def test_while_retry_after_runs_nothing_is_asked(server: Server) -> None:
    """The feed waits at least as long as the server says."""
    server.script[PATH] = lambda call: call.answer(429, Retry_After="30")
    with FlagClient(OFREPSource(server.url, poll_seconds=0.01), cache_dir=None) as client:
        until(lambda: client.status is Status.ERROR)
        time.sleep(0.1)
        assert len(server.calls) == 1


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_redirect_that_would_drop_the_context_is_refused(server: Server, status: int) -> None:
    """Such a redirect may turn a POST into a GET."""
    server.script[PATH] = lambda call: call.answer(status, Location="/new")
    with pytest.raises(SourceUnavailable, match="use the new URL"):
        OFREPSource(server.url).fetch(None)


def test_the_context_stays_at_its_origin(server: Server) -> None:
    """308 is followed within the origin, with method and body; not to another."""
    server.script[PATH] = lambda call: call.answer(308, Location="/new")
    server.script["/new"] = lambda call: call.answer(200, BULK)
    assert OFREPSource(server.url, {"region": "eu"}).fetch(None) == Body(BULK)
    assert (server.calls[1].method, server.calls[1].body) == ("POST", server.calls[0].body)
    with Server() as other:
        server.script[PATH] = lambda call: call.answer(307, Location=f"{other.url}/new")
        with pytest.raises(SourceUnavailable, match="the context is not sent on"):
            OFREPSource(server.url).fetch(None)
        assert other.calls == []


def test_two_contexts_are_two_sources() -> None:
    """The disk cache keeps their answers apart, and holds no context in the clear."""
    one, other = (OFREPSource("http://127.0.0.1:9", {"user": name}) for name in ("ada", "bob"))
    assert one.identity != other.identity
    assert one.identity == OFREPSource("http://127.0.0.1:9", {"user": "ada"}).identity
    assert "ada" not in repr(one)
    assert "ada" not in repr(one.poll_target())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"url": "ftp://x"}, "url: expected an http"),
        ({"url": "http://x/?a=1"}, "url: expected a URL without a query"),
        ({"context": "u1"}, "context: expected"),
        ({"context": {"targetingKey": 7}}, "targeting_key: expected"),
        ({"context": {"a": object()}}, "context: .*expected a JSON value"),
        ({"poll_seconds": -1}, "poll_seconds: expected"),
    ],
)
def test_what_cannot_be_is_refused(arguments: dict[str, Any], message: str) -> None:
    """By name, at construction, without a request."""
    with pytest.raises(ConfigError, match=message):
        OFREPSource(**{"url": "http://x", **arguments})


def test_the_environment_says_what_code_does_not(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the variables of every OFREP client; what code says goes before."""
    server.script[PATH] = lambda call: call.answer(200, BULK)
    monkeypatch.setenv("OFREP_ENDPOINT", server.url)
    monkeypatch.setenv("OFREP_HEADERS", "X-API-Key%3Dk%3D1%2C%20X-Other%20=%20two words,")
    monkeypatch.setenv("OFREP_TIMEOUT_MS", "2500")
    source = OFREPSource()
    source.fetch(None)
    assert (server.calls[0].headers["x-api-key"], server.calls[0].headers["x-other"]) == ("k=1", "two words")
    assert source.timeout_seconds == 2.5
    with Server() as other:
        other.script[PATH] = lambda call: call.answer(200, BULK)
        source = OFREPSource(other.url, headers={"X-API-Key": "mine"}, timeout_seconds=1)
        source.fetch(None)
        assert (other.calls[0].headers["x-api-key"], other.calls[0].headers.get("x-other")) == ("mine", None)
        assert source.timeout_seconds == 1
    for name in ("OFREP_ENDPOINT", "OFREP_HEADERS", "OFREP_TIMEOUT_MS"):
        monkeypatch.delenv(name)
    assert OFREPSource(server.url).timeout_seconds == 10


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("OFREP_ENDPOINT", "flags.example.com", "OFREP_ENDPOINT: expected an http"),
        ("OFREP_ENDPOINT", None, "url: expected the address of an OFREP server, here or as OFREP_ENDPOINT"),
        ("OFREP_HEADERS", "Authorization: Bearer s3cret", "OFREP_HEADERS: expected name=value"),
        ("OFREP_HEADERS", "X=a\nb s3cret", "OFREP_HEADERS: expected name=value"),
        ("OFREP_TIMEOUT_MS", "1.5", "OFREP_TIMEOUT_MS: expected whole milliseconds above 0, got '1.5'"),
        ("OFREP_TIMEOUT_MS", "9" * 5000, "OFREP_TIMEOUT_MS: expected whole milliseconds above 0"),
        ("OFREP_TIMEOUT_MS", "0", "OFREP_TIMEOUT_MS: expected whole milliseconds above 0"),
    ],
)
def test_what_cannot_be_in_the_environment_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str | None, message: str
) -> None:
    """By the variable's name, without the headers themselves."""
    monkeypatch.setenv("OFREP_ENDPOINT", "http://127.0.0.1:9")
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=message) as refused:
        OFREPSource()
    assert "s3cret" not in str(refused.value)


def test_it_is_configured_like_any_other(server: Server) -> None:
    """`ofrep` is a source's name, and the context is read from the environment as JSON."""
    server.script[PATH] = lambda call: call.answer(200, BULK)
    environ = {
        "FLAGCORE_SOURCE": "ofrep",
        "FLAGCORE_URL": server.url,
        "FLAGCORE_CONTEXT": '{"targetingKey": "eu-1"}',
        "FLAGCORE_CACHE_DIR": "",
    }
    with read_options({}, environ=environ).client as client:
        assert client.wait_ready(5)
        assert client.get_bool("on") is True
    assert json.loads(server.calls[0].body) == {"context": {"targetingKey": "eu-1"}}
