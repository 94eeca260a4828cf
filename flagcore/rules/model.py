"""
What a document says, as plain frozen values. No behaviour: formats make these, the compiler reads them.

A condition is an expression: one of the values below, whatever dialect it was written in. A dialect brings its own
operators (`Operator`) and, where its idea of truth is not Python's, its own `truth`; the compiler knows only these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flagcore.resolution import NO_METADATA, ErrorCode, Reason
from flagcore.value import Json

__all__ = [
    "And",
    "Attribute",
    "Call",
    "Choice",
    "Const",
    "Definition",
    "Expression",
    "Fault",
    "FlagValue",
    "If",
    "InSegment",
    "Lambda",
    "Not",
    "Operator",
    "Or",
    "Rollout",
    "Rule",
    "Ruleset",
    "Scope",
    "Select",
    "Split",
]

Truth = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Operator:
    """
    A function that a dialect brings. Equal to another of the same name and dialect.

    Attributes:
        name: what `explain` and errors call it, such as `startswith`; unique within its dialect.
        function: takes JSON values and `ABSENT`, gives JSON values or `ABSENT`, and never raises for any of them. For
            a `Lambda` among the arguments it is given a callable of one element.
        dialect: the format it belongs to.
        as_written: gives the call as its document wrote it, where it was taken apart at load; for people.
    """

    name: str
    function: Callable[..., Any] = field(compare=False, repr=False)
    dialect: str = "native"
    as_written: Callable[[Call], Call] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Const:
    """
    A value written in the document.
    """

    value: Json


@dataclass(frozen=True, slots=True)
class Attribute:
    """
    A value of the data at hand, by its path: the context's attributes, within a `Lambda` the element. `ABSENT` where
    any step of the path is missing. `("targeting_key",)` and `("targetingKey",)` are the context's targeting key.
    """

    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """
    All of the data at hand: the attributes with `targetingKey` among them, within a `Lambda` the element.
    """


@dataclass(frozen=True, slots=True)
class Call:
    """
    An operator applied to arguments, which are evaluated first, from left to right.
    """

    operator: Operator
    arguments: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class Lambda:
    """
    An expression that an operator evaluates itself, once for each element, with that as the data at hand. Only as an
    argument of a `Call`.
    """

    body: Expression


@dataclass(frozen=True, slots=True)
class And:
    """
    The first part that is not true, else the last; those after it are not evaluated. Without `truth` the parts are
    booleans.
    """

    parts: tuple[Expression, ...]
    truth: Truth | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Or:
    """
    The first part that is true, else the last; those after it are not evaluated.
    """

    parts: tuple[Expression, ...]
    truth: Truth | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Not:
    """
    True where the part is not true.
    """

    part: Expression
    truth: Truth | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class If:
    """
    The value of the first branch (condition, value) whose condition is true, else `otherwise`.
    """

    branches: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression
    truth: Truth | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class InSegment:
    """
    Whether the context is in a segment of the same ruleset.
    """

    name: str


@dataclass(frozen=True, slots=True)
class FlagValue:
    """
    What another flag of the same ruleset gives this context; `ABSENT` where it gives none.
    """

    key: str


Expression = Const | Attribute | Scope | Call | Lambda | And | Or | Not | If | InSegment | FlagValue


@dataclass(frozen=True, slots=True)
class Choice:
    """
    Something a flag can serve: a value, and the variant's name where it has one. A value of `ABSENT` leaves it to the
    caller's default.
    """

    value: Any
    variant: str | None = None


@dataclass(frozen=True, slots=True)
class Rollout:
    """
    Serve a choice to a share of those who match. Who is outside of the share goes on to the next rule.

    Attributes:
        choice: what they get.
        percent: 0 to 100; a `Const`, or an expression such as a ramp over time. Raising it never takes anyone out.
        by: what is hashed, normally the targeting key. `ABSENT` or anything but a string or a whole number matches
            nobody.
        salt: what makes the shares of different flags independent; stable for the life of the flag.
    """

    choice: Choice
    percent: Expression
    by: Expression
    salt: str


@dataclass(frozen=True, slots=True)
class Split:
    """
    Serve one of several choices, by weight.

    Attributes:
        choices: ((choice, weight), …) in the document's order; weights are whole numbers, 0 or more, and one is
            above.
        by: as for `Rollout`.
        salt: as for `Rollout`.
    """

    choices: tuple[tuple[Choice, int], ...]
    by: Expression
    salt: str


@dataclass(frozen=True, slots=True)
class Select:
    """
    Serve the choice that an expression names.

    Attributes:
        name: the expression. A string, or what `spelled` makes one of, is looked up in `choices`.
        choices: {name: choice}.
        spelled: the dialect's way from a result to a name: a string, or None for "none: on to the next rule". A name
            that is not among the choices is an error (`GENERAL`).
    """

    name: Expression
    choices: Mapping[str, Choice]
    spelled: Callable[[Any], str | None] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Rule:
    """
    One step on the way to an answer.

    Attributes:
        when: the condition; None for everybody.
        then: what is served. A `Choice` or a `Select` answers with TARGETING_MATCH, a `Rollout` or `Split` with SPLIT.
    """

    when: Expression | None
    then: Choice | Rollout | Split | Select


@dataclass(frozen=True, slots=True)
class Definition:
    """
    A flag that does not serve one value to everybody, or that says more about itself than its value. Overrides first,
    then the rules in order, then the fallback.

    Attributes:
        fallback: what it serves when nothing else decides.
        overrides: {path: choice}; a path is 1 to n ids, most general first, along the ruleset's hierarchy. The
            longest that matches wins.
        metadata: what goes with each answer.
        rules: the first that decides, decides.
        reason: why it serves the fallback, where the document says so itself; else STATIC where nothing else could have
            decided, and DEFAULT where something could.
    """

    fallback: Choice
    overrides: Mapping[tuple[str, ...], Choice] = field(default_factory=dict)
    # By a factory: Python 3.11 takes no default that cannot be hashed.
    metadata: Mapping[str, Any] = field(default_factory=lambda: NO_METADATA)
    rules: tuple[Rule, ...] = ()
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """
    A flag whose definition can't be understood. It spoils only itself: reads give the default with an error.

    Attributes:
        message: what was expected and what came.
        where: the JSON path.
        code: what reads say; another where it was a service that could not do it.
        place: where that stands in a text, such as `line 7, column 12`; empty where the text is not known.
    """

    message: str
    where: str
    code: ErrorCode = ErrorCode.PARSE_ERROR
    # A flag that moved within its file says the same as before.
    place: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Ruleset:
    """
    A whole document.

    Attributes:
        plain: {key: value} of the flags that are one value for everybody and nothing more: the fast path.
        definitions: {key: definition or fault} of all others. No key is in both.
        hierarchy: the context attributes that override paths go along, most general first.
        segments: {name: condition}, for `InSegment`.
        metadata: the document's own, which goes with the answers for keys that it does not define, and for faults.
        faults: what can't be understood beside the flags, such as a segment.
    """

    plain: Mapping[str, Json]
    definitions: Mapping[str, Definition | Fault] = field(default_factory=dict)
    hierarchy: tuple[str, ...] = ()
    segments: Mapping[str, Expression] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=lambda: NO_METADATA)
    faults: tuple[Fault, ...] = ()
