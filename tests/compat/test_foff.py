"""
Foff's client by its own names: waits for the first fetch, polls, and never loses what it has.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from flagcore.compat.foff import AsyncClient, Client, Config
from flagcore.errors import MalformedDocument, SourceDenied, SourceError, SourceUnavailable, StateError
from tests.compat.scripted import Scripted, followers, scripted
from tests.documents import eventually

KEY = "k-5d1c9a"
IDS = ["org-1", "team-a", "user-123"]

both_loops = pytest.mark.parametrize("backend", ["asyncio", "trio"])


def document(**features: Any) -> bytes:
    return json.dumps({"ordered_hierarchy": ["org", "team", "user"], "features": features}).encode()


@pytest.fixture
def service() -> Iterator[Scripted]:
    with scripted() as server:
        server.body = document(theme={"default": "light", "org-1": "dark", "org-1#team-a#user-123": "midnight"})
        yield server


def config(service: Scripted, polling_interval: float = 0) -> Config:
    return Config(KEY, service.url, "shop", polling_interval)  # type: ignore[arg-type]  # quicker than a second


# --- configuration --------------------------------------------------------------------------------------------------


def test_a_config_hides_its_key() -> None:
    """The key can't be read off a config that is logged; the rest can, and equal configs are equal."""
    given = Config(api_key=KEY, base_url="https://foff.example", scope="shop")
    assert KEY not in repr(given)
    assert "scope='shop', polling_interval=30" in repr(given)
    assert given == Config(KEY, "https://foff.example", "shop", 30)
    assert given.is_valid() is None


@pytest.mark.parametrize("make", [Client, AsyncClient, Config.is_valid])
@pytest.mark.parametrize("missing", ["api_key", "base_url", "scope"])
def test_refuses_an_empty_value(service: Scripted, make: Callable[[Config], Any], missing: str) -> None:
    """An empty key, address or scope is a ValueError that names it, before any request."""
    given = config(service)
    setattr(given, missing, "")
    with pytest.raises(ValueError, match=f"^{missing} is required"):
        make(given)
    assert service.asked == []


# --- the first fetch ------------------------------------------------------------------------------------------------


def test_waits_for_the_first_fetch(service: Scripted) -> None:
    """A new client has its configs, however long they took to come; one request brought them, with key and scope."""
    service.gate.clear()
    started = time.monotonic()
    threading.Timer(0.2, service.gate.set).start()
    given = config(service)
    given.scope = "shop/north"
    with Client(given) as client:
        assert time.monotonic() - started >= 0.2
        assert client.get_feature_config("theme", IDS) == "midnight"
    assert service.asked == ["/api/v1/scopes/shop%2Fnorth/configs"]
    assert service.keys == [KEY]


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (500, b"", SourceUnavailable),
        (404, b"{}", SourceUnavailable),
        (401, b"{}", SourceDenied),
        (200, b"[]", MalformedDocument),
        (200, b'{"features": 1}', MalformedDocument),
    ],
)
@pytest.mark.parametrize("polling_interval", [0, 0.05])
def test_raises_when_the_first_fetch_fails(
    service: Scripted, status: int, body: bytes, error: type[SourceError], polling_interval: float
) -> None:
    """What went wrong is raised, without the key; nothing goes on in the background."""
    service.status, service.body = status, body
    with pytest.raises(error) as raised:
        Client(config(service, polling_interval))
    assert KEY not in str(raised.value)
    assert followers() == []


def test_raises_when_nothing_listens(service: Scripted) -> None:
    """A service that can't be reached is an error of the flag service, not of some HTTP library."""
    given = config(service)
    service.shutdown()
    service.server_close()
    with pytest.raises(SourceUnavailable):
        Client(given)
    assert followers() == []


# --- reading --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["org-1", "team-a", "user-123"], "midnight"),
        (["org-1", "team-a", "user-9"], "dark"),
        (["org-1", "team-b", "user-123"], "dark"),
        (["org-2", "team-a", "user-123"], "light"),
        (["org-1#team-a", "user-123", "x"], "light"),
        (["org-1#team-a#user-123", "x", "y"], "light"),
    ],
)
def test_the_most_specific_override_wins(service: Scripted, path: list[str], value: str) -> None:
    """The longest path wins, else the default; an id that holds the wire's separator is no path."""
    with Client(config(service)) as client:
        assert client.get_feature_config("theme", path) == value


def test_an_unknown_feature_is_none(service: Scripted) -> None:
    """As is one that has neither a default nor an override for the path."""
    service.body = document(bare={"org-2": 1})
    with Client(config(service)) as client:
        assert client.get_feature_config("no-such-feature", IDS) is None
        assert client.get_feature_config("bare", IDS) is None
        assert client.get_feature_config("bare", ["org-2", "x", "y"]) == 1


@pytest.mark.parametrize("path", [[], ["org-1"], ["org-1", "team-a", "user-123", "device-7"]])
@pytest.mark.parametrize("feature", ["theme", "no-such-feature"])
def test_a_path_of_another_length_raises(service: Scripted, path: list[str], feature: str) -> None:
    """The message names both lengths and the hierarchy."""
    with Client(config(service)) as client, pytest.raises(ValueError, match="hierarchy") as raised:
        client.get_feature_config(feature, path)
    assert f"expected 3 ids, one for each of ['org', 'team', 'user']; got {len(path)}" in str(raised.value)


def test_a_returned_object_is_the_callers_own(service: Scripted) -> None:
    """Changing what came back changes no later answer."""
    service.body = document(limits={"default": {"max": [1, 2]}})
    with Client(config(service)) as client:
        client.get_feature_config("limits", IDS)["max"].append(3)
        assert client.get_feature_config("limits", IDS) == {"max": [1, 2]}


# --- polling --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "body"), [(503, b""), (401, b"{}"), (200, b"{")])
def test_polls_and_keeps_the_last_good_answer(service: Scripted, status: int, body: bytes) -> None:
    """A change arrives; while the service fails, denies the key or talks nonsense, the last answer stays."""
    with Client(config(service, 0.02)) as client:
        service.body = document(theme={"default": "blue"})
        eventually(lambda: client.get_feature_config("theme", IDS) == "blue")
        service.status, service.body = status, body
        asked = len(service.asked)
        eventually(lambda: len(service.asked) > asked)
        time.sleep(0.1)
        assert client.get_feature_config("theme", IDS) == "blue"


def test_follows_again_after_an_outage(service: Scripted) -> None:
    """What changed during an outage arrives soon after it."""
    with Client(config(service, 0.02)) as client:
        service.status, asked = 503, len(service.asked)
        eventually(lambda: len(service.asked) > asked)
        time.sleep(0.1)
        service.status, service.body = 200, document(theme={"default": "green"})
        eventually(lambda: client.get_feature_config("theme", IDS) == "green")


def test_keeps_nothing_on_disk(service: Scripted, tmp_path: Path) -> None:
    """As the original, it knows what it has fetched itself and no more."""
    with Client(config(service)):
        pass
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []


def test_an_interval_of_zero_fetches_once(service: Scripted) -> None:
    """Nothing is asked again, by reading neither, and no thread stays."""
    with Client(config(service)) as client:
        eventually(lambda: followers() == [])
        assert client.get_feature_config("theme", IDS) == "midnight"
        time.sleep(0.1)
    assert len(service.asked) == 1


def test_closing_stops_polling(service: Scripted) -> None:
    """No thread and no request comes after it; it may be done twice; reads go on answering."""
    client = Client(config(service, 0.02))
    assert followers() != []
    client.close()
    client.close()
    assert followers() == []
    asked = len(service.asked)
    assert client.get_feature_config("theme", IDS) == "midnight"
    time.sleep(0.1)
    assert len(service.asked) == asked


def test_a_denied_key_is_not_asked_with_again(service: Scripted) -> None:
    """Once the service denies the key, polling ends; the last answer stays."""
    with Client(config(service, 0.02)) as client:
        service.status = 403
        eventually(lambda: followers() == [])
        assert client.get_feature_config("theme", IDS) == "midnight"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork")
def test_a_forked_child_goes_on_polling(service: Scripted, tmp_path: Path) -> None:
    """The child answers at once with what the parent had, and sees a change that comes after the fork."""
    script = """
import os, sys, time
from flagcore.compat.foff import Client, Config
client = Client(Config("k", sys.argv[1], "shop", 0.02))
if os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
ids = ["org-1", "team-a", "user-123"]
seen = client.get_feature_config("theme", ids)
open(sys.argv[2], "w").close()
end = time.monotonic() + 5
while client.get_feature_config("theme", ids) != "blue" and time.monotonic() < end:
    time.sleep(0.01)
os._exit(0 if (seen, client.get_feature_config("theme", ids)) == ("midnight", "blue") else 1)
"""
    forked = tmp_path / "forked"
    # Its own process, as forking this one, with the threads of all tests, would be a gamble.
    with subprocess.Popen([sys.executable, "-c", script, service.url, str(forked)]) as parent:
        eventually(forked.exists, 10)
        service.body = document(theme={"default": "blue"})
        assert parent.wait(10) == 0


# --- tasks ----------------------------------------------------------------------------------------------------------


@both_loops
def test_an_async_client_answers_none_before_it_is_started(service: Scripted, backend: str) -> None:
    """Nothing is asked before `start`, by reading neither; from `start` on it answers, and after closing too."""

    async def main() -> None:
        client = AsyncClient(config(service))
        assert client.get_feature_config("theme", IDS) is None
        assert (service.asked, followers()) == ([], [])
        await client.start()
        await client.start()
        assert client.get_feature_config("theme", IDS) == "midnight"
        await client.close()
        await client.close()
        assert client.get_feature_config("theme", IDS) == "midnight"

    anyio.run(main, backend=backend)
    assert len(service.asked) == 1


@both_loops
def test_an_async_client_polls_in_its_loop(service: Scripted, backend: str) -> None:
    """A change arrives without a thread that keeps it fresh; leaving the block ends the polling."""

    async def main() -> None:
        async with AsyncClient(config(service, 0.02)) as client:
            service.body = document(theme={"default": "blue"})
            with anyio.fail_after(5):
                while client.get_feature_config("theme", IDS) != "blue":  # noqa: ASYNC110 - nothing tells of it
                    await anyio.sleep(0.01)
        await _nothing_goes_on(service, backend)

    anyio.run(main, backend=backend)


@both_loops
def test_an_async_client_raises_when_the_first_fetch_fails(service: Scripted, backend: str) -> None:
    """Nothing goes on then, a read is None, and it may be started again; as it may after closing."""

    async def main() -> None:
        client = AsyncClient(config(service, 0.02))
        service.status = 500
        with pytest.raises(SourceUnavailable):
            await client.start()
        await _nothing_goes_on(service, backend)
        assert client.get_feature_config("theme", IDS) is None
        service.status = 200
        for _ in range(2):  # after a failure, and after closing; slow enough for what was before to be in the way
            service.gate.clear()
            threading.Timer(0.1, service.gate.set).start()
            async with client:
                assert client.get_feature_config("theme", IDS) == "midnight"

    anyio.run(main, backend=backend)


@both_loops
def test_a_start_that_is_given_up_leaves_nothing(service: Scripted, backend: str) -> None:
    """A start that is cancelled, and one whose client is closed meanwhile, end at once; the latter says so."""
    service.gate.clear()

    async def main() -> None:
        with anyio.move_on_after(0.1) as given_up:
            await AsyncClient(config(service, 0.02)).start()
        assert given_up.cancelled_caught
        client = AsyncClient(config(service, 0.02))
        # From a thread: whichever loop the client runs in, closing must reach it.
        closer = threading.Timer(0.1, lambda: anyio.run(client.close))
        closer.start()
        with anyio.fail_after(2), pytest.raises(StateError, match="got close"):
            await client.start()
        await anyio.to_thread.run_sync(closer.join)
        service.gate.set()
        await _nothing_goes_on(service, backend)

    anyio.run(main, backend=backend)


async def _nothing_goes_on(service: Scripted, backend: str) -> None:
    asked = len(service.asked)
    await anyio.sleep(0.1)
    assert len(service.asked) == asked
    assert followers() == []
    if backend == "asyncio":
        assert [each for each in asyncio.all_tasks() if "flagcore" in each.get_name()] == []


def test_no_client_shows_its_key(service: Scripted) -> None:
    """Neither kind shows the key; both show how far their answers can be trusted."""
    with Client(config(service, 30)) as client:
        assert repr(client) == "Client(READY)"
    assert repr(AsyncClient(config(service))) == "AsyncClient(NOT_READY)"
