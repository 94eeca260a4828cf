"""
Expressions as people read them: as the native format writes conditions, whatever dialect they came in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from flagcore.explanation import written
from flagcore.rules.model import (
    And,
    Attribute,
    Call,
    Const,
    Expression,
    FlagValue,
    If,
    InSegment,
    Lambda,
    Not,
    Or,
    Scope,
)

__all__ = ["spelled"]

#: Levels that are written out: what is deeper is `…`. Nobody reads further.
_MAX_DEPTH: Final = 12

_INFIX = frozenset(["==", "!=", "<", "<=", ">", ">=", "in", "not in", "===", "!==", "+", "-", "*", "/", "%"])


def spelled(expression: Expression, depth: int = 0) -> str:
    """
    The expression on one line.

    Args:
        expression: any.
        depth: levels around it.
    """
    if depth >= _MAX_DEPTH:
        return "…"
    text: str = _FORMS[type(expression)](expression, lambda part: spelled(part, depth + 1))
    return text


_Spell = Callable[[Expression], str]


def _call(call: Call, spell: _Spell) -> str:
    if call.operator.as_written is not None:
        call = call.operator.as_written(call)
    arguments = [spell(each) for each in call.arguments]
    if call.operator.name in _INFIX and len(arguments) == 2:
        return f"{arguments[0]} {call.operator.name} {arguments[1]}"
    return f"{call.operator.name}({', '.join(arguments)})"


def _joined(word: str, parts: tuple[Expression, ...], spell: _Spell) -> str:
    return f" {word} ".join(f"({spell(part)})" if isinstance(part, (And, Or)) else spell(part) for part in parts)


def _if(expression: If, spell: _Spell) -> str:
    branches = "; ".join(f"{spell(condition)}: {spell(value)}" for condition, value in expression.branches)
    return f"if({branches}; else: {spell(expression.otherwise)})"


_FORMS: Final[Mapping[type, Callable[[Any, _Spell], str]]] = {
    Const: lambda const, _: written(const.value),
    Attribute: lambda attribute, _: ".".join(attribute.path),
    Scope: lambda _, __: "context",
    Call: _call,
    Lambda: lambda each, spell: f"each({spell(each.body)})",
    And: lambda both, spell: _joined("and", both.parts, spell),
    Or: lambda either, spell: _joined("or", either.parts, spell),
    Not: lambda negated, spell: f"not ({spell(negated.part)})",
    If: _if,
    InSegment: lambda segment, _: f"segment({written(segment.name)})",
    FlagValue: lambda flag, _: f"flag({written(flag.key)})",
}
