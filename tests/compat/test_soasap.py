"""
SOASAP's client by its own names: never waits, never raises, and never loses what it has.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from flagcore.compat.soasap import (
    SoasapClient,
    SoasapClientOptions,
    SoasapErrorContext,
    SoasapErrorSource,
    create_error_context,
    create_soasap_client,
)
from tests.compat.scripted import Scripted, followers, scripted
from tests.documents import eventually

KEY = "k-5d1c9a"
FLAGS = {
    "on": True,
    "off": False,
    "one": 1,
    "half": 0.5,
    "text": "light",
    "list": [1],
    "object": {"a": [1]},
    "null": None,
}


def event(payload: object) -> bytes:
    return b"data: " + json.dumps(payload).encode() + b"\n\n"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    return tmp_path / "home"


@pytest.fixture
def service() -> Iterator[Scripted]:
    with scripted() as server:
        server.type, server.body = "text/event-stream", event(FLAGS)
        yield server


@pytest.fixture
def client(service: Scripted) -> Iterator[SoasapClient]:
    client = create_soasap_client(api_key=KEY, base_url=service.url, preload=True)
    eventually(lambda: client.get_bool("on"))
    yield client
    client.close()


# --- construction ---------------------------------------------------------------------------------------------------


def test_refuses_to_be_made_without_a_key() -> None:
    """No key is a TypeError, a blank one a ValueError; so it is with options."""
    with pytest.raises(TypeError, match="api_key"):
        create_soasap_client()
    for blank in ("", "  "):
        with pytest.raises(ValueError, match="api_key"):
            create_soasap_client(api_key=blank)
        with pytest.raises(ValueError, match="api_key"):
            create_soasap_client(SoasapClientOptions(api_key=blank))


def test_an_empty_address_is_the_services_own() -> None:
    """As when none is given: it comes from an environment variable that is not set. Nothing is asked of it here."""
    create_soasap_client(api_key=KEY, base_url="").close()


def test_hides_its_key(service: Scripted) -> None:
    """The key goes to the service, and can't be read off options or client."""
    options = SoasapClientOptions(api_key=KEY, base_url=service.url)
    client = create_soasap_client(options)
    assert KEY not in repr(options)
    assert repr(client) == "SoasapClient(NOT_READY)"
    client.get_bool("on")
    eventually(lambda: service.keys == [KEY])
    assert service.asked == ["/api/v1/flags/live"]
    client.close()


def test_options_do_what_the_arguments_do(service: Scripted, tmp_path: Path) -> None:
    """A client made of options connects, keeps its file and reports like one made of arguments."""
    told: list[SoasapErrorContext] = []
    service.body = event([])
    service.ended.set()
    options = SoasapClientOptions(KEY, service.url, True, str(tmp_path / "here"), told.append)
    client = create_soasap_client(options)
    eventually(lambda: told != [])
    service.body = event(FLAGS)
    eventually(lambda: client.get_bool("on"))
    client.close()
    assert len(list((tmp_path / "here").glob("*.flags"))) == 1


# --- starting -------------------------------------------------------------------------------------------------------


def test_the_first_read_connects(service: Scripted) -> None:
    """Nothing is asked, and no thread runs, before the first read; that answers its default at once."""
    service.gate.clear()
    client = create_soasap_client(api_key=KEY, base_url=service.url)
    time.sleep(0.1)
    assert (service.asked, followers()) == ([], [])
    assert client.get_bool("on") is False
    service.gate.set()
    eventually(lambda: client.get_bool("on"))
    client.close()


def test_preload_connects_at_once(service: Scripted) -> None:
    """With `preload` the service is asked before anything is read, and creating the client waits for nothing."""
    service.gate.clear()
    started = time.monotonic()
    client = create_soasap_client(api_key=KEY, base_url=service.url, preload=True)
    assert time.monotonic() - started < 1
    eventually(lambda: len(service.asked) == 1)
    client.close()


def test_the_last_snapshot_answers_a_cold_start(service: Scripted, tmp_path: Path) -> None:
    """The very first read of a new process is answered from the disk, the service being down or not."""
    folder = str(tmp_path / "cache")
    first = create_soasap_client(api_key=KEY, base_url=service.url, cache_directory=folder)
    eventually(lambda: first.get_bool("on"))
    first.close()
    service.gate.clear()
    second = create_soasap_client(api_key=KEY, base_url=service.url, cache_directory=folder)
    assert second.get_string("text") == "light"
    second.close()
    other = create_soasap_client(api_key="another", base_url=service.url, cache_directory=folder)
    assert other.get_string("text") == ""
    other.close()
    assert not any(KEY in each.name or KEY.encode() in each.read_bytes() for each in Path(folder).iterdir())


@pytest.mark.parametrize("variable", ["HOME", "LOCALAPPDATA"])
@pytest.mark.parametrize("configured", [None, " "])
def test_keeps_its_file_where_the_service_documents_it(
    service: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, configured: str | None
) -> None:
    """The default folder is the documented one of the platform: deployments keep it over restarts."""
    monkeypatch.setenv(variable, str(tmp_path / "base"))
    client = create_soasap_client(api_key=KEY, base_url=service.url, cache_directory=configured)
    eventually(lambda: client.get_bool("on"))
    client.close()
    folder = {"HOME": ".local/share/soasap/cache", "LOCALAPPDATA": "soasap/cache"}[variable]
    assert len(list((tmp_path / "base" / folder).glob("*.flags"))) == 1


def test_does_without_a_disk_where_there_is_no_home(service: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without a home folder still has flags."""

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    client = create_soasap_client(api_key=KEY, base_url=service.url)
    eventually(lambda: client.get_bool("on"))
    client.close()


# --- reading --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("getter", "default", "found"),
    [
        ("get_bool", False, {"on": True}),
        ("get_bool", True, {"off": False}),
        ("get_flag", False, {"on": True}),
        ("get_number", 7, {"one": 1.0, "half": 0.5}),
        ("get_string", "none", {"text": "light"}),
        ("get_json", None, {"list": [1], "object": {"a": [1]}}),
        ("get_json", {"b": 2}, {"list": [1], "object": {"a": [1]}}),
        ("get_json", [2], {"list": [1], "object": {"a": [1]}}),
    ],
)
def test_a_getter_gives_its_own_type_else_the_default(
    client: SoasapClient, getter: str, default: Any, found: dict[str, Any]
) -> None:
    """For every flag: the value if it is of the getter's type, else the default; so for a key that does not exist."""
    get = getattr(client, getter)
    for key in [*FLAGS, "no-such-flag"]:
        expected = found.get(key, default)
        if getter in ("get_bool", "get_flag") and isinstance(FLAGS.get(key), bool):
            expected = FLAGS[key]
        value = get(key, default)
        assert (key, type(value), value) == (key, type(expected), expected)


@pytest.mark.parametrize("key", [None, 5, "", [], {}, object()])
def test_no_getter_raises(client: SoasapClient, key: Any) -> None:
    """Whatever stands for the key, the default comes back."""
    assert client.get_bool(key, True) is True
    assert client.get_flag(key) is False
    assert client.get_number(key) == 0
    assert client.get_string(key, "none") == "none"
    assert client.get_json(key, {"a": 1}) == {"a": 1}


def test_a_returned_object_is_the_callers_own(client: SoasapClient) -> None:
    """Changing what came back changes no later answer."""
    client.get_json("object")["a"].append(2)
    assert client.get_json("object") == {"a": [1]}


# --- following ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "source"),
    [
        (500, b"", SoasapErrorSource.NETWORK),
        (200, event([1]), SoasapErrorSource.PARSER),
        (200, b"data: {\n\n", SoasapErrorSource.PARSER),
    ],
)
def test_tells_what_went_wrong_and_goes_on(
    service: Scripted, status: int, body: bytes, source: SoasapErrorSource
) -> None:
    """`on_error` gets what, where, when and whether another attempt is made; what it raises harms nothing."""
    told: list[SoasapErrorContext] = []

    def on_error(context: SoasapErrorContext) -> None:
        told.append(context)
        raise LookupError("a fault of the callback's own")

    sound, service.status, service.body = service.body, status, body
    service.ended.set()
    client = create_soasap_client(api_key=KEY, base_url=service.url, preload=True, on_error=on_error)
    eventually(lambda: told != [])
    assert told[0].source is source
    assert told[0].is_transient is True
    assert isinstance(told[0].exception, Exception)
    assert KEY not in str(told[0].exception)
    assert abs((datetime.now(timezone.utc) - told[0].timestamp).total_seconds()) < 10
    service.status, service.body = 200, sound
    eventually(lambda: client.get_bool("on"))
    client.close()


def test_a_payload_that_is_no_object_is_ignored(service: Scripted) -> None:
    """What came before it stays, and what comes after it on the same stream arrives."""
    told: list[SoasapErrorContext] = []
    service.body = event(FLAGS) + event(["no object"]) + event({"theme": "dark"})
    client = create_soasap_client(api_key=KEY, base_url=service.url, preload=True, on_error=told.append)
    eventually(lambda: client.get_string("theme") == "dark")
    assert [each.source for each in told] == [SoasapErrorSource.PARSER]
    assert client.get_bool("on") is False
    client.close()


def test_a_disk_that_fails_harms_nothing(service: Scripted, tmp_path: Path) -> None:
    """Where nothing can be written, memory alone does; `on_error` is told."""
    (tmp_path / "file").write_text("in the way")
    told: list[SoasapErrorContext] = []
    client = create_soasap_client(
        api_key=KEY, base_url=service.url, cache_directory=str(tmp_path / "file" / "cache"), on_error=told.append
    )
    eventually(lambda: client.get_bool("on"))
    eventually(lambda: SoasapErrorSource.DISK in [each.source for each in told])
    client.close()


def test_a_denied_key_is_not_asked_with_again(service: Scripted) -> None:
    """Once the service denies the key, following ends, and `on_error` is told that no attempt will be made."""
    told: list[SoasapErrorContext] = []
    service.status = 401
    client = create_soasap_client(api_key=KEY, base_url=service.url, preload=True, on_error=told.append)
    eventually(lambda: followers() == [])
    assert [(each.source, each.is_transient) for each in told] == [(SoasapErrorSource.NETWORK, False)]
    assert client.get_bool("on", True) is True
    assert len(service.asked) == 1
    client.close()


def test_error_sources_have_the_documented_values() -> None:
    """Handlers print and compare `source.value`."""
    assert {each.name: each.value for each in SoasapErrorSource} == {
        "NETWORK": "network",
        "DISK": "disk",
        "PARSER": "parser",
    }
    context = create_error_context(OSError("full"), SoasapErrorSource.DISK, is_transient=True)
    assert (str(context.exception), context.source.value, context.is_transient) == ("full", "disk", True)
    assert context.timestamp.tzinfo is timezone.utc


# --- closing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reading", ["a silent stream", "an answer that does not come"])
def test_closing_is_quick_and_leaves_no_thread(service: Scripted, reading: str) -> None:
    """Within a second, in whatever state; twice over; what was known goes on answering."""
    client = create_soasap_client(api_key=KEY, base_url=service.url)
    eventually(lambda: client.get_bool("on"))
    if reading != "a silent stream":
        client.close()
        service.gate.clear()
        client = create_soasap_client(api_key=KEY, base_url=service.url, preload=True)
        eventually(lambda: len(service.asked) == 2)
    started = time.monotonic()
    client.close()
    client.close(timeout=0)
    assert time.monotonic() - started < 1
    assert followers() == []
    assert client.get_string("text") == "light"


def test_closed_before_its_first_read_it_never_connects(service: Scripted) -> None:
    """A client that was closed is not woken by reading."""
    client = create_soasap_client(api_key=KEY, base_url=service.url)
    client.close()
    assert client.get_bool("on") is False
    time.sleep(0.1)
    assert (service.asked, followers()) == ([], [])
