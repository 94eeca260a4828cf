"""
Flags as commands print them: listed, or one explained. Internal; `flagcore.adapter` hands it on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import msgspec

from flagcore.client import FlagClient
from flagcore.context import EvaluationContext
from flagcore.errors import ConfigError
from flagcore.resolution import ABSENT, ErrorCode, Reason
from flagcore.value import copied

__all__ = [
    "FlagRow",
    "explained",
    "flag_rows",
    "format_rows",
    "named_rows",
    "read_context",
    "rows_as_json",
]

#: Keys that a message lists: a document may have very many.
_NAMED = 10


@dataclass(frozen=True)
class FlagRow:
    """
    One flag as the commands (`flask flags`, `manage.py flags`) list it.
    """

    key: str
    value: Any
    reason: Reason
    source: str


def flag_rows(client: FlagClient, context: EvaluationContext | Mapping[str, Any] | None = None) -> list[FlagRow]:
    """
    Every flag of a client for a context, sorted by key.
    """
    snapshot, asked = client.snapshot, EvaluationContext.of(context)
    found = ((key, snapshot.resolve(key, asked)) for key in sorted(snapshot))
    return [FlagRow(key, copied(answer.value), answer.reason, snapshot.origin_of(key)) for key, answer in found]


def named_rows(rows: list[FlagRow], keys: Sequence[str]) -> list[FlagRow]:
    """
    The rows of certain keys, in their order.

    Raises:
        ConfigError: there is none of a key; it names one that comes close.
    """
    known = {row.key: row for row in rows}
    unknown = next((key for key in keys if key not in known), None)
    if unknown is not None:
        raise _unknown(unknown, known)
    return [known[key] for key in keys]


def explained(client: FlagClient, key: str, context: EvaluationContext, *, as_json: bool = False) -> str:
    """
    How a flag comes to its answer, as `flask flags explain`, `manage.py flags explain` and `flagcore eval` print it:
    for people, or as JSON for programs.

    Raises:
        ConfigError: no source defines the flag; it names one that comes close.
    """
    import json  # of use to commands only

    snapshot = client.snapshot
    explanation = snapshot.explain(key, context)
    if explanation.resolution.error_code is ErrorCode.FLAG_NOT_FOUND:
        raise _unknown(key, snapshot)
    return json.dumps(explanation.as_dict(), indent=2) if as_json else str(explanation)


def _unknown(key: str, known: Iterable[str]) -> ConfigError:
    keys = sorted(known)
    close = get_close_matches(key, keys, 1)
    more = ", …" if len(keys) > _NAMED else ""
    hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(keys[:_NAMED]) or 'none'}{more}"
    return ConfigError(f"expected a flag's key, got {key!r}; {hint}")


def format_rows(rows: list[FlagRow]) -> str:
    """
    The rows as an aligned table for people, one flag a line below a heading.
    """
    head = ("flag", "value", "reason", "source")
    lines = [head, *((row.key, _text(row.value), str(row.reason), row.source) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    return "\n".join("  ".join([*(c.ljust(w) for c, w in zip(line, widths, strict=False)), line[3]]) for line in lines)


def rows_as_json(rows: list[FlagRow]) -> str:
    """
    The rows for programs: an array of objects with `key`, `value`, `reason` and `source`, one a line. The value of a
    flag that leaves it to the caller is left out: there is no caller here.
    """
    lines = [
        {
            "key": row.key,
            **({} if row.value is ABSENT else {"value": row.value}),
            "reason": str(row.reason),
            "source": row.source,
        }
        for row in rows
    ]
    return "[" + ",".join("\n  " + msgspec.json.encode(line).decode() for line in lines) + "\n]"


def read_context(text: str) -> EvaluationContext:
    """
    The context that a command was given as JSON, such as `{"targeting_key": "user-1", "org": "acme"}`.

    Raises:
        ConfigError: it is no JSON object, or no context.
    """
    try:
        given = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        given = text
    if not isinstance(given, dict):
        raise ConfigError(f'expected a JSON object such as {{"targeting_key": "user-1"}}, got {text!r}')
    return EvaluationContext.of(given)


def _text(value: Any) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except TypeError:  # ABSENT: the caller's default stands
        return "(the caller's default)"
