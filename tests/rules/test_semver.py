from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flagcore.resolution import ABSENT
from flagcore.rules.semver import precedence, satisfies, wanted

SHARED = Path(__file__).parents[2].parent / "shared" / "conformance" / "semver"

#: Section 11: each stands below the next.
ORDER = (
    "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 "
    "1.0.0-rc.1 1.0.0 1.0.1 1.10.0 2.0.0"
)


def cases(name: str) -> Any:
    if not SHARED.exists():
        pytest.skip(f"no conformance data at {SHARED}")
    return json.loads((SHARED / f"{name}.json").read_text())


def test_versions_stand_in_their_order() -> None:
    """The order of the specification, section 11."""
    versions = ORDER.split()
    for place, one in enumerate(versions):
        for other_place, other in enumerate(versions):
            assert satisfies(one, f"<{other}") is (place < other_place)
            assert satisfies(one, f"<={other}") is (place <= other_place)
            assert satisfies(one, f">{other}") is (place > other_place)
            assert satisfies(one, f">={other}") is (place >= other_place)
            assert satisfies(one, f"=={other}") is (place == other_place)
            assert satisfies(one, f"!={other}") is (place != other_place)


@pytest.mark.parametrize(
    "text",
    ["", "1", "1.2", "1.2.3.4", "01.2.3", "1.2.3-", "1.2.3-01", "v1.2.3", " 1.2.3", "1.2.3+", "\u0661.2.3", "1.2.3\n"],
)
def test_what_is_no_version(text: str) -> None:
    """Sections 2, 9 and 10: three numbers without leading zeros, and identifiers that are not empty."""
    assert precedence(text) is None
    assert not satisfies(text, ">=0.0.0")


def test_a_loose_version_may_lack_what_is_zero() -> None:
    """And have a `v` in front; a pre-release or a build still needs all three numbers."""
    for text in ("2", "v2", "V2.0", "2.0.0", "v2.0.0+build"):
        assert precedence(text, loose=True) == precedence("2.0.0")
    for text in ("", "v", "vv2", "02", "2.", "2-rc", "2.0+build", "2.0.0.0", " 2"):
        assert precedence(text, loose=True) is None


def test_a_build_does_not_count() -> None:
    """Section 10."""
    assert satisfies("1.0.0+a", "=1.0.0+b")


def test_numbers_of_any_length_are_compared() -> None:
    """No integer is made of them, which Python refuses for thousands of digits."""
    assert satisfies(f"1.0.{'9' * 100}", f"<1.0.1{'0' * 100}")
    assert not satisfies(f"1.0.{'9' * 5000}", ">=0.0.0")


def test_all_of_several_comparisons_are_to_hold() -> None:
    """Set apart by spaces."""
    assert satisfies("2.9.9", ">=2.1.0 <3.0.0")
    assert not satisfies("3.0.0", " >= 2.1.0 < 3.0.0 ")


@pytest.mark.parametrize("text", ["", " ", ">=", "2.1", "^2.1.0", ">=2.1.0<3.0.0", ">=2.1.0, <3.0.0", "=>2.1.0"])
def test_what_is_no_requirement(text: str) -> None:
    """It is refused at load, and where one comes from elsewhere it holds for nobody."""
    assert wanted(text) is None
    assert not satisfies("2.1.0", text)


@pytest.mark.parametrize("value", [ABSENT, None, 1, True, ["1.0.0"]])
def test_unlike_types_hold_for_nobody(value: Any) -> None:
    """Nothing raises."""
    assert not satisfies(value, ">=0.0.0")
    assert not satisfies("1.0.0", value)


def test_agrees_with_the_conformance_data() -> None:
    """What the data says with the specification's own versions; its looser spellings are another library's."""
    seen = 0
    for case in cases("comparisons"):
        greater, lesser, *_ = case
        if None not in (precedence(greater), precedence(lesser)):
            assert satisfies(greater, f">{lesser}"), case
            assert satisfies(lesser, f"<{greater}"), case
            seen += 1
    for case in cases("equality"):
        one, other, *_ = case
        if None not in (precedence(one), precedence(other)):
            assert satisfies(one, f"={other}"), case
            seen += 1
    for case in cases("valid-versions"):
        assert case[0].startswith(("v", "=", " ")) or precedence(case[0]) is not None, case
    assert seen > 20
