"""
What application code reads: one state of the flags, bound to one context.

    flags = client.flags({"targeting_key": "user-1", "org": "acme"})
    if flags.get_bool("new-checkout"):
        ...

Guarantees: no read does I/O, takes a lock, awaits or raises; a view answers from one snapshot and remembers each
answer, so that the same question gets the same answer for as long as the view lives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, TypeVar

from flagcore.context import ANONYMOUS, EvaluationContext
from flagcore.errors import ConfigError
from flagcore.explanation import Explanation
from flagcore.resolution import ABSENT, ErrorCode, Resolution
from flagcore.snapshot import EMPTY, Answers, Snapshot
from flagcore.thunk import NOBODY, Along, Asking
from flagcore.value import as_float, as_int, copied, kind, typed

__all__ = ["Flag", "Flags", "along", "detailed"]

T = TypeVar("T")


@dataclass(frozen=True)
class Flag(Generic[T]):
    """
    A flag declared once, where its type, default, owner and end are said.

        NEW_CHECKOUT = Flag("new-checkout", False, owner="payments", expires="2027-03-01")
        flags.get(NEW_CHECKOUT)  # a bool

    Args:
        key: the flag's key; not empty.
        default: what a read gives where there is no better answer. Its type is the type of the flag: bool, int, float,
            str, dict or list; None takes any JSON value.
        owner: who may remove it.
        expires: the day it should be gone by: a date, or ISO 8601 text.

    Raises:
        ConfigError: the key is empty, the default has no JSON type, or `expires` is no date.
    """

    key: str
    default: T
    owner: str | None = None
    expires: date | str | None = None

    def __init__(self, key: str, default: T, *, owner: str | None = None, expires: date | str | None = None) -> None:
        if not isinstance(key, str) or not key:
            raise ConfigError(f"key: expected a flag's key, got {key!r}")
        if default is not None and type(default) not in (bool, int, float, str, dict, list):
            raise ConfigError(f"default of {key!r}: expected a JSON value, got {type(default).__name__}")
        if isinstance(expires, str):
            try:
                expires = date.fromisoformat(expires)
            except ValueError as error:
                raise ConfigError(f"expires of {key!r}: expected a date such as 2027-03-01, got {expires!r}") from error
        for name, value in (("key", key), ("default", default), ("owner", owner), ("expires", expires)):
            object.__setattr__(self, name, value)


class _Remembered(Answers):
    """
    A view's answers: the first look-up of a key resolves it, every further one is a plain dictionary read.
    """

    __slots__ = ("_context", "snapshot")

    # Set by the view, not by a constructor: that would be a third of what making a view costs.
    snapshot: Snapshot
    _context: EvaluationContext | Callable[[], EvaluationContext]

    @property
    def context(self) -> EvaluationContext:
        context = self._context
        if not isinstance(context, EvaluationContext):
            # Built by the first read, not by making the view. Of two threads both get whichever came last: equal.
            context = self._context = context()
        return context

    def __missing__(self, key: str) -> Resolution[Any]:
        context = self._context
        if type(context) is not EvaluationContext:
            context = self.context
        # setdefault: of two threads that ask at once, both get the answer that stays.
        return self.setdefault(key, self.snapshot.resolve(key, context))


class Flags:
    """
    A view: one snapshot bound to one context. Made by `FlagClient.flags()`; cheap, so make one for each request.

    Every method is plain, and safe from any thread or task. I/O: none. Locks: none. None raises: where there is no
    better answer it is the default, and `details` says why.
    """

    __slots__ = ("__weakref__", "_answers", "_newest")

    def __init__(
        self,
        snapshot: Snapshot = EMPTY,
        context: EvaluationContext | Callable[[], EvaluationContext] = ANONYMOUS,
        newest: Callable[[], Snapshot] | None = None,
    ) -> None:
        self._answers = answers = _Remembered()
        answers.snapshot = snapshot
        answers._context = context
        self._newest = newest

    def is_enabled(self, key: str, default: bool = False) -> bool:
        """
        Whether the flag is on: `get_bool` by the name other flag libraries use.
        """
        return self.get_bool(key, default)

    def get_bool(self, key: str, default: bool = False) -> bool:
        """
        The flag's boolean. Numbers and strings are no booleans.
        """
        try:
            value = self._answers[key].value
        except TypeError:  # a key that can't be looked up
            return default
        return value if value is True or value is False else default

    def get_int(self, key: str, default: int = 0) -> int:
        """
        The flag's integer; a float that is whole is one.
        """
        value = as_int(self._resolution(key).value)
        return default if value is ABSENT else value

    def get_float(self, key: str, default: float = 0.0) -> float:
        """
        The flag's number as a float.
        """
        value = as_float(self._resolution(key).value)
        return default if value is ABSENT else value

    def get_number(self, key: str, default: float = 0.0) -> float:
        """
        The flag's number as it is: an int or a float.
        """
        value = self._resolution(key).value
        return value if type(value) is int or type(value) is float else default

    def get_string(self, key: str, default: str = "") -> str:
        """
        The flag's string.
        """
        try:
            value = self._answers[key].value
        except TypeError:
            return default
        return value if type(value) is str else default

    def get_json(self, key: str, default: Any = None) -> Any:
        """
        The flag's value as JSON, a fresh copy. A dict as the default asks for an object, a list for an array, None
        for any JSON value.
        """
        value = typed(self._resolution(key).value, default)
        return default if value is ABSENT else value

    def get(self, flag: Flag[T]) -> T:
        """
        The value of a declared flag, of the type of its default; else its default.
        """
        value: T = self.get_json(flag.key, flag.default)
        return copied(value) if value is flag.default else value

    def details(self, key: str, default: Any, *, ordered_hierarchy: Sequence[object] | None = None) -> Resolution[Any]:
        """
        The whole answer: value, variant, reason, and what stood in the way of a better one.

        Args:
            key: the flag's key.
            default: what the value is where there is no better; its type is the type asked for.
            ordered_hierarchy: explain `get_feature_config(key, ordered_hierarchy)` instead of a read by context.
        """
        if ordered_hierarchy is None:
            return detailed(self._resolution(key), default)
        return detailed(along(self._answers.snapshot.resolve_along, key, ordered_hierarchy, self), default)

    def explain(self, key: str) -> Explanation:
        """
        How the flag comes to its answer here: which source, which rule, which comparison failed on which value, which
        bucket of how many. `str()` of it is for people, `.as_dict()` is JSON.

        It holds the context's values as they are, personal ones among them: show it to those who may see them, and
        keep it out of logs. Slower than a read by far; remembers nothing.
        """
        try:
            return self._answers.snapshot.explain(key, self.context)
        except TypeError:  # a key that can't be looked up
            return Explanation.of(repr(key), self._resolution(key))

    def get_feature_config(self, feature_name: str, ordered_hierarchy: Sequence[object]) -> Any:
        """
        A feature's value for a path of ids, one for each name of the hierarchy: the most specific override, else the
        feature's default, else (an unknown feature) None. A path of another length gives the feature's default, and
        `details(…, ordered_hierarchy=…)` says so. A copy.

        A feature that also has targeting rules, which Foff's have not, answers as `get_json` would for this view's
        context with the ids as the attributes that the hierarchy names.

        Source: Foff's published documentation, "Fetching Feature Configs".
        """
        value = along(self._answers.snapshot.resolve_along, feature_name, ordered_hierarchy, self).value
        return None if value is ABSENT else copied(value)

    def all(self) -> dict[str, Any]:
        """
        Every flag's value for this context: {key: value}, copies. A flag that leaves it to the caller is left out.
        """
        answers = self._answers
        values = ((key, answers[key].value) for key in answers.snapshot)
        return {key: copied(value) for key, value in values if value is not ABSENT}

    def with_context(self, context: EvaluationContext | Mapping[str, Any]) -> Flags:
        """
        The same state for a richer context: `context` laid over this view's.

        Raises:
            ConfigError: `context` is neither a context nor a mapping, or its targeting key is no str.
        """
        return Flags(self._answers.snapshot, self.context.merged(context), self._newest)

    def fresh(self) -> Flags:
        """
        The newest state for the same context: for websockets, streams and loops that outlive a request.
        """
        newest = self._newest() if self._newest is not None else self._answers.snapshot
        return Flags(newest, self._answers._context, self._newest)

    @property
    def context(self) -> EvaluationContext:
        """
        Whom this view answers for.
        """
        return self._answers.context

    @property
    def snapshot(self) -> Snapshot:
        """
        The state this view answers from.
        """
        return self._answers.snapshot

    def _resolution(self, key: str) -> Resolution[Any]:
        try:
            return self._answers[key]
        except TypeError:
            return Resolution.error(repr(key), ErrorCode.GENERAL, f"expected a key that is a str, got {kind(key)}")

    def __repr__(self) -> str:
        return f"Flags({self._answers.snapshot!r})"


def along(resolve: Along, key: str, path: Sequence[object], asking: Asking = NOBODY) -> Resolution[Any]:
    """
    The answer of `resolve` for a feature at a path of ids, whatever a caller gives for them.
    """
    try:
        return resolve(key, tuple(path), asking)
    except TypeError:  # a key that can't be looked up, a path that is no list
        message = f"expected a key that is a str and a list of ids, got {kind(key)} and {kind(path)}"
        return Resolution.error(repr(key), ErrorCode.GENERAL, message)


def detailed(answer: Resolution[Any], default: Any) -> Resolution[Any]:
    """
    `answer` as the caller of a read sees it: of the type of `default`, or with the default and why.
    """
    if answer.value is ABSENT:
        return answer.replace(default)
    value = typed(answer.value, default)
    if value is not ABSENT:
        return answer.replace(value)
    is_fraction = type(default) is int and type(answer.value) is float
    wanted, came = ("a whole number", "one with a fraction") if is_fraction else (kind(default), kind(answer.value))
    message = f"expected {wanted}, got {came}; ask for its own type, or mend the flag"
    return Resolution.error(answer.flag_key, ErrorCode.TYPE_MISMATCH, message, default, answer.metadata)
