from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flagcore.errors import MalformedDocument
from flagcore.formats import faults, parse, parse_document, refuse_faults
from flagcore.formats.condition import FUNCTIONS
from flagcore.formats.native_schema import DOCUMENT, FLAG, RAMP, RULE, schema
from flagcore.formats.syntax import decode
from flagcore.source import Body

jsonschema = pytest.importorskip("jsonschema")

VALIDATOR = jsonschema.Draft202012Validator(schema())


def accepted(document: Any) -> bool:
    try:
        refuse_faults(parse_document("native", document))
    except MalformedDocument:
        return False
    return True


def test_is_a_schema() -> None:
    """It is sound by the draft it names."""
    jsonschema.Draft202012Validator.check_schema(schema())


#: Values of every JSON type, few of each, so that generated documents are nearly right.
ANY = st.sampled_from([None, True, False, 0, 1, 7.0, 2.5, -1, 101, "", "a", "b", [], [1], {}, {"a": 1}, {"a": 0}])
NAME = st.sampled_from(["a", "b"])
CONDITION = st.sampled_from(["a", 'b == "x"', "not a"])
TIME = st.sampled_from([{"start": "2027-01-01", "end": "2028-01-01"}, {"from": 1, "end": "2028-01-01"}])


def shaped(good: dict[str, st.SearchStrategy[Any]], shape: Any, required: tuple[str, ...] = ()) -> Any:
    """Objects of known names with fitting values, now and then with any value, any name, or something missing."""
    fitting = st.fixed_dictionaries(
        {name: good[name] for name in required},
        optional={name: each for name, each in good.items() if name not in required},
    )
    slip = st.dictionaries(st.sampled_from([*shape, "other"]), ANY, max_size=1)
    return st.one_of(fitting, fitting, fitting, st.builds(lambda one, other: {**one, **other}, fitting, slip), ANY)


SPLITS = st.dictionaries(NAME, st.sampled_from([0, 1, 50, 2.0, 1.5, -1, True]), max_size=2)
RULES = st.one_of(
    *(
        shaped({"if": CONDITION, "description": NAME, **what}, RULE, tuple(what))
        for what in (
            {"value": ANY},
            {"value": NAME},
            {"rollout": st.one_of(st.sampled_from([0, 25, 100, 101]), TIME), "by": NAME},
            {"rollout": st.just(5), "value": NAME, "salt": NAME},
            {"split": SPLITS},
            {"split": st.just({"a": 1, "b": 2})},
        )
    )
)
OVERRIDES = shaped(
    {"value": st.one_of(NAME, ANY), "org": st.sampled_from(["x", 7, 7.0, "", True])}, {"value": 1}, ("value", "org")
)
REST: dict[str, Any] = {
    "rules": st.lists(RULES, max_size=2),
    "overrides": st.lists(OVERRIDES, max_size=1),
    "expires": st.sampled_from(["2027-03-01", "2027-03-01T09:00:00Z", None, "soon", "20270301"]),
    "tags": st.lists(NAME, max_size=1),
    "owner": NAME,
    "metadata": st.dictionaries(NAME, ANY, max_size=1),
}
FLAGS = st.one_of(
    shaped({"value": st.one_of(st.booleans(), NAME), **REST}, FLAG, ("value",)),
    shaped({"value": NAME, "variants": st.just({"a": 1, "b": {"c": 2}}), **REST}, FLAG, ("value", "variants")),
)
DOCUMENTS = shaped(
    {
        "flags": st.dictionaries(NAME, FLAGS, max_size=1),
        "hierarchy": st.sampled_from([["org"], ["org"], ["org", "team"], ["value"], [""], ["org", "org"]]),
        "segments": st.dictionaries(NAME, CONDITION, max_size=1),
        "metadata": st.dictionaries(NAME, ANY, max_size=1),
        "$schema": NAME,
    },
    DOCUMENT,
    ("flags", "hierarchy"),
)


@settings(max_examples=400, deadline=None)
@given(DOCUMENTS)
def test_takes_all_that_the_parser_takes_and_agrees_on_structure(document: Any) -> None:
    """Where conditions can be read and references resolve, the two say the same of any document."""
    taken = accepted(document)
    valid = VALIDATOR.is_valid(document)
    assert not taken or valid, [each.message for each in VALIDATOR.iter_errors(document)]
    assert taken or not valid or _beyond_structure(document)


def _beyond_structure(document: Any) -> bool:
    """What a schema can't see: names of variants that do not exist, one path overridden twice, other levels."""
    with pytest.raises(MalformedDocument) as caught:
        refuse_faults(parse_document("native", document))
    error = caught.value
    is_level = "unknown name" in error.message and ".overrides[" in error.where
    beyond = ("name of a variant", "one override for", "expected org", "a `hierarchy` first")
    return is_level or any(each in error.message for each in beyond)


@pytest.mark.parametrize("shape", [DOCUMENT, FLAG, RULE, RAMP])
def test_every_name_says_what_it_is_for(shape: Any) -> None:
    """Editors show it beside the name."""
    assert all(each.meaning for each in shape.values())


def test_the_documentation_has_every_name_and_a_sound_example() -> None:
    """What can be written is on the page, and what is on the page can be written."""
    page = (Path(__file__).parents[2] / "docs" / "native-format.md").read_text(encoding="utf-8")
    for shape in (DOCUMENT, FLAG, RULE, RAMP):
        assert [name for name in shape if f"`{name}`" not in page] == []
    assert [name for name in FUNCTIONS if f"`{name}(" not in page] == []
    pytest.importorskip("ruamel.yaml")
    example = page.split("```yaml\n")[1].split("```")[0].encode()
    assert faults(parse("native", Body(example, None, "yaml"))) == []
    assert VALIDATOR.is_valid(decode(example, "yaml"))


@pytest.mark.parametrize(
    "flag",
    [
        {"value": 1, "rules": [{"rollout": 5}]},
        {"value": 1, "rules": [{"split": {"a": 1}}]},
        {"value": "a", "rules": [{"split": {"a": 0}}]},
        {"value": "a", "rules": [{"value": "a", "split": {"a": 1}}]},
        {"value": "a", "rules": [{"value": "a", "by": "org"}]},
        {"value": 1, "variants": {"a": 1}},
        {"value": "a", "variants": {"a": 1}, "rules": [{"rollout": 5}]},
        {"value": "a", "variants": {"a": 1}, "rules": [{"value": 1}]},
        {"value": "a", "variants": {}},
        {"value": True, "rules": [{"rollout": {"from": 1, "end": "2027-01-01"}}]},
        {"value": True, "rules": [{"if": "", "value": True}]},
    ],
)
def test_refuses_what_belongs_together_and_is_not(flag: Any) -> None:
    """The schema knows which names need, or exclude, each other."""
    assert not VALIDATOR.is_valid({"flags": {"f": flag}})
    assert not accepted({"flags": {"f": flag}})
