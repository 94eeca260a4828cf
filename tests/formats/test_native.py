from typing import Any

import pytest

from flagcore.errors import MalformedDocument
from flagcore.formats import parse_document
from flagcore.rules.model import Choice


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
        ({"flags": []}, "$.flags", "got an array"),
        ({"flags": {}, "flag": 1}, "$.flag", "did you mean 'flags'"),
        ({"flags": {}, "segments": {}}, "$.segments", "later release"),
        ({"flags": {}, "hierarchy": "org"}, "$.hierarchy", "got a string"),
        ({"flags": {}, "hierarchy": ["org", ""]}, "$.hierarchy[1]", "name of an attribute"),
        ({"flags": {}, "hierarchy": ["org", "org"]}, "$.hierarchy[1]", "again"),
        ({"flags": {}, "hierarchy": ["value"]}, "$.hierarchy[0]", "name of an attribute"),
        ({"flags": {}, "metadata": {"a": []}}, "$.metadata.a", "got an array"),
        ({"flags": {"a": True}}, "$.flags.a", "got a boolean"),
        ({"flags": {"a-b": {}}}, "$.flags['a-b'].value", "expected a value, got nothing"),
        ({"flags": {"a": {"valeu": 1}}}, "$.flags.a.valeu", "did you mean 'value'"),
        ({"flags": {"a": {"value": 1, "rules": []}}}, "$.flags.a.rules", "later release"),
        ({"flags": {"a": {"value": 1, "expires": "soon"}}}, "$.flags.a.expires", "2027-03-01"),
        ({"flags": {"a": {"value": 1, "expires": 5}}}, "$.flags.a.expires", "2027-03-01"),
        ({"flags": {"a": {"value": 1, "tags": "x"}}}, "$.flags.a.tags", "got a string"),
        ({"flags": {"a": {"value": 1, "tags": [1]}}}, "$.flags.a.tags[0]", "got a number"),
        ({"flags": {"a": {"value": 1, "owner": 1}}}, "$.flags.a.owner", "got a number"),
        ({"flags": {"a": {"value": "m", "variants": {"s": 1}}}}, "$.flags.a.value", "name of a variant (s), got 'm'"),
        ({"flags": {"a": {"value": "m", "variants": {}}}}, "$.flags.a.variants", "at least one"),
        ({"flags": {"a": {"value": 1, "overrides": {}}}}, "$.flags.a.overrides", "got an object"),
        ({"flags": {"a": {"value": 1, "overrides": [1]}}}, "$.flags.a.overrides[0]", "got a number"),
        ({"flags": {"a": {"value": 1, "overrides": [{"value": 1}]}}}, "$.flags.a.overrides[0]", "a `hierarchy` first"),
    ],
)
def test_says_where_a_document_is_wrong(document: Any, where: str, message: str) -> None:
    """The error holds the JSON path, what was expected and what came."""
    with pytest.raises(MalformedDocument) as caught:
        parse_document("native", document)
    assert caught.value.where == where
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ({"team": "t", "value": 1}, "expected org or org+team, got team"),
        ({"value": 1}, "expected org or org+team, got no id"),
        ({"org": "y"}, "expected a value"),
        ({"org": "", "value": 1}, "expected an id"),
        ({"org": True, "value": 1}, "expected an id"),
        ({"user": "u", "value": 1}, "unknown name 'user'"),
        ({"org": "x", "value": 9}, "expected one override for x, got a second"),
    ],
)
def test_says_what_is_wrong_with_an_override(override: dict[str, Any], message: str) -> None:
    """Only prefixes of the hierarchy are paths, each of them once."""
    with pytest.raises(MalformedDocument) as caught:
        native({"a": {"value": 1, "overrides": [{"org": "x", "value": 2}, override]}}, hierarchy=["org", "team"])
    assert message in str(caught.value)
    assert ".overrides[1]" in caught.value.where
