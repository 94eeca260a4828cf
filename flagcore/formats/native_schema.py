"""
The one definition of the native format's structure: the parser goes by these tables, and the JSON Schema is made of
them.

The schema is for editors and for checking without flagcore. It knows no conditions and no references: which names
exist, which paths follow the hierarchy and whether a condition can be read is the parser's to say.
"""

from __future__ import annotations

from typing import Any

from flagcore.formats.shape import Member, Shape

__all__ = ["DOCUMENT", "FLAG", "MAX_WEIGHT", "OVERRIDE", "RAMP", "RULE", "SCALAR", "TAG", "WEIGHT", "schema"]

#: The largest weight of a split. Shares are cut from 32 bits, so finer ones could not be told apart.
MAX_WEIGHT = 1_000_000

_TIME = r"^\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?([Zz]|[+-]\d{2}:\d{2})?)?$"
_PERCENT = {"minimum": 0, "maximum": 100}
_TEXT = {"minLength": 1}

#: One value of `metadata`. Source: OpenFeature specification, "Flag Evaluation", Types: flag metadata holds booleans,
#: strings and numbers.
SCALAR = Member(("boolean", "string", "number"), "", wanted="a string, number or boolean")
TAG = Member(("string",), "")
WEIGHT = Member(("integer",), "", schema={"minimum": 0, "maximum": MAX_WEIGHT})

_SCALARS = {"additionalProperties": {"type": list(SCALAR.types)}}

RAMP: Shape = {
    "from": Member(("number",), "percent before `start`; 0 unless said", schema=_PERCENT),
    "to": Member(("number",), "percent after `end`; 100 unless said", schema=_PERCENT),
    "start": Member(
        ("string",), "when it begins to move, as a date or a time", required=True, schema={"pattern": _TIME}
    ),
    "end": Member(("string",), "when it has arrived", required=True, schema={"pattern": _TIME}),
}

RULE: Shape = {
    "if": Member(
        ("string",), "the condition; for everybody unless said", schema=_TEXT, wanted="a condition as a string"
    ),
    "value": Member((), "what is served; beside `rollout`, to that share"),
    "rollout": Member(
        ("number", "object"), "percent of those who match, or a ramp between two times", wanted="a percentage or a ramp"
    ),
    "split": Member(
        ("object",),
        "weights by variant, or by value where the flag is a string without variants",
        wanted="an object of variants and weights",
    ),
    "by": Member(("string",), "the attribute that shares go by; the targeting key unless said", schema=_TEXT),
    "salt": Member(("string",), "what shares are drawn with; the flag's key unless said", schema=_TEXT),
    "description": Member(("string",), "for people"),
}

OVERRIDE: Shape = {"value": Member((), "what is served at this path", required=True)}

FLAG: Shape = {
    "value": Member(
        (), "what is served when nothing else decides; a variant's name where there are variants", required=True
    ),
    "variants": Member(
        ("object",),
        "payloads by name; every `value` of the flag is then a name",
        schema={"minProperties": 1},
        wanted="an object of names and payloads",
    ),
    "overrides": Member(("array",), "values along the hierarchy; the most specific wins"),
    "rules": Member(("array",), "the first that decides, decides"),
    "description": Member(("string",), "for people"),
    "owner": Member(("string",), "for people and tools"),
    "expires": Member(
        ("string", "null"),
        "the day it should be gone by",
        schema={"pattern": _TIME},
        wanted="a date such as 2027-03-01",
    ),
    "tags": Member(
        ("array",), "for people and tools", schema={"items": {"type": "string"}}, wanted="an array of strings"
    ),
    "metadata": Member(("object",), "goes with each answer", schema=_SCALARS),
}

DOCUMENT: Shape = {
    "flags": Member(("object",), "the flags by key", required=True, wanted="an object of flags"),
    "segments": Member(
        ("object",),
        "conditions by name",
        schema={"additionalProperties": {"type": "string", **_TEXT}},
        wanted="an object of names and conditions",
    ),
    "hierarchy": Member(
        ("array",),
        "context attributes, most general first; for `overrides`",
        schema={"items": {"type": "string", "minLength": 1, "not": {"const": "value"}}, "uniqueItems": True},
        wanted="an array of attribute names, most general first",
    ),
    "metadata": Member(("object",), "about the document", schema=_SCALARS),
    "$schema": Member(("string",), "the schema's address, for editors"),
}


def schema() -> dict[str, Any]:
    """
    The JSON Schema (draft 2020-12) of a native document, as plain JSON. Everything the parser takes, it takes.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "flagcore's native format",
        **_object(DOCUMENT, flags={"additionalProperties": {"$ref": "#/$defs/flag"}}),
        "$defs": {"flag": _flag(), "rule": _rule(), "override": _override(), "ramp": _object(RAMP)},
    }


def _object(shape: Shape, **more: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: {**_member(each), **more.get(name, {})} for name, each in shape.items()},
        "required": [name for name, each in shape.items() if each.required],
        "additionalProperties": False,
    }


def _member(each: Member) -> dict[str, Any]:
    types = {"type": each.types[0] if len(each.types) == 1 else list(each.types)} if each.types else {}
    return {**types, **each.schema, "description": each.meaning}


def _flag() -> dict[str, Any]:
    rules = {"items": {"$ref": "#/$defs/rule"}}
    shape = _object(FLAG, rules=rules, overrides={"items": {"$ref": "#/$defs/override"}})
    string = {"properties": {"value": {"type": "string"}}}
    named = {"properties": {"overrides": {"items": string}, "rules": {"items": string}, **string["properties"]}}
    bare_rollout = {"required": ["rollout"], "not": {"required": ["value"]}}
    bare_split = {"not": {"required": ["variants"]}, **_some_rule({"required": ["split"]})}
    boolean = {"properties": {"value": {"type": "boolean"}}, "not": {"required": ["variants"]}}
    return {
        **shape,
        "allOf": [
            {"if": {"required": ["variants"]}, "then": named},
            {"if": bare_split, "then": string},
            {"if": _some_rule(bare_rollout), "then": boolean},
        ],
    }


def _some_rule(rule: dict[str, Any]) -> dict[str, Any]:
    return {"required": ["rules"], "properties": {"rules": {"contains": {"type": "object", **rule}}}}


def _rule() -> dict[str, Any]:
    weight = {"type": "integer", **WEIGHT.schema}
    percent = {"if": {"type": "object"}, "then": {"$ref": "#/$defs/ramp"}, "else": _PERCENT}
    # One weight at least is above 0.
    split = {"additionalProperties": weight, "not": {"additionalProperties": {"const": 0}}}
    shared = {"anyOf": [{"required": ["rollout"]}, {"required": ["split"]}]}
    return {
        **_object(RULE, rollout=percent, split=split),
        "dependentSchemas": {"by": shared, "salt": shared},
        "oneOf": [
            {"required": ["split"], "not": {"anyOf": [{"required": ["value"]}, {"required": ["rollout"]}]}},
            {"anyOf": [{"required": ["value"]}, {"required": ["rollout"]}], "not": {"required": ["split"]}},
        ],
    }


def _override() -> dict[str, Any]:
    ids = {"type": ["string", "integer"], "minLength": 1, "description": "an id, by the name of its level"}
    return {**_object(OVERRIDE), "additionalProperties": ids, "minProperties": 2}
