"""
One flagd flag's targeting: JsonLogic that knows the flag's key and the time, and the rules that flags share.

Source: flagd's documentation, "Flag Definitions" ("Evaluators", "Injected properties").
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from flagcore.formats.jsonlogic import Translation
from flagcore.formats.jsonlogic_operators import LOOKUP, NOW, WITHIN
from flagcore.rules.model import Attribute, Call, Const, Expression, Scope
from flagcore.value import MAX_NODES, kind, member

__all__ = ["Evaluators", "Targeting", "came", "listed"]


class Evaluators:
    """
    The rules that flags share. One that is the same for each flag is translated once.
    """

    def __init__(self, rules: dict[str, Any], generation: str) -> None:
        self.rules = rules
        self.generation = generation
        #: {(name, within a lambda): (its expression, the expressions that it is made of)}
        self.made: dict[tuple[str, bool], tuple[Expression, int]] = {}
        self._room = MAX_NODES

    def spend(self, expressions: int) -> bool:
        """
        Whether the document may become so many expressions more. Rules that flags share can make a short document a
        very long one.
        """
        self._room -= expressions
        return self._room >= 0


class Targeting(Translation):
    """
    The way from one flag's targeting to an expression: JsonLogic that knows the flag's key, the time, and the rules
    that flags share.

    Attributes:
        particular: whether something made so far is this flag's alone.
    """

    def __init__(self, where: str, key: str, shared: Evaluators, *, within: Translation | None = None) -> None:
        super().__init__(where, shared.generation)
        self.key = key
        self.particular = False
        self.inside = within.inside if within is not None else 0
        self._shared = shared
        self._referred = within is not None

    def counted(self, expressions: int) -> None:
        super().counted(expressions)
        if not self._shared.spend(expressions):
            raise self.fault(f"expected rules of at most {MAX_NODES} parts in all, got more")

    def rule(self, name: str, arguments: Any) -> Expression:
        return self._reference(arguments) if name == "$ref" else super().rule(name, arguments)

    def scope(self) -> Expression:
        return Scope() if self.inside else Call(WITHIN, (Scope(), self.flag_key()))

    def flag_key(self) -> Expression:
        if self.inside:
            return Const("")
        self.particular = True
        return Const(self.key)

    def attribute(self, path: tuple[str, ...]) -> Expression:
        if self.inside or path[0] != "$flagd":
            return Attribute(path)
        if path == ("$flagd", "flagKey"):
            return self.flag_key()
        if path == ("$flagd", "timestamp"):
            return Call(NOW)
        return Call(LOOKUP, (self.scope(), Const(".".join(path))))

    def _reference(self, name: Any) -> Expression:
        if self._referred:  # flagd replaces references once
            raise self.fault("expected a shared rule without references of its own, got one")
        rules = self._shared.rules
        if not isinstance(name, str) or name not in rules:
            raise self.fault(f"expected the name of a shared rule ({listed(rules)}), got {came(name)}")
        made = self._shared.made.get((name, bool(self.inside)))
        if made is None:
            shared = Targeting(member("$['$evaluators']", name), self.key, self._shared, within=self)
            made = shared.of(rules[name]), shared.count
            if not shared.particular:
                self._shared.made[name, bool(self.inside)] = made
        super().counted(made[1])
        return made[0]


def listed(names: Mapping[str, Any]) -> str:
    """
    The first few names, for a message.
    """
    more = ", …" if len(names) > _NAMED else ""
    return ", ".join(islice(names, _NAMED)) + more if names else "there is none"


#: Names that a message lists: a document may have very many.
_NAMED: Final = 10


def came(value: object) -> str:
    """
    What came instead, for a message: a short text itself, else its type.
    """
    return repr(value) if isinstance(value, str) and len(value) <= 80 else kind(value)
