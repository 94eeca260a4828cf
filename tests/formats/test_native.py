from typing import Any

import pytest

from flagcore.errors import MalformedDocument
from flagcore.formats import faults, parse_document, refuse_faults
from flagcore.rules.model import Choice, Fault, InSegment


def native(flags: Any = None, **document: Any) -> Any:
    return parse_document("native", {"flags": flags if flags is not None else {}, **document})


def test_a_flag_of_one_value_is_plain() -> None:
    """Values for everybody take the fast path, whatever else people note beside them."""
    ruleset = native({"a": {"value": 1, "description": "x", "owner": "o", "expires": "2027-03-01", "tags": ["t"]}})
    assert ruleset.plain == {"a": 1}
    assert ruleset.definitions == {}


def test_variants_name_payloads() -> None:
    """A value names the variant; the variant brings the payload."""
    ruleset = native({"a": {"variants": {"s": {"max": 5}, "l": {"max": 9}}, "value": "s"}})
    assert ruleset.definitions["a"].fallback == Choice({"max": 5}, "s")


def test_overrides_go_along_the_hierarchy() -> None:
    """Each override is a prefix of the hierarchy; ids may be numbers."""
    ruleset = native(
        {"a": {"value": 1, "overrides": [{"org": "x", "value": 2}, {"team": 7, "org": "x", "value": 3}]}},
        hierarchy=["org", "team"],
    )
    assert ruleset.definitions["a"].overrides == {("x",): Choice(2), ("x", "7"): Choice(3)}
    assert ruleset.hierarchy == ("org", "team")


@pytest.mark.parametrize(
    ("document", "where", "message"),
    [
        ([], "$", "expected an object as the whole document, got an array"),
        ({}, "$.flags", "got nothing"),
        ({"flags": []}, "$.flags", "expected an object of flags, got an array"),
        ({"flags": {}, "flag": 1}, "$.flag", "did you mean 'flags'"),
        ({"flags": {}, "segments": []}, "$.segments", "got an array"),
        ({"flags": {}, "hierarchy": "org"}, "$.hierarchy", "got a string"),
        ({"flags": {}, "hierarchy": ["org", ""]}, "$.hierarchy[1]", "name of an attribute"),
        ({"flags": {}, "hierarchy": ["org", "org"]}, "$.hierarchy[1]", "again"),
        ({"flags": {}, "hierarchy": ["value"]}, "$.hierarchy[0]", "name of an attribute"),
        ({"flags": {}, "metadata": {"a": []}}, "$.metadata.a", "got an array"),
        ({"flags": {}, "$schema": 1}, "$['$schema']", "expected a string, got a number"),
    ],
)
def test_refuses_a_document_that_is_none(document: Any, where: str, message: str) -> None:
    """What is wrong with the whole is refused; the error has the JSON path, what was expected and what came."""
    with pytest.raises(MalformedDocument) as caught:
        parse_document("native", document)
    assert caught.value.where == where
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("flag", "where", "message"),
    [
        (True, "", "expected an object with a value, got a boolean"),
        ({}, ".value", "expected a value, got nothing"),
        ({"value": 1, "valeu": 1}, ".valeu", "did you mean 'value'"),
        ({"value": 1, "expires": "soon"}, ".expires", "2027-03-01"),
        ({"value": 1, "expires": "2027-02-30"}, ".expires", "2027-03-01"),
        ({"value": 1, "expires": "2027-W01-1"}, ".expires", "2027-03-01"),
        ({"value": 1, "expires": 5}, ".expires", "2027-03-01"),
        ({"value": 1, "tags": "x"}, ".tags", "got a string"),
        ({"value": 1, "tags": [1]}, ".tags[0]", "got a number"),
        ({"value": 1, "owner": 1}, ".owner", "expected a string, got a number"),
        ({"value": 1, "metadata": {"a": None}}, ".metadata.a", "a string, number or boolean, got null"),
        ({"value": "m", "variants": {"s": 1}}, ".value", "name of a variant (s), got 'm'"),
        ({"value": "m", "variants": {}}, ".variants", "at least one"),
        ({"value": "m", "variants": ["m"]}, ".variants", "an object of names and payloads, got an array"),
        ({"value": 1, "overrides": {}}, ".overrides", "expected an array, got an object"),
        ({"value": 1, "overrides": [1]}, ".overrides[0]", "got a number"),
        ({"value": 1, "overrides": [{"value": 1}]}, ".overrides[0]", "a `hierarchy` first"),
        ({"value": 1, "rules": {}}, ".rules", "expected an array, got an object"),
    ],
)
def test_a_malformed_flag_spoils_only_itself(flag: Any, where: str, message: str) -> None:
    """It is a fault that says where, what was expected and what came; the flags beside it stand."""
    ruleset = native({"bad": flag, "good": {"value": 1}})
    fault = ruleset.definitions["bad"]
    assert isinstance(fault, Fault)
    assert fault.where == f"$.flags.bad{where}"
    assert message in fault.message
    assert ruleset.plain == {"good": 1}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ({"team": "t", "value": 1}, "expected org or org+team, got team"),
        ({"value": 1}, "expected org or org+team, got no id"),
        ({"org": "y"}, "expected a value"),
        ({"org": "", "value": 1}, "expected an id"),
        ({"org": True, "value": 1}, "expected an id"),
        ({"org": 1.5, "value": 1}, "expected an id"),
        ({"user": "u", "value": 1}, "unknown name 'user'"),
        ({"org": "x", "value": 9}, "expected one override for x, got a second"),
    ],
)
def test_says_what_is_wrong_with_an_override(override: dict[str, Any], message: str) -> None:
    """Only prefixes of the hierarchy are paths, each of them once."""
    flag = {"value": 1, "overrides": [{"org": "x", "value": 2}, override]}
    fault = native({"a": flag}, hierarchy=["org", "team"]).definitions["a"]
    assert message in fault.message
    assert ".overrides[1]" in fault.where


def test_a_malformed_segment_spoils_what_uses_it() -> None:
    """However far away; segments and flags that do not use it stand."""
    ruleset = native(
        {
            "near": {"value": 1, "rules": [{"if": 'segment("bad")', "value": 2}]},
            "far": {"value": 1, "rules": [{"if": 'segment("far")', "value": 2}]},
            "fine": {"value": 1, "rules": [{"if": 'segment("fine")', "value": 2}]},
        },
        segments={
            "bad": "a b",
            "mid": 'segment("bad")',
            "far": 'not segment("mid")',
            "fine": 'segment("also")',
            "also": "x",
        },
    )
    assert [each.where for each in faults(ruleset)] == ["$.segments.bad", "$.flags.near.rules", "$.flags.far.rules"]
    assert "got 'bad'" in ruleset.definitions["near"].message
    assert set(ruleset.segments) == {"fine", "also"}
    assert ruleset.definitions["fine"].rules[0].when == InSegment("fine")


def test_whoever_can_mend_a_document_has_its_faults_refused() -> None:
    """The error is about the first one, and counts the others."""
    assert refuse_faults(native({"a": {"value": 1}})).plain == {"a": 1}
    with pytest.raises(MalformedDocument, match=r"got a number \(and 2 more\)") as caught:
        refuse_faults(native({"a": 1, "b": 2}, segments={"s": 3}))
    assert caught.value.where == "$.segments.s"


def test_a_cycle_refuses_the_document_and_is_named() -> None:
    """Of flags, or of segments: there is no telling which of them is wrong."""

    def leads_to(key: str) -> dict[str, Any]:
        return {"value": False, "rules": [{"if": f'flag("{key}")', "value": True}]}

    with pytest.raises(MalformedDocument, match="expected no cycle, got a \u2192 b \u2192 c \u2192 a"):
        native({"a": leads_to("b"), "b": leads_to("c"), "c": leads_to("a"), "d": {"value": 1}})
    with pytest.raises(MalformedDocument, match="expected no cycle, got s \u2192 t \u2192 s"):
        native({}, segments={"s": 'segment("t") or x', "t": 'segment("s")'})
