"""
What an OpenFeature provider is asked, so that the answer has the flag's own type.

OpenFeature has one question for each type, and no way to ask what type a flag has. So the questions are put in turn,
each with a default that can be told from an answer, until one is answered; the next time that one is put first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext as TheirContext
from openfeature.flag_evaluation import FlagEvaluationDetails
from openfeature.provider import FeatureProvider

from flagcore.context import EvaluationContext
from flagcore.errors import ConfigError, MalformedDocument
from flagcore.openfeature.translation import context_to, resolution_from
from flagcore.resolution import ABSENT, ErrorCode, Reason, Resolution
from flagcore.value import checked

__all__ = ["TYPES", "Questions"]

#: The types in the order they are asked for: commonest first.
TYPES = ("boolean", "string", "object", "number")

#: Text and numbers that no flag has: an answer that equals one is the default come back.
_NO_TEXT = "\ufdd0 flagcore asks \ufdd1"
_NO_FLOAT = -7.918273645546372e-193
_NO_INT = -(7**22)
_NO_MEMBER = {_NO_TEXT: _NO_TEXT}

#: Asked for by another type than the flag has, providers say one of these.
_ASK_ON = (ErrorCode.TYPE_MISMATCH, ErrorCode.PARSE_ERROR)


class Questions:
    """
    What is asked of one provider.

    Args:
        client: the SDK's, bound to the provider.
        provider: the provider itself, to notice when the client has been bound to another.
        types: {key: type} where they are known beforehand.

    Raises:
        ConfigError: a type is not among `TYPES`.
    """

    def __init__(self, client: OpenFeatureClient, provider: FeatureProvider, types: Mapping[str, str]) -> None:
        for key, each in types.items():
            if each not in TYPES:
                raise ConfigError(f"types[{key!r}]: expected one of {', '.join(TYPES)}; got {each!r}")
        self._client = client
        self._provider = provider
        self._said = dict(types)
        self._found: dict[str, str] = {}
        self._put: dict[str, Callable[[str, TheirContext], Resolution[Any]]] = {
            "boolean": self._boolean,
            "string": self._string,
            "object": self._object,
            "number": self._number,
        }

    def keys(self) -> Iterable[str]:
        """
        The keys that have been answered so far, or said to exist.
        """
        return {*self._said, *self._found}

    def ask(self, key: str, context: EvaluationContext) -> Resolution[Any]:
        """
        The provider's answer. From any thread; takes as long as the provider does.
        """
        if self._client.provider is not self._provider:
            return Resolution.error(key, ErrorCode.PROVIDER_NOT_READY, "the provider has been let go")
        theirs = context_to(context)
        if key in self._said:
            return self._put[self._said[key]](key, theirs)
        known = self._found.get(key)
        others = [each for each in TYPES if each != known]
        best: Resolution[Any] | None = None
        for each in [known, *others] if known is not None else others:
            answer = self._put[each](key, theirs)
            if answer.value is not ABSENT:
                self._found[key] = each
                return answer
            if each == known and answer.error_code is None:
                return answer  # of the flag's own type, and left to the caller
            if answer.error_code not in (None, *_ASK_ON):
                return answer
            if best is None or (best.error_code is not None and answer.error_code is None):
                best = answer
        assert best is not None, "TYPES is not empty"  # noqa: S101 - for mypy
        return best

    def _boolean(self, key: str, context: TheirContext) -> Resolution[Any]:
        details = self._client.get_boolean_details(key, False, context)
        if details.value is False and details.error_code is None and not details.variant:
            # No boolean can be told from an answer, so the other one shows whether this is the default come back.
            other = self._client.get_boolean_details(key, True, context)
            if other.value is True:
                return resolution_from(other, ABSENT)
        return _answer(details, is_default=False)

    def _string(self, key: str, context: TheirContext) -> Resolution[Any]:
        details = self._client.get_string_details(key, _NO_TEXT, context)
        return _answer(details, is_default=details.value == _NO_TEXT)

    def _object(self, key: str, context: TheirContext) -> Resolution[Any]:
        details = self._client.get_object_details(key, dict(_NO_MEMBER), context)
        return _answer(details, is_default=details.value == _NO_MEMBER)

    def _number(self, key: str, context: TheirContext) -> Resolution[Any]:
        # The float first: some providers cut a fraction off when asked for an integer, others know a whole number by
        # either question, or by that for an integer alone.
        details = self._client.get_float_details(key, _NO_FLOAT, context)
        found = _answer(details, is_default=details.value == _NO_FLOAT)
        is_whole = isinstance(found.value, float) and found.value.is_integer()
        if found.value is not ABSENT and not is_whole:
            return found
        whole = self._client.get_integer_details(key, _NO_INT, context)
        exact = _answer(whole, is_default=whole.value == _NO_INT)
        return exact if exact.value is not ABSENT or found.value is ABSENT else found


def _answer(details: FlagEvaluationDetails[Any], *, is_default: bool) -> Resolution[Any]:
    if details.error_code is not None or is_default:
        return resolution_from(details, ABSENT)
    try:
        return resolution_from(details, checked(details.value))
    except MalformedDocument as error:
        message = f"the provider's value is no JSON: {error}"
        return Resolution(ABSENT, details.flag_key, None, Reason.ERROR, ErrorCode.GENERAL, message)
