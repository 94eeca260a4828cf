"""
Expression values as Python's syntax tree.

No text of a document becomes a name or a literal of the code: whatever it says is a constant in the namespace that the
code runs in, under a name made here, such as `k3`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Any, Final, Protocol

from flagcore.resolution import ABSENT
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
    Truth,
)
from flagcore.rules.scope import KEYS, everything, reached
from flagcore.rules.shortcuts import shortcut

__all__ = ["BUDGET", "Emission", "Hand", "Linked", "Links", "called", "loaded", "stored"]

#: The argument that a read's budget is passed on by.
BUDGET: Final = "b"


@dataclass(frozen=True, slots=True)
class Linked:
    """
    A segment or a flag that code calls.

    Attributes:
        function: of the context, and of the budget if it is counted; None where `value` is all there is to it.
        value: what it always gives.
        size: expressions that calling it evaluates at most, those of lambdas apart.
        counted: whether there are lambdas in it, whose expressions are counted while it runs.
    """

    function: Callable[..., Any] | None
    value: Any = ABSENT
    size: int = 0
    counted: bool = False


class Links(Protocol):
    """
    Where code finds the segments and flags that it refers to.
    """

    def segment(self, name: str) -> Linked: ...

    def flag(self, key: str) -> Linked: ...

    def lambda_size(self, body: Expression) -> int: ...


class Hand(Protocol):
    """
    How code gets at the data at hand.
    """

    def attribute(self, emission: Emission, path: tuple[str, ...]) -> ast.expr: ...

    def scope(self, emission: Emission) -> ast.expr: ...


def loaded(name: str) -> ast.expr:
    return ast.Name(name, ast.Load())


def stored(name: str, value: ast.expr) -> ast.stmt:
    return ast.Assign([ast.Name(name, ast.Store())], value)


def called(function: ast.expr, *arguments: ast.expr) -> ast.expr:
    return ast.Call(function, list(arguments), [])


class Emission:
    """
    The code of one function, and the namespace it will run in.

    Args:
        links: the segments and flags that it may refer to.
        hand: how it gets at its data.
    """

    def __init__(self, links: Links, hand: Hand) -> None:
        self.namespace: dict[str, Any] = {}
        self.temporaries = 0
        self._links = links
        self._hand = hand
        self._names: dict[int, str] = {}

    def constant(self, value: Any) -> ast.expr:
        """
        A value of the namespace.
        """
        name = self._names.get(id(value))
        if name is None:
            # Kept by the namespace, so that its id stays its own.
            name = self._names[id(value)] = f"k{len(self.namespace)}"
            self.namespace[name] = value
        return loaded(name)

    def temporary(self) -> str:
        """
        The name of another local variable.
        """
        self.temporaries += 1
        return f"t{self.temporaries}"

    def twice(self, value: ast.expr) -> tuple[ast.expr, ast.expr]:
        """
        A value for its first use, and for those after it.
        """
        if isinstance(value, ast.Name):
            return value, value
        name = self.temporary()
        return ast.NamedExpr(ast.Name(name, ast.Store()), value), loaded(name)

    def value(self, expression: Expression) -> ast.expr:
        """
        The code that gives an expression's value.
        """
        made: ast.expr = _FORMS[type(expression)](self, expression)
        return made

    def condition(self, expression: Expression, truth: Truth | None) -> ast.expr:
        """
        The code that says whether an expression is true.
        """
        if isinstance(expression, (And, Or)) and expression.truth is truth:
            # The value is not asked for, only its truth.
            parts = [self.condition(part, truth) for part in expression.parts]
            return _joined(ast.And() if isinstance(expression, And) else ast.Or(), parts)
        value = self.value(expression)
        return value if truth is None or isinstance(expression, Not) else called(self.constant(truth), value)

    def function(self, name: str, arguments: Sequence[str], body: list[ast.stmt], optional: int = 0) -> Any:
        """
        Make the function. Its namespace does not hold it, so that both leave memory at once.
        """
        code = _compiled(name, arguments, body, optional)
        self.namespace["__builtins__"] = {}
        exec(code, self.namespace)  # noqa: S102 - a tree made here, of names made here
        del self.namespace["__builtins__"]
        return self.namespace.pop(name)

    # --- one for each kind of expression --------------------------------------------------------------------------

    def _const(self, expression: Const) -> ast.expr:
        return self.constant(expression.value)

    def _attribute(self, expression: Attribute) -> ast.expr:
        return self._hand.attribute(self, expression.path)

    def _scope(self, expression: Scope) -> ast.expr:  # noqa: ARG002 - as all of them
        return self._hand.scope(self)

    def _call(self, expression: Call) -> ast.expr:
        arguments = [self.value(each) for each in expression.arguments]
        short = shortcut(expression, arguments, self)
        return short if short is not None else called(self.constant(expression.operator.function), *arguments)

    def _lambda(self, expression: Lambda) -> ast.expr:
        outer, self._hand = self._hand, Element(self.temporary())
        try:
            body = self.value(expression.body)
            size = self._links.lambda_size(expression.body)
            spend = called(ast.Attribute(loaded(BUDGET), "spend", ast.Load()), ast.Constant(size))
            arguments = _arguments([self._hand.name], 0)
            # `spend` gives None: what counts is the body.
            return ast.Lambda(arguments, ast.BoolOp(ast.Or(), [spend, body]))
        finally:
            self._hand = outer

    def _and(self, expression: And) -> ast.expr:
        return self._chain(expression.parts, expression.truth, ast.And())

    def _or(self, expression: Or) -> ast.expr:
        return self._chain(expression.parts, expression.truth, ast.Or())

    def _chain(self, parts: tuple[Expression, ...], truth: Truth | None, operator: ast.boolop) -> ast.expr:
        if not parts:
            return ast.Constant(None)
        if truth is None:
            return _joined(operator, [self.value(part) for part in parts])
        made = self.value(parts[-1])
        for part in reversed(parts[:-1]):
            first, again = self.twice(self.value(part))
            test = called(self.constant(truth), first)
            is_and = isinstance(operator, ast.And)
            made = ast.IfExp(test, made if is_and else again, again if is_and else made)
        return made

    def _not(self, expression: Not) -> ast.expr:
        return ast.UnaryOp(ast.Not(), self.condition(expression.part, expression.truth))

    def _if(self, expression: If) -> ast.expr:
        made = self.value(expression.otherwise)
        for condition, then in reversed(expression.branches):
            made = ast.IfExp(self.condition(condition, expression.truth), self.value(then), made)
        return made

    def _in_segment(self, expression: InSegment) -> ast.expr:
        return self._linked(self._links.segment(expression.name))

    def _flag_value(self, expression: FlagValue) -> ast.expr:
        linked = self._links.flag(expression.key)
        made = self._linked(linked)
        return ast.Attribute(made, "value", ast.Load()) if linked.function is not None else made

    def _linked(self, linked: Linked) -> ast.expr:
        if linked.function is None:
            return self.constant(linked.value)
        budget = [loaded(BUDGET)] if linked.counted else []
        return called(self.constant(linked.function), loaded("c"), *budget)


_FORMS: Final[Mapping[type, Any]] = {
    Const: Emission._const,
    Attribute: Emission._attribute,
    Scope: Emission._scope,
    Call: Emission._call,
    Lambda: Emission._lambda,
    And: Emission._and,
    Or: Emission._or,
    Not: Emission._not,
    If: Emission._if,
    InSegment: Emission._in_segment,
    FlagValue: Emission._flag_value,
}


@dataclass(frozen=True, slots=True)
class Element:
    """
    Any JSON value as the data at hand, in the variable `name`.
    """

    name: str

    def attribute(self, emission: Emission, path: tuple[str, ...]) -> ast.expr:
        return called(emission.constant(reached), loaded(self.name), emission.constant(path))

    def scope(self, emission: Emission) -> ast.expr:  # noqa: ARG002 - as another hand needs it
        return loaded(self.name)


class Asking:
    """
    A context as the data at hand, in the variable `c`, its attributes in `a`.

    Args:
        often: the paths that are looked at more than once; each is looked up once, beforehand.
    """

    def __init__(self, often: Sequence[tuple[str, ...]] = ()) -> None:
        self._often = {path: f"v{index}" for index, path in enumerate(often)}

    def before(self, emission: Emission) -> list[ast.stmt]:
        """
        What is looked up beforehand.
        """
        first: list[ast.stmt] = [stored("a", ast.Attribute(loaded("c"), "_attributes", ast.Load()))]
        return first + [stored(name, self._found(emission, path)) for path, name in self._often.items()]

    def attribute(self, emission: Emission, path: tuple[str, ...]) -> ast.expr:
        return loaded(self._often[path]) if path in self._often else self._found(emission, path)

    def scope(self, emission: Emission) -> ast.expr:
        return called(emission.constant(everything), loaded("c"))

    def _found(self, emission: Emission, path: tuple[str, ...]) -> ast.expr:
        absent = emission.constant(ABSENT)
        if path[0] in KEYS:
            first, again = emission.twice(ast.Attribute(loaded("c"), "targeting_key", ast.Load()))
            is_none = ast.Compare(first, [ast.Is()], [ast.Constant(None)])
            return ast.IfExp(is_none, absent, again) if len(path) == 1 else absent
        if len(path) == 1:
            return called(ast.Attribute(loaded("a"), "get", ast.Load()), emission.constant(path[0]), absent)
        return called(emission.constant(reached), loaded("a"), emission.constant(path))


def _joined(operator: ast.boolop, parts: list[ast.expr]) -> ast.expr:
    return ast.BoolOp(operator, parts) if len(parts) > 1 else parts[0]


def _arguments(names: Sequence[str], optional: int) -> ast.arguments:
    nothing: list[ast.expr] = [ast.Constant(None)] * optional
    return ast.arguments([], [ast.arg(name) for name in names], None, [], [], None, nothing)


def _compiled(name: str, arguments: Sequence[str], body: list[ast.stmt], optional: int) -> CodeType:
    function = ast.parse(f"def {name}(): pass").body[0]
    assert isinstance(function, ast.FunctionDef)  # noqa: S101 - what the line above says
    function.args = _arguments(arguments, optional)
    function.body = body
    module = ast.fix_missing_locations(ast.Module([function], []))
    return compile(module, f"<flagcore {name}>", "exec")
