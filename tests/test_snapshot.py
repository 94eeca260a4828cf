import gc
from typing import Any

import pytest

from flagcore import ErrorCode, EvaluationContext, FlagClient, MemorySource, Snapshot
from flagcore.snapshot import EMPTY, Sleeping


def test_answers_every_key() -> None:
    """Known and unknown; a plain flag's answer is made once and shared."""
    snapshot = Snapshot({"a": 1}, version="v", origin="here", fetched_at=1.0)
    assert snapshot.answers["a"] is snapshot.answers["a"] is snapshot.resolve("a", EvaluationContext("u"))
    assert snapshot.answers["x"].error_code is ErrorCode.FLAG_NOT_FOUND
    assert "x" not in snapshot.answers
    assert list(snapshot) == ["a"]
    assert len(snapshot) == 1
    assert "a" in snapshot
    assert snapshot.origin_of("a") == "here"
    assert snapshot.origin_of("x") == ""
    assert repr(snapshot) == "Snapshot(1 flags, version='v', origin='here')"


def test_the_empty_one_says_that_nothing_has_come() -> None:
    """Not that the flag does not exist."""
    assert EMPTY.answers["x"].error_code is ErrorCode.PROVIDER_NOT_READY
    assert EMPTY.fetched_at is None


def test_layers_are_one_state() -> None:
    """With the oldest time, both names, and each key's own origin."""
    upper = Snapshot({"a": 1}, version="1", origin="upper", fetched_at=20.0)
    lower = Snapshot({"a": 2, "b": 3}, version="2", origin="lower", fetched_at=10.0)
    both = Snapshot.layered([upper, lower])
    assert (both.answers["a"].value, both.answers["b"].value) == (1, 3)
    assert (both.version, both.origin, both.fetched_at) == ("1+2", "upper, lower", 10.0)
    assert (both.origin_of("a"), both.origin_of("b")) == ("upper", "lower")
    assert both.layers == (upper, lower)
    assert Snapshot.layered([upper]) is upper
    assert Snapshot.layered([upper], ErrorCode.PROVIDER_NOT_READY).missing is ErrorCode.PROVIDER_NOT_READY


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ({}, {}, set()),
        ({"a": 1}, {"a": 1}, set()),
        ({"a": 1}, {"a": 1.0}, {"a"}),
        ({"a": 1}, {"a": True}, {"a"}),
        ({"a": None}, {}, {"a"}),
        ({"a": [1, {"b": 1}]}, {"a": [1, {"b": 1}]}, set()),
        ({"a": [1, {"b": 1}]}, {"a": [1, {"b": True}]}, {"a"}),
        ({"a": [1]}, {"a": [1, 2]}, {"a"}),
        ({"a": {"b": 1}}, {"a": {"c": 1}}, {"a"}),
        ({"a": 1, "b": 2}, {"b": 2, "c": 3}, {"a", "c"}),
    ],
)
def test_tells_what_changed(old: dict[str, Any], new: dict[str, Any], changed: set[str]) -> None:
    """Values of another type are other values, however deep."""
    assert Snapshot(new).changed_from(Snapshot(old)) == changed
    same = Snapshot(new)
    assert same.changed_from(same) == frozenset()


def test_the_sleeping_table_wakes_at_each_look_up() -> None:
    """And keeps nothing, so that a client that stays asleep is asked again."""
    woken = []

    def wake() -> Snapshot:
        woken.append(1)
        return Snapshot({"a": len(woken)})

    table = Sleeping(wake)
    assert [table["a"].value, table["a"].value] == [1, 2]
    assert table.resolve("a", EvaluationContext()).value == 3
    assert len(table) == 0


def test_replaced_state_is_let_go_at_once() -> None:
    """A document that another has replaced leaves memory with its last reader; no collector has to find it."""
    source = MemorySource({"flags": {"a": {"value": {"deep": [1]}}}})
    client = FlagClient(MemorySource({"flags": {}}), source, cache_dir=None)
    gc.collect()
    gc.disable()
    try:
        with client:
            old = client.snapshot.version
            assert client.get_json("a") == client.flags().get_json("a") == {"deep": [1]}
            source.update({"flags": {"a": {"value": {"deep": [2]}}}})
            assert client.get_json("a") == {"deep": [2]}
            left = [each for each in gc.get_objects() if isinstance(each, Snapshot) and each.version == old]
    finally:
        gc.enable()
    assert left == []
