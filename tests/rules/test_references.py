from __future__ import annotations

from typing import Any

import pytest

from flagcore import EvaluationContext, MemorySource
from flagcore.errors import MalformedDocument
from flagcore.resolution import ErrorCode
from flagcore.rules.compiler import compile_ruleset
from flagcore.rules.model import (
    And,
    Attribute,
    Choice,
    Const,
    Definition,
    Expression,
    Fault,
    FlagValue,
    InSegment,
    Not,
    Rule,
    Ruleset,
)
from flagcore.rules.references import MAX_CHAIN, MAX_DEPTH, MAX_SIZE, bounded, check_cycles


def when(condition: Expression) -> Definition:
    return Definition(Choice(False), rules=(Rule(condition, Choice(True)),))


def test_a_cycle_is_named() -> None:
    """With the whole way round."""
    flags = {"a": when(FlagValue("b")), "b": when(Not(FlagValue("c"))), "c": when(FlagValue("a"))}
    with pytest.raises(MalformedDocument, match="a → b → c → a"):
        check_cycles(Ruleset({}, flags))


def test_a_cycle_through_segments_is_named() -> None:
    """Flags and segments are told apart."""
    ruleset = Ruleset({}, {"a": when(InSegment("s"))}, segments={"s": FlagValue("a")})
    with pytest.raises(MalformedDocument, match="segment s → flag a → segment s"):
        check_cycles(ruleset)


def test_what_meets_again_is_no_cycle() -> None:
    """Two ways to the same flag, and references to what is not there."""
    both = when(And((FlagValue("b"), FlagValue("c"))))
    flags = {"a": both, "b": when(FlagValue("d")), "c": when(FlagValue("d")), "d": when(InSegment("nowhere"))}
    check_cycles(Ruleset({}, flags))


def test_a_cycle_that_nobody_looked_for_makes_no_read_hang() -> None:
    """A ruleset made by hand: the flag answers with the cycle's name."""
    thunks = compile_ruleset(Ruleset({}, {"a": when(FlagValue("b")), "b": when(FlagValue("a"))}))
    answer = thunks["a"](EvaluationContext())
    assert answer.error_code is ErrorCode.GENERAL
    assert "a → b → a" in str(answer.error_message)


@pytest.mark.parametrize("length", [MAX_CHAIN + 1, 5_000])
def test_a_chain_that_is_too_long_is_refused(length: int) -> None:
    """Each flag takes some of the reader's stack."""
    flags = {f"f{number}": when(FlagValue(f"f{number + 1}")) for number in range(length)}
    with pytest.raises(MalformedDocument, match=f"at most {MAX_CHAIN}"):
        check_cycles(Ruleset({}, flags))


def nested(levels: int) -> Expression:
    expression: Expression = Attribute(("x",))
    for _ in range(levels):
        expression = Not(expression)
    return expression


def test_a_flag_that_is_too_deep_or_too_large_spoils_itself() -> None:
    """And no other."""
    large = And((Const(True),) * MAX_SIZE)
    flags = {"deep": when(nested(100_000)), "large": when(large), "fine": when(nested(MAX_DEPTH - 2))}
    found: dict[str, Any] = dict(bounded(Ruleset({}, flags)).definitions)
    assert isinstance(found["deep"], Fault)
    assert isinstance(found["large"], Fault)
    assert found["fine"] is flags["fine"]
    assert compile_ruleset(Ruleset({}, found))["deep"](EvaluationContext()).error_code is ErrorCode.PARSE_ERROR


def test_the_deepest_flag_there_may_be_is_answered() -> None:
    """Compiling it does not exhaust the stack."""
    thunk = compile_ruleset(Ruleset({}, {"f": when(nested(MAX_DEPTH - 1))}))["f"]
    assert thunk(EvaluationContext(None, {"x": True})).value is bool((MAX_DEPTH - 1) % 2 == 0)


def test_a_document_with_a_cycle_is_refused() -> None:
    """Where it comes in."""
    flags = {
        each: {"value": False, "rules": [{"if": f'flag("{other}")', "value": True}]} for each, other in ("ab", "ba")
    }
    with pytest.raises(MalformedDocument, match="a → b → a"):
        MemorySource({"flags": flags})
