"""
Regular expressions that can't be made to hang whoever evaluates them.

With `google-re2` installed its engine runs them, in time linear in the text. Without it Python's own does, which tries
every way to read a text, and so only patterns are taken for which there are few ways.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Protocol

from flagcore.errors import MalformedDocument
from flagcore.rules.backtracking import ways

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MAX_PATTERN", "MAX_TEXT", "engine", "matches", "pattern"]

#: Characters of a pattern: more than any that a person can still read.
MAX_PATTERN: Final = 1_000

#: Characters of a text that is looked at; longer ones match nothing. The square of it, which a pattern may cost in
#: Python's engine, is some milliseconds; addresses, names, paths and user agents are shorter.
MAX_TEXT: Final = 2_048


class _Compiled(Protocol):
    def search(self, text: str, /) -> Any: ...


def engine() -> str:
    """
    What runs regular expressions here: `google-re2`, or `re` where that is not installed.
    """
    return "google-re2" if _re2() is not None else "re"


def matches(text: Any, expression: Any) -> bool:
    """
    Whether the pattern is found anywhere in `text`; never where either is no string, the text is longer than
    `MAX_TEXT`, or the pattern is refused.
    """
    if not isinstance(text, str) or not isinstance(expression, str) or len(text) > MAX_TEXT:
        return False
    compiled = _kept(expression)
    try:
        return not isinstance(compiled, str) and compiled.search(text) is not None
    except UnicodeEncodeError:  # half a surrogate pair, which google-re2 has no bytes for
        return False


def pattern(expression: str) -> None:
    """
    Check a pattern.

    Raises:
        MalformedDocument: it is none, it is longer than `MAX_PATTERN`, or it could take too long where there is no
            linear-time engine.
    """
    compiled = _kept(expression)
    if isinstance(compiled, str):
        raise MalformedDocument(compiled)


@lru_cache(maxsize=512)
def _kept(expression: str) -> _Compiled | str:
    """
    The compiled pattern, or why there is none.
    """
    if len(expression) > MAX_PATTERN:
        return f"expected a pattern of at most {MAX_PATTERN} characters, got {len(expression)}"
    linear = _re2()
    return linear(expression) if linear is not None else _backtracking(expression)


def _backtracking(expression: str) -> _Compiled | str:
    try:
        # ASCII, as the other engine has it: \d is 0 to 9 for both.
        compiled = re.compile(expression, re.ASCII)
    except (re.error, OverflowError, RecursionError, ValueError) as error:
        return f"expected a regular expression, got {expression!r}: {error}"
    fault = ways(expression)
    if fault is None:
        return compiled
    return (
        f"expected a pattern that is quick on every text, got {fault} in {expression!r}; begin it with ^, repeat less, "
        "or install google-re2"
    )


@lru_cache(maxsize=1)
def _re2() -> Callable[[str], _Compiled | str] | None:
    # When the first pattern comes, not with the module: whoever has none does not pay for it.
    try:
        import re2
    except ImportError:
        return None
    options = re2.Options()
    options.log_errors = False  # its own log goes to the process's standard error

    def compiled(expression: str) -> _Compiled | str:
        try:
            made: _Compiled = re2.compile(expression, options)
        except (re2.error, UnicodeEncodeError) as error:
            reason = error.args[0] if error.args else error
            reason = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else reason
            return f"expected a regular expression as google-re2 has them, got {expression!r}: {reason}"
        return made

    return compiled
