"""
Who is asking: the evaluation context (OpenFeature specification, "Evaluation Context").
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from flagcore.errors import ConfigError

__all__ = ["ANONYMOUS", "ContextLike", "EvaluationContext", "default_context", "kept", "lent"]

#: What every call that takes a context takes: one, a mapping of one, or None for nobody in particular.
ContextLike = "EvaluationContext | Mapping[str, Any] | None"


class EvaluationContext:
    """
    Who is asking, as plain values. Immutable; equal when its parts are.

    Args:
        targeting_key: what identifies the one who asks, the same from request to request: rollouts go by it. None for
            nobody in particular.
        attributes: {name: JSON value} that rules look at. Copied one level deep; what is derived from str, int or float
            (an Enum's member, Django's `SafeString`) becomes the plain value that it is.

    Raises:
        ConfigError: the targeting key is not a str or None, or the attributes are not a mapping with str keys.
    """

    __slots__ = ("_attributes", "targeting_key")

    targeting_key: str | None
    _attributes: dict[str, Any]

    def __init__(self, targeting_key: str | None = None, attributes: Mapping[str, Any] | None = None) -> None:
        if targeting_key is not None and not isinstance(targeting_key, str):
            raise ConfigError(
                f"targeting_key: expected a str or None, got {type(targeting_key).__name__}; "
                "turn an id into text first, for example str(user.id)"
            )
        # A dict is a mapping, and asking the abstract class about it takes as long as copying it.
        if type(attributes) is dict:
            own = attributes.copy()
        elif attributes is None:
            own = {}
        elif isinstance(attributes, Mapping):
            own = dict(attributes)
        else:
            raise ConfigError(f"attributes: expected a mapping of names to values, got {type(attributes).__name__}")
        _set_key(self, None if targeting_key is None else str.__str__(targeting_key))
        _set_attributes(self, _plain(own))

    @classmethod
    def of(cls, context: EvaluationContext | Mapping[str, Any] | None) -> EvaluationContext:
        """
        The context that `context` says: itself, or a mapping with `targeting_key` (or OpenFeature's `targetingKey`)
        beside the attributes, or None for `ANONYMOUS`.

        Raises:
            ConfigError: it is none of these.
        """
        if type(context) is dict:
            attributes = context.copy()
        elif context is None:
            return ANONYMOUS
        elif isinstance(context, EvaluationContext):
            return context
        elif isinstance(context, Mapping):
            attributes = dict(context)
        else:
            raise ConfigError(
                f"context: expected an EvaluationContext, a mapping or None, got {type(context).__name__}"
            )
        key = attributes.pop("targeting_key", None)
        if "targetingKey" in attributes:
            camel = attributes.pop("targetingKey")
            key = camel if key is None else key
        if key is not None and type(key) is not str:
            return cls(key, attributes)
        made = _new(cls)
        _set_key(made, key)
        _set_attributes(made, _plain(attributes))  # copied above
        return made

    @property
    def attributes(self) -> Mapping[str, Any]:
        """
        The attributes, read-only.
        """
        return MappingProxyType(self._attributes)

    def get(self, name: str, default: Any = None) -> Any:
        """
        The attribute of that name, else `default`. `targeting_key` and `targetingKey` name the targeting key.
        """
        if name in ("targeting_key", "targetingKey"):
            return self.targeting_key if self.targeting_key is not None else default
        return self._attributes.get(name, default)

    def merged(self, over: EvaluationContext | Mapping[str, Any] | None) -> EvaluationContext:
        """
        This context with another laid over it: attributes one by one, the targeting key where the other has one.

        Raises:
            ConfigError: `over` is not a context or a mapping.
        """
        other = EvaluationContext.of(over)
        key = other.targeting_key if other.targeting_key is not None else self.targeting_key
        return EvaluationContext(key, {**self._attributes, **other._attributes})

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"EvaluationContext is immutable: make another with .merged({{{name!r}: …}})")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("EvaluationContext is immutable")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, EvaluationContext):
            return NotImplemented
        return self.targeting_key == other.targeting_key and self._attributes == other._attributes

    def __hash__(self) -> int:
        return hash((self.targeting_key, frozenset(self._attributes)))

    def __repr__(self) -> str:
        # Names only: attributes are often personal data, and reprs end in logs.
        return f"EvaluationContext(targeting_key={'…' if self.targeting_key else None}, {list(self._attributes)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (EvaluationContext, (self.targeting_key, self._attributes))


_new = EvaluationContext.__new__
# How to set what can't be set by name.
_set_key = EvaluationContext.__dict__["targeting_key"].__set__
_set_attributes = EvaluationContext.__dict__["_attributes"].__set__


def lent(context: EvaluationContext | Mapping[str, Any]) -> EvaluationContext:
    """
    As `EvaluationContext.of`, for one question that keeps nothing: what a dict says is not copied, and the targeting
    key may still be among the attributes. `kept` makes a proper one of it.
    """
    if type(context) is not dict:
        return EvaluationContext.of(context)
    key = context.get("targeting_key")
    if key is None:
        key = context.get("targetingKey")
    if key is not None and type(key) is not str:
        return EvaluationContext.of(context)
    made = _new(EvaluationContext)
    _set_key(made, key)
    _set_attributes(made, _plain(context))
    return made


def default_context(path: str, method: str) -> EvaluationContext:
    """
    Whom a request asks for where nobody says: nobody in particular, with its `path` and `method` as attributes.
    """
    made = _new(EvaluationContext)
    _set_key(made, None)
    _set_attributes(made, {"path": path, "method": method})
    return made


#: The types that rules tell apart.
_PLAIN = frozenset([bool, dict, float, int, list, str, type(None)])


def _plain(attributes: dict[str, Any]) -> dict[str, Any]:
    # Rules ask for a value's very type, in every dialect: it is what tells 1 from True.
    for value in attributes.values():
        if value.__class__ not in _PLAIN:
            return {name: _exact(value) for name, value in attributes.items()}
    return attributes


def _exact(value: Any) -> Any:
    if isinstance(value, str):
        return str.__str__(value)  # an Enum's own __str__ gives its name
    if isinstance(value, int) and not isinstance(value, bool):
        return int.__int__(value)
    return float.__float__(value) if isinstance(value, float) else value


def kept(context: EvaluationContext) -> EvaluationContext:
    """
    A context as `lent` gives it, or any other, for those who may keep it.
    """
    attributes = {name: value for name, value in context._attributes.items() if name not in _KEYS}
    return EvaluationContext(context.targeting_key, attributes)


#: The names that the targeting key has in a mapping: flagcore's own and OpenFeature's.
_KEYS = ("targeting_key", "targetingKey")

#: Nobody in particular: no targeting key, no attributes.
ANONYMOUS: Final = EvaluationContext()
