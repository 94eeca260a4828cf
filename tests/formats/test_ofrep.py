"""
OFREP's bulk answers as documents.
"""

from __future__ import annotations

from typing import Any

import pytest

from flagcore import ErrorCode, EvaluationContext, FlagClient, MemorySource, Reason, Snapshot
from flagcore.errors import MalformedDocument
from flagcore.formats import parse_document
from flagcore.resolution import ABSENT
from flagcore.rules.compiler import compile_ruleset
from flagcore.rules.model import Choice, Definition, Fault


def client(*flags: dict[str, Any]) -> FlagClient:
    """
    A client of a bulk answer.
    """
    return FlagClient(MemorySource({"flags": list(flags)}, "ofrep"), cache_dir=None)


@pytest.mark.parametrize("value", [True, False, 0, 24, 0.25, "", "blue", {"max": 5}, ["NL"], None])
def test_each_value_is_one_for_everybody(value: Any) -> None:
    """Of any type, and with any reason."""
    for reason in ("STATIC", "TARGETING_MATCH"):
        flags = client({"key": "flag", "value": value, "reason": reason}).flags()
        details = flags.details("flag", None)
        assert (details.value, type(details.value), details.reason) == (value, type(value), reason)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        *((each.value, each) for each in Reason if each is not Reason.ERROR),
        ("ERROR", Reason.UNKNOWN),
        ("MOON_PHASE", Reason.UNKNOWN),
        (None, Reason.UNKNOWN),
        (5, Reason.UNKNOWN),
    ],
)
def test_the_reason_is_the_servers(said: Any, reason: Reason) -> None:
    """Of those there are; any other, or none, is UNKNOWN. An error has a code, so ERROR alone is none."""
    assert client({"key": "flag", "value": 1, "reason": said}).flags().details("flag", 0).reason is reason
    told = client({"key": "flag", "value": 1, "reason": "SPLIT"}).explain("flag")
    assert [str(step) for step in told.steps] == ["✓ fallback: the service has decided, for the reason SPLIT"]


def test_variants_and_metadata_go_with_it() -> None:
    """What the server says beside the value is kept; an empty variant is none."""
    flags = client(
        {"key": "a", "value": 1, "variant": "small", "metadata": {"owner": "ui", "n": 1, "odd": [1]}},
        {"key": "b", "value": 1, "variant": ""},
    ).flags()
    a = flags.details("a", 0)
    assert (a.value, a.variant, dict(a.metadata)) == (1, "small", {"owner": "ui", "n": 1})
    assert flags.details("b", 0).variant is None


def test_a_flag_without_a_value_leaves_it_to_the_caller() -> None:
    """The default stands, and it is no error."""
    details = client({"key": "off", "reason": "DEFAULT"}).flags().details("off", "mine")
    assert (details.value, details.error_code) == ("mine", None)


def test_disabled_flags_are_said_to_be() -> None:
    """DISABLED without a value is a disabled flag; with one the value is served."""
    ruleset = parse_document(
        "ofrep", {"flags": [{"key": "off", "reason": "DISABLED"}, {"key": "on", "reason": "DISABLED", "value": 1}]}
    )
    off = ruleset.definitions["off"]
    assert off == Definition(Choice(ABSENT), reason=Reason.DISABLED)
    assert ruleset.definitions["on"] == Definition(Choice(1), reason=Reason.DISABLED)


def test_what_the_server_could_not_evaluate_is_a_fault_of_that_flag_alone() -> None:
    """The code and its details are said, with the place; FLAG_NOT_FOUND is a flag that is not there."""
    ruleset = parse_document(
        "ofrep",
        {
            "flags": [
                {"key": "odd", "errorCode": "PARSE_ERROR", "errorDetails": "no such rule"},
                {"key": "gone", "errorCode": "FLAG_NOT_FOUND"},
                {"key": "lost", "errorCode": "TARGETING_KEY_MISSING"},
                {"key": "strange", "errorCode": "OUT_OF_CHEESE"},
                {"key": "fine", "value": 1, "reason": "STATIC"},
            ]
        },
    )
    message = "the server could not evaluate it: PARSE_ERROR: no such rule"
    assert ruleset.definitions["odd"] == Fault(message, "$.flags[0]")
    found = {key: each.code for key, each in ruleset.definitions.items() if isinstance(each, Fault)}
    codes = {"odd": ErrorCode.PARSE_ERROR, "lost": ErrorCode.TARGETING_KEY_MISSING, "strange": ErrorCode.GENERAL}
    assert found == codes
    snapshot = Snapshot(ruleset.plain, compile_ruleset(ruleset))
    assert {key: snapshot.resolve(key, EvaluationContext()).error_code for key in codes} == codes
    assert ruleset.plain == {"fine": 1}


def test_of_a_key_that_is_there_twice_the_last_counts() -> None:
    """One key, one definition."""
    ruleset = parse_document(
        "ofrep", {"flags": [{"key": "a", "value": 1, "reason": "STATIC"}, {"key": "a", "value": 2, "variant": "two"}]}
    )
    assert (ruleset.plain, ruleset.definitions) == ({}, {"a": Definition(Choice(2, "two"), reason=Reason.UNKNOWN)})


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ({}, "$.flags"),
        ({"flags": {"a": 1}}, "$.flags"),
        ({"flags": [1]}, "$.flags[0]"),
        ({"flags": [{"key": "a", "value": 1}, {"value": 1}]}, "$.flags[1].key"),
        ({"flags": [{"key": 5}]}, "$.flags[0].key"),
    ],
)
def test_what_is_no_bulk_answer_is_refused_where_it_is_none(document: dict[str, Any], where: str) -> None:
    """A malformed answer is no document; the last good one stays."""
    with pytest.raises(MalformedDocument) as refused:
        parse_document("ofrep", document)
    assert refused.value.where == where


def test_an_unknown_flag_is_not_found() -> None:
    """Local evaluation from the bulk answer: never a request."""
    assert client().details("none", 1).error_code is ErrorCode.FLAG_NOT_FOUND


def test_null_is_what_is_left_out() -> None:
    """Some servers write null for an error code or a value that there is not."""
    with client(
        {"key": "sound", "value": 5, "reason": "STATIC", "errorCode": None},
        {"key": "yours", "value": None, "reason": "DEFAULT"},
    ) as flags:
        assert flags.get_int("sound") == 5
        assert flags.details("yours", 3).value == 3
        assert flags.details("yours", 3).error_code is None
