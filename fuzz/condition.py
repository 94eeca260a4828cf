"""
The condition parser against any text: what it takes can do nothing but look at a context.

`once` holds it to a list of its own: which of Python's syntax may have been taken, what it may have become, and that
evaluating it reaches nothing else. The list is written out here a second time, so that a slip in the parser's is seen.
"""

from __future__ import annotations

import ast
import re
import sys
import warnings
from functools import cache
from typing import Any

from flagcore import EvaluationContext
from flagcore.errors import MalformedDocument
from flagcore.formats.condition import Known, parse_condition
from flagcore.resolution import ABSENT, Resolution
from flagcore.rules import operators
from flagcore.rules.model import (
    And,
    Attribute,
    Call,
    Choice,
    Const,
    Definition,
    Expression,
    FlagValue,
    InSegment,
    Not,
    Or,
    Rule,
    Ruleset,
)
from flagcore.rules.program import Program
from flagcore.rules.walk import Walk
from flagcore.thunk import Decide

__all__ = ["SEEDS", "once"]

#: Conditions of every kind, and what people have tried on parsers like this one.
SEEDS = (
    b'country in ["NL", "BE"] and not startswith(email, "test") or flag("payments") == "new"',
    b"18 <= user.age < 65 and (plan != 'free' or beta) and \"admin\" in roles",
    b'matches(path, r"^/shop/\\d+$") or semver(app, ">=2.1.0 <3.0.0") or in_network(ip, ["10.0.0.0/8", "::1"])',
    b'after("2027-03-01T09:00:00Z") and before(signup, "2027-03-01") or contains(roles, -1.5e3)',
    b'segment("beta-testers") and flag("size") in ["small", "large"] and a == "\\x41\\u00e9\\n"',
    b'__import__("os").system("true")',
    b"().__class__.__base__.__subclasses__()[0]",
    b'startswith.__globals__["x"] == startswith(a, "b").__class__',
    b"[x for x in (lambda: y)()] if a else {**b} | {c: d} @ e",
    b'f"{a!r:>{b}}" == b"c" "d" and (a := 1) and a[0] is not None',
    *(b'__import__("2027-03-01")', b'eval(a, "x")', b'open("payments")', b'a.startswith(b, "x")', b"a is not None"),
    *(b"a[0] == 1", b"a == b'x'", b"a == 1j", b"a == ...", b"a == -b", b"a + 1 == 2", b"(a := 1) == 1", b"a == {}"),
    *(
        b'endswith(a, "x", b=1)',
        b'contains(*a, "x")',
        b"a == (yield)",
        b"a == [b for b in c]",
        b"().a == 1",
        b"a(b) == 1",
    ),
    b"a.b\xc2\xa0\n\t and \xe2\x84\xb5 == \xf0\x9d\x92\xb6 or not -1 < - -1 or 0x1f == 1_0 == 1j == ...",
)

#: The pieces that a text is made of where its first byte is one that no UTF-8 begins with: each further byte is worth a
#: whole word then.
_PIECES = (
    *"()[]{},.:=<>!+-*/%&|^~@#\\'\"\n\t;$`?",
    *("==", "!=", "<=", ">=", " in ", " not in ", " is ", " and ", " or ", " not ", ":=", "**", "->", "//", "..."),
    *(" if ", " else ", " for ", " lambda ", " await ", " yield ", " from ", " import ", " as ", " async "),
    *("startswith", "endswith", "contains", "matches", "semver", "in_network", "before", "after", "segment", "flag"),
    *("__import__", "__class__", "__globals__", "__builtins__", "eval", "exec", "open", "getattr", "os", "print"),
    *("a", "b.c", "user.plan", "targeting_key", "é", "ℵ", "\U0001d4b6", "_", "__", "None", "True", "False", "null"),
    *("0", "1", "-1", "2.5", "1e9", "1e999", "0x1f", "0b1", "1_0", "1j", "007", "5.", ".5", "1or"),
    *('"x"', "'y'", '"small"', '"payments"', '"beta-testers"', 'r"\\d+"', 'f"{a}"', 'b"x"', 'u"x"', '"""', "'''"),
    *('"\\x41"', '"\\N{DASH}"', '"\\ud800"', '"10.0.0.0/8"', '">=2.1.0"', '"2027-03-01"', '"(a+)+$"', '"(?i)^x"'),
    *('("x")', '(a, "x")', '(a, ["x", 1])', '["x", 1]', "(1, -2)", "()", "[]", "(a=1)", "(*a)", "(**a)", "[a]"),
    *("\x00", "\x0c", "\r", "\x85", "\u00a0", "\u2028", "\ufeff", "\\\n", "\u200b"),
)

#: The syntax that a condition may consist of.
_SYNTAX = (
    *(ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.Compare, ast.cmpop, ast.Call, ast.Load),
    *(ast.Name, ast.Attribute, ast.Constant, ast.List, ast.Tuple),
)
_CALLABLE = (
    *("startswith", "endswith", "contains", "matches", "semver", "in_network"),
    *("before", "after", "segment", "flag"),
)
_OPERATORS = frozenset(
    map(
        id,
        [
            *(operators.EQUAL, operators.NOT_EQUAL, operators.LESS, operators.LESS_EQUAL, operators.GREATER),
            *(operators.GREATER_EQUAL, operators.IN, operators.NOT_IN, operators.STARTSWITH, operators.ENDSWITH),
            *(operators.CONTAINS, operators.MATCHES, operators.SEMVER, operators.IN_NETWORK, operators.BEFORE),
            operators.AFTER,
        ],
    )
)

_FLAGS: dict[str, Any] = {"payments": None, "size": {"small": {"max": 5}, "large": 50}}
_SEGMENTS = frozenset({"beta-testers"})
_CONTEXTS = (
    EvaluationContext(),
    EvaluationContext("user-1", {"a": "x", "b": {"c": [1, "x"]}, "user": {"plan": "pro"}, "ip": "::ffff:10.0.0.1"}),
    EvaluationContext(
        "2.1.0", {"a": ["x", {"y": None}], "b": True, "c": -1.5, "roles": "a" * 500, "path": "2027-03-01"}
    ),
)

#: What Python tells its auditors of that no evaluation may come to. Looking at the clock is none of it.
_FORBIDDEN = re.compile(r"import|exec|compile|open|code\.|os\.|subprocess\.|socket\.|ctypes\.|sys\.|marshal\.|pickle\.")
_heard: list[str] | None = None


def once(data: bytes) -> None:
    """
    Parse the text that `data` stands for, and evaluate what it becomes.

    Raises:
        AssertionError: it became something that is not on the lists, reached for something while it was evaluated, or
            gave anything but a boolean.
    """
    text = _text(data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            expression = parse_condition(text, "$.if", Known(_FLAGS, _SEGMENTS))
        except MalformedDocument:
            return
    _check_syntax(text)
    _check_expression(expression)
    _check_evaluation(expression)


def _text(data: bytes) -> str:
    if data and 0x80 <= data[0] < 0xC0:
        return "".join(_PIECES[byte % len(_PIECES)] for byte in data[1:])
    return data.decode("utf-8", "surrogateescape")


def _check_syntax(text: str) -> None:
    # White space is all one to a condition, and to Python it is not.
    for node in ast.walk(ast.parse(re.sub(r"\s", " ", text).strip(), mode="eval").body):
        assert isinstance(node, _SYNTAX), ast.dump(node)
        assert not isinstance(node, (ast.Is, ast.IsNot)), ast.dump(node)
        if isinstance(node, ast.Attribute):
            assert isinstance(node.value, (ast.Attribute, ast.Name)), ast.dump(node)
        if isinstance(node, ast.Call):
            assert isinstance(node.func, ast.Name), ast.dump(node)
            assert node.func.id in _CALLABLE, node.func.id
            assert not node.keywords, ast.dump(node)


def _check_expression(expression: Expression) -> None:
    kind = type(expression)
    if kind is Const:
        _check_json(expression.value)  # type: ignore[union-attr]
    elif isinstance(expression, Attribute):
        assert expression.path, expression
        assert all(type(name) is str and name.isidentifier() for name in expression.path), expression
    elif isinstance(expression, FlagValue):
        assert expression.key in _FLAGS, expression
    elif isinstance(expression, InSegment):
        assert expression.name in _SEGMENTS, expression
    elif isinstance(expression, Call):
        assert id(expression.operator) in _OPERATORS, expression
        for each in expression.arguments:
            _check_expression(each)
    elif isinstance(expression, Not):
        _check_expression(expression.part)
    else:
        assert isinstance(expression, (And, Or)), expression
        for each in expression.parts:
            _check_expression(each)


def _check_json(value: Any) -> None:
    if type(value) is list:
        for each in value:
            _check_json(each)
    elif type(value) is dict:
        assert value in _FLAGS["size"].values(), value
    else:
        assert value is None or type(value) in (bool, int, float, str), value


def _check_evaluation(expression: Expression) -> None:
    definition = Definition(Choice(value=False), rules=(Rule(expression, Choice(value=True)),))
    plain: dict[str, Any] = {"payments": "new", "size": 50}
    ruleset = Ruleset(plain, {"f": definition}, segments={"beta-testers": Const(value=True)})
    program = Program(ruleset)
    decide = program.decide("f")
    for context in _CONTEXTS:
        walked = Walk(ruleset, program.outcomes, context).answer("f")  # also loads what is loaded late
        assert walked.value is not ABSENT, walked
        answer, told = _overheard(decide, context)
        assert not told, told
        assert answer is walked, (answer, walked)


def _overheard(decide: Decide, context: EvaluationContext) -> tuple[Resolution[Any], list[str]]:
    """
    What a flag answers, and what Python's auditors are told meanwhile that they should not be.
    """
    global _heard
    _listen()
    told: list[str] = []
    _heard = told
    try:
        return decide(context), told
    finally:
        _heard = None


@cache
def _listen() -> None:
    sys.addaudithook(_hear)  # once, since it stays for the life of the process


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if _heard is not None and _FORBIDDEN.match(event):
        _heard.append(f"{event} {arguments!r}")
