"""
`flask flags`: every flag with its value, reason and source.
"""

from __future__ import annotations

from difflib import get_close_matches

import click
from flask import current_app
from flask.cli import with_appcontext

from flagcore import FlagClient
from flagcore.adapter import FlagRow, flag_rows, format_rows, read_context, rows_as_json
from flagcore.errors import ConfigError

__all__ = ["flags_command"]

#: Seconds to wait for the sources: as long as a person at a terminal likes to, and most services need.
_WAIT_SECONDS = 3.0


@click.command("flags", short_help="Show the feature flags.")
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@click.option("--context", default="{}", help='Who asks, as JSON: \'{"targeting_key": "user-1", "org": "acme"}\'.')
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.option(
    "--wait",
    "wait_seconds",
    type=click.FloatRange(min=0),
    default=_WAIT_SECONDS,
    show_default=True,
    help="Seconds to wait for the sources.",
)
@with_appcontext
def flags_command(keys: tuple[str, ...], context: str, as_json: bool, wait_seconds: float) -> None:
    """
    List the feature flags, or those named, with value, reason and source.

    Exits with 1 when the sources did not answer in time; what is known is listed all the same.
    """
    client: FlagClient = current_app.extensions["flags"].client
    with client:  # left as it was found: a client that something else has started goes on
        is_ready = client.wait_ready(wait_seconds)
        try:
            rows = flag_rows(client, read_context(context))
        except ConfigError as error:
            raise click.BadParameter(str(error), param_hint="--context") from error
        status = client.status
    rows = _named(rows, keys) if keys else rows
    click.echo(rows_as_json(rows) if as_json else format_rows(rows))
    if not is_ready:
        raise click.ClickException(f"the sources are {status}: this may not be what they would say now")


def _named(rows: list[FlagRow], keys: tuple[str, ...]) -> list[FlagRow]:
    known = {row.key: row for row in rows}
    for key in keys:
        if key not in known:
            close = get_close_matches(key, known, 1)
            hint = f"did you mean {close[0]!r}?" if close else "`flask flags` lists them all"
            raise click.BadParameter(f"expected a flag's key, got {key!r}; {hint}", param_hint="KEY")
    return [known[key] for key in keys]
