"""
A flag's definition as Python's statements: overrides first, then the rules in order, then the fallback. Each returns an
answer that was made beforehand.
"""

from __future__ import annotations

import ast
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping
from itertools import accumulate
from typing import Any, Final

import mmh3

from flagcore.resolution import Resolution
from flagcore.rules.buckets import HASHES, hashed, threshold, unit
from flagcore.rules.emission import Asking, Emission, Links, called, loaded, stored
from flagcore.rules.model import Attribute, Const, Definition, Expression, Lambda, Rollout, Rule, Select, Split
from flagcore.rules.outcomes import Level, Outcome, Outcomes
from flagcore.rules.references import expressions_of, parts_of

__all__ = ["Decision", "height_of", "often"]

#: The names of a flag's own tree and fallback in the namespace of its code.
TREE: Final = "tree"
FALLBACK: Final = "fallback"


class Decision:
    """
    The code of one flag.

    Args:
        definition: what it says.
        outcomes: what it can answer.
        hierarchy: the attributes that override paths go along.
        links: the segments and flags that it refers to.
    """

    def __init__(self, definition: Definition, outcomes: Outcomes, hierarchy: tuple[str, ...], links: Links) -> None:
        self._definition = definition
        self._outcomes = outcomes
        self._hierarchy = hierarchy
        self._hand = Asking(often(expressions_of(definition)))
        self.emission = Emission(links, self._hand)

    def body(self) -> list[ast.stmt]:
        """
        The statements, for a context `c`.
        """
        body = self._hand.before(self.emission)
        if self._outcomes.tree:
            body += self._overrides()
        for rule, outcome in zip(self._definition.rules, self._outcomes.rules, strict=True):
            body += self._rule(rule, outcome)
        self.emission.namespace[FALLBACK] = self._outcomes.fallback
        return [*body, ast.Return(loaded(FALLBACK))]

    def namespace_like(self, other: Mapping[str, Any]) -> dict[str, Any]:
        """
        The namespace for the code of another flag of the same document, which has no rules either, and a tree of the
        same height: `other` is that flag's.
        """
        own = {FALLBACK: self._outcomes.fallback, TREE: self._outcomes.tree}
        return {**other, **own}

    def _return(self, answer: Resolution[Any]) -> ast.stmt:
        return ast.Return(self.emission.constant(answer))

    # --- overrides ------------------------------------------------------------------------------------------------

    def _overrides(self) -> list[ast.stmt]:
        """
        One look-up a level, as long as there are ids that are in it:

            f = None; l = <tree>
            while True:
                i = a.get(<name>)
                if i.__class__ is not str: i = unit(i)
                e = l.get(i)
                if e is None: break
                f = e[0] or f; l = e[1]
                ... the next level ...
                break
            if f is not None: return f
        """
        self.emission.namespace[TREE] = self._outcomes.tree
        depth = min(height_of(self._outcomes.tree), len(self._hierarchy))
        levels = [statement for name in self._hierarchy[:depth] for statement in self._level(name)]
        found = ast.Compare(loaded("f"), [ast.IsNot()], [ast.Constant(None)])
        return [
            stored("f", ast.Constant(None)),
            stored("l", loaded(TREE)),
            ast.While(ast.Constant(True), [*levels, ast.Break()], []),
            ast.If(found, [ast.Return(loaded("f"))], []),
        ]

    def _level(self, name: str) -> list[ast.stmt]:
        emission = self.emission
        entry, answer, below = loaded("e"), _item("e", 0), _item("e", 1)
        return [
            stored("i", self._hand.attribute(emission, (name,))),
            ast.If(self._is_not("i", str), [stored("i", called(emission.constant(unit), loaded("i")))], []),
            stored("e", called(ast.Attribute(loaded("l"), "get", ast.Load()), loaded("i"))),
            ast.If(ast.Compare(entry, [ast.Is()], [ast.Constant(None)]), [ast.Break()], []),
            stored("f", ast.BoolOp(ast.Or(), [answer, loaded("f")])),
            stored("l", below),
        ]  # fmt: skip

    def _is_not(self, name: str, kind: type) -> ast.expr:
        found = ast.Attribute(loaded(name), "__class__", ast.Load())
        return ast.Compare(found, [ast.IsNot()], [self.emission.constant(kind)])

    # --- rules ----------------------------------------------------------------------------------------------------

    def _rule(self, rule: Rule, outcome: Outcome) -> list[ast.stmt]:
        served = self._served(rule, outcome)
        if rule.when is None:
            return served
        return [ast.If(self.emission.condition(rule.when, None), served, [])] if served else []

    def _served(self, rule: Rule, outcome: Outcome) -> list[ast.stmt]:
        then = rule.then
        if isinstance(then, Select) and isinstance(outcome, Mapping):
            return self._select(then, outcome)
        if isinstance(then, Split) and isinstance(outcome, tuple):
            return self._split(then, outcome)
        if isinstance(outcome, Resolution):
            return self._rollout(then, outcome) if isinstance(then, Rollout) else [self._return(outcome)]
        return []

    def _select(self, then: Select, answers: Mapping[str, Resolution[Any]]) -> list[ast.stmt]:
        emission = self.emission
        name = called(emission.constant(then.spelled), emission.value(then.name))
        answer = called(ast.Attribute(emission.constant(answers), "get", ast.Load()), loaded("n"))
        unknown = called(emission.constant(self._outcomes.unknown), loaded("n"))
        return [
            stored("n", name),
            ast.If(
                ast.Compare(loaded("n"), [ast.IsNot()], [ast.Constant(None)]),
                [ast.Return(ast.BoolOp(ast.Or(), [answer, unknown]))],
                [],
            ),
        ]

    def _rollout(self, then: Rollout, answer: Resolution[Any]) -> list[ast.stmt]:
        if isinstance(then.percent, Const):
            limit: ast.expr = self.emission.constant(threshold(then.percent.value))
        else:
            limit = called(self.emission.constant(threshold), self.emission.value(then.percent))
        drawn = self._drawn(then.salt, then.by)
        return [ast.If(ast.Compare(drawn, [ast.Lt()], [limit]), [self._return(answer)], [])]

    def _split(self, then: Split, answers: tuple[Resolution[Any], ...]) -> list[ast.stmt]:
        emission = self.emission
        bounds = list(accumulate(weight for _, weight in then.choices))
        scaled = ast.BinOp(loaded("h"), ast.Mult(), emission.constant(bounds[-1]))
        place = ast.BinOp(scaled, ast.RShift(), ast.Constant(32))
        index = called(emission.constant(bisect_right), emission.constant(bounds), place)
        chosen = ast.Subscript(emission.constant(answers), index, ast.Load())
        return [
            stored("h", self._drawn(then.salt, then.by)),
            ast.If(ast.Compare(loaded("h"), [ast.Lt()], [emission.constant(HASHES)]), [ast.Return(chosen)], []),
        ]

    def _drawn(self, salt: str, by: Expression) -> ast.expr:
        """
        The hash of who asks; `HASHES`, which no share holds, where that is nobody. A plain string is hashed in place.
        """
        emission = self.emission
        prefix = f"{salt}:"
        first, again = emission.twice(emission.value(by))
        is_text = ast.Compare(ast.Attribute(first, "__class__", ast.Load()), [ast.Is()], [emission.constant(str)])
        text = ast.BinOp(emission.constant(prefix), ast.Add(), again)
        # As bytes: given a string with half a surrogate pair, mmh3 ends the process. Here that is an error, and who
        # called hashes it with more care.
        encoded = called(ast.Attribute(text, "encode", ast.Load()))
        quick = called(emission.constant(mmh3.hash), encoded, ast.Constant(0), ast.Constant(False))
        return ast.IfExp(is_text, quick, called(emission.constant(_drawn), emission.constant(prefix), again))


def _drawn(prefix: str, by: Any) -> int:
    text = unit(by)
    return HASHES if text is None else hashed(prefix + text)


def height_of(tree: Level) -> int:
    """
    The levels of an override tree.
    """
    height, level = 0, [tree]
    while level := [below for each in level for _, below in each.values() if below]:
        height += 1
    return height + 1


def _item(name: str, index: int) -> ast.expr:
    return ast.Subscript(loaded(name), ast.Constant(index), ast.Load())


def often(expressions: Any) -> list[tuple[str, ...]]:
    """
    The paths that expressions look at more than once, those of lambdas apart, in the order they come.
    """
    found: Counter[tuple[str, ...]] = Counter()
    left = list(expressions)[::-1]
    while left:
        each = left.pop()
        if isinstance(each, Attribute):
            found[each.path] += 1
        elif not isinstance(each, Lambda):
            left.extend(reversed(parts_of(each)))
    return [path for path, count in found.items() if count > 1]
