from __future__ import annotations

import re
import time

import pytest

from flagcore.errors import MalformedDocument
from flagcore.rules.backtracking import ways
from flagcore.rules.pattern import MAX_PATTERN, MAX_TEXT, _backtracking, engine, matches, pattern

SLOW = [
    "(a+)+$",
    "(a|aa)*b",
    "(a|a)*b",
    "a*a*a*b",
    "(x+x+)+y",
    "(.*)*x",
    "(a?){40}a{40}",
    r"(\w+\s?)*$",
    "^(([a-z])+.)+[A-Z]",
    "(?:a{1,99}){1,99}b",
    "(a*?)*?b",
    "((a*)b?)*c",
]
QUICK = [
    r"^/shop/\d+$",
    r".*@example\.com$",
    r"^[^@]+@[^@]+\.[a-z]+$",
    "foo.*bar",
    r"(\d{1,3}\.){3}\d{1,3}",
    r"\bfoo\b",
    "^(nl|be)$",
    "(?i)^[a-z]+_A",
    "^a{0,500}$",
    "[^/]+/x",
    "é+É",
    "a|b|c",
    "^(a|b|c)*$",
    "",
]


@pytest.mark.parametrize("expression", SLOW)
def test_refuses_patterns_that_can_be_made_to_hang(expression: str) -> None:
    """Where Python's own engine would run them."""
    assert ways(expression) is not None
    assert "install google-re2" in str(_backtracking(expression))


@pytest.mark.parametrize("expression", QUICK)
def test_takes_patterns_that_are_quick(expression: str) -> None:
    """They are what people write."""
    assert ways(expression) is None


@pytest.mark.parametrize("expression", QUICK)
@pytest.mark.parametrize("filling", ["a", "1", "a1", "1.", "foo", "@", "a@a.", "/", "é"])
def test_what_it_takes_is_quick_on_every_text(expression: str, filling: str) -> None:
    """With Python's own engine, on the longest text there is, with an end that doesn't match."""
    text = (filling * MAX_TEXT)[: MAX_TEXT - 1] + "!"
    begun = time.perf_counter()
    re.compile(expression, re.ASCII).search(text)
    assert time.perf_counter() - begun < 10  # one that backtracks takes ages


@pytest.mark.parametrize("expression", ["(?=a)b", r"(a)\1", "(?<!a)b"])
def test_refuses_what_only_a_backtracking_engine_can(expression: str) -> None:
    """Back references and looking around: with either engine."""
    with pytest.raises(MalformedDocument):
        pattern(expression)
    assert ways(expression) == "a back reference or a look around"


@pytest.mark.parametrize("expression", ["(", "[a", "a{2,1}", "*", "a" * (MAX_PATTERN + 1)])
def test_refuses_what_is_no_pattern(expression: str) -> None:
    """With the pattern and the reason."""
    with pytest.raises(MalformedDocument, match="expected a"):
        pattern(expression)
    assert not matches("a", expression)


def test_is_found_anywhere() -> None:
    """As people expect of a search; `^` and `$` tie it to the ends."""
    assert matches("/shop/17", r"shop/\d+")
    assert not matches("/shop/17", r"^shop")
    assert not matches("a" * (MAX_TEXT + 1), "a")
    assert not matches(17, "1")
    assert matches("\ud800", "a") is False
    assert not matches("1", 1)


def test_says_which_engine_runs() -> None:
    """The linear-time one where it is installed."""
    try:
        import re2  # noqa: F401
    except ImportError:
        assert engine() == "re"
    else:
        assert engine() == "google-re2"
