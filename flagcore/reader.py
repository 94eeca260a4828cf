"""
The getters of a client: each a question about one flag, for a context given in the call or for nobody in particular.

They are those of a view (`flagcore.flags`), asked of the newest state. In a request, take a view: it sees one state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from flagcore.context import EvaluationContext, lent
from flagcore.errors import ConfigError
from flagcore.explanation import Explanation
from flagcore.flags import Flag, Flags, along, detailed
from flagcore.resolution import ABSENT, Resolution
from flagcore.snapshot import Table
from flagcore.value import as_float, as_int, copied, typed

__all__ = ["ContextLike", "Reader"]

T = TypeVar("T")

#: What a call that takes a context takes: one, a mapping with `targeting_key` beside the attributes, or None.
ContextLike = EvaluationContext | Mapping[str, Any] | None


class Reader:
    """
    What `FlagClient` inherits its getters from. None raises: a context that is none gives the default with
    `INVALID_CONTEXT`. I/O: none. Locks: none once the client is awake.
    """

    _answers: Table

    def is_enabled(self, key: str, default: bool = False, context: ContextLike = None) -> bool:
        """
        As `Flags.is_enabled`.
        """
        return self.get_bool(key, default, context)

    def get_bool(self, key: str, default: bool = False, context: ContextLike = None) -> bool:
        """
        As `Flags.get_bool`, from the newest state.
        """
        try:
            if context is None:
                value = self._answers[key].value
            else:
                value = self._answers.decide[key](
                    context if context.__class__ is EvaluationContext else lent(context)
                ).value
        except Exception:  # noqa: BLE001 - one flag's evaluation; asked again, it says why
            value = self._resolution(key, context).value
        return value if value is True or value is False else default

    def get_int(self, key: str, default: int = 0, context: ContextLike = None) -> int:
        """
        As `Flags.get_int`, from the newest state.
        """
        value = as_int(self._resolution(key, context).value)
        return default if value is ABSENT else value

    def get_float(self, key: str, default: float = 0.0, context: ContextLike = None) -> float:
        """
        As `Flags.get_float`, from the newest state.
        """
        value = as_float(self._resolution(key, context).value)
        return default if value is ABSENT else value

    def get_number(self, key: str, default: float = 0.0, context: ContextLike = None) -> float:
        """
        As `Flags.get_number`, from the newest state.
        """
        value = self._resolution(key, context).value
        return value if type(value) is int or type(value) is float else default

    def get_string(self, key: str, default: str = "", context: ContextLike = None) -> str:
        """
        As `Flags.get_string`, from the newest state.
        """
        try:
            if context is None:
                value = self._answers[key].value
            else:
                value = self._answers.decide[key](
                    context if context.__class__ is EvaluationContext else lent(context)
                ).value
        except Exception:  # noqa: BLE001 - as in get_bool
            value = self._resolution(key, context).value
        return value if type(value) is str else default

    def get_json(self, key: str, default: Any = None, context: ContextLike = None) -> Any:
        """
        As `Flags.get_json`, from the newest state.
        """
        value = typed(self._resolution(key, context).value, default)
        return default if value is ABSENT else value

    def get(self, flag: Flag[T], context: ContextLike = None) -> T:
        """
        As `Flags.get`, from the newest state.
        """
        value: T = self.get_json(flag.key, flag.default, context)
        return copied(value) if value is flag.default else value

    def details(self, key: str, default: Any, context: ContextLike = None) -> Resolution[Any]:
        """
        As `Flags.details`, from the newest state.
        """
        return detailed(self._resolution(key, context), default)

    def explain(self, key: str, context: ContextLike = None) -> Explanation:
        """
        As `Flags.explain`, from the newest state.
        """
        try:
            return self.flags(context).explain(key)
        except ConfigError:
            return Explanation.of(str(key), self._resolution(key, context))

    def get_feature_config(self, feature_name: str, ordered_hierarchy: Sequence[object]) -> Any:
        """
        As `Flags.get_feature_config`, from the newest state.
        """
        value = along(self._answers.along, feature_name, ordered_hierarchy).value
        return None if value is ABSENT else copied(value)

    def all(self, context: ContextLike = None) -> dict[str, Any]:
        """
        As `Flags.all`, from the newest state.
        """
        return self.flags(context).all()

    def flags(self, context: ContextLike = None) -> Flags:  # noqa: ARG002
        """
        A view of the newest state.
        """
        raise TypeError("Reader is abstract: make a FlagClient")

    def _resolution(self, key: str, context: ContextLike) -> Resolution[Any]:  # noqa: ARG002
        raise TypeError("Reader is abstract: make a FlagClient")
