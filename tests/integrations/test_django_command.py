"""
Django's commands: what `check` says, what `flags` lists.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest

pytest.importorskip("django")

from django.apps import apps
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.test import override_settings

from flagcore import MemorySource
from flagcore_django.middleware import FlagsMiddleware
from tests.integrations import django_harness
from tests.integrations.django_process import MANAGE, run


class TestCheck:
    """
    `manage.py check`, and what a server says instead.
    """

    @pytest.mark.parametrize(
        ("wrong", "id_", "text"),
        [
            ({"FLAGCORE_SOURCE": "file", "FLAGCORE_PAHT": "flags.yaml"}, "E001", "PATH"),
            ({"FLAGCORE_SOURCE": "fiel"}, "E002", "file"),
            ({"FLAGCORE_SOURCE": "memory", "FLAGCORE_DOCUMENT": '{"flags": 1}'}, "E002", "$.flags"),
            ({"FLAGCORE_WAIT_SECONDS": "soon"}, "E002", "FLAGCORE_WAIT_SECONDS"),
            ({"FLAGCORE_SOURCE": "no.such.module"}, "E002", "no.such.module"),
        ],
        ids=lambda value: str(value)[:40],
    )
    def test_a_wrong_configuration_is_reported(self, wrong: dict[str, str], id_: str, text: str) -> None:
        """
        By check, with what to do, and no traceback.
        """
        done = run(MANAGE, "check", **wrong)
        assert done.returncode == 1
        assert f"flagcore_django.{id_}" in done.stderr
        assert text in done.stderr
        assert "HINT" in done.stderr
        assert "Traceback" not in done.stderr

    def test_a_wrong_configuration_stops_a_server(self) -> None:
        """
        So that it is not deployed unseen.
        """
        done = run("-c", "import tests.integrations.django_project.server", FLAGCORE_SOURCE="fiel")
        assert done.returncode != 0
        assert "ConfigError: FLAGCORE_SOURCE: expected one of" in done.stderr

    def test_a_command_that_skips_the_checks_runs_with_defaults(self) -> None:
        """
        Flags are no reason why a database can't be migrated.
        """
        script = "from flagcore_django import get_flags as g; print(g().get_int('a', 4), g(None).get_int('a', 5))"
        done = run(MANAGE, "shell", "-v", "0", "-c", script, FLAGCORE_SOURCE="fiel")
        assert done.stdout.strip() == "4 5", done.stderr

    def test_flags_says_what_is_wrong(self) -> None:
        """
        In one line.
        """
        done = run(MANAGE, "flags", FLAGCORE_SOURCE="fiel")
        assert done.stderr.startswith("CommandError: FLAGCORE_SOURCE: expected one of")
        assert done.returncode == 1

    def test_a_missing_middleware_is_warned_of(self) -> None:
        """
        Where neither it nor a subclass of it is listed.
        """
        with override_settings(MIDDLEWARE=["django.middleware.common.CommonMiddleware", "no.such.Middleware"]):
            assert [each.id for each in run_checks()] == ["flagcore_django.W001"]
        with override_settings(MIDDLEWARE=[f"{__name__}.Own"]):
            assert run_checks() == []
        assert run_checks() == []


class Own(FlagsMiddleware):
    """
    A project's own.
    """


class TestFlags:
    """
    `manage.py flags` in this process.
    """

    @pytest.fixture(autouse=True)
    def _app(self) -> Iterator[None]:
        document = {
            "hierarchy": ["org"],
            "flags": {"theme": {"value": "light", "overrides": [{"org": "acme", "value": "dark"}]}},
        }
        app = django_harness.DjangoHarness(is_async=False).start({"SOURCE": MemorySource(document), "CACHE_DIR": None})
        yield
        app.stop()

    @staticmethod
    def output(*arguments: str) -> str:
        out = StringIO()
        call_command("flags", *arguments, stdout=out)
        return out.getvalue()

    def test_it_lists_value_reason_and_source(self) -> None:
        """
        As a table, or as JSON.
        """
        assert [line.split() for line in self.output().splitlines()] == [
            ["flag", "value", "reason", "source"],
            ["theme", '"light"', "DEFAULT", "memory"],
        ]
        assert json.loads(self.output("--json")) == [
            {"key": "theme", "value": "light", "reason": "DEFAULT", "source": "memory"}
        ]

    def test_it_lists_for_the_one_who_asks(self) -> None:
        """
        With a context.
        """
        (row,) = json.loads(self.output("--json", "--context", '{"org": "acme"}'))
        assert (row["value"], row["reason"]) == ("dark", "TARGETING_MATCH")

    @pytest.mark.parametrize("context", ["acme", "[1]", '{"targeting_key": 5}'])
    def test_a_context_that_is_none_is_refused(self, context: str) -> None:
        """
        In words.
        """
        with pytest.raises(CommandError, match="expected"):
            self.output("--context", context)

    def test_it_lists_those_that_are_named(self) -> None:
        """
        A slip is said, with a near key.
        """
        assert len(self.output("theme").splitlines()) == 2
        with pytest.raises(CommandError, match="got 'tehme'; did you mean 'theme'"):
            self.output("tehme")

    def test_one_flag_is_explained(self) -> None:
        """
        As `flagcore eval` does it: for people, or as JSON.
        """
        asked = ("explain", "theme", "--context", '{"org": "acme"}')
        expected = apps.get_app_config("flagcore_django").client.explain("theme", {"org": "acme"})
        assert self.output(*asked) == f"{expected}\n"
        assert json.loads(self.output(*asked, "--json")) == expected.as_dict()

    def test_a_flag_that_is_not_there_is_not_explained(self) -> None:
        """
        With a near one, and a status that scripts can see.
        """
        with pytest.raises(CommandError, match="got 'tehme'; did you mean 'theme'") as refused:
            self.output("explain", "tehme")
        assert refused.value.returncode == 1
        with pytest.raises(CommandError, match="one flag's key after `explain`, got 0"):
            self.output("explain")

    def test_it_tells_when_the_sources_have_not_answered(self, tmp_path: Path) -> None:
        """
        Beside the list, on the error output, after no longer than it was told to wait.
        """
        missing = str(tmp_path / "flags.json")
        done = run(MANAGE, "flags", "--wait", "0", FLAGCORE_SOURCE="file", FLAGCORE_PATH=missing)
        assert (done.returncode, done.stdout.split()) == (0, ["flag", "value", "reason", "source"])
        assert "ERROR" in done.stderr
