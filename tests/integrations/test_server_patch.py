"""
Changing one value in a file's text: it means what was asked for, and all else stays to the letter.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

for _needed in ("starlette", "uvicorn"):
    pytest.importorskip(_needed)

from flagcore.formats.syntax import decode
from flagcore.source import Syntax
from flagcore_server.patch import NotEditable, patched
from tests.integrations.served import SAMPLE


def patch(text: str, path: tuple[str, ...], value: Any, syntax: Syntax = "yaml") -> str:
    content = text.encode()
    before = decode(content, syntax)
    result, document = patched(content, syntax, before, path, value)
    assert before == decode(content, syntax)
    assert document == decode(result, syntax)
    return result.decode()


@pytest.mark.parametrize(
    ("before", "value", "after"),
    [
        ("a: false # c", True, "a: true # c"),
        ("a: 'x' # c", "y", "a: 'y' # c"),
        ("a: 'x'", "it's", "a: 'it''s'"),
        ('a: "x"', 'say "y"', 'a: "say \\"y\\""'),
        ("a: x # c", "y z", "a: y z # c"),
        ("a: x", "true", 'a: "true"'),
        ("a: x", "no", 'a: "no"'),
        ("a: x", "12", 'a: "12"'),
        ("a: x", "y: z", 'a: "y: z"'),
        ("a: x", "# y", 'a: "# y"'),
        ("a: x", "", 'a: ""'),
        ("a: x", "two\nlines", 'a: "two\\nlines"'),
        ("a: x", "\x85\u2028\x07", 'a: "\\U00000085\\U00002028\\u0007"'),
        ("a: 20", 2.5, "a: 2.5"),
        ("a: 2.5e3", 1e22, "a: 1e+22"),
        ("a:\nb: 1", True, "a: true\nb: 1"),
        ("a: # c\nb: 1", True, "a: true # c\nb: 1"),
        ("a: |\n  one\n  two\n\n# c\nb: 1", "x", "a: x\n\n# c\nb: 1"),
        ("a: >-\n  one\n  two\nb: 1", "x", "a: x\nb: 1"),
        ("a: {b: 1} # c", {"b": 1, "c": [True, None]}, "a: {b: 1, c: [true, null]} # c"),
        ("a:\n  x: 1 # c\n  y: 2\n# d\nb: 1", {"x": 9, "y": 2}, "a:\n  x: 9 # c\n  y: 2\n# d\nb: 1"),
        ("a:\n  x: 1\n  # c\n# d\nb: 1", {"z": 9}, "a:\n  {z: 9}\n  # c\n# d\nb: 1"),
        ("a:\n- 1 # c\n- 2\nb: 1", [1, 3], "a:\n- 1 # c\n- 3\nb: 1"),
        ("a: !!str 12", "13", 'a: "13"'),
        ("a: &here 1\nb: 2", 3, "a: 3\nb: 2"),
        ("{a: 1,b: 2}", 3, "{a: 3,b: 2}"),
        ('{"a":1}', "x", '{"a": x}'),
        ("? a\n: 1", 2, "? a\n: 2"),
        ("\ufeffa: 1", 2, "\ufeffa: 2"),
        ("a: 1\r\nb: 2\r\n", 3, "a: 3\r\nb: 2\r\n"),
        ("a: one # ☃ 😀\nb: ☃", "☃ 😀", 'a: "☃ 😀" # ☃ 😀\nb: ☃'),
        ("%YAML 1.2\n---\na: 1\n...\n", 2, "%YAML 1.2\n---\na: 2\n...\n"),
    ],
)
def test_yaml_value_is_written_over(before: str, value: Any, after: str) -> None:
    """A YAML value is replaced in its own quotes where they can hold it; comments, order and line ends stay."""
    assert patch(before, ("a",), value) == after


@pytest.mark.parametrize(
    ("before", "value", "after"),
    [
        ('{"a": false, "b" : 1 }', True, '{"a": true, "b" : 1 }'),
        ('{\n\t"a":\t"x\\u0041",\n\t"b": 1\n}\n', "ü☃", '{\n\t"a":\t"ü☃",\n\t"b": 1\n}\n'),
        ('{"a": {"x": 1,"y": [1, 2]}}', {"x": 1, "y": [1, 3]}, '{"a": {"x": 1,"y": [1, 3]}}'),
        ('{"b": [[], {}, "a"], "a": []}', [1], '{"b": [[], {}, "a"], "a": [1]}'),
        ('{\n  "a": {\n    "x": 1\n  }\n}', {"y": [2]}, '{\n  "a": {\n    "y": [\n      2\n    ]\n  }\n}'),
    ],
)
def test_json_value_is_written_over(before: str, value: Any, after: str) -> None:
    """A JSON value is replaced with the file's own indentation; all else stays."""
    assert patch(before, ("a",), value, "json") == after


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("base: &b {value: 1}\na: *b", 2),
        ("a: &x 1\nb: *x", 2),
        ("a: &x {v: 1, w: 2}\nb: *x", {"v": 9, "w": 2}),
        ("base: &b {a: 1}\n<<: *b", 2),
    ],
    ids=["alias", "anchor", "inside-an-anchor", "merged-in"],
)
def test_shared_yaml_is_not_edited(text: str, value: Any) -> None:
    """A value that stands in two places by a YAML alias is refused: one change would make two."""
    with pytest.raises(NotEditable):
        patch(text, ("a",), value)


def test_other_encodings_and_toml_are_not_edited() -> None:
    """What cannot be changed to the letter is refused with a word on what to do."""
    with pytest.raises(NotEditable, match="UTF-8"):
        patched("a: ü".encode("utf-16"), "yaml", {"a": "ü"}, ("a",), 1)
    with pytest.raises(NotEditable, match="TOML"):
        patched(b"a = 1", "toml", {"a": 1}, ("a",), 2)


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_SCALAR = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
_VALUE = st.recursive(
    _SCALAR | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)
_KEYS = sorted(decode(SAMPLE.encode(), "yaml")["flags"])  # type: ignore[index,call-overload,arg-type]


@settings(max_examples=40, deadline=None)
@given(key=st.sampled_from(_KEYS), value=_VALUE)
@pytest.mark.parametrize("syntax", ["yaml", "json"])
def test_any_value_fits_anywhere(syntax: Syntax, key: str, value: Any) -> None:
    """Whatever JSON value goes to whichever flag, the text then means that, and every other line is untouched."""
    text = SAMPLE if syntax == "yaml" else json.dumps(decode(SAMPLE.encode(), "yaml"), indent=1)
    document: Any = decode(text.encode(), syntax)
    result = patch(text, ("flags", key, "value"), value, syntax)
    document["flags"][key]["value"] = value
    assert json.dumps(decode(result.encode(), syntax), sort_keys=True) == json.dumps(document, sort_keys=True)
    for line in text.splitlines():
        if "#" in line and key not in line and syntax == "yaml" and "value" not in line and "max_items" not in line:
            assert line in result
