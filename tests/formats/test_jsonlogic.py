from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flagcore.errors import MalformedDocument
from flagcore.formats.flagd_operators import FLAGD
from flagcore.formats.jsonlogic import MAX_EXPRESSIONS, evaluate
from flagcore.formats.jsonlogic_operators import ITERATING, PLAIN

CONFORMANCE = Path(__file__).parents[2].parent / "shared" / "conformance" / "jsonlogic" / "compatible.json"


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool) or one is None or other is None:
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    return bool(one == other)


def test_agrees_with_all_other_implementations() -> None:
    """Every case that the published suites of all implementations have in common."""
    if not CONFORMANCE.exists():
        pytest.skip(f"no conformance data at {CONFORMANCE}")
    cases = [case for case in json.loads(CONFORMANCE.read_text()) if isinstance(case, dict)]
    wrong = []
    for case in cases:
        if "error" in case:
            with pytest.raises(MalformedDocument):
                evaluate(case["rule"], case.get("data"))
        elif not _alike(evaluate(case["rule"], case.get("data")), case["result"]):
            wrong.append(case)
    assert wrong == []
    assert len(cases) == 278


@pytest.mark.parametrize(
    ("rule", "result"),
    [
        ({"==": [None, 0]}, False),
        ({"==": [None, False]}, False),
        ({"==": [None, None]}, True),
        ({"==": [None, {"var": "nothing"}]}, True),
        ({"==": [True, 1]}, True),
        ({"==": [True, "1"]}, True),
        ({"==": ["", 0]}, True),
        ({"==": [" 12 ", 12]}, True),
        ({"==": ["0x1F", 31]}, True),
        ({"==": ["1_000", 1000]}, False),
        ({"==": ["nan", "nan"]}, True),
        ({"==": [[1, 2], "1,2"]}, True),
        ({"==": [[], 0]}, True),
        ({"==": [[1], [1]]}, False),
        ({"==": [{"var": "list"}, {"var": "list"}]}, True),
        ({"!=": [1, 2]}, True),
        ({"===": [1, 1.0]}, True),
        ({"===": [1, True]}, False),
        ({"===": [None, {"var": "nothing"}]}, True),
        ({"===": [{"var": "list"}, "a,b"]}, False),
        ({"===": [{"var": "nothing"}, "a"]}, False),
        ({"===": [{"var": "list"}, ["a", "b"]]}, False),
        ({"===": [{"var": "text"}, ""]}, True),
        ({"===": [{"var": "one"}, True]}, False),
        ({"===": [{"!": [{"var": "one"}]}, False]}, True),
        ({"!==": ["1", 1]}, True),
        ({"!==": [{"var": "nothing"}, "a"]}, True),
        ({"if": [{"==": [{"var": "one"}, True]}, "yes"]}, "yes"),
        ({"in": [{"var": "list"}, ["a", "b"]]}, False),
        ({"in": [{"var": "text"}, ["a", ""]]}, True),
        ({"<": ["10", "9"]}, True),
        ({"<": ["10", 9]}, False),
        ({"<": ["apple", 1]}, False),
        ({">": ["apple", 1]}, False),
        ({"<=": ["apple", 1]}, False),
        ({">=": ["apple", 1]}, False),
        ({"<": [None, 1]}, True),
        ({"<": [1]}, False),
        ({"<=": [1, 1, 1]}, True),
        ({"<=": [1, 2, "x"]}, False),
        ({"<=": ["x", 1, 2]}, False),
        ({"<": [[2], 3]}, True),
        ({"in": [1, [True, "1"]]}, False),
        ({"in": [1, [1.0]]}, True),
        ({"in": [1, "a1"]}, True),
        ({"in": ["a", None]}, False),
        ({"in": [["a"], ["a"]]}, False),
        ({"in": [None, ["null", ""]]}, False),
        ({"in": ["20000", [str(n) for n in range(30_000)]]}, True),
        ({"in": [20_000, list(range(30_000))]}, True),
        ({"in": []}, False),
        ({"==": [1, 1, {"not": "looked at"}]}, True),
        ({"+": ["3.14abc", 1]}, 4.140000000000001),
        ({"+": []}, 0),
        ({"+": [None, 1]}, None),
        ({"*": ["2", 3]}, 6),
        ({"*": [2**53, 2**53]}, float(2**106)),
        ({"-": ["5"]}, -5),
        ({"/": [1, 0]}, None),
        ({"/": [0, 0]}, None),
        ({"/": [7, 2]}, 3.5),
        ({"%": [-5, 3]}, -2),
        ({"%": [5, 0]}, None),
        ({"%": [5.5, 2]}, 1.5),
        ({"max": []}, None),
        ({"max": ["3", 2]}, 3),
        ({"min": [True, 2]}, 1),
        ({"min": [1, "x"]}, None),
        ({"cat": [1.0, True, None, [1, [2, None]], 1e21, 1e-7, 0.00001]}, "1true1,2,1e+211e-70.00001"),
        ({"cat": [{"a": 1, "b": 2}]}, "[object Object]"),
        ({"substr": ["abc", -10, 2]}, "ab"),
        ({"substr": ["abc", 1, -9]}, ""),
        ({"substr": [12345, 1, 2]}, "23"),
        ({"merge": [{"var": "nothing"}, [1]]}, [None, 1]),
        ({"log": "x"}, "x"),
        ({"!!": [{"var": "empty"}]}, True),
        ({"!!": [[]]}, False),
        ({"!!": [{"+": ["x"]}]}, False),
        ({"!": []}, True),
        ({"and": []}, None),
        ({"or": []}, None),
        ({"if": [{}, "yes", "no"]}, "yes"),
        ({"var": "list.1"}, "b"),
        ({"var": "list.9"}, None),
        ({"var": ["list.9", "z"]}, "z"),
        ({"var": ["null", "z"]}, None),
        ({"var": ["null.a", "z"]}, "z"),
        ({"var": ["nothing", {"var": "list.0"}]}, "a"),
        ({"var": {"cat": ["li", "st"]}}, ["a", "b"]),
        ({"missing": ["list", "null", "text"]}, ["null", "text"]),
        ({"missing_some": [1, "list"]}, []),
        ({"map": [{"var": "list"}, {"var": "x"}]}, [None, None]),
        ({"map": [5, {"var": ""}]}, []),
        ({"map": [{"var": "list"}]}, [None, None]),
        ({"reduce": [{"var": "list"}, {"cat": [{"var": "accumulator"}, {"var": "current"}]}, "-"]}, "-ab"),
        ({"reduce": [[], 1]}, None),
        ({"all": [None, True]}, False),
        ({"a": 1, "b": {"var": "list"}}, {"a": 1, "b": {"var": "list"}}),
        ({}, {}),
        ({"starts_with": ["abc", "ab"]}, True),
        ({"sem_ver": ["1.2", "=", "1.2.0"]}, True),
    ],
)
def test_values_meet_as_in_ecmascript(rule: Any, result: Any) -> None:
    """What the common cases leave open is the language's that JsonLogic comes from."""
    data = {"list": ["a", "b"], "null": None, "text": "", "empty": {}, "one": 1}
    got = evaluate(rule, data)
    assert _alike(got, result), got


def test_numbers_are_those_of_a_double() -> None:
    """Whole ones are integers as far as a double is exact; what is too large for one is null."""
    assert type(evaluate({"/": [4, 2]})) is int
    assert type(evaluate({"*": [2**53, 3]})) is float
    assert type(evaluate({"+": [2**53, 1.0]})) is int
    assert evaluate({"*": [10**308, 10**308]}) is None
    assert evaluate({"+": [10**400]}) is None


def test_what_is_decided_is_not_asked_further() -> None:
    """`and`, `or` and `if` leave alone what comes after the answer."""
    heavy = {"reduce": [{"var": "x"}, {"cat": [{"var": "accumulator"}, {"var": "accumulator"}]}, "ab"]}
    assert evaluate({"or": ["first", heavy]}, {}) == "first"
    assert evaluate({"and": [0, heavy]}, {}) == 0
    assert evaluate({"if": [True, 1, heavy]}, {}) == 1


@pytest.mark.parametrize(
    ("rule", "where", "message"),
    [
        ({"unknown": [1]}, "$.unknown", "got 'unknown'"),
        ({"fractoinal": []}, "$.fractoinal", "did you mean 'fractional'"),
        ({"and": [True, {"iff": []}]}, "$.and[1].iff", "did you mean 'if'"),
        ({"map": [[1], [{"no way": 1}]]}, "$.map[1][0]['no way']", "expected an operator"),
    ],
)
def test_says_where_an_operator_is_unknown(rule: Any, where: str, message: str) -> None:
    """With its path within the rule."""
    with pytest.raises(MalformedDocument) as caught:
        evaluate(rule)
    assert caught.value.where == where
    assert message in str(caught.value)


def test_refuses_rules_that_are_too_deep_or_too_large() -> None:
    """Before anything of them is run."""
    deep: Any = 1
    for _ in range(5000):
        deep = {"!": [deep]}
    with pytest.raises(MalformedDocument, match="levels of rules"):
        evaluate(deep)
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(MalformedDocument, match="levels of rules"):
        evaluate(deep)
    with pytest.raises(MalformedDocument, match="at most 10000 parts"):
        evaluate({"+": [1] * (MAX_EXPRESSIONS + 1)})


def test_doubling_at_each_step_comes_to_an_end() -> None:
    """Texts, arrays and arrays within arrays; a number becomes infinite, which is null."""
    for body in ({"cat": [ACC, ACC]}, {"merge": [ACC, ACC]}, {"cat": [[ACC, ACC], "x"]}, {"*": [ACC, ACC]}):
        result = evaluate({"reduce": [[1] * 1000, body, 9]})
        assert result is None or len(str(result)) < 200_000, body
    for body in ([ACC, ACC], {"cat": [[ACC, ACC]]}, [[ACC]], {"==": [[ACC, ACC], "x"]}):
        rule = {"cat": [{"reduce": [[1] * 1000, body, 9]}]}
        assert len(evaluate(rule)) < 200_000, body
    wide = {"reduce": [[1] * 50, [ACC, ACC], 9]}  # 2**50 elements, 50 deep
    assert evaluate({"cat": [wide]}) == ""
    assert evaluate({"==": [wide, "9"]}) is False
    assert evaluate({"cat": [{"var": "long"}]}, {"long": ["a" * 60_000] * 5000}) == ""
    with pytest.raises(ValueError, match="at most 10000 values"):
        evaluate(wide)
    with pytest.raises(ValueError, match="at most 10000 values"):
        evaluate({"reduce": [[1] * 1000, [ACC, ACC], 9]})


ACC = {"var": "accumulator"}

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["1", " 2 ", "0x10", "1e3", "-Infinity", "1.2.3", "a", "a.0", "$flagd.flagKey"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "targetingKey"]), inner, max_size=2)
    ),
    max_leaves=6,
)

FORMS = ["var", "missing", "missing_some", "if", "?:", "and", "or", "!", "!!", "fractional"]
NAMES = st.sampled_from([*PLAIN, *ITERATING, *FLAGD, *FORMS])

RULES = st.recursive(
    VALUES.filter(lambda value: not isinstance(value, dict)),
    lambda inner: st.builds(lambda name, values: {name: values}, NAMES, st.lists(inner, max_size=4) | inner),
    max_leaves=12,
)


@settings(deadline=None, max_examples=300)
@given(RULES, VALUES)
def test_no_rule_fails_for_any_data(rule: Any, data: Any) -> None:
    """Whatever operators meet whatever values, there is a result, and it is JSON."""
    try:
        result = evaluate(rule, data)
    except ValueError as error:
        # An object of the data that happens to be like a rule; a result that a rule multiplied.
        if not {*str(error).split()} & {"operator", "values,"}:
            raise
    else:
        assert json.loads(json.dumps(result, allow_nan=False)) == result


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_written_so_that_they_read_the_same(value: float) -> None:
    """As text and back, with no exponent from 1e-6 up to 1e21."""
    written = evaluate({"cat": [value]})
    assert float(written) == value
    assert ("e" in written) is not (value == 0 or 1e-6 <= abs(value) < 1e21)
    assert evaluate({"+": [written]}) == value
