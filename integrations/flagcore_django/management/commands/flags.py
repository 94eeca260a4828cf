"""
`manage.py flags`: every flag with its value, reason and source; `manage.py flags explain KEY`: how one comes to its
answer.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser

from flagcore import EvaluationContext, FlagClient, Status
from flagcore.adapter import explained, flag_rows, format_rows, named_rows, read_context, rows_as_json
from flagcore.errors import ConfigError, FlagcoreError

#: Seconds to wait for the sources: as long as a person at a terminal likes to, and most services need.
_WAIT_SECONDS = 3.0


class Command(BaseCommand):
    """
    Shows the flags as this project sees them now.
    """

    help = (
        "Lists every feature flag, or those named, with value, reason and source. After the word `explain`: says how "
        "one flag comes to its answer."
    )
    #: It is for finding out what is wrong, so it runs also when something is.
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("keys", nargs="*", metavar="KEY", help="flags to list, all unless said; or `explain KEY`")
        parser.add_argument("--json", action="store_true", help="print JSON instead of text")
        parser.add_argument(
            "--context", default="{}", help='who asks, as JSON: \'{"targeting_key": "user-1", "org": "acme"}\''
        )
        parser.add_argument(
            "--wait", type=float, default=_WAIT_SECONDS, help="seconds to wait for the sources (default: %(default)s)"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        say = _explanation if options["keys"][:1] == ["explain"] else _list
        try:
            context = read_context(options["context"])
            client = apps.get_app_config("flagcore_django").client
            client.start(options["wait"])
            said = say(client, options["keys"], context, as_json=options["json"])
        except FlagcoreError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(said)
        if client.status is not Status.READY:
            self.stderr.write(f"the sources are {client.status}: this may not be what they would say now")


def _list(client: FlagClient, keys: list[str], context: EvaluationContext, *, as_json: bool) -> str:
    rows = flag_rows(client, context)
    rows = named_rows(rows, keys) if keys else rows
    return rows_as_json(rows) if as_json else format_rows(rows)


def _explanation(client: FlagClient, words: list[str], context: EvaluationContext, *, as_json: bool) -> str:
    if len(words) != 2:
        raise ConfigError(f"expected one flag's key after `explain`, got {len(words) - 1}")
    return explained(client, words[1], context, as_json=as_json)
