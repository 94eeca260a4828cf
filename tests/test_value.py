from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flagcore.errors import MalformedDocument
from flagcore.resolution import ABSENT
from flagcore.value import MAX_DEPTH, as_float, as_int, check_depth, checked, copied, typed

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("value", "default", "expected"),
    [
        (True, False, True),
        (1, False, ABSENT),
        ("true", False, ABSENT),
        (3, 0, 3),
        (3.0, 0, 3),
        (3.5, 0, ABSENT),
        (True, 0, ABSENT),
        (float("inf"), 0, ABSENT),
        (3, 0.0, 3.0),
        (2.5, 0.0, 2.5),
        (True, 0.0, ABSENT),
        (10**400, 0.0, ABSENT),
        ("a", "", "a"),
        (1, "", ABSENT),
        ({"a": 1}, {}, {"a": 1}),
        ([1], {}, ABSENT),
        ([1], [], [1]),
        ({}, [], ABSENT),
        (None, {}, ABSENT),
        (None, None, None),
        (False, None, False),
        ([1], None, [1]),
        (1, (), ABSENT),
    ],
)
def test_the_default_says_the_type(value: Any, default: Any, expected: Any) -> None:
    """A boolean is never a number, numbers meet where nothing is lost, and None takes any JSON."""
    found = typed(value, default)
    assert found == expected
    assert type(found) is type(expected)


def test_numbers_convert_only_where_nothing_is_lost() -> None:
    """An int takes whole floats, a float takes ints, and neither takes a boolean."""
    assert as_int(4.0) == 4
    assert as_int(4.5) is ABSENT
    assert as_int(True) is ABSENT
    assert as_float(4) == 4.0
    assert as_float(False) is ABSENT
    assert as_float("4") is ABSENT


@given(json_values)
def test_a_copy_is_equal_and_shares_nothing(value: Any) -> None:
    """What a caller does with a copy can't reach the original."""
    for copy in (copied(value), checked(value)):
        assert copy == value
        assert not set(map(id, _containers(copy))) & set(map(id, _containers(value)))


def _containers(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [value, *(c for v in value.values() for c in _containers(v))]
    if isinstance(value, list):
        return [value, *(c for v in value for c in _containers(v))]
    return []


def test_dates_become_text() -> None:
    """TOML and YAML know dates, JSON does not."""
    assert checked({"d": date(2027, 3, 1)}) == {"d": "2027-03-01"}


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"a": {1, 2}}, "$.a"),
        ({"a": [1, {"b": object()}]}, "$.a[1].b"),
        ({"a b": float("nan")}, "$['a b']"),
        ({"a": {1: 2}}, "$.a"),
        ({"a": "\ud800"}, "$.a"),
        ({"a": {"\ud800": 1}}, "$.a"),
    ],
)
def test_says_where_something_is_no_json(value: Any, where: str) -> None:
    """The error holds the JSON path of the fault."""
    with pytest.raises(MalformedDocument) as caught:
        checked(value)
    assert caught.value.where == where


def test_nesting_has_a_limit() -> None:
    """What is allowed can be copied without exhausting the stack; one level more is refused."""
    deep: Any = 1
    for _ in range(MAX_DEPTH):
        deep = [deep]
    check_depth(deep)
    assert checked(deep) == copied(deep) == deep
    for check in (check_depth, checked):
        with pytest.raises(MalformedDocument, match="levels of nesting"):
            check([deep])


def test_aliases_that_stand_for_billions_are_refused() -> None:
    """A few shared lists can stand for more values than memory holds; the copy stops before."""
    bomb: Any = ["x"] * 10
    for _ in range(9):
        bomb = [bomb] * 10
    with pytest.raises(MalformedDocument, match="values, got more"):
        checked(bomb)
