"""
The answer to "what is this flag, here and now", and why.

Names and meanings are OpenFeature's: specification, "Flag Evaluation", Types (resolution details, reason, error code).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar

__all__ = ["ABSENT", "NO_METADATA", "Absent", "ErrorCode", "Reason", "Resolution"]

T = TypeVar("T")

#: The metadata of a flag that has none; shared, so that most resolutions carry no dictionary of their own.
NO_METADATA: Final[Mapping[str, Any]] = MappingProxyType({})


class Reason(str, Enum):
    """
    Why a flag has the value it has.
    """

    STATIC = "STATIC"  #: the flag has one value for everybody
    DEFAULT = "DEFAULT"  #: it has rules or overrides, and none matched
    TARGETING_MATCH = "TARGETING_MATCH"  #: a rule or an override matched
    SPLIT = "SPLIT"  #: a rollout or a split chose
    CACHED = "CACHED"  #: a service's answer, kept
    DISABLED = "DISABLED"  #: the flag is switched off at the service
    UNKNOWN = "UNKNOWN"  #: the service did not say
    STALE = "STALE"  #: a service's answer that may be out of date
    ERROR = "ERROR"  #: see the error code; the value is the caller's default

    def __str__(self) -> str:
        return self.value


class ErrorCode(str, Enum):
    """
    Why a flag could not be resolved.
    """

    PROVIDER_NOT_READY = "PROVIDER_NOT_READY"  #: no document has come yet that could define it, or it is too old
    PROVIDER_FATAL = "PROVIDER_FATAL"  #: none will come: the service denies this client
    FLAG_NOT_FOUND = "FLAG_NOT_FOUND"  #: no document defines it
    PARSE_ERROR = "PARSE_ERROR"  #: its definition cannot be understood
    TYPE_MISMATCH = "TYPE_MISMATCH"  #: its value is not of the type asked for
    TARGETING_KEY_MISSING = "TARGETING_KEY_MISSING"  #: it needs a targeting key
    INVALID_CONTEXT = "INVALID_CONTEXT"  #: the context is not what the flag or the call needs
    GENERAL = "GENERAL"  #: anything else; the message says what

    def __str__(self) -> str:
        return self.value


class Absent:
    """
    The value of a resolution that has none, so that the caller's default stands. Its one value is `ABSENT`.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False


#: The one value of `Absent`. Never leaves flagcore: a read puts the caller's default in its place.
ABSENT: Final = Absent()


@dataclass(frozen=True, slots=True)
class Resolution(Generic[T]):
    """
    One flag's answer.

    Attributes:
        value: the value, or the caller's default where `error_code` is set or the flag leaves it to the caller.
        flag_key: the key that was asked for.
        variant: the name of the variant, where the value has one.
        reason: why it is this value.
        error_code: why there is no better answer than the default; None when there is.
        error_message: the same for people: what was expected, what came, what to do.
        metadata: {name: string, number or boolean} that the flag's author attached.
    """

    value: T
    flag_key: str = ""
    variant: str | None = None
    reason: Reason = Reason.STATIC
    error_code: ErrorCode | None = None
    error_message: str | None = None
    # By a factory: Python 3.11 takes no default that cannot be hashed.
    metadata: Mapping[str, Any] = field(default_factory=lambda: NO_METADATA)

    def replace(self, value: T) -> Resolution[T]:
        """
        The same answer with another value.
        """
        return Resolution(
            value, self.flag_key, self.variant, self.reason, self.error_code, self.error_message, self.metadata
        )

    @staticmethod
    def error(
        flag_key: str,
        code: ErrorCode,
        message: str,
        value: Any = ABSENT,
        metadata: Mapping[str, Any] = NO_METADATA,
    ) -> Resolution[Any]:
        """
        The answer that there is none.
        """
        return Resolution(value, flag_key, None, Reason.ERROR, code, message, metadata)
