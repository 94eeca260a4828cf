from __future__ import annotations

import json
from typing import Any

import pytest

from flagcore import FlagClient, MemorySource

DOCUMENT = {
    "hierarchy": ["org", "team"],
    "segments": {"beta": 'endswith(email, "@example.com") or plan == "enterprise"'},
    "flags": {
        "payments": {"value": "blue", "rules": [{"if": 'segment("beta")', "value": "green"}]},
        "checkout": {
            "value": False,
            "rules": [
                {"if": 'segment("beta") and country in ["NL"]', "value": True},
                {"if": 'flag("payments") == "blue" and age >= 18', "rollout": 25},
            ],
        },
        "theme": {"value": "light", "overrides": [{"org": "acme", "value": "dark"}]},
        "button": {"value": "a", "rules": [{"split": {"a": 50, "b": 50}, "by": "org"}]},
        "plain": {"value": 1},
    },
}


@pytest.fixture
def client() -> FlagClient:
    client = FlagClient(MemorySource(DOCUMENT), cache_dir=None)
    client.start()
    return client


ANN = {"targeting_key": "ann", "email": "ann@elsewhere.org", "country": "DE", "age": 20, "org": "acme"}


def test_says_which_comparison_failed_on_which_value(client: FlagClient) -> None:
    """With the segment it stands in; what is missing is said to be."""
    rule = client.explain("checkout", ANN).steps[0]
    assert (rule.name, rule.decided, rule.outcome) == ("rule 1", False, "its condition does not hold")
    first, second, segment = rule.findings
    assert (first.text, first.result) == ('endswith(email, "@example.com")', False)
    assert (first.values, first.within) == ({"email": "ann@elsewhere.org"}, ("segment beta",))
    assert (second.result, second.values, second.missing) == (False, {}, ("plan",))
    assert (segment.text, segment.result) == ('segment("beta")', False)


def test_says_which_bucket_of_how_many(client: FlagClient) -> None:
    """And from where on a rollout leaves people out."""
    rule = client.explain("checkout", ANN).steps[1]
    drawn = rule.findings[-1]
    assert (drawn.buckets, drawn.below) == (10_000, 2_500)
    assert rule.decided is (drawn.result < 2_500)
    split = client.explain("button", ANN).steps[0]
    assert (split.decided, split.findings[0].buckets) == (True, 100)


def test_says_which_override(client: FlagClient) -> None:
    """By the ids of the path that won."""
    explanation = client.explain("theme", ANN)
    assert explanation.steps[0].outcome == "the most specific is for org=acme"
    assert explanation.steps[0].findings[0].result == ["acme"]
    assert explanation.resolution.value == "dark"
    assert [step.name for step in client.explain("theme").steps] == ["overrides", "fallback"]


def test_says_which_source() -> None:
    """That of the layer that answers."""
    upper = MemorySource({"flags": {"plain": {"value": 2}}})
    upper.name = "upper"
    client = FlagClient(upper, MemorySource(DOCUMENT), cache_dir=None)
    client.start()
    assert client.explain("plain").origin == "upper"
    assert client.explain("theme").origin == "memory"


@pytest.mark.parametrize("key", [*DOCUMENT["flags"], "nowhere"])
@pytest.mark.parametrize("context", [None, ANN, {**ANN, "plan": "enterprise", "country": "NL"}])
def test_the_answer_is_that_of_a_read(client: FlagClient, key: str, context: Any) -> None:
    """In value, variant, reason and error; and one step decides where there are any."""
    explained, read = client.explain(key, context), client.details(key, None, context)
    assert explained.resolution == read
    assert [step.decided for step in explained.steps].count(True) == bool(explained.steps)
    assert json.loads(json.dumps(explained.as_dict()))["value"] == read.value


def test_reads_as_text(client: FlagClient) -> None:
    """One line a step, and one for each thing that was looked at."""
    text = str(client.flags(ANN).explain("theme"))
    assert text.splitlines() == [
        'theme is "dark" (TARGETING_MATCH)',
        "from memory, version r0",
        "✓ overrides: the most specific is for org=acme",
        '    overrides by org, team → ["acme"] (org is "acme", team is missing)',
    ]
    assert "FLAG_NOT_FOUND" in str(client.explain("nowhere"))


def test_never_raises(client: FlagClient) -> None:
    """Whatever is asked for whomever; what is no JSON is shown as what it is."""
    key: Any = ["no key"]
    assert client.explain(key).resolution.error_code == "GENERAL"
    nobody: Any = 5
    assert client.explain("theme", nobody).resolution.error_code == "INVALID_CONTEXT"
    odd = client.explain("checkout", {**ANN, "email": object(), "age": "x" * 500})
    assert "<object>" in str(odd)
    assert max(map(len, str(odd).splitlines())) < 300
    json.dumps(odd.as_dict())
