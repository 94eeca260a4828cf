import gc
import threading
import weakref
from typing import Any

import pytest

from flagcore import FlagClient, MemorySource, Status
from flagcore.errors import ConfigError, MalformedDocument


def flags(**values: Any) -> dict[str, Any]:
    return {"flags": {key: {"value": value} for key, value in values.items()}}


def test_answers_before_and_after_start() -> None:
    """What the program holds itself needs no start."""
    client = FlagClient(MemorySource(flags(a=1)))
    assert client.status is Status.READY
    assert client.get_int("a") == 1
    with client:
        assert client.wait_ready(0)
        assert client.get_int("a") == 1
    assert client.get_int("a") == 1
    assert client.status is Status.READY


@pytest.mark.parametrize("state", ["asleep", "awake", "closed"])
def test_an_update_is_there_when_it_returns(state: str) -> None:
    """In whatever state the client is, in the caller's own thread."""
    source = MemorySource(flags(a=1))
    client = FlagClient(source)
    if state != "asleep":
        client.start()
    if state == "closed":
        client.close()
    changes: list[tuple[frozenset[str], str]] = []
    client.on_change(lambda keys: changes.append((keys, threading.current_thread().name)))
    source.update(flags(a=2, b=True))
    assert client.get_int("a") == 2
    assert changes == [(frozenset({"a", "b"}), threading.current_thread().name)]
    client.close()


def test_a_bad_update_raises_and_changes_nothing() -> None:
    """The old document stays in force."""
    source = MemorySource(flags(a=1))
    client = FlagClient(source)
    with pytest.raises(MalformedDocument) as caught:
        source.update({"flags": {"a": {}}})
    assert caught.value.where == "$.flags.a.value"
    assert client.get_int("a") == 1


def test_serves_several_clients() -> None:
    """One source may be a layer of many."""
    source = MemorySource(flags(a=1))
    clients = [FlagClient(source) for _ in range(3)]
    source.update(flags(a=2))
    assert [client.get_int("a") for client in clients] == [2, 2, 2]


def test_does_not_keep_its_clients_alive() -> None:
    """A source that outlives a client tells it nothing more."""
    source = MemorySource(flags(a=1))
    gone = weakref.ref(FlagClient(source))
    gc.collect()
    assert gone() is None
    source.update(flags(a=2))
    assert FlagClient(source).get_int("a") == 2


def test_takes_json_text_and_keeps_its_own_copy() -> None:
    """Text, bytes, or a mapping that may change afterwards."""
    document = flags(a={"k": 1})
    source = MemorySource(document)
    document["flags"]["a"]["value"]["k"] = 2
    assert FlagClient(source).get_json("a") == {"k": 1}
    assert FlagClient(MemorySource('{"flags": {"a": {"value": 1}}}')).get_int("a") == 1
    assert FlagClient(MemorySource(b'{"a": 1}', format="soasap")).get_int("a") == 1


@pytest.mark.parametrize("document", [None, 1, ["a"]])
def test_refuses_what_is_no_document(document: Any) -> None:
    """Said at construction."""
    with pytest.raises(ConfigError, match="document"):
        MemorySource(document)


def test_refuses_what_is_no_json() -> None:
    """With the path to it."""
    with pytest.raises(MalformedDocument) as caught:
        MemorySource({"flags": {"a": {"value": {1, 2}}}})
    assert caught.value.where == "$.flags.a.value"
