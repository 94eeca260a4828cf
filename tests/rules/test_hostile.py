from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flagcore import EvaluationContext
from flagcore.errors import MalformedDocument
from flagcore.formats import parse_document
from flagcore.rules.compiler import compile_ruleset
from flagcore.snapshot import Snapshot

NAMES = st.sampled_from(
    ["flags", "value", "rules", "if", "rollout", "split", "by", "variants", "overrides", "segments", "hierarchy", "f",
     "state", "targeting", "defaultVariant", "$evaluators", "$ref", "var", "map", "reduce", "and", "if", "fractional"]
)  # fmt: skip
TEXTS = st.sampled_from(
    ["f", "a", "ENABLED", 'flag("f")', 'segment("f")', "a == 1", 'matches(a, "(a+)+$")', "not " * 80]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)
FLAGS = st.fixed_dictionaries(
    {},
    optional={
        "value": VALUES,
        "rules": st.lists(st.dictionaries(NAMES, VALUES, max_size=3), max_size=3),
        "state": st.just("ENABLED"),
        "variants": st.just({"a": 1, "b": 2}),
        "defaultVariant": st.just("a"),
        "targeting": VALUES,
    },
)
DOCUMENTS = VALUES | st.fixed_dictionaries(
    {"flags": st.dictionaries(st.sampled_from("fgh"), FLAGS, max_size=3)},
    optional={"segments": st.dictionaries(st.sampled_from("fgh"), TEXTS, max_size=3)},
)


@given(st.sampled_from(["native", "flagd", "foff"]), DOCUMENTS, VALUES)
def test_no_document_makes_a_read_raise(name: str, document: Any, value: Any) -> None:
    """It is refused at load, or each of its flags has an answer and an explanation."""
    try:
        ruleset = parse_document(name, document)
    except MalformedDocument:
        return
    snapshot = Snapshot(ruleset.plain, compile_ruleset(ruleset), hierarchy=ruleset.hierarchy)
    for key in snapshot:
        context = EvaluationContext("u", {"a": value, "f": value})
        assert snapshot.resolve(key, context).flag_key == key
        assert str(snapshot.explain(key, context))


DOUBLING = {"s0": "a == 1", **{f"s{n}": " and ".join([f'segment("s{n - 1}")'] * 50) for n in range(1, 20)}}
LOOP: Any = {"map": [{"var": "many"}, {"map": [{"var": "many"}, {"map": [{"var": "many"}, 1]}]}]}
MANY = [{"if": f"a == {n}", "value": n} for n in range(3000)]
HOSTILE: dict[str, tuple[str, Any]] = {
    "segments that multiply": ("native", {
        "segments": DOUBLING, "flags": {"f": {"value": False, "rules": [{"if": 'segment("s19")', "value": True}]}}}),
    "many rules": ("native", {"flags": {"f": {"value": 0, "rules": MANY}}}),
    "loops in loops": ("flagd", {"flags": {"f": {
        "state": "ENABLED", "variants": {"a": 1}, "defaultVariant": "a", "targeting": {"reduce": [LOOP, 1, LOOP]}}}}),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_no_document_makes_a_load_or_a_read_hang(name: str) -> None:
    """What it costs is bounded, whatever it says."""
    begun = time.perf_counter()
    ruleset = parse_document(*HOSTILE[name])
    snapshot = Snapshot(ruleset.plain, compile_ruleset(ruleset), hierarchy=ruleset.hierarchy)
    snapshot.resolve("f", EvaluationContext("u", {"a": 1, "many": list(range(1000))}))
    snapshot.explain("f", EvaluationContext("u", {"a": 1, "many": list(range(1000))}))
    assert time.perf_counter() - begun < 5
