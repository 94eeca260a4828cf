from typing import Any

import pytest

from flagcore import EnvSource, FlagClient
from flagcore.errors import ConfigError


def test_reads_json_else_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """What can be read as JSON is, anything else is text."""
    given = {
        "A": "true",
        "N": "12",
        "F": "1.5",
        "O": '{"max": 5}',
        "T": "dark blue",
        "E": "",
        "BROKEN": "{",
        "Q": '"q"',
    }
    for name, value in given.items():
        monkeypatch.setenv(f"FLAG_{name}", value)
    found = FlagClient(EnvSource()).all()
    expected = {"a": True, "n": 12, "f": 1.5, "o": {"max": 5}, "t": "dark blue", "e": "", "broken": "{", "q": "q"}
    assert {key: found[key] for key in expected} == expected


def test_names_become_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lower case, one underscore for a dash, two for an underscore."""
    monkeypatch.setenv("X_NEW_CHECKOUT", "true")
    monkeypatch.setenv("X_SNAKE__CASE_KEY", "1")
    monkeypatch.setenv("X_", "nothing")
    assert FlagClient(EnvSource("X_")).all() == {"new-checkout": True, "snake_case-key": 1}


def test_is_read_again_by_a_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set between making a client and starting it counts."""
    client = FlagClient(EnvSource("Y_"))
    monkeypatch.setenv("Y_A", "1")
    with client:
        assert client.get_int("a") == 1


def test_text_nested_beyond_reason_stays_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable can make a read fail."""
    monkeypatch.setenv("Z_A", "[" * 300 + "]" * 300)
    assert FlagClient(EnvSource("Z_")).get_json("a") == "[" * 300 + "]" * 300


@pytest.mark.parametrize("prefix", ["", None, 1])
def test_refuses_a_prefix_that_takes_everything(prefix: Any) -> None:
    """An empty prefix would make a flag of every variable."""
    with pytest.raises(ConfigError, match="prefix"):
        EnvSource(prefix)
