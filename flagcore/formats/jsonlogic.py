"""
JsonLogic: a rule as JSON, an object with one member, whose name is the operator and whose value its arguments.

    {"and": [{"<": [{"var": "age"}, 110]}, {"==": [{"var": "country"}, "NL"]}]}

A rule becomes the expression values that every dialect becomes (`flagcore.rules.model`); the compiler knows nothing of
JsonLogic. flagd's operators are among its own here. Source: jsonlogic.com, "Supported Operations", and what its
published test suite pins.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from functools import reduce
from typing import Any, Final

from flagcore.errors import MalformedDocument
from flagcore.formats.coercion import settled, text, true
from flagcore.formats.flagd_operators import FLAGD
from flagcore.formats.fractional import called
from flagcore.formats.jsonlogic_operators import (
    ARRAY,
    BOOLEAN,
    DEFAULTED,
    HEEDED,
    ITERATING,
    LOOKUP,
    MISSING,
    MISSING_SOME,
    PLAIN,
)
from flagcore.rules.model import And, Attribute, Call, Const, Expression, If, Lambda, Not, Operator, Or, Scope
from flagcore.rules.operators import EQUAL, IN
from flagcore.value import MAX_DEPTH, member

__all__ = ["Translation", "evaluate"]

#: Expressions that one rule may become: as many as a read may evaluate.
MAX_EXPRESSIONS: Final = 10_000


def evaluate(rule: Any, data: Any = None) -> Any:
    """
    What `rule` gives for `data`: translated, compiled and run. I/O: none. Locks: none.

    Args:
        rule: any JSON value; what is no rule is its own result.
        data: any JSON value.

    Returns:
        A JSON value. What is no number, or too large for one, is null.

    Raises:
        MalformedDocument: the rule has an operator that does not exist, or is too deep or too large; `.where` is the
            JSON path within the rule.
        ValueError: it would take more than 10,000 steps, or the result is too large or too deep.
    """
    from flagcore.rules.compiler import compile_expression

    expression = Translation().of(rule)
    return settled(compile_expression(expression)(data))


class Translation:
    """
    The way from one rule to an expression.

    Args:
        where: the JSON path of the rule.
        generation: of `fractional`: `v2` or `v3`.

    Attributes:
        count: the expressions made so far.
        inside: the lambdas around the rule at hand; within one, the data at hand is the element.
    """

    def __init__(self, where: str = "$", generation: str = "v2") -> None:
        self.count = 0
        self.inside = 0
        # Steps, not the path itself: names can be as long as the document, and a path is wanted in errors only.
        self._steps: list[str | int] = []
        self._where = where
        self._depth = 0
        self._generation = generation
        self._forms: dict[str, Callable[[list[Any]], Expression]] = {
            "var": self._var,
            "missing": self._missing,
            "missing_some": self._missing_some,
            "if": self._if,
            "?:": self._if,
            "and": self._and,
            "or": self._or,
            "!": self._not,
            "!!": self._truth,
            "in": self._in,
            "===": self._same,
            "fractional": self._fraction,
        }

    def of(self, rule: Any) -> Expression:
        """
        The expression of any JSON value. What is no rule stands for itself.

        Raises:
            MalformedDocument: an operator that does not exist; a rule too deep or too large.
        """
        self.counted(1)
        if type(rule) is list:
            return self._array(rule)
        if type(rule) is not dict or len(rule) != 1:
            return Const(rule)
        ((name, arguments),) = rule.items()
        self._steps.append(name)
        found = self.rule(name, arguments)
        self._steps.pop()
        return found

    def rule(self, name: str, arguments: Any) -> Expression:
        """
        The expression of one operator and its arguments.
        """
        values = arguments[: HEEDED.get(name)] if type(arguments) is list else [arguments]
        form = self._forms.get(name)
        if form is not None:
            return form(values)
        operator = PLAIN.get(name) or FLAGD.get(name)
        if operator is not None:
            return Call(operator, self._all(values))
        if name in ITERATING:
            return self._iteration(ITERATING[name], values)
        close = get_close_matches(name[:80], [*self._forms, *PLAIN, *FLAGD, *ITERATING], 1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise self.fault(f"expected an operator of JsonLogic or flagd, got {name[:80]!r}{hint}")

    def counted(self, expressions: int) -> None:
        """
        Note that so many expressions are made.

        Raises:
            MalformedDocument: they are too many.
        """
        self.count += expressions
        if self.count > MAX_EXPRESSIONS:
            raise self.fault(f"expected a rule of at most {MAX_EXPRESSIONS} parts, got more")

    def fault(self, message: str) -> MalformedDocument:
        """
        The error that says what is wrong with the rule at hand.
        """
        return MalformedDocument(message, where=reduce(member, self._steps, self._where))

    def attribute(self, path: tuple[str, ...]) -> Expression:
        """
        The expression of what stands at a path that is known beforehand, `ABSENT` where nothing does.
        """
        return Attribute(path)

    def scope(self) -> Expression:
        """
        The expression of all the data at hand.
        """
        return Scope()

    def flag_key(self) -> Expression:
        """
        The expression of the key of the flag whose rule this is.
        """
        return self.attribute(("$flagd", "flagKey"))

    def _at(self, index: int, value: Any) -> Expression:
        if self._depth >= MAX_DEPTH:
            raise self.fault(f"expected at most {MAX_DEPTH} levels of rules, got more")
        self._steps.append(index)
        self._depth += 1
        found = self.of(value)
        self._depth -= 1
        self._steps.pop()
        return found

    def _all(self, values: list[Any]) -> tuple[Expression, ...]:
        return tuple([self._at(index, value) for index, value in enumerate(values)])

    def _array(self, values: list[Any]) -> Expression:
        if not any(type(each) is list or type(each) is dict for each in values):
            return Const(values)  # one part, however many users or countries it lists
        parts = self._all(values)
        constant = all(type(part) is Const for part in parts)
        return Const(values) if constant else Call(ARRAY, parts)

    def _var(self, values: list[Any]) -> Expression:
        first = values[0] if values else None
        if first is None or first == "":
            return self.scope()
        default = self._at(1, values[1]) if len(values) > 1 else _NULL
        if type(first) is list or type(first) is dict:
            return Call(LOOKUP, (self.scope(), self._at(0, first), default))
        path = tuple(text(first).split("."))
        if any(step.isdecimal() for step in path):  # of an array, perhaps
            whole = self.scope() if path[0] == "$flagd" else Scope()
            return Call(LOOKUP, (whole, Const(text(first)), default))
        found = self.attribute(path)
        return found if default == _NULL else Call(DEFAULTED, (found, default))

    def _missing(self, values: list[Any]) -> Expression:
        return Call(MISSING, (self.scope(), *self._all(values)))

    def _missing_some(self, values: list[Any]) -> Expression:
        return Call(MISSING_SOME, (self.scope(), *self._all(values)))

    def _if(self, values: list[Any]) -> Expression:
        parts = self._all(values)
        whole = len(parts) // 2 * 2
        otherwise = parts[-1] if len(parts) > whole else _NULL
        branches = tuple(zip(parts[:whole:2], parts[1:whole:2], strict=True))
        return If(branches, otherwise, _truth_of(parts[:whole:2])) if branches else otherwise

    def _and(self, values: list[Any]) -> Expression:
        parts = self._all(values)
        return And(parts, _truth_of(parts)) if parts else _NULL

    def _or(self, values: list[Any]) -> Expression:
        parts = self._all(values)
        return Or(parts, _truth_of(parts)) if parts else _NULL

    def _not(self, values: list[Any]) -> Expression:
        part = self._all(values)[0] if values else _NULL
        return Not(part, _truth_of((part,)))

    def _truth(self, values: list[Any]) -> Expression:
        return Not(self._not(values))

    def _same(self, values: list[Any]) -> Expression:
        parts = self._all(values)
        other = parts[1] if len(parts) > 1 else _NULL
        text_or_boolean = isinstance(other, Const) and type(other.value) in (str, bool)
        return Call(EQUAL if text_or_boolean else PLAIN["==="], parts)

    def _in(self, values: list[Any]) -> Expression:
        parts = self._all(values)
        array = parts[1].value if len(parts) > 1 and isinstance(parts[1], Const) else None
        if type(array) is list and all(type(each) is str for each in array):
            return Call(IN, (parts[0], parts[1]))  # flagcore's own says the same, and the compiler knows it
        return Call(PLAIN["in"], parts)

    def _iteration(self, operator: Operator, values: list[Any]) -> Expression:
        given: dict[int, Any] = dict(enumerate(values))
        first = self._at(0, given.get(0))
        self.inside += 1
        each = Lambda(self._at(1, given.get(1)))
        self.inside -= 1
        if operator.name != "reduce":
            return Call(operator, (first, each))
        return Call(operator, (first, each, self._at(2, given.get(2))))

    def _fraction(self, values: list[Any]) -> Expression:
        targeting_key = self.attribute(("targetingKey",))
        return called(self._generation, self.flag_key(), targeting_key, self._all(values))


_NULL = Const(None)


def _truth_of(parts: tuple[Expression, ...]) -> Callable[[Any], bool] | None:
    # What gives booleans needs nobody to say whether it is true.
    return None if all(map(_boolean, parts)) else true


def _boolean(part: Expression) -> bool:
    if isinstance(part, Call):
        return part.operator in (EQUAL, IN) or part.operator.name in BOOLEAN
    if isinstance(part, And | Or | Not):
        return isinstance(part, Not) or part.truth is None
    return isinstance(part, Const) and type(part.value) is bool
