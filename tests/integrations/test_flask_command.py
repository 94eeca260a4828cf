"""
`flask flags`.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

pytest.importorskip("flask", reason="Flask is not installed")

from flask import Flask

from flagcore import FlagClient, MemorySource, Status
from flagcore.errors import SourceUnavailable
from flagcore_flask import FlagsExtension
from tests.documents import Table, body, native

DOCUMENT = {
    "hierarchy": ["org"],
    "flags": {
        "theme": {"value": "light", "overrides": [{"org": "acme", "value": "dark"}]},
        "new-checkout": {"value": True},
        "limits": {"value": {"max": 5}},
    },
}


def flags(source: Any, *arguments: str) -> tuple[int, str, str, FlagClient]:
    """
    Exit status, output, errors of `flask flags …`, and the client afterwards.
    """
    app = Flask("site")
    client = FlagClient(source, cache_dir=None)
    extension = FlagsExtension(app, client)
    try:
        done = app.test_cli_runner().invoke(args=["flags", *arguments])
        return done.exit_code, done.stdout, done.stderr, client
    finally:
        extension.close()


def test_flags_are_listed_with_value_reason_and_source() -> None:
    """
    As an aligned table, sorted by key.
    """
    code, output, errors, _ = flags(MemorySource(DOCUMENT))
    assert [line.split() for line in output.splitlines()] == [
        ["flag", "value", "reason", "source"],
        ["limits", '{"max":5}', "STATIC", "memory"],
        ["new-checkout", "true", "STATIC", "memory"],
        ["theme", '"light"', "DEFAULT", "memory"],
    ]
    assert len({line.index(word) for line, word in zip(output.splitlines()[1:], ("S", "S", "D"), strict=True)}) == 1
    assert (code, errors) == (0, "")


def test_json_is_for_programs() -> None:
    """
    Keys, values, reasons and sources as an array of objects.
    """
    code, output, _, _ = flags(MemorySource(DOCUMENT), "theme", "limits", "--json")
    assert json.loads(output) == [
        {"key": "theme", "value": "light", "reason": "DEFAULT", "source": "memory"},
        {"key": "limits", "value": {"max": 5}, "reason": "STATIC", "source": "memory"},
    ]
    assert code == 0


def test_the_context_says_who_asks() -> None:
    """
    What a certain user would get, and why.
    """
    code, output, _, _ = flags(MemorySource(DOCUMENT), "theme", "--context", '{"targeting_key": "u1", "org": "acme"}')
    assert (code, output.splitlines()[1].split()) == (0, ["theme", '"dark"', "TARGETING_MATCH", "memory"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tehme"], "did you mean 'theme'?"),
        (["zzz"], "known are limits, new-checkout, theme"),
        (["explain"], "one flag's key after `explain`, got 0"),
        (["explain", "theme", "limits"], "got 2"),
        (["--context", "acme"], "expected a JSON object"),
        (["--context", "[1]"], "expected a JSON object"),
        (["--context", '{"targeting_key": 1}'], "targeting_key: expected a str"),
        (["--wait", "-1"], "--wait"),
    ],
    ids=str,
)
def test_what_cannot_be_right_is_refused(arguments: list[str], message: str) -> None:
    """
    With what was expected, no list, and the status for wrong usage.
    """
    code, output, errors, _ = flags(MemorySource(DOCUMENT), *arguments)
    assert (code, output) == (2, "")
    assert message in errors


def test_one_flag_is_explained() -> None:
    """
    As `flagcore eval` does it: for people, or as JSON.
    """
    asked = ("explain", "theme", "--context", '{"org": "acme"}')
    code, output, errors, client = flags(MemorySource(DOCUMENT), *asked)
    assert output == f"{client.explain('theme', {'org': 'acme'})}\n"
    assert "overrides: the most specific is for org=acme" in output
    assert (code, errors) == (0, "")
    code, output, _, client = flags(MemorySource(DOCUMENT), *asked, "--json")
    assert json.loads(output) == client.explain("theme", {"org": "acme"}).as_dict()


def test_a_flag_that_is_not_there_is_not_explained() -> None:
    """
    With a near one, and a status that scripts can see.
    """
    code, output, errors, _ = flags(MemorySource(DOCUMENT), "explain", "tehme", "--json")
    assert (code, output) == (1, "")
    assert "got 'tehme'; did you mean 'theme'?" in errors


def test_it_waits_for_the_sources() -> None:
    """
    A service that is being asked for the first time gets its few seconds.
    """
    code, output, _, _ = flags(Table(body(slow=True)))
    assert (code, output.splitlines()[1].split()) == (0, ["slow", "true", "STATIC", "table"])


def test_what_is_known_is_listed_when_the_sources_do_not_answer() -> None:
    """
    With a notice, and a status that scripts can see.
    """
    code, output, errors, client = flags(Table(SourceUnavailable("down")), "--wait", "0.05")
    assert (code, output.split()) == (1, ["flag", "value", "reason", "source"])
    assert "the sources are ERROR" in errors
    code, output, errors, client = flags(Table(SourceUnavailable("down")), "explain", "on", "--wait", "0.05")
    assert (code, output.splitlines()[0]) == (1, "on is the caller's default (ERROR)")
    assert "PROVIDER_NOT_READY" in output
    assert client.status is Status.ERROR


def test_it_leaves_the_client_as_it_found_it() -> None:
    """
    One that the application follows goes on being followed; one that is asleep or closed is closed again.
    """
    app = Flask("site")
    client = FlagClient(Table(body(on=True)), cache_dir=None)
    extension = FlagsExtension(app, client, wait_seconds=5)
    runner = app.test_cli_runner()
    assert runner.invoke(args=["flags"]).exit_code == 0
    assert client.status is Status.READY
    extension.close()
    assert runner.invoke(args=["flags"]).exit_code == 0
    assert client.status is Status.STALE


def test_it_lists_the_current_applications_flags() -> None:
    """
    Also where one extension serves several applications.
    """
    extension = FlagsExtension()
    for name in ("one", "two"):
        extension.init_app(app := Flask(name), FlagClient(MemorySource(native(**{name: True})), cache_dir=None))
        assert app.test_cli_runner().invoke(args=["flags"]).output.splitlines()[1].split()[0] == name
