"""
`python -m bench.cold_start` measures what it says it does.
"""

from __future__ import annotations

import pytest

pytest.importorskip("httpx")
pytest.importorskip("flask")

from bench.cold_start import first_read, starts


def test_the_first_read_is_answered_from_disk() -> None:
    """In a process of its own, with nobody listening; the child checks the value."""
    found = first_read(1)
    assert found["first read"].least > 0
    assert found["import httpx"].least > 0


def test_a_start_is_measured_with_each_kind_of_server() -> None:
    """One that answers, none at all, one that never says a word."""
    assert set(starts("Flask", 1)) == {"reachable", "refused", "silent"}
