"""
`flask flags`: every flag with its value, reason and source; `flask flags explain KEY`: how one comes to its answer.
"""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import with_appcontext

from flagcore import EvaluationContext, FlagClient
from flagcore.adapter import explained, flag_rows, format_rows, named_rows, read_context, rows_as_json
from flagcore.errors import ConfigError

__all__ = ["flags_command"]

#: Seconds to wait for the sources: as long as a person at a terminal likes to, and most services need.
_WAIT_SECONDS = 3.0


@click.command("flags", short_help="Show the feature flags, or explain one.")
@click.argument("keys", nargs=-1, metavar="[KEY]... | explain KEY")
@click.option("--context", default="{}", help='Who asks, as JSON: \'{"targeting_key": "user-1", "org": "acme"}\'.')
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
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
    List the feature flags, or those named, with value, reason and source. After the word `explain`: say how one flag
    comes to its answer.

    Exits with 1 when the sources did not answer in time, what is known being printed all the same, and when there is
    no such flag to explain.
    """
    try:
        asked = read_context(context)
    except ConfigError as error:
        raise click.BadParameter(str(error), param_hint="--context") from error
    client: FlagClient = current_app.extensions["flags"].client
    with client:  # left as it was found: a client that something else has started goes on
        is_ready = client.wait_ready(wait_seconds)
        say = _explanation if keys[:1] == ("explain",) else _list
        said = say(client, keys, asked, as_json)
        status = client.status
    click.echo(said)
    if not is_ready:
        raise click.ClickException(f"the sources are {status}: this may not be what they would say now")


def _list(client: FlagClient, keys: tuple[str, ...], context: EvaluationContext, as_json: bool) -> str:
    rows = flag_rows(client, context)
    try:
        rows = named_rows(rows, keys) if keys else rows
    except ConfigError as error:
        raise click.BadParameter(str(error), param_hint="KEY") from error
    return rows_as_json(rows) if as_json else format_rows(rows)


def _explanation(client: FlagClient, words: tuple[str, ...], context: EvaluationContext, as_json: bool) -> str:
    if len(words) != 2:
        raise click.UsageError(f"expected one flag's key after `explain`, got {len(words) - 1}")
    try:
        return explained(client, words[1], context, as_json=as_json)
    except ConfigError as error:
        raise click.ClickException(str(error)) from error
