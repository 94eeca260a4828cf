"""
`manage.py flags`: every flag with its value, reason and source.
"""

from __future__ import annotations

import json
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser

from flagcore import EvaluationContext, Status
from flagcore.adapter import FlagRow, flag_rows, format_rows
from flagcore.errors import FlagcoreError

#: Seconds to wait for the sources: as long as a person at a terminal likes to, and most services need.
_WAIT_SECONDS = 3.0


class Command(BaseCommand):
    """
    Lists the flags as this project sees them now.
    """

    help = "Lists every feature flag with its value, reason and source."
    #: The list is for finding out what is wrong, so it appears also when something is.
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
        parser.add_argument(
            "--context", default="{}", help='who asks, as JSON: \'{"targeting_key": "user-1", "org": "acme"}\''
        )
        parser.add_argument(
            "--wait", type=float, default=_WAIT_SECONDS, help="seconds to wait for the sources (default: %(default)s)"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            context = _context(options["context"])
            client = apps.get_app_config("flagcore_django").client
            client.start(options["wait"])
            rows = flag_rows(client, context)
        except FlagcoreError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(_as_json(rows))
        else:
            self.stdout.write(format_rows(rows))
        if client.status is not Status.READY:
            self.stderr.write(f"the sources are {client.status}: this may not be what they would say now")


def _context(text: str) -> EvaluationContext:
    try:
        given = json.loads(text)
    except ValueError as error:
        raise CommandError(f'--context: expected a JSON object such as {{"org": "acme"}}, got {text!r}') from error
    return EvaluationContext.of(given)


def _as_json(rows: list[FlagRow]) -> str:
    listed = [{"key": row.key, "value": row.value, "reason": str(row.reason), "source": row.source} for row in rows]
    # null for a flag that leaves its value to the caller: there is no caller here.
    return json.dumps(listed, indent=2, ensure_ascii=False, default=lambda _: None)
