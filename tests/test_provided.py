"""
States that are kept elsewhere and asked for each answer.
"""

from __future__ import annotations

from typing import Any

from flagcore import ErrorCode, EvaluationContext, FlagClient, Flags, MemorySource, Reason, Resolution
from flagcore.context import ANONYMOUS
from flagcore.provided import Provided, stacked
from flagcore.resolution import ABSENT
from flagcore.snapshot import Snapshot


def provided(answer: Any, changed: frozenset[str] = frozenset()) -> Provided:
    """
    A state that `answer(key, context)` answers for.
    """
    return Provided(answer, changed=changed, version="r1", origin="elsewhere", fetched_at=1.0)


def one(key: str, context: EvaluationContext) -> Resolution[Any]:
    """
    Has one flag, whose value is who is asking.
    """
    if key == "who":
        return Resolution(context.targeting_key or "nobody", key, None, Reason.TARGETING_MATCH)
    return Resolution.error(key, ErrorCode.FLAG_NOT_FOUND, "not here")


def test_a_view_asks_once_for_a_key() -> None:
    """What a view was told is remembered; another view asks anew."""
    asked: list[str] = []

    def answer(key: str, context: EvaluationContext) -> Resolution[Any]:
        asked.append(key)
        return one(key, context)

    state = provided(answer)
    flags = Flags(state, EvaluationContext("ada"))
    assert [flags.get_string("who"), flags.get_string("who"), flags.details("who", "").value] == ["ada"] * 3
    assert Flags(state).get_string("who") == "nobody"
    assert asked == ["who", "who"]


def test_what_is_asked_may_raise(caplog: Any) -> None:
    """A read does not: the default, GENERAL, and one log line."""

    def answer(key: str, context: EvaluationContext) -> Resolution[Any]:
        raise ZeroDivisionError("oh")

    details = Flags(provided(answer)).details("who", "mine")
    assert (details.value, details.error_code) == ("mine", ErrorCode.GENERAL)
    assert "could not be resolved" in caplog.text


def test_an_explanation_says_who_answered_and_what() -> None:
    """The layers that were asked in turn; how one of them came to its answer is its own affair."""
    answer = Resolution("dark", "theme", "night", Reason.SPLIT, None, None, {"project": "shop"})
    error = Resolution.error("odd", ErrorCode.PARSE_ERROR, "a slip")
    left = Resolution(ABSENT, "left", None, Reason.DISABLED)
    below = provided(lambda key, _: {"theme": answer, "odd": error, "left": left}.get(key) or one(key, ANONYMOUS))
    client = FlagClient(MemorySource({"flags": {"a": {"value": 1}}}), cache_dir=None)
    state = stacked([client.snapshot, provided(one), below], ErrorCode.FLAG_NOT_FOUND)
    told = state.explain("theme", ANONYMOUS)
    assert (told.resolution, told.origin, told.version) == (answer, "elsewhere", "r1")
    assert str(told).splitlines() == [
        'theme is "dark" (SPLIT, variant night)',
        'with project "shop"',
        "from elsewhere, version r1",
        "· provider elsewhere: it has no such flag",
        '✓ provider elsewhere: it gives "dark", for the reason SPLIT, variant night',
    ]
    assert told.as_dict()["metadata"] == {"project": "shop"}
    assert "it could not answer: PARSE_ERROR: a slip" in str(state.explain("odd", ANONYMOUS))
    assert "it leaves the value to the caller, for the reason DISABLED" in str(state.explain("left", ANONYMOUS))
    assert [step.decided for step in state.explain("nothing", ANONYMOUS).steps] == [False, False]
    assert state.explain("nothing", ANONYMOUS).resolution.error_code is ErrorCode.FLAG_NOT_FOUND
    assert str(state.explain("a", ANONYMOUS)) == str(client.explain("a"))


def test_an_explanation_does_not_raise(caplog: Any) -> None:
    """What is asked may."""

    def answer(key: str, context: EvaluationContext) -> Resolution[Any]:
        raise ZeroDivisionError("oh")

    assert "GENERAL: ZeroDivisionError: oh" in str(Flags(provided(answer)).explain("who"))


def test_a_feature_is_asked_for_like_a_flag() -> None:
    """There is no hierarchy elsewhere: whatever the path, it is asked for who is asking, in a stack too."""
    for state in (provided(one), stacked([Snapshot({"a": 1}), provided(one)], ErrorCode.FLAG_NOT_FOUND)):
        assert Flags(state).get_feature_config("who", ["acme"]) == "nobody"
        assert Flags(state, EvaluationContext("ada")).get_feature_config("who", ["acme"]) == "ada"
        assert Flags(state).get_feature_config("none", ["acme"]) is None


def test_a_stack_is_asked_from_the_top() -> None:
    """The first layer that has the flag answers; a layer that is still to come makes the code for what none has."""
    above, below = Snapshot({"a": 1}, origin="above"), Snapshot({"who": "below", "b": 2}, origin="below")
    state = stacked([above, provided(one), below], ErrorCode.PROVIDER_NOT_READY)
    flags = Flags(state)
    assert [flags.get_json(key) for key in ("a", "who", "b")] == [1, "nobody", 2]
    assert flags.details("none", 0).error_code is ErrorCode.PROVIDER_NOT_READY
    assert [state.origin_of(key) for key in ("a", "none")] == ["above", "elsewhere"]


def test_one_provided_state_beside_a_source_still_to_come_is_asked() -> None:
    """What another source has not brought yet hides nothing."""
    assert Flags(stacked([provided(one)], ErrorCode.PROVIDER_NOT_READY)).get_string("who") == "nobody"


def test_what_has_changed_is_what_was_said() -> None:
    """The keys that a new state names, and those that the old one defined; nothing between a state and itself."""
    old, new = provided(one), provided(one, frozenset({"who"}))
    assert new.changed_from(old) == {"who"}
    assert new.changed_from(new) == frozenset()
    assert new.changed_from(Snapshot({"a": 1})) == {"who", "a"}
