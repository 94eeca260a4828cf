from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from flagcore import EvaluationContext, Reason
from flagcore.rules.compiler import compile_ruleset
from flagcore.rules.model import Choice, Definition, Ruleset

IDS = st.sampled_from(["a", "b", "a#b", "#", ""])
PATHS = st.lists(IDS, min_size=1, max_size=3).map(tuple)


def longest_prefix(overrides: dict[tuple[str, ...], Any], path: list[str], default: Any) -> Any:
    """The rule as one would say it."""
    found = [overrides[tuple(path[:n])] for n in range(len(path), 0, -1) if tuple(path[:n]) in overrides]
    return found[0] if found else default


@given(st.dictionaries(PATHS, st.integers()), st.lists(IDS, max_size=3))
def test_the_longest_prefix_wins_always(overrides: dict[tuple[str, ...], int], path: list[str]) -> None:
    """The tree gives what a search from the most specific path down gives, by path and by context."""
    definition = Definition(Choice("default"), {each: Choice(value) for each, value in overrides.items()})
    thunk = compile_ruleset(Ruleset({}, {"f": definition}, ("x", "y", "z")))["f"]
    expected = longest_prefix(overrides, path, "default")
    assert thunk.along(path, None).value == expected
    assert thunk(EvaluationContext(None, dict(zip("xyz", path, strict=False)))).value == expected


def test_equal_definitions_make_equal_thunks() -> None:
    """So that a change tells what changed, and nothing else."""

    def thunk(value: Any, *hierarchy: str) -> Any:
        definition = Definition(Choice(1), {("a",): Choice(value)})
        return compile_ruleset(Ruleset({}, {"f": definition}, hierarchy))["f"]

    assert thunk(1, "org") == thunk(1, "org")
    assert thunk(1, "org") != thunk(2, "org")
    assert thunk(1, "org") != thunk(1, "team")
    assert thunk(1, "org") != "f"
    assert repr(thunk(1)) == "Overridden('f', 1 overrides)"


def test_each_answer_says_its_reason_and_variant() -> None:
    """Made beforehand: the same object each time."""
    definition = Definition(Choice(1, "small"), {("a",): Choice(2, "large")}, {"ticket": "X"})
    thunk = compile_ruleset(Ruleset({}, {"f": definition}, ("org",)))["f"]
    answer = thunk(EvaluationContext(None, {"org": "a"}))
    assert (answer.value, answer.variant, answer.reason, dict(answer.metadata)) == (
        2,
        "large",
        Reason.TARGETING_MATCH,
        {"ticket": "X"},
    )
    assert thunk.along(["a"], None) is answer
    assert thunk.along([], None).reason is Reason.DEFAULT
