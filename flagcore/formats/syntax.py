"""
How a document is written: JSON, YAML 1.2 or TOML, decoded to plain JSON values.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Any

import msgspec

from flagcore.errors import ConfigError, MalformedDocument
from flagcore.formats.pieces import PIECE_BYTES, decode_pieces
from flagcore.source import SUFFIXES, Syntax, named_syntax
from flagcore.value import MAX_DEPTH, Json, check_depth, checked

__all__ = ["decode", "syntax_of", "yaml_parser"]


_NO_YAML = 'a YAML file needs a YAML parser: pip install "flagcore[yaml]", or write JSON or TOML'


def syntax_of(suffix: str) -> Syntax:
    """
    The syntax that a file's suffix says.

    Raises:
        ConfigError: none goes by that suffix, or it is YAML and no YAML parser is installed.
    """
    found = named_syntax(suffix)
    if found is None:
        raise ConfigError(f"path: expected a name that ends in {', '.join(SUFFIXES)}; got {suffix or 'no suffix'!r}")
    if found == "yaml" and find_spec("ruamel") is None:
        raise ConfigError(_NO_YAML)
    return found


def decode(content: bytes, syntax: Syntax = "json") -> Json:
    """
    The JSON value written in `content`, at most `MAX_DEPTH` levels deep. I/O: none. Locks: none.

    Raises:
        MalformedDocument: it is not written so; the message has the line and column, or the byte. Also where YAML
            came and no YAML parser is installed.
    """
    if syntax == "yaml":
        return checked(_yaml(content))
    if syntax == "toml":
        return checked(_toml(content))
    document: Json = _json(content)
    if content.count(b"[") + content.count(b"{") > MAX_DEPTH:
        check_depth(document)
    return document


def _json(content: bytes) -> Any:
    try:
        return _decoded(content)
    except msgspec.MsgspecError as error:
        raise MalformedDocument(f"expected JSON, got {_sample(content)} ({error})") from error
    except UnicodeDecodeError as error:
        raise MalformedDocument(f"expected JSON in UTF-8, got another byte at {error.start}") from error
    except RecursionError as error:
        raise MalformedDocument("expected a document of sane depth, got one nested too deep to decode") from error


def _decoded(content: bytes) -> Any:
    if len(content) > PIECE_BYTES:
        try:
            return decode_pieces(content)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            pass  # below it fails again, with the place counted from the document's beginning
    return msgspec.json.decode(content)


def yaml_parser() -> Any:
    """
    A parser of YAML 1.2, for one text.

    Raises:
        ImportError: none is installed.
    """
    from ruamel.yaml import YAML

    parser = YAML(typ="safe", pure=True)
    parser.composer.warn_double_anchors = False  # YAML allows them, and a warning is for programmers
    return parser


def _yaml(content: bytes) -> Any:
    try:
        from ruamel.yaml.error import YAMLError

        parser = yaml_parser()
    except ImportError as error:
        raise MalformedDocument(_NO_YAML) from error
    try:
        return parser.load(content)
    except (YAMLError, ValueError, RecursionError) as error:
        raise MalformedDocument(f"expected YAML, got {_place(error)}") from error
    except (TypeError, LookupError, AttributeError, ArithmeticError, Warning) as error:
        # What ruamel does not look at, such as `!!bool x`, `!!int ""` and a key that is a list of lists.
        raise MalformedDocument(f"expected YAML, got a key, or a value after a tag, that is none: {error}") from error


def _toml(content: bytes) -> Any:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise MalformedDocument(f"expected TOML, got a fault: {error}") from error


def _place(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).split("\n", 1)[0]
    return f"{problem} at line {mark.line + 1}, column {mark.column + 1}" if mark is not None else str(problem)


def _sample(content: bytes) -> str:
    start = content[:24].decode("utf-8", "replace")
    return "nothing" if not content.strip() else f"text that begins {start!r}"
