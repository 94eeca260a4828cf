"""
What expressions refer to, and how large they are: the checks that keep a document from blowing up whoever reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from flagcore.errors import MalformedDocument
from flagcore.rules.model import (
    And,
    Attribute,
    Call,
    Const,
    Definition,
    Expression,
    Fault,
    FlagValue,
    If,
    InSegment,
    Lambda,
    Not,
    Or,
    Rollout,
    Ruleset,
    Scope,
    Select,
    Split,
)
from flagcore.value import member

__all__ = [
    "MAX_CHAIN",
    "MAX_DEPTH",
    "MAX_SIZE",
    "bounded",
    "check_cycles",
    "check_references",
    "expressions_of",
    "parts_of",
    "references_of",
]

#: Levels of an expression: two for each of the hundred levels of nesting that a document may have.
MAX_DEPTH: Final = 200

#: Expressions of one flag or segment: ten times what one read may evaluate, since a read need not come to all rules.
MAX_SIZE: Final = 100_000

#: Flags and segments that may stand behind one another. Each takes some frames of the reader's stack, whose limit is a
#: thousand; nobody can follow ten.
MAX_CHAIN: Final = 32

#: A flag or a segment, as a cycle names it.
Node = tuple[str, str]


def parts_of(expression: Expression) -> tuple[Expression, ...]:
    """
    The expressions that one is made of, in the order they are evaluated.
    """
    if isinstance(expression, Call):
        return expression.arguments
    if isinstance(expression, (And, Or)):
        return expression.parts
    if isinstance(expression, Not):
        return (expression.part,)
    if isinstance(expression, If):
        return (*(each for branch in expression.branches for each in branch), expression.otherwise)
    return (expression.body,) if isinstance(expression, Lambda) else ()


def expressions_of(definition: Definition) -> Iterator[Expression]:
    """
    The expressions of a flag's rules.
    """
    for rule in definition.rules:
        if rule.when is not None:
            yield rule.when
        then = rule.then
        if isinstance(then, Rollout):
            yield then.by
            yield then.percent
        elif isinstance(then, Split):
            yield then.by
        elif isinstance(then, Select):
            yield then.name


def references_of(expressions: Iterator[Expression]) -> Iterator[Node]:
    """
    The segments and flags that expressions refer to: ("segment", name) or ("flag", key), each as often as it is there.
    """
    left = list(expressions)
    while left:
        each = left.pop()
        if isinstance(each, InSegment):
            yield "segment", each.name
        elif isinstance(each, FlagValue):
            yield "flag", each.key
        elif not isinstance(each, (Const, Attribute, Scope)):
            left.extend(parts_of(each))


def check_cycles(ruleset: Ruleset) -> None:
    """
    Look for segments and flags that refer to themselves, however far around.

    Raises:
        MalformedDocument: one does, and the message names the way round; or more than `MAX_CHAIN` stand behind one
            another.
    """
    graph = _Graph(ruleset)
    lengths: dict[Node, int] = {}
    for name in ruleset.segments:
        _follow(("segment", name), graph, lengths)
    for key in ruleset.definitions:
        _follow(("flag", key), graph, lengths)


def check_references(ruleset: Ruleset, key: str) -> None:
    """
    As `check_cycles`, looking only at what the flag `key` leads to.
    """
    _follow(("flag", key), _Graph(ruleset), {})


def bounded(ruleset: Ruleset) -> Ruleset:
    """
    `ruleset` with faults for flags whose rules are nested deeper than `MAX_DEPTH` or larger than `MAX_SIZE`.

    Raises:
        MalformedDocument: a segment is.
    """
    for name, condition in ruleset.segments.items():
        fault = _excess(iter((condition,)))
        if fault is not None:
            raise MalformedDocument(fault, where=member("$.segments", name))
    faults: dict[str, Definition | Fault] = {}
    for key, definition in ruleset.definitions.items():
        fault = _excess(expressions_of(definition)) if isinstance(definition, Definition) else None
        if fault is not None:
            faults[key] = Fault(fault, member("$.flags", key))
    return replace(ruleset, definitions={**ruleset.definitions, **faults}) if faults else ruleset


class _Graph(dict[Node, "tuple[Node, ...]"]):
    """
    What each segment and flag refers to, found when asked for.
    """

    def __init__(self, ruleset: Ruleset) -> None:
        self._ruleset = ruleset

    def __missing__(self, node: Node) -> tuple[Node, ...]:
        found = self[node] = tuple(dict.fromkeys(references_of(self._expressions(*node))))
        return found

    def _expressions(self, what: str, name: str) -> Iterator[Expression]:
        if what == "segment":
            return iter([self._ruleset.segments[name]] if name in self._ruleset.segments else [])
        definition = self._ruleset.definitions.get(name)
        return expressions_of(definition) if isinstance(definition, Definition) else iter(())


def _follow(start: Node, graph: _Graph, lengths: dict[Node, int]) -> None:
    if not graph[start]:  # as most
        lengths[start] = 1
    if start in lengths:
        return
    # With a list for a stack: a chain is as long as a document says.
    way = {start: iter(graph[start])}
    while way:
        node = next(reversed(way))
        for after in way[node]:
            if after in way:
                raise MalformedDocument(f"expected no cycle, got {_spelled([*way], after)}", where=_where(after))
            if after not in lengths:
                way[after] = iter(graph[after])
                break
        else:
            del way[node]
            lengths[node] = 1 + max((lengths[each] for each in graph[node]), default=0)
            if lengths[node] > MAX_CHAIN:
                message = f"expected at most {MAX_CHAIN} flags and segments behind one another, got more"
                raise MalformedDocument(message, where=_where(node))


def _spelled(way: list[Node], back: Node) -> str:
    cycle = [*way[way.index(back) :], back]
    mixed = len({what for what, _ in cycle}) > 1
    return " → ".join(f"{what} {name}" if mixed else name for what, name in cycle)


def _where(node: Node) -> str:
    what, name = node
    return member("$.segments" if what == "segment" else "$.flags", name)


def _excess(expressions: Iterator[Expression]) -> str | None:
    level, size = list(expressions), 0
    for _ in range(MAX_DEPTH):
        size += len(level)
        if size > MAX_SIZE:
            return f"expected at most {MAX_SIZE} parts in the rules of one flag, got more"
        level = [part for each in level for part in parts_of(each)]
        if not level:
            return None
    return f"expected at most {MAX_DEPTH} levels of nesting in a condition, got more"
