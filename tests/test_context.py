import pickle
from enum import Enum, IntEnum
from typing import Any

import pytest

from flagcore import EvaluationContext, FlagClient, MemorySource
from flagcore.errors import ConfigError


def test_takes_both_spellings_of_the_targeting_key() -> None:
    """A mapping may name the targeting key as flagcore or as OpenFeature does."""
    for name in ("targeting_key", "targetingKey"):
        context = EvaluationContext.of({name: "u1", "plan": "pro"})
        assert context.targeting_key == "u1"
        assert dict(context.attributes) == {"plan": "pro"}


def test_is_independent_of_the_mapping_it_was_made_from() -> None:
    """Changing the caller's mapping afterwards changes nothing."""
    given = {"plan": "pro"}
    context = EvaluationContext("u1", given)
    given["plan"] = "free"
    assert context.get("plan") == "pro"


def test_cannot_be_changed() -> None:
    """Neither the parts nor the attributes take an assignment."""
    context = EvaluationContext("u1", {"plan": "pro"})
    with pytest.raises(AttributeError, match="immutable"):
        context.targeting_key = "u2"
    with pytest.raises(AttributeError):
        del context.targeting_key
    with pytest.raises(TypeError):
        context.attributes["plan"] = "free"  # type: ignore[index]


@pytest.mark.parametrize("bad", [{"targeting_key": 42}, {"targetingKey": True}, 42, "user-1", ["a"]])
def test_refuses_what_is_no_context(bad: Any) -> None:
    """The error says what was expected and what came."""
    with pytest.raises(ConfigError, match=r"expected .* got"):
        EvaluationContext.of(bad)


def test_refuses_attributes_that_are_no_mapping() -> None:
    """The attributes are named values."""
    with pytest.raises(ConfigError, match="attributes"):
        EvaluationContext("u1", ["plan"])  # type: ignore[arg-type]


def test_merges_with_the_later_one_winning() -> None:
    """Attributes merge one by one; a targeting key only gives way to another."""
    merged = EvaluationContext("u1", {"a": 1, "b": 1}).merged({"b": 2})
    assert merged == EvaluationContext("u1", {"a": 1, "b": 2})
    assert merged.merged(EvaluationContext("u2")).targeting_key == "u2"


def test_equal_contexts_are_equal_and_hash_alike() -> None:
    """Two contexts that say the same are the same key of a dictionary."""
    one, other = EvaluationContext("u", {"a": 1}), EvaluationContext.of({"targetingKey": "u", "a": 1})
    assert one == other
    assert hash(one) == hash(other)
    assert one != EvaluationContext("u", {"a": 2})
    assert one != "u"


def test_looks_up_the_targeting_key_by_either_name() -> None:
    """A hierarchy may name the targeting key as one of its levels."""
    context = EvaluationContext("u1")
    assert context.get("targeting_key") == context.get("targetingKey") == "u1"
    assert EvaluationContext().get("targetingKey", "none") == "none"


def test_survives_pickling() -> None:
    """A context can travel to a worker process."""
    context = EvaluationContext("u", {"a": [1, {"b": 2}]})
    assert pickle.loads(pickle.dumps(context)) == context


def test_repr_keeps_personal_data_out_of_logs() -> None:
    """The names of attributes may be seen; their values and the targeting key may not."""
    shown = repr(EvaluationContext("jane@example.com", {"email": "jane@example.com"}))
    assert "jane" not in shown
    assert "email" in shown


class Org(str, Enum):
    ACME = "acme"


class Size(IntEnum):
    SEVEN = 7


class Text(str):
    __slots__ = ()


def test_what_is_derived_from_plain_values_becomes_them() -> None:
    """An Enum's member counts as its value, never as its name, and Django's SafeString as a string."""
    given = {"org": Org.ACME, "size": Size.SEVEN, "on": True, "tag": Text("x"), "at": (1,)}
    for context in (EvaluationContext(Org.ACME, given), EvaluationContext.of({"targeting_key": Org.ACME, **given})):
        assert type(context.targeting_key) is str
        assert context.targeting_key == "acme"
        assert dict(context.attributes) == {"org": "acme", "size": 7, "on": True, "tag": "x", "at": (1,)}
        assert [type(each) for each in context.attributes.values()] == [str, int, bool, str, tuple]
    assert given["org"] is Org.ACME


@pytest.mark.parametrize("plain", [{"org": "acme", "size": 7}, {"org": "u3", "size": 7.0}])
def test_every_dialect_takes_them_for_what_they_are(plain: dict[str, Any]) -> None:
    """Conditions, overrides, rollouts and flagd's operators answer alike for a value and what is derived from it."""
    native = {
        "hierarchy": ["size"],
        "flags": {
            "equal": {"rules": [{"if": 'org == "acme"', "value": 1}], "value": 0},
            "half": {"rules": [{"rollout": 50, "by": "org", "value": 1}], "value": 0},
            "over": {"value": 0, "overrides": [{"size": 7, "value": 1}]},
        },
    }
    targeting = {"if": [{"starts_with": [{"var": "org"}, "ac"]}, "a", {"fractional": [{"var": "org"}, ["a"], ["b"]]}]}
    variants = {"a": 1, "b": 2}
    flagd = {"flags": {"theirs": {"state": "ENABLED", "variants": variants, "targeting": targeting}}}
    derived = {"org": Text(plain["org"]), "size": Size(int(plain["size"]))}
    with FlagClient(MemorySource(native), MemorySource(flagd, "flagd"), cache_dir=None) as client:
        assert client.get_int("over", context=plain) == 1
        for key in ("equal", "half", "over", "theirs"):
            expected = client.get_int(key, -1, plain)
            assert client.get_int(key, -1, derived) == expected
            assert client.flags(derived).get_int(key, -1) == expected
            assert client.explain(key, derived).resolution.value == expected
        assert client.get_int("half", -1, {"org": Org.ACME}) == client.get_int("half", -1, {"org": "acme"})
