"""
Every format against any document: it is refused as malformed, or each of its flags has an answer for anybody.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flagcore import EvaluationContext, Flags, Snapshot
from flagcore.errors import MalformedDocument
from flagcore.formats import faults, parse
from flagcore.resolution import ABSENT
from flagcore.rules.compiler import compile_ruleset
from flagcore.source import Body, Syntax

__all__ = ["SEEDS", "Documents"]

_NATIVE: dict[str, Any] = {
    "hierarchy": ["org", "team"],
    "metadata": {"set": "shop", "n": 1},
    "segments": {"s": 'endswith(email, "@example.com") or plan == "pro"', "t": 'segment("s") and not b'},
    "flags": {
        "plain": {"value": {"a": [1, None, "x"]}},
        "f": {
            "description": "The one-page checkout",
            "owner": "payments",
            "expires": "2027-03-01",
            "value": False,
            "rules": [
                {"if": 'segment("t")', "value": True},
                {"if": 'country in ["NL", "BE"] and flag("plain") == 1 and a.b <= 2', "rollout": 25},
                {
                    "if": 'matches(path, "^/a+") or semver(app, ">=2.1") or in_network(ip, ["10.0.0.0/8"])',
                    "value": True,
                },
                {"if": 'after("2027-03-01") and before(signup, "2027-03-01T09:00:00Z")', "rollout": 1, "by": "org"},
            ],
        },
        "n": {"value": 0, "rules": [{"if": 'in_network(ip, ["10.0.0.0/8"])', "value": 1}]},
        "g": {
            "variants": {"small": {"max": 5}, "large": {"max": 50}},
            "value": "small",
            "overrides": [{"org": "acme", "value": "large"}, {"org": "acme", "team": 7, "value": "small"}],
            "rules": [{"split": {"small": 90, "large": 10}, "by": "org"}],
        },
    },
}
_YAML = b"""# by hand
hierarchy: [org, team]
segments: {s: 'plan == "pro"'}
flags:
  f: &a
    value: false
    rules:
      - if: segment("s") and a == 1
        rollout: 25.5
      - {split: {"true": 90, "false": 10}, by: org, if: >-
          not b}
  g: *a
  h: {value: 0o17, owner: !!str 1, expires: 2027-03-01}
  "on": {variants: {x: .inf, y: ~}, value: x, overrides: [{org: acme, value: y}]}
"""
_TOML = b"""hierarchy = ["org", "team"]
[segments]
s = 'plan == "pro"'
[flags]
"a.b" = {value = 0x1f}
[flags.f]
value = false
expires = 2027-03-01
[[flags.f.rules]]
if = 'segment("s")'
rollout = 25
[[flags.f.overrides]]
org = "acme"
value = true
[flags.g]
value = "small"
variants = {small = {max = 5, at = 07:32:00}, large = [1e6, inf, '''x''']}
rules = [{split = {small = 90, large = 10}, by = "org"}]
"""
_TARGETING: list[Any] = [
    {"if": [{"==": [{"var": "plan"}, "pro"]}, "on", {"$ref": "who"}, "off", None]},
    {"fractional": [{"cat": [{"var": "$flagd.flagKey"}, {"var": "a"}]}, ["on", 50], ["off", {"+": [1, 2]}]]},
    {
        "if": [
            {"sem_ver": [{"var": "app"}, "^", "1.2.3"]},
            {"if": [{"some": [{"var": "many"}, {"<": [{"var": ""}, 2]}]}]},
        ]
    },
    {"reduce": [{"var": "many"}, {"+": [{"var": "current"}, {"var": "accumulator"}]}, 0]},
    {"if": [{"missing": ["a"]}, {"substr": ["on", 0, -1]}, {"starts_with": [{"var": ["email", ""]}, "x"]}, "on"]},
    {"var": [{"cat": ["a", ".", "b"]}, {"max": [{"%": [7, 2]}, {"/": [1, 0]}, {"merge": [1, [2]]}]}]},
]
_FLAGD = {
    "$evaluators": {"who": {"in": [{"var": "plan"}, ["pro", "team"]]}},
    "metadata": {"flagSetId": "shop", "version": 1},
    "flags": {
        f"f{n}": {
            "state": "ENABLED",
            "variants": {"on": n, "off": 0},
            "defaultVariant": "off",
            "targeting": targeting,
            "metadata": {"n": n},
        }
        for n, targeting in enumerate(_TARGETING)
    },
}
_FOFF = {
    "ordered_hierarchy": ["org", "team"],
    "features": {"f": {"default": False, "acme": True, "acme#growth": {"a": [1]}}, "g": {"default": 1}, "h": {}},
}
_OFREP = {
    "metadata": {"version": "1"},
    "flags": [
        {"key": "f", "value": True, "reason": "TARGETING_MATCH", "variant": "on", "metadata": {"n": 1}},
        {"key": "g", "errorCode": "PARSE_ERROR", "errorDetails": "at line 1"},
        {"key": "h", "errorCode": "FLAG_NOT_FOUND"},
        {"key": "i", "reason": "DISABLED"},
        {"key": "j", "value": {"a": [1.5, None]}},
    ],
}
_SOASAP = {"f": True, "g": 1, "h": "x", "i": {"a": [1.5, None]}, "": None, "#": []}

#: A document or more of each format that have all of its features, by `format` or `format-syntax`.
SEEDS: dict[str, tuple[bytes, ...]] = {
    "native": (json.dumps(_NATIVE).encode(), b'{"flags": {}}'),
    "native-yaml": (_YAML, json.dumps(_NATIVE, indent=1).encode()),
    "native-toml": (_TOML,),
    "flagd": (
        json.dumps(_FLAGD).encode(),
        json.dumps({**_FLAGD, "flags": [{"key": key, **flag} for key, flag in _FLAGD["flags"].items()]}).encode(),  # type: ignore[attr-defined]
    ),
    "foff": (json.dumps(_FOFF).encode(),),
    "ofrep": (json.dumps(_OFREP).encode(),),
    "soasap": (json.dumps(_SOASAP).encode(),),
}

_CONTEXTS = (
    EvaluationContext(),
    EvaluationContext("user-1", {"org": "acme", "team": "growth", "plan": "pro", "a": 1, "b": True, "many": [1, "x"]}),
    EvaluationContext(
        "\ud800",
        {
            "org": "acme",
            "team": 7,
            "a": {"b": 2},
            "app": "2.1.0",
            "ip": "10.0.0.1",
            "path": "a" * 300,
            "many": [[], {}],
        },
    ),
)


class Documents:
    """
    One format, in one syntax.
    """

    def __init__(self, format_: str, syntax: Syntax = "json") -> None:
        self._format = format_
        self._syntax = syntax

    def once(self, data: bytes) -> None:
        """
        Load `data`, and read all that it defines.

        Raises:
            AssertionError: a flag's evaluation failed, or what explains an answer came to another.
            Exception: what else came out of a load or a read. A load may raise `MalformedDocument` only, a read
                nothing.
        """
        with _no_failure():
            try:
                ruleset = parse(self._format, Body(data, syntax=self._syntax))
            except MalformedDocument as error:
                str(error).encode()  # it is logged
                return
            assert all(each.where.startswith("$") and each.message for each in faults(ruleset))
            snapshot = Snapshot(ruleset.plain, compile_ruleset(ruleset), hierarchy=ruleset.hierarchy)
            for context in _CONTEXTS:
                _read(snapshot, context)


def _read(snapshot: Snapshot, context: EvaluationContext) -> None:
    flags = Flags(snapshot, context)
    assert len(flags.all()) <= len(snapshot)
    for key in snapshot:
        flags.get_bool(key), flags.get_int(key), flags.get_float(key), flags.get_number(key), flags.get_string(key)
        flags.get_json(key), flags.get_json(key, {}), flags.get_json(key, [])
        flags.get_feature_config(key, ["acme", "growth"]), flags.details(key, None)
        answer = snapshot.resolve(key, context)
        explained = snapshot.explain(key, context)
        assert str(explained)
        assert explained.resolution.error_code == answer.error_code, (key, explained, answer)
        assert explained.served == (answer.value is not ABSENT), (key, explained, answer)
        assert not explained.served or repr(explained.resolution.value) == repr(answer.value), (key, explained, answer)


class _Failure(logging.Handler):
    """
    Raises what is otherwise logged: a read answers even where an evaluation fails, and none should.
    """

    def emit(self, record: logging.LogRecord) -> None:
        raise AssertionError(record.getMessage()) from (record.exc_info[1] if record.exc_info else None)


@contextmanager
def _no_failure() -> Iterator[None]:
    handler = _Failure(logging.ERROR)
    logger = logging.getLogger("flagcore")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
