from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flagcore import ErrorCode, EvaluationContext, FlagClient, MemorySource, Reason, Resolution, Snapshot
from flagcore.errors import MalformedDocument
from flagcore.formats import faults, parse_document
from flagcore.formats.flagd import spelled
from flagcore.formats.fractional import hashed
from flagcore.resolution import ABSENT
from flagcore.rules.compiler import compile_ruleset
from flagcore.rules.model import Definition, Fault, Ruleset, Select

CONFORMANCE = Path(__file__).parents[2].parent / "shared" / "conformance" / "flagd"

COLOURS = {"red": "#f00", "green": "#0f0", "blue": "#00f"}
SWITCH = {"on": True, "off": False}


def flag(targeting: Any = None, **members: Any) -> dict[str, Any]:
    made = {"state": "ENABLED", "variants": COLOURS, "defaultVariant": "red", **members}
    return made if targeting is None else {**made, "targeting": targeting}


def ruleset(flags: Any, format: str = "flagd", **document: Any) -> Ruleset:  # noqa: A002
    return parse_document(format, {"flags": flags, **document})


def resolved(definition: Any, context: Any = None, format: str = "flagd", **document: Any) -> Resolution[Any]:  # noqa: A002
    found = ruleset({"f": definition}, format, **document)
    return Snapshot(found.plain, compile_ruleset(found)).resolve("f", EvaluationContext.of(context))


def served(definition: Any, context: Any = None, **document: Any) -> tuple[Any, Any, Any, Any]:
    answer = resolved(definition, context, **document)
    return answer.value, answer.variant, answer.reason, answer.error_code


def test_a_flag_without_targeting_is_static() -> None:
    """Its default variant for everybody, with the variant's name."""
    assert served(flag()) == ("#f00", "red", Reason.STATIC, None)
    assert served(flag({})) == ("#f00", "red", Reason.STATIC, None)


@pytest.mark.parametrize("default", [None, ""])
def test_no_default_variant_leaves_it_to_the_caller(default: Any) -> None:
    """With the reason DEFAULT and no variant, with targeting or without."""
    assert served(flag(defaultVariant=default)) == (ABSENT, None, Reason.DEFAULT, None)
    assert served(flag({"var": "x"}, defaultVariant=default)) == (ABSENT, None, Reason.DEFAULT, None)
    bare = flag()
    del bare["defaultVariant"]
    assert served(bare) == (ABSENT, None, Reason.DEFAULT, None)


def test_a_disabled_flag_leaves_it_to_the_caller() -> None:
    """Whatever its targeting says, be it nonsense."""
    for targeting in (None, {"var": "x"}, {"nonsense": 1}):
        assert served(flag(targeting, state="DISABLED")) == (ABSENT, None, Reason.DISABLED, None)


def test_targeting_names_the_variant() -> None:
    """For those whom the rule gives a name; null is the default variant's."""
    rule = {"if": [{"ends_with": [{"var": "email"}, "@faas.com"]}, "blue", None]}
    assert served(flag(rule), {"email": "a@faas.com"}) == ("#00f", "blue", Reason.TARGETING_MATCH, None)
    assert served(flag(rule), {"email": "a@b.c"}) == ("#f00", "red", Reason.DEFAULT, None)
    assert served(flag(rule)) == ("#f00", "red", Reason.DEFAULT, None)


@pytest.mark.parametrize(
    ("result", "name"),
    [
        (True, "true"),
        (False, "false"),
        (1, "1"),
        (1.0, "1"),
        (1.5, "1.5"),
        ("red", "red"),
        ("", ""),
        (None, None),
        (ABSENT, None),
        (float("nan"), None),
    ],
)
def test_results_have_a_spelling(result: Any, name: str | None) -> None:
    """Variants can be named by booleans and numbers."""
    assert spelled(result) == name


def test_booleans_choose_among_true_and_false() -> None:
    """The short way to write a switch's targeting."""
    switch = flag({"==": [{"var": "plan"}, "pro"]}, variants={"true": 1, "false": 0}, defaultVariant="false")
    assert served(switch, {"plan": "pro"}) == (1, "true", Reason.TARGETING_MATCH, None)
    assert served(switch) == (0, "false", Reason.TARGETING_MATCH, None)


@pytest.mark.parametrize("rule", [{"cat": ["pur", "ple"]}, {"==": [1, 1]}, {"merge": [1]}])
def test_a_variant_that_does_not_exist_is_an_error(rule: Any) -> None:
    """The caller's default, not the flag's."""
    assert served(flag(rule)) == (ABSENT, None, Reason.ERROR, ErrorCode.GENERAL)


@pytest.mark.parametrize(
    ("targeting", "where"),
    [
        ({"nonsense": [1]}, "$.flags.f.targeting.nonsense"),
        ({"if": [True, {"nonsense": []}]}, "$.flags.f.targeting['if'][1].nonsense"),
        ({"$ref": "missing"}, "$.flags.f.targeting['$ref']"),
        ({"$ref": 5}, "$.flags.f.targeting['$ref']"),
        ({"$ref": "nested"}, "$['$evaluators'].nested['!'][0]['$ref']"),
        ({"$ref": "wrong"}, "$['$evaluators'].wrong.nonsense"),
        ({"if": [], "or": []}, "$.flags.f.targeting"),
        ("red", "$.flags.f.targeting"),
        ([], "$.flags.f.targeting"),
    ],
)
def test_a_rule_that_cannot_be_evaluated_spoils_its_flag_alone(targeting: Any, where: str) -> None:
    """With PARSE_ERROR and the JSON path; the other flags answer."""
    evaluators = {"nested": {"!": [{"$ref": "wrong"}]}, "wrong": {"nonsense": 1}}
    found = ruleset({"f": flag(targeting), "g": flag()}, **{"$evaluators": evaluators})
    fault = found.definitions["f"]
    assert isinstance(fault, Fault)
    assert where in (fault.where, fault.where.replace(".if[", "['if']["))
    snapshot = Snapshot(found.plain, compile_ruleset(found))
    assert snapshot.resolve("f", EvaluationContext()).error_code is ErrorCode.PARSE_ERROR
    assert snapshot.resolve("g", EvaluationContext()).value == "#f00"


def test_a_source_in_memory_takes_such_a_document() -> None:
    """flagd's rules say that the others are unaffected, wherever the document comes from."""
    source = MemorySource({"flags": {"f": flag({"$ref": "missing"}), "g": flag()}}, format="flagd")
    with FlagClient(source, cache_dir=None) as client:
        assert client.get_string("g") == "#f00"
        assert client.get_string("f", "mine") == "mine"
        assert client.details("f", "mine").error_code is ErrorCode.PARSE_ERROR


@pytest.mark.parametrize(
    ("definition", "where"),
    [
        (5, ""),
        ({}, ".state"),
        ({"state": "ENABLED"}, ".variants"),
        (flag(state="enabled"), ".state"),
        (flag(state=["ENABLED"]), ".state"),
        (flag(variants={}), ".variants"),
        (flag(variants=[]), ".variants"),
        (flag(variants={"": 1}), ".variants"),
        (flag(variants={"a": 1, "b": "x"}), ".variants"),
        (flag(variants={"a": 1, "b": True}), ".variants"),
        (flag(variants={"a": None}), ".variants.a"),
        (flag(variants={"a": [1]}), ".variants.a"),
        (flag(metadata={"a": None}), ".metadata.a"),
        (flag(metadata=[]), ".metadata"),
    ],
)
def test_a_flag_that_is_none_spoils_itself_alone(definition: Any, where: str) -> None:
    """As for its rule."""
    found = ruleset({"f": definition, "g": flag()})
    fault = found.definitions["f"]
    assert isinstance(fault, Fault)
    assert fault.where == f"$.flags.f{where}"
    assert isinstance(found.definitions["g"], Definition)


@pytest.mark.parametrize(
    ("document", "where", "message"),
    [
        ({}, "$.flags", "got nothing"),
        ({"flags": "x"}, "$.flags", "got a string"),
        ({"flags": {"": flag()}}, "$.flags", "at least one character"),
        ({"flags": {"f": flag(defaultVariant="purple")}}, "$.flags.f.defaultVariant", "(red, green, blue)"),
        ({"flags": {"f": flag(defaultVariant=True)}}, "$.flags.f.defaultVariant", "got a boolean"),
        ({"flags": {"f": flag(defaultVariant="x", state="DISABLED")}}, "$.flags.f.defaultVariant", "got 'x'"),
        ({"flags": [flag()]}, "$.flags[0]", "`key`"),
        ({"flags": [flag(key="")]}, "$.flags[0]", "`key`"),
        ({"flags": ["f"]}, "$.flags[0]", "`key`"),
        ({"flags": [flag(key="f"), flag(key="f")]}, "$.flags[1].key", "got 'f' again"),
        ({"flags": {}, "$evaluators": []}, "$['$evaluators']", "got an array"),
        ({"flags": {}, "metadata": []}, "$.metadata", "got an array"),
        ({"flags": {}, "metadata": {"a": {}}}, "$.metadata.a", "got an object"),
    ],
)
def test_refuses_what_is_no_document(document: Any, where: str, message: str) -> None:
    """A default variant that does not exist is refused as flagd refuses it: with the whole document."""
    with pytest.raises(MalformedDocument) as caught:
        parse_document("flagd", document)
    assert caught.value.where == where
    assert message in str(caught.value)


def test_flags_may_be_an_array() -> None:
    """As the daemon takes them."""
    assert list(ruleset([flag(key="a"), flag(key="b")]).definitions) == ["a", "b"]


def test_shared_rules_stand_where_they_are_referred_to() -> None:
    """Whole, or as a part of a rule, within a lambda too."""
    evaluators = {"staff": {"ends_with": [{"var": "email"}, "@x.com"]}, "long": {">": [{"var": "n"}, 1]}}
    shared = {"$evaluators": evaluators}
    rule = {"if": [{"$ref": "staff"}, "blue", "green"]}
    assert resolved(flag(rule), {"email": "a@x.com"}, **shared).variant == "blue"
    assert resolved(flag(rule), {"email": "a@y.com"}, **shared).variant == "green"
    rule = {"if": [{"some": [{"var": "items"}, {"$ref": "long"}]}, "blue", {"if": [{"$ref": "long"}, "green"]}]}
    assert resolved(flag(rule), {"items": [{"n": 1}, {"n": 2}]}, **shared).variant == "blue"
    assert resolved(flag(rule), {"items": [{"n": 1}], "n": 2}, **shared).variant == "green"
    assert resolved(flag(rule), {}, **shared).variant == "red"


def test_a_shared_rule_knows_for_which_flag_it_is_asked() -> None:
    """One that buckets does so for each flag apart."""
    shared = {"half": {"if": [{"==": [{"var": "$flagd.flagKey"}, "a"]}, "green", "blue"]}}
    found = ruleset({key: flag({"$ref": "half"}) for key in "ab"}, **{"$evaluators": shared})
    snapshot = Snapshot(found.plain, compile_ruleset(found))
    assert [snapshot.resolve(key, EvaluationContext()).variant for key in "ab"] == ["green", "blue"]


def test_a_shared_rule_within_a_lambda_is_about_the_element() -> None:
    """Though the same rule elsewhere is about the context."""
    shared = {"mine": {"==": [{"var": "$flagd.flagKey"}, "f"]}, "late": {">": [{"var": "$flagd.timestamp"}, 1]}}
    within = {"some": [[1], {"$ref": "late"}]}
    for order in ([within, {"$ref": "late"}], [{"!": [{"$ref": "late"}]}, within]):
        rule = {"if": [{"or": order}, "green", "blue"]}
        assert resolved(flag(rule), **{"$evaluators": shared}).variant == ("green" if order[0] is within else "blue")
    rule = {"if": [{"some": [[1], {"$ref": "mine"}]}, "red", {"if": [{"$ref": "mine"}, "green", "blue"]}]}
    assert resolved(flag(rule), **{"$evaluators": shared}).variant == "green"


def test_fractional_within_a_lambda_buckets_the_element() -> None:
    """By its own targeting key, without the flag's key, which is not at hand there."""
    people = [{"targetingKey": f"user-{n}"} for n in range(20)]
    each = {"fractional": [["red", 1], ["green", 1], ["blue", 1]]}
    expected = [[*COLOURS][hashed(one["targetingKey"].encode()) * 3 >> 32] for one in people]
    for count in range(1, 20):
        rule = {"cat": [{"map": [{"var": "people"}, each]}]}
        assert resolved(flag(rule), {"people": people[count : count + 1]}).variant == expected[count]


@pytest.mark.parametrize(
    ("rule", "variant"),
    [
        ({"if": [{"==": [{"var": "$flagd.flagKey"}, "f"]}, "green"]}, "green"),
        ({"if": [{"==": [{"var": ["$flagd.nothing", 3]}, 3]}, "green"]}, "green"),
        ({"if": [{"==": [{"var": {"cat": ["$flagd", ".flagKey"]}}, "f"]}, "green"]}, "green"),
        ({"if": [{"missing": ["$flagd.flagKey"]}, "red", "green"]}, "green"),
        ({"if": [{"==": [{"var": "targetingKey"}, "user-1"]}, "green"]}, "green"),
        ({"if": [{"some": [[1], {"==": [{"var": "$flagd.flagKey"}, "f"]}]}, "blue", "green"]}, "green"),
        ({"if": [{"==": [{"var": "list.1"}, "b"]}, "green"]}, "green"),
        ({"if": [{"==": [{"var": "deep.er"}, "x"]}, "green"]}, "green"),
    ],
)
def test_rules_see_the_flag_and_the_context(rule: Any, variant: str) -> None:
    """`$flagd` overlays what the caller sends by that name; within a lambda the element is all there is."""
    context = {"targetingKey": "user-1", "$flagd": {"flagKey": "g"}, "list": ["a", "b"], "deep": {"er": "x"}}
    assert resolved(flag(rule), context).variant == variant


def test_rules_see_the_time() -> None:
    """In whole seconds since the epoch."""
    now = int(time.time())
    rule = {"if": [{"<=": [now, {"var": "$flagd.timestamp"}, now + 60]}, "green", "blue"]}
    assert resolved(flag(rule)).variant == "green"
    rule = {"if": [{"<=": [now, {"var": {"cat": ["$flagd.", "timestamp"]}}, now + 60]}, "green", "blue"]}
    assert resolved(flag(rule)).variant == "green"


@pytest.mark.parametrize(
    ("arguments", "result"),
    [
        (["1.0.0", "=", "1.0.0"], True),
        (["v1.0.0", "=", "V1"], True),
        ([1.0, "=", "1"], True),
        ([1, "=", "1.0.0"], True),
        (["1.2", "=", "1.2.0"], True),
        (["1.0.0+a", "=", "1.0.0+b"], True),
        (["1.0.0-rc", "!=", "1.0.0"], True),
        (["1.0.0-alpha", "<", "1.0.0-alpha.1"], True),
        (["1.0.0-alpha.1", "<", "1.0.0-alpha.beta"], True),
        (["1.0.0-beta.2", "<", "1.0.0-beta.11"], True),
        (["1.0.0-rc.1", "<", "1.0.0"], True),
        (["1.10.0", ">", "1.9.0"], True),
        (["2.0.0", ">=", "2.0.0"], True),
        (["2.0.1", "<=", "2.0.0"], False),
        (["99999999999999999999.0.0", ">", "9.0.0"], True),
        (["1.9.0", "^", "1.2.0"], True),
        (["1.1.0", "^", "1.2.0"], True),
        (["2.0.0", "^", "1.2.0"], False),
        (["1.2.9", "~", "1.2.5"], True),
        (["1.2.1", "~", "1.2.5"], True),
        (["1.3.0", "~", "1.2.5"], False),
        (["1.0.0", "==", "1.0.0"], None),
        (["1.0.0", 1, "1.0.0"], None),
        (["1.0.0", "=", "2.0.0.0"], None),
        (["not-a-version", "=", "1.0.0"], None),
        (["01.0.0", "=", "1.0.0"], None),
        (["1.0.0-01", "=", "1.0.0"], None),
        (["vv1.0.0", "=", "1.0.0"], None),
        (["1-rc", "=", "1.0.0"], None),
        ([True, "=", "1.0.0"], None),
        ([None, "=", "1.0.0"], None),
        (["9" * 300, "=", "1.0.0"], None),
        (["1.0.0", "="], None),
        (["1.0.0", "=", "1.0.0", "1.0.0"], None),
    ],
)
def test_sem_ver_compares_versions(arguments: list[Any], result: Any) -> None:
    """By Semantic Versioning 2.0.0; what is no version is null, so that the default variant is served."""
    name = {True: "true", False: "false", None: "default"}[result]
    switch = flag({"sem_ver": arguments}, variants={"true": 1, "false": 2, "default": 3}, defaultVariant="default")
    assert resolved(switch).variant == name


@pytest.mark.parametrize(
    ("operator", "arguments", "result"),
    [
        ("starts_with", ["abc", "ab"], True),
        ("starts_with", ["abc", "AB"], False),
        ("ends_with", ["abc", "bc"], True),
        ("ends_with", ["abc", "ab"], False),
        ("starts_with", ["abc"], None),
        ("starts_with", ["abc", "a", "b"], None),
        ("ends_with", [5, "5"], None),
        ("ends_with", ["5", 5], None),
        ("ends_with", [{"var": "nothing"}, "x"], None),
    ],
)
def test_texts_have_starts_and_ends(operator: str, arguments: list[Any], result: Any) -> None:
    """Exactly two texts, else null."""
    name = {True: "true", False: "false", None: "default"}[result]
    switch = flag({operator: arguments}, variants={"true": 1, "false": 2, "default": 3}, defaultVariant="default")
    assert resolved(switch).variant == name


def test_the_generation_of_fractional_is_chosen_by_the_format() -> None:
    """`flagd` is what the newest daemon does, `flagd-v2`; `flagd-v3` hashes otherwise."""
    split = flag({"fractional": [{"var": "n"}, ["red", 1], ["green", 1], ["blue", 1]]})
    contexts = [{"targetingKey": f"user-{n}", "n": f"{n}"} for n in range(60)]
    found = {
        name: [resolved(split, each, name).variant for each in contexts] for name in ("flagd", "flagd-v2", "flagd-v3")
    }
    assert found["flagd"] == found["flagd-v2"] != found["flagd-v3"]
    assert {*found["flagd"]} == {*found["flagd-v3"]} == {*COLOURS}
    numbers = [{**each, "n": 5} for each in contexts]
    assert {resolved(split, each, "flagd").reason for each in numbers} == {Reason.DEFAULT}
    assert {resolved(split, each, "flagd-v3").reason for each in numbers} == {Reason.TARGETING_MATCH}


def test_fractional_takes_rules_for_names_and_weights() -> None:
    """A rollout that goes by an attribute, or by the time."""
    split = flag({"fractional": [[{"var": "name"}, {"var": "weight"}], ["green", {"-": [10, {"var": "weight"}]}]]})
    context = {"targetingKey": "user-1", "name": "blue"}
    assert resolved(split, {**context, "weight": 10}).variant == "blue"
    assert resolved(split, {**context, "weight": 0}).variant == "green"
    assert resolved(split, {**context, "weight": "x"}).reason is Reason.DEFAULT
    assert resolved(split, {"name": "blue", "weight": 10}).reason is Reason.DEFAULT


def test_metadata_is_the_documents_overlaid_by_the_flags() -> None:
    """With each answer."""
    document = {"metadata": {"flagSetId": "shop", "version": "1"}}
    assert resolved(flag(metadata={"version": "2"}), **document).metadata == {"flagSetId": "shop", "version": "2"}
    assert resolved(flag(), **document).metadata == {"flagSetId": "shop", "version": "1"}
    assert resolved(flag(state="DISABLED"), **document).metadata == {"flagSetId": "shop", "version": "1"}
    assert resolved(flag(metadata={"a": True})).metadata == {"a": True}
    assert dict(resolved(flag()).metadata) == {}
    assert ruleset({}, **document).metadata == document["metadata"]


@pytest.mark.parametrize(
    ("key", "default", "code", "metadata"),
    [
        ("missing", 1, ErrorCode.FLAG_NOT_FOUND, {"flagSetId": "shop"}),
        ("broken", 1, ErrorCode.PARSE_ERROR, {"flagSetId": "shop"}),
        ("unnamed", 1, ErrorCode.GENERAL, {"flagSetId": "shop", "own": 1}),
        ("endless", 1, ErrorCode.GENERAL, {"flagSetId": "shop"}),
        ("sound", 1, ErrorCode.TYPE_MISMATCH, {"flagSetId": "shop", "own": 2}),
    ],
)
def test_errors_have_the_metadata_that_is_known(key: str, default: Any, code: ErrorCode, metadata: Any) -> None:
    """The flag's where there is one that can be understood, else the document's; layers below add nothing."""
    flags = {
        "broken": flag({"nonsense": 1}, metadata={"own": 0}),
        "unnamed": flag({"cat": "purple"}, metadata={"own": 1}),
        "endless": flag({"map": [{"var": "many"}, {"map": [{"var": ""}, 1]}]}),
        "sound": flag(metadata={"own": 2}),
    }
    source = MemorySource({"flags": flags, "metadata": {"flagSetId": "shop"}}, format="flagd")
    below = MemorySource({"flags": {}, "metadata": {"flagSetId": "other"}}, format="flagd")
    with FlagClient(source, below, cache_dir=None) as client:
        context = {"many": [[0] * 200] * 200}
        answer = client.details(key, default, context)
        assert (answer.error_code, dict(answer.metadata)) == (code, metadata)
        assert client.explain(key, context).resolution.metadata == metadata


def test_types_are_not_mixed_up_at_the_read() -> None:
    """A boolean is no number, and an object is a fresh copy."""
    flags = {"b": flag(variants=SWITCH, defaultVariant="on"), "o": flag(variants={"a": {"x": 1}}, defaultVariant="a")}
    with FlagClient(MemorySource({"flags": flags}, format="flagd"), cache_dir=None) as client:
        assert client.get_bool("b") is True
        assert client.get_float("b", 0.5) == 0.5
        assert client.details("b", 0.5).error_code is ErrorCode.TYPE_MISMATCH
        assert client.get_json("o") == {"x": 1}
        assert client.get_json("o") is not client.get_json("o")
        assert client.details("nothing", 1).error_code is ErrorCode.FLAG_NOT_FOUND


def test_a_changed_rule_is_a_changed_flag() -> None:
    """Its default variant, its targeting, its variants and its metadata; another place in the file is not."""
    base = flag({"if": [{"==": [{"var": "a"}, 1]}, "blue"]})
    others = {
        "targeting": flag({"if": [{"==": [{"var": "a"}, 2]}, "blue"]}),
        "default": {**base, "defaultVariant": "blue"},
        "variants": {**base, "variants": {**COLOURS, "x": "y"}},
        "metadata": {**base, "metadata": {"a": 1}},
        "disabled": {**base, "state": "DISABLED"},
    }

    def state(flags: dict[str, Any]) -> Snapshot:
        found = ruleset(flags)
        return Snapshot(found.plain, compile_ruleset(found))

    before = {"same": base, **dict.fromkeys(others, base)}
    assert state({"same": base, **others}).changed_from(state(before)) == set(others)


def test_many_flags_may_share_a_large_rule() -> None:
    """It is translated once, unless it is another for each flag; then a document that becomes too large is refused."""
    large = {"or": [{"==": [{"var": "a"}, index]} for index in range(2000)]}
    each = {"or": [{"==": [{"var": "$flagd.flagKey"}, index]} for index in range(2000)]}
    found = ruleset({str(n): flag({"$ref": "large"}) for n in range(1000)}, **{"$evaluators": {"large": large}})
    assert faults(found) == []
    found = ruleset({str(n): flag({"$ref": "each"}) for n in range(1000)}, **{"$evaluators": {"each": each}})
    assert "1000000 parts in all" in faults(found)[-1].message
    assert 0 < len(faults(found)) < 1000


def schemas() -> Any:
    jsonschema = pytest.importorskip("jsonschema")
    referencing = pytest.importorskip("referencing")
    if not CONFORMANCE.exists():
        pytest.skip(f"no conformance data at {CONFORMANCE}")
    loaded = {name: json.loads((CONFORMANCE / f"{name}.json").read_text()) for name in ("flags", "targeting")}
    resources = [(each["$id"], referencing.Resource.from_contents(each)) for each in loaded.values()]
    registry = referencing.Registry().with_resources(resources)
    where = f"{loaded['flags']['$id']}#/definitions"
    whole = [{"$ref": f"{where}/{name}"} for name in ("providerConfig", "flagdConfig")]
    return [jsonschema.Draft7Validator(each, registry=registry) for each in whole]


NAMES = st.sampled_from(["red", "green", "blue"])
PATHS = st.sampled_from(["email", "a.b", "list.0", "targetingKey", "$flagd.flagKey", "$flagd.timestamp"])
PRIMITIVES = st.none() | st.booleans() | st.integers(-10, 10) | NAMES | st.just([])
VERSIONS = st.sampled_from(["1.0.0", "1.2.3-rc.1", "0.1.0+b"])


def _operation(names: list[str], values: Any) -> Any:
    return st.builds(lambda name, arguments: {name: arguments}, st.sampled_from(names), values)


def _operations(inner: Any) -> Any:
    weighted = st.tuples(NAMES | inner.filter(lambda v: isinstance(v, dict)), st.integers(0, 100)).map(list)
    two = st.lists(inner, min_size=2, max_size=2)
    return st.one_of(
        _operation(["==", "===", "!=", "!==", ">", ">=", "%", "/", "in", "map", "filter", "all", "none", "some"], two),
        _operation(["<", "<=", "substr"], st.lists(inner, min_size=2, max_size=3)),
        _operation(
            ["if", "or", "and", "+", "-", "max", "min", "merge", "cat"], st.lists(inner, min_size=1, max_size=4)
        ),
        _operation(["*"], st.lists(inner, min_size=2, max_size=3)),
        _operation(["!", "!!"], inner | st.lists(inner, min_size=1, max_size=1)),
        _operation(["reduce"], st.lists(inner, min_size=3, max_size=3)),
        _operation(["starts_with", "ends_with"], st.lists(NAMES, min_size=2, max_size=2)),
        _operation(["fractional"], st.lists(weighted, min_size=1, max_size=3)),
    )


RULES = st.recursive(
    st.one_of(
        _operation(["var"], PATHS | st.tuples(PATHS, NAMES).map(list)),
        _operation(["missing"], st.lists(PATHS, max_size=3)),
        _operation(["missing_some"], st.tuples(st.integers(0, 3), st.lists(PATHS, max_size=3)).map(list)),
        _operation(["sem_ver"], st.tuples(VERSIONS, st.sampled_from(["=", "^", "~", "<"]), VERSIONS).map(list)),
        _operation(["$ref"], st.just("shared")),
    ),
    lambda inner: _operations(inner | PRIMITIVES),
    max_leaves=10,
).filter(lambda rule: "$ref" not in rule)

FLAGS = st.fixed_dictionaries(
    {"state": st.sampled_from(["ENABLED", "DISABLED"]), "variants": st.just(COLOURS)},
    optional={
        "defaultVariant": st.none() | NAMES,
        "targeting": st.just({}) | RULES,
        "metadata": st.dictionaries(st.text(), st.booleans() | st.text() | st.floats(allow_nan=False), max_size=2),
    },
)

DOCUMENTS = st.fixed_dictionaries(
    {"flags": st.dictionaries(st.text(min_size=1, max_size=5).filter(str.isprintable), FLAGS, max_size=3)},
    optional={"metadata": st.just({"flagSetId": "s", "version": "1", "n": 1}), "$schema": st.just("x")},
).map(lambda document: {**document, "$evaluators": {"shared": {"==": [{"var": "email"}, "x"]}}})


@settings(deadline=None, max_examples=150)
@given(DOCUMENTS, st.dictionaries(st.sampled_from(["email", "targetingKey", "list", "a"]), PRIMITIVES))
def test_accepts_whatever_the_schema_accepts(document: Any, attributes: Any) -> None:
    """And every flag of it answers."""
    for schema in schemas():
        schema.validate(document)
    found = parse_document("flagd", document)
    assert faults(found) == []
    snapshot = Snapshot(found.plain, compile_ruleset(found))
    context = EvaluationContext("user-1", attributes)
    for key, each in found.definitions.items():
        answer = snapshot.resolve(key, context)
        assert isinstance(each, Definition)
        if answer.reason is Reason.ERROR:  # the name of no variant
            assert answer.error_code is ErrorCode.GENERAL, answer
            assert isinstance(each.rules[0].then, Select)
            assert "variant" in str(answer.error_message)
        elif answer.variant is not None:
            assert answer.value == COLOURS[answer.variant]


@pytest.mark.parametrize(
    "flags",
    [
        {"f": {}},
        {"f": flag(state="on")},
        {"f": flag(variants={})},
        {"f": flag(variants={"a": 1, "b": "x"})},
        {"f": flag(variants={"a": [1]})},
        {"f": flag(variants={"": 1})},
        {"f": flag(defaultVariant=5)},
        {"f": flag(metadata={"a": []})},
        {"f": flag("red")},
        {"f": flag({"nonsense": 1})},
        {"f": flag({"if": [1], "or": [1]})},
        {"": flag()},
        "flags",
    ],
)
def test_refuses_what_the_schema_refuses(flags: Any) -> None:
    """The flag, or the document."""
    document = {"flags": flags}
    provider, daemon = schemas()
    assert not provider.is_valid(document)
    assert not daemon.is_valid(document)
    with suppress(MalformedDocument):
        assert faults(parse_document("flagd", document))
