"""
The two vocabularies, ours and the OpenFeature SDK's, translated into each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from openfeature.evaluation_context import EvaluationContext as TheirContext
from openfeature.exception import ErrorCode as TheirCode
from openfeature.exception import InvalidContextError, OpenFeatureError
from openfeature.flag_evaluation import FlagEvaluationDetails

from flagcore.context import EvaluationContext
from flagcore.errors import ConfigError
from flagcore.resolution import ABSENT, ErrorCode, Reason, Resolution

__all__ = ["context_from", "context_to", "error_from", "resolution_from"]


def context_from(context: TheirContext | None) -> EvaluationContext | None:
    """
    An OpenFeature context as ours: dates as ISO 8601 text, other mappings and sequences as objects and arrays, at any
    depth. None stays None.

    Raises:
        InvalidContextError: its targeting key is no string, or its attributes are no mapping.

    Source: OpenFeature specification, "Evaluation Context", requirement 3.1.2.
    """
    if context is None:
        return None
    try:
        return EvaluationContext(context.targeting_key, _plain(context.attributes))
    except ConfigError as error:
        raise InvalidContextError(str(error)) from error


def context_to(context: EvaluationContext) -> TheirContext:
    """
    Our context as OpenFeature's.
    """
    return TheirContext(context.targeting_key, dict(context.attributes))


def error_from(answer: Resolution[Any]) -> OpenFeatureError:
    """
    The SDK's exception for an answer that has an error code.
    """
    code = answer.error_code or ErrorCode.GENERAL
    return TheirCode.to_exception(TheirCode(code.value), answer.error_message or "")


def resolution_from(details: FlagEvaluationDetails[Any], value: Any) -> Resolution[Any]:
    """
    What the SDK's client says, as ours, with `value` for its value. Reasons that are not among OpenFeature's become
    UNKNOWN; a value beside an error code counts for nothing.
    """
    if details.error_code is not None:
        code = _CODES.get(str(details.error_code.value), ErrorCode.GENERAL)
        message = details.error_message or f"the provider says {code} and no more"
        return Resolution(ABSENT, details.flag_key, None, Reason.ERROR, code, message, dict(details.flag_metadata))
    reason = _REASONS.get(str(details.reason).rpartition(".")[2], Reason.UNKNOWN)
    return Resolution(value, details.flag_key, details.variant, reason, None, None, dict(details.flag_metadata))


_SCALARS = frozenset({str, bool, int, float})
_CODES = {code.value: code for code in ErrorCode}
_REASONS = {reason.value: reason for reason in Reason}


def _plain(value: Any) -> Any:
    if isinstance(value, (dict, Mapping)):  # a dict is seen to be one much faster
        return {name: each if type(each) in _SCALARS else _plain(each) for name, each in value.items()}
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value
