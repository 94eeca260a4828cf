from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flagcore import EvaluationContext, Flags
from flagcore.resolution import ABSENT, ErrorCode, Reason
from flagcore.rules.budget import LIMIT, Failure
from flagcore.rules.compiler import compile_expression, compile_ruleset
from flagcore.rules.model import (
    And,
    Attribute,
    Call,
    Choice,
    Const,
    Definition,
    Expression,
    FlagValue,
    If,
    InSegment,
    Lambda,
    Not,
    Operator,
    Or,
    Rollout,
    Rule,
    Ruleset,
    Scope,
    Select,
    Split,
)
from flagcore.rules.operators import (
    CONTAINS,
    ENDSWITH,
    EQUAL,
    GREATER,
    GREATER_EQUAL,
    IN,
    LESS,
    LESS_EQUAL,
    MATCHES,
    NOT_EQUAL,
    NOT_IN,
    SEMVER,
    STARTSWITH,
)
from flagcore.snapshot import Snapshot


def _loose(value: Any) -> bool:
    return value not in (None, ABSENT, "", 0, False)


MAPPED = Operator(
    "map", lambda items, each: [each(item) for item in items] if isinstance(items, list) else ABSENT, "test"
)
BINARY = [
    EQUAL, NOT_EQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL,
    IN, NOT_IN, STARTSWITH, ENDSWITH, CONTAINS, MATCHES, SEMVER,
]  # fmt: skip
WORDS = st.sampled_from(["a", "b", "ab", "ba", "", "1", "1.0.0", ">=1.0.0", "\ud800"])
SCALARS = st.none() | st.booleans() | st.sampled_from([0, 1, 2, -1, 1.0, 0.5]) | WORDS
LISTS = st.lists(WORDS, max_size=12) | st.lists(SCALARS, max_size=3)
VALUES = SCALARS | LISTS | st.dictionaries(st.sampled_from("xy"), SCALARS, max_size=2)
PATHS = st.sampled_from(
    [("x",), ("y",), ("z",), ("x", "y"), ("targeting_key",), ("targetingKey",), ("targetingKey", "x")]
)
LEAVES: st.SearchStrategy[Expression] = (
    VALUES.map(Const) | PATHS.map(Attribute) | st.just(Scope()) | st.just(InSegment("s")) | st.just(InSegment("none"))
    | st.sampled_from(["plain", "other", "broken", "none"]).map(FlagValue)
)  # fmt: skip
TRUTHS = st.sampled_from([None, _loose])


def branches(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    parts = st.lists(inner, min_size=1, max_size=3).map(tuple)
    pairs = st.lists(st.tuples(inner, inner), min_size=1, max_size=2).map(tuple)
    return (
        st.builds(lambda operator, one, other: Call(operator, (one, other)), st.sampled_from(BINARY), inner, inner)
        | st.builds(lambda operator, path, value: Call(operator, (Attribute(path), Const(value))),
                    st.sampled_from(BINARY), PATHS, SCALARS | LISTS)
        | st.builds(lambda items, body: Call(MAPPED, (items, Lambda(body))), inner, inner)
        | st.builds(And, parts, TRUTHS)
        | st.builds(Or, parts, TRUTHS)
        | st.builds(Not, inner, TRUTHS)
        | st.builds(If, pairs, inner, TRUTHS)
    )  # fmt: skip


COMPARISONS: st.SearchStrategy[Expression] = st.builds(
    lambda operator, path, value: Call(operator, (Attribute(path), Const(value))),
    st.sampled_from(BINARY), st.sampled_from([("x",), ("y",), ("targeting_key",)]), SCALARS | LISTS,
)  # fmt: skip
EXPRESSIONS = COMPARISONS | st.recursive(COMPARISONS | LEAVES, branches, max_leaves=8)
WHO: st.SearchStrategy[Expression] = st.sampled_from([Attribute(("targeting_key",)), Attribute(("x",))])
CHOICES = st.builds(Choice, SCALARS, st.none() | st.just("v"))
PERCENT = st.sampled_from([0, 10, 50, 99.99, 100]).map(Const) | EXPRESSIONS
SERVED = (
    CHOICES
    | st.builds(Rollout, CHOICES, PERCENT, WHO | EXPRESSIONS, st.sampled_from(["s", "t"]))
    | st.builds(
        Split,
        st.lists(st.tuples(CHOICES, st.integers(0, 5)), min_size=1, max_size=3)
        .filter(lambda each: any(weight for _, weight in each)).map(tuple),
        WHO | EXPRESSIONS, st.sampled_from(["s", "t"]),
    )
    | st.builds(Select, EXPRESSIONS, st.dictionaries(WORDS, CHOICES, max_size=3),
                st.just(lambda value: value if isinstance(value, str) else None))
)  # fmt: skip
RULES = st.lists(st.builds(Rule, st.none() | EXPRESSIONS, SERVED), min_size=1, max_size=3).map(tuple)
IDS = st.sampled_from(["a", "b", "1"])
OVERRIDES = st.dictionaries(st.lists(IDS, min_size=1, max_size=2).map(tuple), CHOICES, max_size=3)
DEFINITIONS = st.builds(Definition, CHOICES, rules=RULES) | st.builds(
    Definition, CHOICES, OVERRIDES, rules=RULES, reason=st.sampled_from([None] * 9 + [Reason.UNKNOWN])
)
ATTRIBUTES = st.fixed_dictionaries({"x": VALUES}, optional={"y": VALUES, "z": VALUES | st.integers()})
CONTEXTS = st.builds(EvaluationContext, st.none() | WORDS, ATTRIBUTES | st.just({}))
OTHER = Definition(Choice("a"), rules=(Rule(Call(EQUAL, (Attribute(("x",)), Const("a"))), Choice(2)),))
BROKEN = Definition(Choice("a"), rules=(Rule(Const(True), Select(Const("no"), {}, str)),))


def ruleset(definition: Definition, segment: Expression = Const(True)) -> Ruleset:  # noqa: B008 - a frozen value
    flags = {"f": definition, "other": OTHER, "broken": BROKEN}
    return Ruleset({"plain": [1]}, flags, ("x", "y"), {"s": segment})


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and (one == other or repr(one) == repr(other))


@settings(max_examples=400)
@given(DEFINITIONS, LEAVES.filter(lambda each: not isinstance(each, (InSegment, FlagValue))), CONTEXTS)
def test_compiled_answers_are_those_of_a_plain_walk(
    definition: Definition, segment: Expression, context: EvaluationContext
) -> None:
    """The same value, variant, reason and error, for any rules and any context; and compiling is what answers."""
    thunk: Any = compile_ruleset(ruleset(definition, segment))["f"]
    walked, steps = thunk.explain(context)
    try:
        compiled = thunk.decider()(context)
    except UnicodeEncodeError:  # half a surrogate pair
        compiled = thunk(context)
    assert _same(compiled.value, walked.value)
    assert (compiled.variant, compiled.reason, compiled.error_code) == (
        walked.variant,
        walked.reason,
        walked.error_code,
    )
    assert [step.decided for step in steps].count(True) == 1


SAMPLES: list[Any] = [None, True, False, 0, 1, 2, 1.0, "", "a", "ab", "1", ["a", "b"], [1, "a"], [], {"a": 1}]
SAMPLES.append(["a"] * 9)


@pytest.mark.parametrize("operator", BINARY, ids=lambda each: each.name)
def test_what_is_compiled_in_place_is_what_the_operator_says(operator: Operator) -> None:
    """With an attribute on the left and a constant on the right, as most conditions are."""
    for constant in SAMPLES:
        condition = Call(operator, (Attribute(("x",)), Const(constant)))
        rules = (Rule(condition, Choice(1)), Rule(Not(condition), Choice(0)))
        thunk: Any = compile_ruleset(ruleset(Definition(Choice(-1), rules=rules)))["f"]
        for value in (ABSENT, *SAMPLES):
            context = EvaluationContext("u", {} if value is ABSENT else {"x": value})
            assert thunk.decider()(context).value == int(operator.function(value, constant)), (value, constant)


@settings(max_examples=200)
@given(EXPRESSIONS, VALUES)
def test_a_compiled_expression_gives_what_its_parts_do(expression: Expression, data: Any) -> None:
    """For any JSON value as the data at hand, as within a lambda of one element."""
    within = compile_expression(Call(MAPPED, (Const([data]), Lambda(expression))))
    assert repr(within(None)) == repr([compile_expression(expression)(data)])


@given(DEFINITIONS, CONTEXTS)
def test_no_read_raises(definition: Definition, context: EvaluationContext) -> None:
    """Through a snapshot, where faults become answers."""
    rules = ruleset(definition)
    snapshot = Snapshot(rules.plain, compile_ruleset(rules), hierarchy=rules.hierarchy)
    snapshot.resolve("f", context)
    along = snapshot.resolve_along("f", ["a", "b"][: len(snapshot.hierarchy)], Flags(snapshot, context))
    laid = context.merged(dict(zip(snapshot.hierarchy, "ab", strict=False)))
    assert along == snapshot.resolve("f", laid)
    explanation = snapshot.explain("f", context)
    assert str(explanation)
    assert explanation.as_dict()["key"] == "f"


@given(DEFINITIONS)
def test_equal_definitions_make_equal_thunks(definition: Definition) -> None:
    """So that a change is told where there is one."""
    assert compile_ruleset(ruleset(definition))["f"] == compile_ruleset(ruleset(definition))["f"]


def _loop(items: int) -> Expression:
    each = Lambda(Call(EQUAL, (Scope(), Const(1))))
    return Call(MAPPED, (Const([1] * items), each))


def test_a_read_evaluates_a_bounded_number_of_expressions() -> None:
    """Through loops as well: beyond the limit the flag answers with GENERAL."""

    def answer(condition: Expression) -> Any:
        definition = Definition(Choice(0), rules=(Rule(condition, Choice(1)),))
        thunk: Any = compile_ruleset(ruleset(definition, _loop(LIMIT // 6)))["f"]
        try:
            return thunk.decider()(EvaluationContext())
        except Failure:
            return thunk(EvaluationContext())

    assert answer(_loop(LIMIT // 4)).value == 1
    assert answer(_loop(LIMIT)).error_code is ErrorCode.GENERAL
    # Each is small enough alone; the budget is the read's.
    assert answer(InSegment("s")).value == 1
    assert answer(Call(MAPPED, (Const([1] * 3), Lambda(InSegment("s"))))).error_code is ErrorCode.GENERAL
    assert answer(And((InSegment("s"), InSegment("s"), InSegment("s")))).error_code is ErrorCode.GENERAL


def test_large_rules_are_counted_as_they_are_walked() -> None:
    """Thousands of rules are no fault as long as a read doesn't come to all of them."""
    rules = tuple(Rule(Call(EQUAL, (Attribute(("x",)), Const(number))), Choice(number)) for number in range(LIMIT))
    thunk = compile_ruleset(ruleset(Definition(Choice(-1), rules=rules)))["f"]
    assert thunk(EvaluationContext(None, {"x": 100})).value == 100
    assert thunk(EvaluationContext(None, {"x": LIMIT - 1})).error_code is ErrorCode.GENERAL


def test_segments_that_double_do_not_explode() -> None:
    """Thirty segments, each asking the one before twice: a thousand million questions."""
    segments: dict[str, Expression] = {"s0": Call(EQUAL, (Attribute(("x",)), Const(1)))}
    for number in range(1, 30):
        segments[f"s{number}"] = And((Not(InSegment(f"s{number - 1}")), Not(InSegment(f"s{number - 1}"))))
    definition = Definition(Choice(0), rules=(Rule(InSegment("s29"), Choice(1)),))
    thunk = compile_ruleset(Ruleset({}, {"f": definition}, segments=segments))["f"]
    assert thunk(EvaluationContext(None, {"x": 1})).error_code in (ErrorCode.GENERAL, None)
