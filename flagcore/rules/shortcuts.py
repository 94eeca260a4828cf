"""
Operators that Python has itself, where it gives exactly what the operator does: no call, and half the time of a read.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, Final, Protocol

from flagcore.resolution import ABSENT
from flagcore.rules.model import Call, Const
from flagcore.rules.operators import (
    ENDSWITH,
    EQUAL,
    GREATER,
    GREATER_EQUAL,
    IN,
    LESS,
    LESS_EQUAL,
    NOT_EQUAL,
    NOT_IN,
    STARTSWITH,
)

__all__ = ["Namespace", "shortcut"]

#: Strings of a list that are compared one by one; in longer lists a set finds them sooner.
_FEW: Final = 8


class Namespace(Protocol):
    """
    What the code is made with.
    """

    def constant(self, value: Any) -> ast.expr: ...

    def twice(self, value: ast.expr) -> tuple[ast.expr, ast.expr]: ...


_Form = Callable[[ast.expr, Any, Namespace], "ast.expr | None"]


def shortcut(call: Call, arguments: list[ast.expr], namespace: Namespace) -> ast.expr | None:
    """
    The code for a call whose last argument is a constant of the document; None where only the operator will do.
    """
    form = _FORMS.get(id(call.operator))
    if form is None or len(arguments) != 2:
        return None
    if not isinstance(call.arguments[1], Const) or isinstance(call.arguments[0], Const):
        return None
    return form(arguments[0], call.arguments[1].value, namespace)


def _equal(value: ast.expr, constant: Any, namespace: Namespace) -> ast.expr | None:
    if constant is None or constant is True or constant is False:
        return ast.Compare(value, [ast.Is()], [ast.Constant(constant)])
    if isinstance(constant, str):
        # Whatever is no string is unequal to one, ABSENT among it.
        return ast.Compare(value, [ast.Eq()], [namespace.constant(constant)])
    return None


def _not_equal(value: ast.expr, constant: Any, namespace: Namespace) -> ast.expr | None:
    if not isinstance(constant, str):
        return None
    first, again = namespace.twice(value)
    return _both(_is_text(first, namespace), ast.Compare(again, [ast.NotEq()], [namespace.constant(constant)]))


def _in(value: ast.expr, constant: Any, namespace: Namespace) -> ast.expr | None:
    if not _all_text(constant):
        return None
    if len(constant) <= _FEW:
        return ast.Compare(value, [ast.In()], [namespace.constant(tuple(constant))])
    first, again = namespace.twice(value)
    among = ast.Compare(again, [ast.In()], [namespace.constant(frozenset(constant))])
    return _both(_is_text(first, namespace), among)


def _not_in(value: ast.expr, constant: Any, namespace: Namespace) -> ast.expr | None:
    if not _all_text(constant) or len(constant) > _FEW:
        return None
    first, again = namespace.twice(value)
    there = ast.Compare(first, [ast.IsNot()], [namespace.constant(ABSENT)])
    return _both(there, ast.Compare(again, [ast.NotIn()], [namespace.constant(tuple(constant))]))


def _startswith(value: ast.expr, constant: Any, namespace: Namespace) -> ast.expr | None:
    return _method("startswith", value, constant, namespace)


def _endswith(value: ast.expr, constant: Any, namespace: Namespace) -> ast.expr | None:
    return _method("endswith", value, constant, namespace)


def _method(name: str, value: ast.expr, constant: Any, namespace: Namespace) -> ast.expr | None:
    if not isinstance(constant, str):
        return None
    first, again = namespace.twice(value)
    applied = ast.Call(ast.Attribute(again, name, ast.Load()), [namespace.constant(constant)], [])
    return _both(_is_text(first, namespace), applied)


def _ordered(sign: ast.cmpop) -> _Form:
    def form(value: ast.expr, constant: Any, namespace: Namespace) -> ast.expr | None:
        first, again = namespace.twice(value)
        compared = ast.Compare(again, [sign], [namespace.constant(constant)])
        if isinstance(constant, str):
            return _both(_is_text(first, namespace), compared)
        if type(constant) not in (int, float):
            return None
        is_number = ast.Call(namespace.constant(isinstance), [first, namespace.constant((int, float))], [])
        kind = ast.Attribute(again, "__class__", ast.Load())
        is_no_boolean = ast.Compare(kind, [ast.IsNot()], [namespace.constant(bool)])
        return ast.BoolOp(ast.And(), [is_number, is_no_boolean, compared])

    return form


def _is_text(value: ast.expr, namespace: Namespace) -> ast.expr:
    return ast.Call(namespace.constant(isinstance), [value, namespace.constant(str)], [])


def _both(one: ast.expr, other: ast.expr) -> ast.expr:
    return ast.BoolOp(ast.And(), [one, other])


def _all_text(constant: Any) -> bool:
    return isinstance(constant, list) and all(isinstance(each, str) for each in constant)


# By identity: another dialect's operator of the same name is another.
_FORMS: Final[dict[int, _Form]] = {
    id(EQUAL): _equal,
    id(NOT_EQUAL): _not_equal,
    id(IN): _in,
    id(NOT_IN): _not_in,
    id(STARTSWITH): _startswith,
    id(ENDSWITH): _endswith,
    id(LESS): _ordered(ast.Lt()),
    id(LESS_EQUAL): _ordered(ast.LtE()),
    id(GREATER): _ordered(ast.Gt()),
    id(GREATER_EQUAL): _ordered(ast.GtE()),
}
