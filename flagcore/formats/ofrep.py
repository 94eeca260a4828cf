"""
OFREP's answers for one context, as a document: every flag is one value, with its variant and metadata.

    {"flags": [{"key": "dark-mode", "value": true, "reason": "TARGETING_MATCH", "variant": "on"},
               {"key": "odd", "errorCode": "PARSE_ERROR", "errorDetails": "…"}]}

The server's reason, variant, metadata and error code are the answer's. A flag without a value leaves it to the caller.
What is not known is left alone, since the published schema is open.

Source: OpenFeature Remote Evaluation Protocol 0.3.0, `bulkEvaluationSuccess`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flagcore.errors import MalformedDocument
from flagcore.resolution import ABSENT, NO_METADATA, ErrorCode, Reason
from flagcore.rules.model import Choice, Definition, Fault, Ruleset
from flagcore.value import Json, kind

__all__ = ["parse"]


def parse(document: dict[str, Any]) -> Ruleset:
    """
    What a bulk answer says.

    Raises:
        MalformedDocument: `flags` is missing or no array of objects, each with a key.
    """
    flags = document.get("flags")
    if not isinstance(flags, list):
        came = kind(flags) if "flags" in document else "nothing"
        raise MalformedDocument(f"expected an array of evaluated flags, got {came}", where="$.flags")
    plain: dict[str, Json] = {}
    definitions: dict[str, Definition | Fault] = {}
    for number, flag in enumerate(flags):
        key = _key(flag, f"$.flags[{number}]")
        plain.pop(key, None)  # of a key that is there twice, the last counts
        definitions.pop(key, None)
        if flag.get("errorCode") == "FLAG_NOT_FOUND":
            continue
        said = _fault(flag, f"$.flags[{number}]") or _definition(flag)
        if said == Definition(Choice(flag.get("value")), reason=Reason.STATIC):
            plain[key] = flag["value"]
        else:
            definitions[key] = said
    return Ruleset(plain, definitions, metadata=_metadata(document))


def _key(flag: object, where: str) -> str:
    if not isinstance(flag, dict):
        raise MalformedDocument(f"expected an object, got {kind(flag)}", where=where)
    key = flag.get("key")
    if not isinstance(key, str) or not key:
        raise MalformedDocument(f"expected the key of a flag, got {kind(key)}", where=f"{where}.key")
    return key


def _fault(flag: dict[str, Any], where: str) -> Fault | None:
    if flag.get("errorCode") is None:
        return None
    message = f"the server could not evaluate it: {flag['errorCode']}: {flag.get('errorDetails', '')}"
    return Fault(message, where, _CODES.get(str(flag["errorCode"]), ErrorCode.GENERAL))


def _definition(flag: dict[str, Any]) -> Definition:
    variant = flag.get("variant")
    value = flag.get("value")  # some servers write null for what they leave out
    choice = Choice(ABSENT if value is None else value, variant if isinstance(variant, str) and variant else None)
    return Definition(choice, metadata=_metadata(flag), reason=_REASONS.get(str(flag.get("reason")), Reason.UNKNOWN))


def _metadata(holder: dict[str, Any]) -> Mapping[str, Any]:
    given = holder.get("metadata")
    if not isinstance(given, dict):
        return NO_METADATA
    return {name: each for name, each in given.items() if isinstance(each, (str, int, float))} or NO_METADATA


_CODES = {code.value: code for code in ErrorCode}

#: ERROR is none without a code.
_REASONS = {reason.value: reason for reason in Reason if reason is not Reason.ERROR}
