from __future__ import annotations

import time
from typing import Any

import pytest

from flagcore.formats import parse_document
from flagcore.formats.ramp import ramp
from flagcore.rules.instant import instant
from flagcore.rules.model import Attribute, Choice, Const, Fault, Rollout, Rule, Split

KEY = Attribute(("targeting_key",))


def definition(*rules: Any, value: Any = False, **flag: Any) -> Any:
    return parse_document("native", {"flags": {"f": {"value": value, "rules": list(rules), **flag}}}).definitions["f"]


def then(rule: Any, **flag: Any) -> Any:
    return definition(rule, **flag).rules[0].then


def test_rules_keep_their_order() -> None:
    """The first that decides, decides; a rule without a condition is for everybody."""
    rules = definition({"if": "True", "value": "a"}, {"value": "b", "description": "the rest"}, value="c").rules
    assert rules == (Rule(Const(True), Choice("a")), Rule(None, Choice("b")))


def test_a_rollout_serves_true_to_a_share() -> None:
    """Of targeting keys, drawn with the flag's key; fractions of a percent count."""
    assert then({"rollout": 12.5}) == Rollout(Choice(True), Const(12.5), KEY, "f")


def test_a_rollout_serves_the_value_beside_it() -> None:
    """By another attribute and with another salt, where the rule says so."""
    rule = {"rollout": 10, "value": "dark", "by": "org.id", "salt": "shared"}
    expected = Rollout(Choice("dark"), Const(10), Attribute(("org", "id")), "shared")
    assert then(rule, value="light") == expected


def test_a_rollout_ramps_between_two_times() -> None:
    """From 0 to 100 percent unless it says otherwise."""
    start, end = instant("2027-01-01"), instant("2027-02-01T12:00Z")
    assert start is not None
    assert end is not None
    times = {"start": "2027-01-01", "end": "2027-02-01T12:00Z"}
    assert then({"rollout": times}).percent == ramp(0, 100, start, end)
    assert then({"rollout": {"from": 5, "to": 50, **times}}).percent == ramp(5, 50, start, end)


def test_a_ramp_is_a_straight_line() -> None:
    """It stands at its first value before, and at its last one after."""
    now = time.time()

    def at(start: float, end: float) -> float:
        call: Any = ramp(10, 50, now + start, now + end)
        return call.operator.function(*(each.value for each in call.arguments))

    assert at(60, 120) == 10
    assert at(-120, -60) == 50
    assert at(-1000, 1000) == pytest.approx(30, abs=0.1)


def test_a_split_is_over_variants() -> None:
    """By weights, which need not come to a hundred; the payloads are the variants'."""
    assert then({"split": {"s": 9, "l": 1.0}}, value="s", variants={"s": 5, "l": 50}) == Split(
        ((Choice(5, "s"), 9), (Choice(50, "l"), 1)), KEY, "f"
    )


def test_a_split_of_a_string_needs_no_variants() -> None:
    """Its names are the values."""
    assert then({"split": {"a": 1, "b": 0}}, value="a").choices == ((Choice("a"), 1), (Choice("b"), 0))


@pytest.mark.parametrize(
    ("rule", "flag", "where", "message"),
    [
        (1, {}, "", "expected an object with one of value, rollout, split, got a number"),
        ({}, {}, "", "expected value, rollout or split"),
        ({"if": "a"}, {}, "", "got none of them"),
        ({"value": 1, "split": {"a": 1}}, {}, "", "got value and split"),
        ({"rollout": 1, "split": {"a": 1}}, {}, "", "got rollout and split"),
        ({"iff": "a", "value": 1}, {}, ".iff", "did you mean 'if'"),
        ({"if": 1, "value": 1}, {}, ".if", "expected a condition as a string, got a number"),
        ({"if": "a b", "value": 1}, {}, ".if", "column 3"),
        ({"if": 'flag("g")', "value": 1}, {}, ".if", "expected a flag of this document, got 'g'"),
        ({"value": True, "by": "org"}, {}, ".by", "expected by beside rollout or split"),
        ({"value": True, "salt": "x"}, {}, ".salt", "expected salt beside rollout or split"),
        ({"rollout": 101}, {}, ".rollout", "expected a percentage of 0 to 100, got 101"),
        ({"rollout": -0.5}, {}, ".rollout", "got -0.5"),
        ({"rollout": True}, {}, ".rollout", "expected a percentage or a ramp, got a boolean"),
        ({"rollout": 5}, {"value": "x"}, "", "expected a value beside rollout, since the flag has a string"),
        ({"rollout": 5}, {"value": "x", "variants": {"x": True}}, "", "since the flag has variants"),
        ({"rollout": 5, "value": "y"}, {"value": "x", "variants": {"x": 1}}, ".value", "name of a variant (x)"),
        ({"rollout": 5, "by": ""}, {}, ".by", "expected the name of an attribute"),
        ({"rollout": 5, "by": "a..b"}, {}, ".by", "expected the name of an attribute"),
        ({"rollout": 5, "salt": ""}, {}, ".salt", "expected a salt"),
        ({"rollout": {"end": "2027-01-01"}}, {}, ".rollout.start", "expected a string, got nothing"),
        ({"rollout": {"start": "soon", "end": "2027-01-01"}}, {}, ".rollout.start", "expected a date or a time"),
        ({"rollout": {"start": "2027-01-01", "end": "2027-01-01"}}, {}, ".rollout.end", "an end after the start"),
        ({"rollout": {"till": 5}}, {}, ".rollout.till", "known are end, from, start, to"),
        (
            {"rollout": {"start": "2027-01-01", "end": "2028-01-01", "to": 200}},
            {},
            ".rollout.to",
            "a percentage of 0 to 100, got 200",
        ),
        ({"split": {}}, {"value": "a"}, ".split", "expected a weight above 0, got none"),
        ({"split": {"a": 0}}, {"value": "a"}, ".split", "expected a weight above 0, got none"),
        ({"split": {"a": -1}}, {"value": "a"}, ".split.a", "expected a weight of 0 to 1000000, got -1"),
        ({"split": {"a": 1.5}}, {"value": "a"}, ".split.a", "expected a whole number, got a number"),
        ({"split": {"a": True}}, {"value": "a"}, ".split.a", "got a boolean"),
        ({"split": {"a": 1}}, {}, ".split", "a flag with variants, or whose value is a string, got a boolean"),
        ({"split": {"b": 1}}, {"value": "a", "variants": {"a": 1}}, ".split.b", "name of a variant (a)"),
        ({"split": [1]}, {"value": "a"}, ".split", "expected an object of variants and weights, got an array"),
    ],
)
def test_says_what_is_wrong_with_a_rule(rule: Any, flag: dict[str, Any], where: str, message: str) -> None:
    """The fault has the rule's path, what was expected and what came."""
    fault = definition({"value": flag.get("value", True)}, rule, **flag)
    assert isinstance(fault, Fault)
    assert fault.where == f"$.flags.f.rules[1]{where}"
    assert message in fault.message
