"""
Which view answers code that has no request at hand: what was bound last in this thread or task, or what belongs to the
request that a framework says is under way.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Any, Protocol

from flagcore.flags import Flags

__all__ = ["Framework", "bind", "consult", "get_flags", "reading", "unbind"]


class Framework(Protocol):
    """
    A framework that tells, in any thread or task, what is under way there. Nothing has to be bound for its requests.
    """

    def under_way(self) -> object | None:
        """
        The request, or whatever else flags are read in, as an object that is its own; None where there is none that
        has flags.
        """

    def view(self, current: Any) -> Flags:
        """
        The view of `current`, which `under_way` gave just now; the same each time.
        """


#: What is bound, and what was under way when it was. A callable, so that binding makes no view: the request that reads
#: no flag pays for none.
_Bound = tuple[Callable[[], Flags], object | None]

_bound: ContextVar[_Bound | None] = ContextVar("flagcore_flags", default=None)
_frameworks: list[Framework] = []


def consult(framework: Framework) -> None:
    """
    Have `reading()` and `get_flags()` ask `framework` too, from now on.
    """
    _frameworks.append(framework)


def bind(view: Callable[[], Flags]) -> Token[_Bound | None]:
    """
    Make `view()` what `get_flags()` gives in this thread or task, and in those that copy its context. It must give the
    same view each time. Undo it with `unbind`.
    """
    return _bound.set((view, _under_way()[1] if _frameworks else None))


#: Undo the `bind` that gave the token it is called with.
unbind: Callable[[Token[_Bound | None]], None] = _bound.reset


def reading() -> Flags | None:
    """
    The view bound here or under way here, the innermost of the two; None outside of both.
    """
    bound = _bound.get()
    if _frameworks:
        framework, current = _under_way()
        # What was bound within another one than this, or before there was one, is the outer of the two.
        if framework is not None and (bound is None or bound[1] is not current):
            return framework.view(current)
    return bound[0]() if bound is not None else None


def get_flags() -> Flags:
    """
    The view bound to this request, task, or `with client.bound(context):` block. For code that has no request at hand.
    Outside of one: an empty view, whose every read gives the default with `PROVIDER_NOT_READY`.
    """
    view = reading()
    return view if view is not None else Flags()


def _under_way() -> tuple[Framework | None, object | None]:
    for framework in _frameworks:
        current = framework.under_way()
        if current is not None:
            return framework, current
    return None, None
