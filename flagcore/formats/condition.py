"""
Conditions: a small subset of Python's expressions, turned to the rule language's values.

    country in ["NL", "BE"] and not startswith(email, "test") and flag("payments") == "new"

Python's own parser reads them; then each node is looked at, and what is not on the list below is refused. Nothing of
the text is ever run: it becomes attributes, constants and operators of `rules.model`.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from flagcore.errors import MalformedDocument
from flagcore.formats.condition_leaf import Leaves
from flagcore.formats.condition_text import ConditionFault, scanned
from flagcore.rules import operators
from flagcore.rules.model import And, Attribute, Call, Const, Expression, FlagValue, InSegment, Not, Operator, Or
from flagcore.value import Json, kind

__all__ = ["FUNCTIONS", "Known", "parse_condition"]

_COMPARISONS: dict[type[ast.cmpop], Operator] = {
    ast.Eq: operators.EQUAL,
    ast.NotEq: operators.NOT_EQUAL,
    ast.Lt: operators.LESS,
    ast.LtE: operators.LESS_EQUAL,
    ast.Gt: operators.GREATER,
    ast.GtE: operators.GREATER_EQUAL,
    ast.In: operators.IN,
    ast.NotIn: operators.NOT_IN,
}

#: Functions of a value and of something written out: {name: operator}.
_VALUE_FUNCTIONS: dict[str, Operator] = {
    "startswith": operators.STARTSWITH,
    "endswith": operators.ENDSWITH,
    "contains": operators.CONTAINS,
    "matches": operators.MATCHES,
    "semver": operators.SEMVER,
    "in_network": operators.IN_NETWORK,
}
#: Of those, the ones that take more than a text.
_OF_ANY_LITERAL = ("contains", "in_network")
_TIME_FUNCTIONS: dict[str, Operator] = {"before": operators.BEFORE, "after": operators.AFTER}

#: How each function is written, by its name.
FUNCTIONS: dict[str, str] = {
    "startswith": 'startswith(email, "test-")',
    "endswith": 'endswith(email, "@example.com")',
    "contains": 'contains(roles, "admin")',
    "matches": 'matches(path, r"^/shop/\\d+$")',
    "semver": 'semver(app_version, ">=2.1.0")',
    "in_network": 'in_network(ip, "10.0.0.0/8")',
    "before": 'before("2027-03-01")',
    "after": 'after("2027-03-01T09:00:00Z")',
    "segment": 'segment("beta-testers")',
    "flag": 'flag("payments-v2")',
}


@dataclass(frozen=True, slots=True)
class Known:
    """
    What the conditions of a document may refer to.

    Attributes:
        flags: {key: its named variants, or None for a flag without}.
        segments: their names.
        used: filled while parsing: the names of the segments that were referred to.
    """

    flags: Mapping[str, Mapping[str, Json] | None] = field(default_factory=dict)
    segments: frozenset[str] = frozenset()
    used: set[str] = field(default_factory=set)


def parse_condition(text: object, where: str, known: Known) -> Expression:
    """
    The expression that `text` says; it gives True or False for any context.

    Args:
        text: the condition, at most `condition_text.MAX_LENGTH` characters.
        where: its JSON path, for errors.
        known: the flags and segments of its document.

    Raises:
        MalformedDocument: it is no string, holds what a condition can't hold, or refers to what is not there. The
            message has the column inside the condition, from 1.

    Source: the Python language reference, "Expressions", for syntax and precedence; what is allowed is flagcore's own.
    """
    if not isinstance(text, str):
        raise MalformedDocument(f"expected a condition as a string, got {kind(text)}", where=where)
    try:
        # Whole lines, so that the parser's byte offsets are those of `text`; it takes no white space in front.
        line = scanned(text)
        margin = len(line) - len(line.lstrip())
        return _Parser(line, margin, known).condition(_tree(line, margin))
    except ConditionFault as fault:
        raise MalformedDocument(f"{fault.message} ({_position(text, fault.index)})", where=where) from None


def _tree(line: str, margin: int) -> ast.expr:
    try:
        return ast.parse(line[margin:], mode="eval").body
    except SyntaxError as error:
        index = margin + max((error.offset or 1) - 1, 0)
        single = "; equality is written ==" if line[index : index + 1] == "=" else ""
        raise ConditionFault(f"expected a condition, got {error.msg}{single}", min(index, len(line) - 1)) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise ConditionFault(f"expected a simpler condition, got {type(error).__name__} from its parser") from None


def _position(text: str, index: int) -> str:
    before = text[:index]
    line = before.count("\n") + 1
    column = index - (before.rfind("\n") + 1) + 1
    return f"column {column} of the condition" if "\n" not in text.strip() else f"line {line}, column {column} of it"


class _Parser:
    """
    One condition's tree on its way to an expression. `condition` gives what is true or false, `term` what is compared.
    """

    def __init__(self, line: str, margin: int, known: Known) -> None:
        self._leaves = Leaves(line[margin:], margin)
        self._known = known

    def condition(self, node: ast.expr) -> Expression:
        if isinstance(node, ast.BoolOp):
            parts = tuple(self.condition(each) for each in node.values)
            return And(parts) if isinstance(node.op, ast.And) else Or(parts)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return Not(self.condition(node.operand))
        if isinstance(node, ast.Compare):
            return self._comparison(node)
        if isinstance(node, ast.Constant) and isinstance(node.value, bool):
            return Const(node.value)
        if isinstance(node, ast.Call) and self._name(node) != "flag":
            return self._call(node)
        if isinstance(node, (ast.Name, ast.Attribute, ast.Call)):
            # A value alone: `beta` is `beta == True`.
            return Call(operators.EQUAL, (self.term(node), Const(True)))
        raise self._leaves.fault(node, f'expected a condition such as plan == "free", got {self._leaves.spelled(node)}')

    def term(self, node: ast.expr) -> Expression:
        if isinstance(node, (ast.Name, ast.Attribute)):
            return Attribute(self._leaves.path(node))
        if isinstance(node, ast.Call):
            if self._name(node) != "flag":
                raise self._leaves.fault(node, f"expected a value to compare, got the condition {self._name(node)}(…)")
            return FlagValue(self._flag(node))
        return Const(self._leaves.literal(node))

    def _comparison(self, node: ast.Compare) -> Expression:
        operands = [node.left, *node.comparators]
        steps = [
            self._step(operands[number], operator, operands[number + 1]) for number, operator in enumerate(node.ops)
        ]
        return steps[0] if len(steps) == 1 else And(tuple(steps))

    def _step(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> Expression:
        found = _COMPARISONS.get(type(operator))
        if found is None:
            raise self._leaves.fault(right, "expected == or !=, got `is`")
        is_membership = isinstance(operator, (ast.In, ast.NotIn))
        if is_membership and isinstance(right, ast.Constant):
            raise self._leaves.fault(
                right, f"expected a list such as [1, 2], got {self._leaves.spelled(right)}; see also contains()"
            )
        one, other = self.term(left), self.term(right)
        if is_membership and isinstance(one, Const) and isinstance(other, Const):
            raise self._leaves.fault(left, "expected an attribute to look for, got a literal")
        return Call(found, (self._variant(one, other, left), self._variant(other, one, right)))

    def _variant(self, term: Expression, other: Expression, node: ast.expr) -> Expression:
        # A flag with named variants is compared by their names, as everywhere in the document: the name's payload is
        # what the flag will give.
        variants = self._known.flags.get(other.key) if isinstance(other, FlagValue) else None
        if variants is None or not isinstance(term, Const):
            return term
        if isinstance(term.value, list):
            return Const([self._payload(each, variants, node) for each in term.value])
        return Const(self._payload(term.value, variants, node))

    def _payload(self, name: Json, variants: Mapping[str, Json], node: ast.expr) -> Json:
        if isinstance(name, str) and name in variants:
            return variants[name]
        raise self._leaves.fault(node, f"expected the name of a variant ({', '.join(variants)}), got {name!r}")

    def _call(self, node: ast.Call) -> Expression:
        name = self._name(node)
        if name == "segment":
            return InSegment(self._segment(node))
        if name in _VALUE_FUNCTIONS:
            return self._value_call(node, name)
        return self._time_call(node, name)

    def _value_call(self, node: ast.Call, name: str) -> Expression:
        value, argument = self._arguments(node, name, 2)
        written = self._leaves.literal(argument)
        if name not in _OF_ANY_LITERAL and not isinstance(written, str):
            raise self._leaves.fault(argument, f"expected a string, as in {FUNCTIONS[name]}, got {kind(written)}")
        return self._checked(argument, Call(_VALUE_FUNCTIONS[name], (self.term(value), Const(written))))

    def _time_call(self, node: ast.Call, name: str) -> Expression:
        *values, argument = self._arguments(node, name, 1, 2)
        written = Const(self._leaves.literal(argument))
        return self._checked(argument, Call(_TIME_FUNCTIONS[name], (*map(self.term, values), written)))

    def _checked(self, node: ast.expr, call: Call) -> Expression:
        try:
            operators.check_call(call)
        except MalformedDocument as error:
            raise self._leaves.fault(node, error.message) from None
        return call

    def _flag(self, node: ast.Call) -> str:
        return self._reference(node, "flag", self._known.flags)

    def _segment(self, node: ast.Call) -> str:
        name = self._reference(node, "segment", dict.fromkeys(self._known.segments))
        self._known.used.add(name)
        return name

    def _reference(self, node: ast.Call, what: str, there: Mapping[str, Any]) -> str:
        (argument,) = self._arguments(node, what, 1)
        name = argument.value if isinstance(argument, ast.Constant) else None
        if not isinstance(name, str):
            raise self._leaves.fault(
                argument, f"expected a name in quotes, as in {FUNCTIONS[what]}, got {self._leaves.spelled(argument)}"
            )
        if name not in there:
            raise self._leaves.fault(argument, f"expected a {what} of this document, got {name!r}{_hint(name, there)}")
        return name

    def _arguments(self, node: ast.Call, name: str, *counts: int) -> list[ast.expr]:
        if node.keywords or len(node.args) not in counts:
            expected = " or ".join(map(str, counts))
            came = "a named one" if node.keywords else len(node.args)
            example = FUNCTIONS[name]
            raise self._leaves.fault(
                node, f"expected {expected} argument{'s' * (expected != '1')}, as in {example}, got {came}"
            )
        return node.args

    def _name(self, node: ast.Call) -> str:
        called = node.func
        if isinstance(called, ast.Attribute) and called.attr in FUNCTIONS:
            raise self._leaves.fault(called, f"expected {FUNCTIONS[called.attr]}, got a call of an attribute")
        if not isinstance(called, ast.Name):
            raise self._leaves.fault(
                called, f"expected one of {', '.join(FUNCTIONS)}, got a call of {self._leaves.spelled(called)}"
            )
        if called.id not in FUNCTIONS:
            came = f"got {called.id!r}{_hint(called.id, FUNCTIONS)}"
            raise self._leaves.fault(called, f"expected one of {', '.join(FUNCTIONS)}, {came}")
        return called.id


def _hint(name: str, there: Mapping[str, Any]) -> str:
    close = get_close_matches(name, there, 1)
    return f"; did you mean {close[0]!r}?" if close else ""
