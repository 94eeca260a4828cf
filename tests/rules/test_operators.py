from __future__ import annotations

import sys
from ipaddress import IPv4Address, ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flagcore.errors import MalformedDocument
from flagcore.resolution import ABSENT
from flagcore.rules import operators
from flagcore.rules.model import Attribute, Call, Const, Operator

ALL = [each for each in vars(operators).values() if isinstance(each, Operator)]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(ABSENT),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=6,
)


def holds(operator: Operator, *arguments: Any) -> bool:
    found = operator.function(*arguments)
    assert found is True or found is False
    return found


@given(st.sampled_from(ALL), JSON, JSON)
def test_none_raises_and_each_gives_a_boolean(operator: Operator, one: Any, other: Any) -> None:
    """Whatever they are given."""
    holds(operator, one, other)
    if operator in (operators.AFTER, operators.BEFORE):
        holds(operator, one)


@given(st.sampled_from(ALL), JSON)
def test_what_is_missing_makes_a_comparison_false(operator: Operator, other: Any) -> None:
    """`!=` and `not in` as well: nobody is known to be different."""
    assert not holds(operator, ABSENT, other)
    assert not holds(operator, other, ABSENT)


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, "1"), (True, 1), (False, 0), (None, False), (None, 0), ("a", ["a"]), ([1], [True]), ({"a": 1}, {"a": True})],
)
def test_unlike_types_are_not_equal(one: Any, other: Any) -> None:
    """And a boolean is no number, within arrays and objects as well."""
    assert not holds(operators.EQUAL, one, other)
    assert not holds(operators.EQUAL, other, one)
    for operator in (operators.LESS, operators.LESS_EQUAL, operators.GREATER, operators.GREATER_EQUAL):
        assert not holds(operator, one, other)


def test_equality_goes_by_value() -> None:
    """Numbers meet whatever their type; arrays and objects all through."""
    assert holds(operators.EQUAL, 1, 1.0)
    assert holds(operators.EQUAL, None, None)
    assert holds(operators.EQUAL, {"a": [1, {}]}, {"a": [1.0, {}]})
    assert holds(operators.EQUAL, ("a",), ["a"])
    assert holds(operators.NOT_EQUAL, "a", "b")
    assert not holds(operators.NOT_EQUAL, 1, "b")


def test_membership() -> None:
    """In an array; a text has no members."""
    assert holds(operators.IN, "a", ["a", "b"])
    assert not holds(operators.IN, True, [1])
    assert not holds(operators.IN, "a", "abc")
    assert holds(operators.NOT_IN, "c", ["a", "b"])
    assert not holds(operators.NOT_IN, "c", "abc")
    assert holds(operators.CONTAINS, ["admin", "editor"], "admin")
    assert holds(operators.CONTAINS, "administrator", "admin")
    assert not holds(operators.CONTAINS, "1", 1)


def test_moments() -> None:
    """Against now, or against each other; at the moment itself it is after."""
    assert holds(operators.AFTER, "2020-01-01")
    assert holds(operators.BEFORE, "9000-01-01T00:00:00Z")
    assert holds(operators.AFTER, "2027-01-01T00:00:00Z", "2027-01-01")
    assert not holds(operators.BEFORE, "2027-01-01T00:00:00Z", "2027-01-01")
    assert holds(operators.BEFORE, "2027-01-01T00:00:00+01:00", "2027-01-01")
    assert not holds(operators.AFTER, 17, "2027-01-01")


@pytest.mark.parametrize("operator", ALL, ids=lambda each: each.name)
def test_none_keeps_a_long_text(operator: Operator) -> None:
    """What is remembered of attributes is short: they may be megabytes long, and each read has others."""
    text = "".join(["2"] * 1000)  # made here: references to constants are not counted
    before = sys.getrefcount(text)
    for other in ("2.0.0", "2027-01-01", ["10.0.0.0/8"], "2+"):
        operator.function(text, other)
    assert sys.getrefcount(text) == before


def test_networks() -> None:
    """Of either version of IP, one or several."""
    assert holds(operators.IN_NETWORK, "10.1.2.3", "10.0.0.0/8")
    assert holds(operators.IN_NETWORK, "2001:db8::1", ["10.0.0.0/8", "2001:db8::/32"])
    assert not holds(operators.IN_NETWORK, "11.1.2.3", "10.0.0.0/8")
    assert not holds(operators.IN_NETWORK, "somebody", "10.0.0.0/8")
    assert holds(operators.IN_NETWORK, "10.1.2.3", "10.1.2.3")
    assert holds(operators.IN_NETWORK, "10.1.2.3", "10.9.9.9/8")


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(0, 32))
def test_a_network_holds_those_whose_first_bits_are_its_own(one: int, other: int, bits: int) -> None:
    """However either is written: IPv4 within IPv6, too; and an address is in none of the other version."""
    address, network = IPv4Address(one), f"{IPv4Address(other)}/{bits}"
    inside = one >> (32 - bits) == other >> (32 - bits)
    assert holds(operators.IN_NETWORK, str(address), network) is inside
    assert holds(operators.IN_NETWORK, f"::ffff:{address}", ["2001:db8::/32", network]) is inside
    assert holds(operators.IN_NETWORK, f"::ffff:{address}", "::ffff:0:0/96")
    assert not holds(operators.IN_NETWORK, f"2001:db8::{address}", network)
    assert not holds(operators.IN_NETWORK, str(address), "::/0")


@given(st.one_of(st.text(max_size=20), st.from_regex(r"[0-9a-f:.%/]*"), st.none(), st.integers(), st.just(ABSENT)))
def test_what_is_no_address_is_in_no_network(value: Any) -> None:
    """Nor does looking at it raise; what comes with the context may be anything."""
    try:
        ip_address(value if isinstance(value, str) else "")
    except ValueError:
        assert not holds(operators.IN_NETWORK, value, ["0.0.0.0/0", "::/0"])
    assert not holds(operators.IN_NETWORK, "10.1.2.3", "::/0")
    assert operators.IN_NETWORK.function("10.1.2.3", value) in (True, False)


@pytest.mark.parametrize(
    ("operator", "written"),
    [
        (operators.MATCHES, "("),
        (operators.MATCHES, 5),
        (operators.SEMVER, ">=2"),
        (operators.AFTER, "tomorrow"),
        (operators.BEFORE, "2027-13-01"),
        (operators.IN_NETWORK, "10.0.0.0/99"),
        (operators.IN_NETWORK, ["10.0.0.0/8", 4]),
    ],
)
def test_what_a_document_says_wrongly_is_refused(operator: Operator, written: Any) -> None:
    """At load, where it can still be mended."""
    with pytest.raises(MalformedDocument, match="expected"):
        operators.check_call(Call(operator, (Attribute(("x",)), Const(written))))


def test_what_comes_with_the_context_is_not_checked() -> None:
    """It is not there yet."""
    operators.check_call(Call(operators.MATCHES, (Const("("), Attribute(("x",)))))
    operators.check_call(Call(operators.EQUAL, (Attribute(("x",)), Const("("))))
