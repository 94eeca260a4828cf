"""
The flag server as an OFREP server: its two addresses, and the published provider reading them.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

for _needed in ("starlette", "uvicorn"):
    pytest.importorskip(_needed)

from tests.integrations import served
from tests.integrations.served import SAMPLE, eventually, serving, state

path, client = served.path, served.client

ALL = "/ofrep/v1/evaluate/flags"


def asked(client: httpx.Client, key: str, **context: Any) -> httpx.Response:
    """
    The answer for one flag and a context.
    """
    return client.post(f"{ALL}/{quote(key, safe='')}", json={"context": context})


@pytest.mark.parametrize(
    ("key", "value", "variant"),
    [
        ("new-checkout", False, ""),
        ("greeting", "Wëlcome ☃", ""),
        ("page-size", 24, ""),
        ("ratio", 0.25, ""),
        ("countries", ["NL", "BE"], ""),
        ("search-engine", {"shards": 1}, "small"),
        ("odd key/with slash", True, ""),
    ],
)
def test_one_flag_is_evaluated(client: httpx.Client, key: str, value: Any, variant: str) -> None:
    """Each type of value comes as JSON, with its reason and variant; a key is percent-encoded."""
    answer = asked(client, key)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.json() == {"key": key, "value": value, "reason": "STATIC", "variant": variant}


def test_the_context_decides(client: httpx.Client) -> None:
    """Attributes and the targeting key stand side by side in `context`."""
    assert asked(client, "theme").json()["reason"] == "DEFAULT"
    acme = asked(client, "theme", targetingKey="u1", org="acme", team="growth").json()
    assert (acme["value"], acme["reason"]) == ("midnight", "TARGETING_MATCH")


def test_null_leaves_it_to_the_caller(client: httpx.Client) -> None:
    """A value that is null is left out, which means: use the default in your code."""
    answer = asked(client, "nothing")
    assert (answer.status_code, "value" in answer.json()) == (200, False)


def test_an_unknown_flag_is_404(client: httpx.Client) -> None:
    """The key, FLAG_NOT_FOUND, and a sentence."""
    answer = asked(client, "no/such?flag")
    assert answer.status_code == 404
    found = answer.json()
    assert (found["key"], found["errorCode"]) == ("no/such?flag", "FLAG_NOT_FOUND")
    assert "slip in the key" in found["errorDetails"]


@pytest.mark.parametrize("body", [b"", b"  ", b"{}", b'{"context": {}}'])
def test_no_context_is_nobody_in_particular(client: httpx.Client, body: bytes) -> None:
    """An empty body is accepted, and so is one without a context."""
    assert client.post(f"{ALL}/page-size", content=body).json()["value"] == 24
    assert client.post(ALL, content=body).status_code == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "PARSE_ERROR"),
        (b"[]", "INVALID_CONTEXT"),
        (b'{"context": null}', "INVALID_CONTEXT"),
        (b'{"context": "u1"}', "INVALID_CONTEXT"),
        (b'{"context": {"targetingKey": 7}}', "INVALID_CONTEXT"),
    ],
)
def test_a_malformed_request_is_400(client: httpx.Client, body: bytes, code: str) -> None:
    """What is wrong is said by its code and in words; with the key where one was asked for."""
    one, every = client.post(f"{ALL}/theme", content=body), client.post(ALL, content=body)
    assert (one.status_code, every.status_code) == (400, 400)
    assert (one.json()["key"], one.json()["errorCode"], every.json()["errorCode"]) == ("theme", code, code)
    assert one.json()["errorDetails"]


def test_a_body_without_end_is_refused(client: httpx.Client) -> None:
    """A context has a bound."""
    assert client.post(ALL, content=b" " * (300 << 10)).status_code == 413


def test_all_flags_are_evaluated_for_one_context(client: httpx.Client) -> None:
    """Bulk evaluation has every flag of the file, in its order."""
    found = client.post(ALL, json={"context": {"org": "acme"}}).json()["flags"]
    assert len(found) == 14
    by_key = {each["key"]: each for each in found}
    assert by_key["theme"] == {"key": "theme", "value": "dark", "reason": "TARGETING_MATCH", "variant": ""}


def test_unchanged_answers_are_not_sent_again(client: httpx.Client, path: Path) -> None:
    """The etag names the answers: 304 for the same, 200 for another context or another file."""
    acme = {"context": {"org": "acme"}}
    etag = client.post(ALL, json=acme).headers["etag"]
    held = {"if-none-match": etag}
    same = client.post(ALL, json=acme, headers=held)
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag)
    assert client.post(ALL, json={"context": {"org": "other"}}, headers=held).status_code == 200
    path.write_text(SAMPLE.replace("value: plain", "value: changed"), encoding="utf-8")
    other = client.post(ALL, json=acme, headers=held)
    assert other.status_code == 200
    assert next(each for each in other.json()["flags"] if each["key"] == "last")["value"] == "changed"


def test_a_broken_file_keeps_the_last_good_state_and_none_is_500(path: Path) -> None:
    """While the file is malformed its last good state is evaluated; where there never was one, 500 says so."""
    with serving(path) as client:
        assert asked(client, "page-size").status_code == 200
        path.write_text("flags: [", encoding="utf-8")
        assert asked(client, "page-size").json()["value"] == 24
    with serving(path) as client:
        for answer in (asked(client, "page-size"), client.post(ALL)):
            assert answer.status_code == 500
            assert "no well-formed flags.yaml" in answer.json()["errorDetails"]


@pytest.mark.parametrize("header", [{"authorization": "Bearer key-1"}, {"x-api-key": "key-1"}])
def test_the_api_key_is_asked_for(path: Path, header: dict[str, str]) -> None:
    """401 without the key, by both of OFREP's headers."""
    with serving(path, api_key="key-1") as client:
        assert {client.post(ALL).status_code, asked(client, "theme").status_code} == {401}
        assert client.post(ALL, headers=header).status_code == 200
        assert client.post(f"{ALL}/theme", headers=header).status_code == 200


def test_readers_by_ofrep_are_listed(client: httpx.Client) -> None:
    """The page shows who evaluates here."""
    asked(client, "theme")
    assert [each["protocol"] for each in state_clients(client)] == ["ofrep"]


def state_clients(client: httpx.Client) -> list[dict[str, Any]]:
    """
    The clients that the page lists.
    """
    found: list[dict[str, Any]] = state(client)["clients"]
    return found


def test_our_own_source_reads_it(path: Path) -> None:
    """`OFREPSource` follows the server for its one context, with the server's etags."""
    from flagcore import FlagClient, OFREPSource, Reason

    with serving(path, api_key="key-1") as client:
        url, headers = str(client.base_url), {"X-API-Key": "key-1"}
        source = OFREPSource(url, {"targeting_key": "u1", "org": "acme"}, headers=headers, poll_seconds=0.05)
        with FlagClient(source, cache_dir=None) as flags:
            assert flags.wait_ready(5)
            assert (flags.get_string("theme"), flags.get_json("countries")) == ("dark", ["NL", "BE"])
            assert flags.details("search-engine", {}).variant == "small"
            assert flags.details("theme", "").reason is Reason.TARGETING_MATCH
            assert flags.get_string("nothing", "mine") == "mine"
            path.write_text(SAMPLE.replace("value: dark", "value: changed"), encoding="utf-8")
            eventually(lambda: flags.get_string("theme") == "changed")


class TestPublishedProvider:
    """
    OpenFeature's own OFREP provider for Python, through the SDK's client.
    """

    @pytest.fixture
    def theirs(self, path: Path) -> Iterator[Any]:
        pytest.importorskip("openfeature.contrib.provider.ofrep", reason="openfeature-provider-ofrep is not installed")
        from openfeature import api
        from openfeature.contrib.provider.ofrep import OFREPProvider

        with serving(path, api_key="key-1") as client:
            headers = {"X-API-Key": "key-1"}
            provider = OFREPProvider(str(client.base_url), headers_factory=lambda: headers)
            api.set_provider_and_wait(provider)
            yield api.get_client()
            api.shutdown()
            provider.session.close()

    def test_it_reads_every_type(self, theirs: Any) -> None:
        """The values of the file, typed."""
        assert theirs.get_boolean_value("new-checkout", True) is False
        assert theirs.get_string_value("greeting", "") == "Wëlcome ☃"
        assert theirs.get_integer_value("page-size", 0) == 24
        assert theirs.get_float_value("ratio", 0.0) == 0.25
        assert theirs.get_object_value("countries", []) == ["NL", "BE"]
        assert asyncio.run(theirs.get_boolean_value_async("new-checkout", True)) is False
        details = theirs.get_object_details("search-engine", {})
        assert (details.value, details.variant, details.reason) == ({"shards": 1}, "small", "STATIC")

    def test_its_context_decides_and_errors_have_their_codes(self, theirs: Any) -> None:
        """Overrides by the context it sends; its own default with OpenFeature's codes."""
        from openfeature.evaluation_context import EvaluationContext
        from openfeature.exception import ErrorCode

        acme = theirs.get_string_details("theme", "", EvaluationContext("u1", {"org": "acme"}))
        assert (acme.value, acme.reason) == ("dark", "TARGETING_MATCH")
        assert theirs.get_boolean_details("none", True).error_code is ErrorCode.FLAG_NOT_FOUND
        assert theirs.get_boolean_details("theme", True).error_code is ErrorCode.TYPE_MISMATCH
        wrong = theirs.get_boolean_details("theme", True, EvaluationContext(7))
        assert (wrong.value, wrong.error_code) == (True, ErrorCode.INVALID_CONTEXT)
        assert theirs.get_string_value("nothing", "mine") == "mine"


#: A folder with a `node_modules` that holds `@openfeature/ofrep-provider` and `@openfeature/server-sdk`.
_NODE_MODULES = os.environ.get("OFREP_NODE_MODULES", "")


@pytest.mark.published
@pytest.mark.skipif(
    not (shutil.which("node") and _NODE_MODULES),
    reason="OFREP_NODE_MODULES names no folder where npm has installed @openfeature/ofrep-provider",
)
def test_the_provider_for_javascript_reads_it(path: Path) -> None:
    """OpenFeature's provider in another language: every type, the context, the keys, the error codes."""
    script = Path(__file__).with_name("ofrep_client.cjs")
    with serving(path, api_key="key-1") as client:
        arguments = ["node", str(script), str(client.base_url), "key-1"]
        ran = subprocess.run(arguments, capture_output=True, text=True, timeout=30, check=False)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    values = [found[each]["value"] for each in ("boolean", "string", "number", "object", "slash", "nothing")]
    assert values == [False, "Wëlcome ☃", 0.25, {"shards": 1}, True, "mine"]
    assert found["object"]["variant"] == "small"
    assert (found["targeted"]["value"], found["targeted"]["reason"]) == ("dark", "TARGETING_MATCH")
    assert (found["missing"]["value"], found["missing"]["errorCode"]) == (True, "FLAG_NOT_FOUND")
    assert (found["mismatch"]["value"], found["mismatch"]["errorCode"]) == (True, "TYPE_MISMATCH")
