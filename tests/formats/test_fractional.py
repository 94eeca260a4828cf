from __future__ import annotations

from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flagcore import FlagClient, MemorySource
from flagcore.formats.cbor import encode
from flagcore.formats.fractional import FRACTIONAL, MAX_WEIGHT, bucketed, called, hashed
from flagcore.resolution import ABSENT
from flagcore.rules.model import Attribute, Const


def position(unit: bytes, total: int) -> int:
    return hashed(unit) * total >> 32


V2, V3 = FRACTIONAL["v2"].function, FRACTIONAL["v3"].function


@pytest.mark.parametrize(
    ("unit", "value"),
    [("ejOoVL", 0), ("bY9fO-", 1), ("SI7p-", 2**31 - 1), ("6LvT0", 2**31), ("ceQdGm", 2**32 - 1)],
)
def test_hashes_as_every_other_sdk(unit: str, value: int) -> None:
    """At both ends and in the middle, where signs and rounding go wrong."""
    assert hashed(unit.encode()) == value
    assert V2("flag", "user", unit, ["low", 1], ["high", 1]) == ("low" if value < 2**31 else "high")


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (None, "f6"),
        (False, "f4"),
        (True, "f5"),
        (0, "00"),
        (-0.0, "00"),
        (1, "01"),
        (1.0, "01"),
        (23, "17"),
        (24, "1818"),
        (255, "18ff"),
        (256, "190100"),
        (65536, "1a00010000"),
        (2**32, "1b0000000100000000"),
        (2**64 - 1, "1bffffffffffffffff"),
        (2**64, "fa5f800000"),
        (10**400, "f97c00"),
        (-1, "20"),
        (-1.0, "20"),
        (-(2**63), "3b7fffffffffffffff"),
        (-(2**63) - 1, "fadf000000"),
        (-(10**400), "f9fc00"),
        (1.5, "f93e00"),
        (5.960464477539063e-8, "f90001"),
        (65504.0, "19ffe0"),
        (100000.5, "fa47c35040"),
        (0.1, "fb3fb999999999999a"),
        (1e300, "fb7e37e43c8800759c"),
        (inf, "f97c00"),
        (-inf, "f9fc00"),
        (nan, "f97e00"),
        ("", "60"),
        ("a", "6161"),
        ("ü", "62c3bc"),
        ("a" * 24, "7818" + "61" * 24),
        ([], "80"),
        ([1, [2.0, 3]], "8201820203"),
        ({}, "a0"),
        ({"b": 1, "a": 2.0, "aa": 3}, "a361610261620162616103"),
    ],
)
def test_encodes_deterministically(value: Any, data: str) -> None:
    """The shortest form of each value, names sorted by their bytes, whole floats as integers."""
    assert encode(value).hex() == data


@pytest.mark.parametrize("value", [object(), {"a": (1,)}, "a" * 65_537, [["a" * 60_000], "b" * 60_000]])
def test_refuses_to_encode_what_identifies_nobody(value: Any) -> None:
    """Of another type than JSON's, or too large."""
    with pytest.raises(ValueError, match="expected"):
        encode(value)


def test_refuses_to_encode_what_is_too_deep() -> None:
    """Also where it holds itself."""
    value: list[Any] = []
    value.append(value)
    with pytest.raises(ValueError, match="100 levels"):
        encode(value)


@pytest.mark.parametrize(
    ("arguments", "unit"),
    [
        (["mail", ["a", 1], ["b", 1]], "mail"),
        (["", ["a", 1], ["b", 1]], ""),
        ([["a", 1], ["b", 1]], "flaguser"),
        ([None, ["a", 1], ["b", 1]], "flaguser"),
        ([ABSENT, ["a", 1], ["b", 1]], "flaguser"),
        ([["a"], ["b"]], "flaguser"),
        ([["a", -5], ["b", 1]], "flaguser"),
        ([["a", 1.0], ["b", 1.0]], "flaguser"),
    ],
)
def test_the_second_generation_hashes_texts(arguments: list[Any], unit: str) -> None:
    """The first argument where it is one, else the flag's key and the targeting key."""
    weights = [max(0, int(each[1])) if len(each) > 1 else 1 for each in arguments if isinstance(each, list)]
    expected = "a" if (hashed(unit.encode()) * sum(weights)) >> 32 < weights[0] else "b"
    assert V2("flag", "user", *arguments) == expected


@pytest.mark.parametrize(
    ("first", "unit"),
    [
        ("mail", "mail"),
        (7, 7),
        (7.0, 7),
        (True, True),
        ({"b": 1, "a": 2}, {"a": 2, "b": 1}),
    ],
)
def test_the_third_generation_hashes_values(first: Any, unit: Any) -> None:
    """Of any type but an array, by their deterministic encoding."""
    buckets = [[name, 1] for name in "abcdefgh"]
    assert V3("flag", None, first, *buckets) == "abcdefgh"[position(encode(unit), 8)]


def test_the_third_generation_has_a_shorthand() -> None:
    """The flag's key and the targeting key, as an array."""
    buckets = [[name, 1] for name in "abcdefgh"]
    assert V3("flag", "user", *buckets) == "abcdefgh"[position(bytes.fromhex("8264666c61676475736572"), 8)]


def test_generations_differ() -> None:
    """Else there would be no need to choose."""
    buckets = [["a", 1], ["b", 1]]
    users = [f"user-{n}" for n in range(64)]
    assert [V2("f", user, user, *buckets) for user in users] != [V3("f", user, user, *buckets) for user in users]


@pytest.mark.parametrize("operator", [V2, V3])
@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["mail"],
        [["a", 1.5], ["b", 1]],
        [["a", True], ["b", 1]],
        [["a", "1"], ["b", 1]],
        [["a", None], ["b", 1]],
        [["a", 2**31], ["b", 1]],
        [["a", MAX_WEIGHT], ["b", 1]],
        [["a", 0], ["b", 0]],
        [["a", -1]],
        [["a", 1, 1]],
        [[], ["b", 1]],
        [["a", 1], "b"],
        [[["a"], 1], ["b", 1]],
        [[{"a": 1}, 1], ["b", 1]],
    ],
)
def test_bad_input_is_null(operator: Any, arguments: list[Any]) -> None:
    """So that the default variant is served, and no bucket by mistake."""
    assert operator("flag", "user", *arguments) is None


@pytest.mark.parametrize("key", [None, ABSENT, "", 5])
def test_the_shorthand_needs_a_targeting_key(key: Any) -> None:
    """Text, and not an empty one."""
    assert V2("flag", key, ["a", 1]) is None
    assert V3("flag", key, ["a", 1]) is None


def test_null_is_a_unit_of_neither_generation() -> None:
    """The second then takes the shorthand, the third gives null."""
    assert V2("flag", "user", None, ["a", 1]) == "a"
    assert V3("flag", "user", None, ["a", 1]) is None
    assert V2("flag", "user", 5, ["a", 1]) is None


@pytest.mark.parametrize("variant", ["a", True, 5, None])
def test_a_single_bucket_is_legal(variant: Any) -> None:
    """Text, boolean, number or null."""
    assert V2("flag", "user", [variant]) == variant


@given(st.binary(), st.lists(st.integers(0, 1000), min_size=1, max_size=6).filter(any))
def test_a_weight_of_nothing_is_never_hit(unit: bytes, weights: list[int]) -> None:
    """And every unit falls into some bucket, at every sum of weights."""
    found = bucketed(unit, list(enumerate(weights)))
    assert weights[found] > 0
    assert sum(weights[:found]) <= position(unit, sum(weights)) < sum(weights[: found + 1])


def test_weights_are_kept_to() -> None:
    """10,000 units among 10, 30 and 60 parts, within five standard deviations."""
    found = [V2("f", f"user-{n}", ["a", 10], ["b", 30], ["c", 60]) for n in range(10_000)]
    for name, share in (("a", 0.1), ("b", 0.3), ("c", 0.6)):
        assert abs(found.count(name) - 10_000 * share) < 5 * (10_000 * share * (1 - share)) ** 0.5


FIRSTS = [[], [None], ["mail"], [5], [["x", 1]], [ABSENT]]
BUCKETS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(-1, 50)).map(list), min_size=1, max_size=4)


@given(st.sampled_from(["v2", "v3"]), st.sampled_from(FIRSTS), BUCKETS, st.sampled_from(["user-1", "", None]))
def test_buckets_taken_apart_beforehand_are_the_same(generation: str, first: Any, buckets: Any, key: Any) -> None:
    """Written as constants or made by rules, with a unit that is known beforehand or not."""
    unit = tuple(Attribute(("unit",)) for _ in first)
    call = called(generation, Const("flag"), Const(key), (*unit, *map(Const, buckets)))
    values = [first[0] if each in unit else each.value for each in call.arguments]
    expected = FRACTIONAL[generation].function("flag", key, *first, *buckets)
    assert call.operator.function(*values) == expected
    fixed = any(weight > 0 for _, weight in buckets)
    assert (call.operator != FRACTIONAL[generation]) is fixed


@pytest.mark.parametrize("unit", [[], [{"var": "email"}]])
def test_an_explanation_shows_what_the_document_says(unit: list[Any]) -> None:
    """Not what it was taken apart into at load."""
    targeting = {"fractional": [*unit, ["dark", 25], ["light", 75]]}
    flag = {"state": "ENABLED", "variants": {"dark": 1, "light": 2}, "defaultVariant": "dark", "targeting": targeting}
    source = MemorySource({"flags": {"theme": flag}}, "flagd")
    with FlagClient(source, cache_dir=None) as client:
        told = str(client.explain("theme", {"targeting_key": "u", "email": "a@b"}))
    assert f'fractional({"email, " if unit else ""}["dark", 25], ["light", 75]) → ' in told
