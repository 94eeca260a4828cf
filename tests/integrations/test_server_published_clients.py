"""
The clients that Foff and SOASAP publish read flags from our server, and agree with our own sources on every key.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

for _needed in ("starlette", "uvicorn", "foff", "soasap"):
    pytest.importorskip(_needed)

from flagcore import FlagClient, FoffSource, HTTPSource, SoasapSource
from tests.integrations.served import eventually, put, sample_in, serving

foff = pytest.importorskip("foff")
soasap = pytest.importorskip("soasap")

pytestmark = pytest.mark.published

_KEY = "published-key"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    with serving(sample_in(tmp_path), api_key=_KEY) as client:
        client.headers["x-api-key"] = _KEY
        yield client


@pytest.fixture
def soasap_client(client: httpx.Client, tmp_path: Path) -> Iterator[Any]:
    errors: list[Any] = []
    found = soasap.create_soasap_client(
        api_key=_KEY,
        base_url=str(client.base_url),
        cache_directory=str(tmp_path / "cache"),
        preload=True,
        on_error=errors.append,
    )
    yield found
    found.close(timeout=0.1)
    assert errors == []


def test_foff_reads_every_flag(client: httpx.Client) -> None:
    """Foff's client gets each flag's value, overrides along the hierarchy included."""
    document = client.get("/api/v1/document").json()
    config = foff.Config(api_key=_KEY, scope="any scope", base_url=str(client.base_url), polling_interval=0)
    with foff.Client(config) as reader:
        for key, flag in document["flags"].items():
            value = flag["variants"][flag["value"]] if "variants" in flag else flag["value"]
            assert reader.get_feature_config(key, ["nobody", "none"]) == value
        assert reader.get_feature_config("theme", ["acme", "sales"]) == "dark"
        assert reader.get_feature_config("theme", ["acme", "growth"]) == "midnight"
        assert reader.get_feature_config("theme", ["a", "b"]) == "light"


def test_foff_follows_a_change(client: httpx.Client) -> None:
    """A change is there at Foff's next poll."""
    config = foff.Config(api_key=_KEY, scope="shop", base_url=str(client.base_url), polling_interval=1)
    with foff.Client(config) as reader:
        assert reader.get_feature_config("maintenance-mode", ["a", "b"]) is False
        put(client, "maintenance-mode", True)
        eventually(lambda: reader.get_feature_config("maintenance-mode", ["a", "b"]) is True)


def test_our_sources_agree_on_every_key(client: httpx.Client, soasap_client: Any) -> None:
    """Our three sources and the two published clients read the same value for every flag."""
    url = str(client.base_url)
    sources = [
        HTTPSource(f"{url}/api/v1/document", "native", headers={"X-API-Key": _KEY}),
        FoffSource(api_key=_KEY, scope="shop", base_url=url),
        SoasapSource(api_key=_KEY, base_url=url),
    ]
    config = foff.Config(api_key=_KEY, scope="shop", base_url=url, polling_interval=0)
    eventually(lambda: soasap_client.get_string("last"))
    with foff.Client(config) as reader:
        for source in sources:
            with FlagClient(source, cache_dir=None) as ours:
                assert ours.wait_ready(5)
                flags = ours.flags()
                for key in client.get("/api/v1/document").json()["flags"]:
                    value = flags.get_json(key)
                    assert flags.details(key, None).error_code is None
                    assert value == reader.get_feature_config(key, ["x", "y"]), (source.name, key)
                    assert value == _by_soasap(soasap_client, key, value), (source.name, key)


def _by_soasap(reader: Any, key: str, like: Any) -> Any:
    if isinstance(like, bool):
        return reader.get_bool(key, not like)
    if isinstance(like, (int, float)):
        return reader.get_number(key, -1)
    return reader.get_string(key, "other") if isinstance(like, str) else reader.get_json(key)


def test_our_client_follows_the_stream(client: httpx.Client) -> None:
    """Our native source hears of a change over the stream well within a second, without polling for it."""
    url = f"{client.base_url}/api/v1/document"
    headers = {"X-API-Key": _KEY}
    source = HTTPSource(url, "native", headers=headers, poll_seconds=600.0, stream_url=f"{url}/stream")
    with FlagClient(source, cache_dir=None) as ours:
        assert ours.wait_ready(5)
        eventually(lambda: put(client, "new-checkout", True).status_code == 200)
        eventually(lambda: ours.get_bool("new-checkout"), within_seconds=1)


def test_foff_without_the_key_is_told(client: httpx.Client) -> None:
    """Foff's client raises with our sentence when its key is wrong."""
    config = foff.Config(api_key="wrong", scope="shop", base_url=str(client.base_url), polling_interval=0)
    with pytest.raises(RuntimeError, match="expected the server's API key"):
        foff.Client(config)


def test_soasap_reads_every_flag(client: httpx.Client, soasap_client: Any) -> None:
    """SOASAP's client gets each flag by its type's getter."""
    eventually(lambda: soasap_client.get_string("last") == "plain")
    assert soasap_client.get_bool("odd key/with slash") is True
    assert soasap_client.get_bool("new-checkout", True) is False
    assert soasap_client.get_number("ratio") == 0.25
    assert soasap_client.get_string("greeting") == "Wëlcome ☃"
    assert soasap_client.get_json("limits") == {"max_items": 20, "max_total": 999.5}
    assert soasap_client.get_json("search-engine") == {"shards": 1}
    assert soasap_client.get_json("countries") == ["NL", "BE"]


def test_soasap_follows_on_one_connection(client: httpx.Client, soasap_client: Any) -> None:
    """SOASAP's client sees each change within a second, and stays on the connection it has."""
    eventually(lambda: soasap_client.get_number("page-size") == 24)
    before = _soasap_reader(client)
    for number in range(5):
        put(client, "page-size", number)
        eventually(lambda number=number: soasap_client.get_number("page-size") == number, within_seconds=1)
    assert _soasap_reader(client) == before
    assert before["mode"] == "stream"


def _soasap_reader(client: httpx.Client) -> dict[str, Any]:
    state = client.get("/api/v1/admin/state", headers={"host": f"localhost:{client.base_url.port}"}).json()
    [seen] = [each for each in state["clients"] if each["protocol"] == "soasap"]
    return dict(seen)


def test_soasap_reads_large_sets_and_any_text(client: httpx.Client, soasap_client: Any) -> None:
    """Events of many blocks arrive at once and whole, characters on the border of two blocks included."""
    text = "☃😀ü" * 30_000
    put(client, "greeting", text)
    eventually(lambda: soasap_client.get_string("greeting") == text)
    put(client, "greeting", "short again")
    eventually(lambda: soasap_client.get_string("greeting") == "short again", within_seconds=1)
