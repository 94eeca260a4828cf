"""
The `flagcore` command. Each of its commands is one class here: its arguments and what it does.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from flagcore.errors import ConfigError

__all__ = ["main"]

#: Exit status of a command that could not do what was asked; argparse leaves with 2 for arguments it does not know.
_FAILED = 1
_DEFAULT_PORT = 8099


class _Command(Protocol):
    """
    One command: `flagcore NAME …`.
    """

    name: str
    summary: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """
        Say which arguments it takes.
        """

    def run(self, options: argparse.Namespace, environ: Mapping[str, str]) -> int:
        """
        Do it, and return the exit status. A `ConfigError` ends with its message and status 1.
        """


def _add_document(parser: argparse.ArgumentParser) -> None:
    _add_file(parser)
    parser.add_argument("--format", default="native", help="the format it is in (default: %(default)s)")


def _add_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=Path, metavar="FILE", help="the definition file: .yaml, .json or .toml")


class _Serve:
    name = "serve"
    summary = "serve a definition file to applications, and as a page to people"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        _add_file(parser)
        parser.add_argument("--host", default="127.0.0.1", help="where to listen (default: %(default)s)")
        parser.add_argument("--port", type=int, default=_DEFAULT_PORT, help="0 takes a free one (default: %(default)s)")
        secret = "any user of this machine can see arguments: better in the environment, as {}"  # noqa: S105 - help
        parser.add_argument(
            "--api-key", help=f"what applications present to read; {secret.format('FLAGCORE_SERVE_API_KEY')}"
        )
        parser.add_argument(
            "--admin-token", help=f"what people present to change flags; {secret.format('FLAGCORE_SERVE_ADMIN_TOKEN')}"
        )

    def run(self, options: argparse.Namespace, environ: Mapping[str, str]) -> int:
        try:
            from flagcore_server.serve import serve
        except ImportError as error:
            raise ConfigError('`flagcore serve` needs the flag server: pip install "flagcore[server]"') from error
        if not options.path.is_file():
            raise ConfigError(f"expected a definition file, got nothing at {options.path}")
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")

        def announce(url: str) -> None:
            sys.stdout.write(f"flagcore serves {options.path.name} at {url}\n")
            sys.stdout.flush()

        serve(
            options.path,
            host=options.host,
            port=options.port,
            api_key=options.api_key or environ.get("FLAGCORE_SERVE_API_KEY") or None,
            admin_token=options.admin_token or environ.get("FLAGCORE_SERVE_ADMIN_TOKEN") or None,
            on_listening=announce,
        )
        return 0


class _Check:
    name = "check"
    summary = "say what is wrong in a definition file; status 1 if anything is"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        _add_document(parser)

    def run(self, options: argparse.Namespace, environ: Mapping[str, str]) -> int:  # noqa: ARG002 - as every command
        from flagcore.examination import examine

        found = examine(options.path, options.format)
        for fault in found.faults:
            sys.stdout.write(f"{options.path}{fault}\n")
        sys.stdout.write(f"{options.path.name}: {found.summary}\n")
        return _FAILED if found.faults else 0


class _Eval:
    name = "eval"
    summary = "say what a flag of a definition file gives a context, and why"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        _add_document(parser)
        parser.add_argument("key", metavar="KEY", help="the flag's key")
        parser.add_argument(
            "--context",
            default="{}",
            metavar="JSON",
            help='who asks, such as \'{"targeting_key": "u1", "plan": "pro"}\'',
        )
        parser.add_argument("--json", action="store_true", help="as JSON, for programs")

    def run(self, options: argparse.Namespace, environ: Mapping[str, str]) -> int:  # noqa: ARG002 - as every command
        from flagcore.adapter import explained, read_context
        from flagcore.client import FlagClient
        from flagcore.sources.file import FileSource

        failed: list[BaseException] = []
        source = FileSource(options.path, options.format, poll_seconds=0)
        client = FlagClient(source, cache_dir=None, on_error=lambda context: failed.append(context.exception))
        if failed:
            raise ConfigError(str(failed[0]))
        # The state is there: nothing is to be started to read one file once.
        told = explained(client, options.key, read_context(options.context), as_json=options.json)
        sys.stdout.write(told + "\n")
        return 0


class _Schema:
    name = "schema"
    summary = "print the JSON Schema of the native format"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """
        It takes none.
        """

    def run(self, options: argparse.Namespace, environ: Mapping[str, str]) -> int:  # noqa: ARG002 - as every command
        from flagcore.formats.native_schema import schema

        sys.stdout.write(json.dumps(schema(), indent=2) + "\n")
        return 0


#: All commands, in the order that `--help` lists them.
_COMMANDS: tuple[_Command, ...] = (_Serve(), _Check(), _Eval(), _Schema())


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command line, and return the exit status.

    Args:
        arguments: what follows the program's name; the process's own by default.
    """
    parser = argparse.ArgumentParser(prog="flagcore", description="Feature flags for Python web applications.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in _COMMANDS:
        each = commands.add_parser(command.name, help=command.summary, description=command.summary)
        command.add_arguments(each)
        each.set_defaults(run=command.run)
    options = parser.parse_args(arguments)
    try:
        status: int = options.run(options, os.environ)
    except ConfigError as error:
        sys.stderr.write(f"flagcore {options.command}: {error}\n")
        return _FAILED
    return status


if __name__ == "__main__":
    sys.exit(main())
