from typing import Any

import pytest

from flagcore.errors import ConfigError, MalformedDocument
from flagcore.formats import check_format, parse
from flagcore.formats.syntax import decode, syntax_of
from flagcore.source import Body, Syntax


@pytest.mark.parametrize(
    ("content", "syntax", "expected"),
    [
        (b'{"a": [1, 2.5, null]}', "json", {"a": [1, 2.5, None]}),
        (b"a: yes\nb: 0o17\nc: 1.5\nd: 2027-03-01\n", "yaml", {"a": "yes", "b": 15, "c": 1.5, "d": "2027-03-01"}),
        (b'a = 1\nd = 2027-03-01\n[t]\nb = "x"', "toml", {"a": 1, "d": "2027-03-01", "t": {"b": "x"}}),
    ],
)
def test_decodes_each_syntax(content: bytes, syntax: Syntax, expected: Any) -> None:
    """YAML is 1.2, where yes is a word; dates become text."""
    assert decode(content, syntax) == expected


@pytest.mark.parametrize(
    ("content", "syntax", "message"),
    [
        (b"", "json", "got nothing"),
        (b"<html>", "json", "text that begins '<html>'"),
        (b'{"a": 1', "json", "truncated"),
        (b'{"a": NaN}', "json", "invalid character"),
        (b'{"a": "\xff"}', "json", "UTF-8"),
        (b"[" * 100_000, "json", "deep"),
        (b"[" * 200 + b"]" * 200, "json", "levels of nesting"),
        (b"a: [", "yaml", "line 1, column 5"),
        (b"a: 1\na: 2", "yaml", "duplicate key"),
        (b"1: 2", "yaml", "put it in quotes"),
        (b"a: .nan", "yaml", "finite"),
        (b"\xff\xfe\xff", "yaml", "expected YAML"),
        (b"a: !!python/object:os.system x", "yaml", "tag"),
        (b"a: !!bool x", "yaml", "a value after a tag, that is none"),
        (b'a: !!int ""', "yaml", "a value after a tag, that is none"),
        (b"? [[a]]", "yaml", "a key"),
        (b"a = \n", "toml", "line 1"),
        (b"\xff", "toml", "expected TOML"),
        (b"a = " + b"1" * 5000, "toml", "limit (4300"),
        (b"a = 0x" + b"f" * 5000, "toml", "4,300 digits"),
        (b"a: 0x" + b"f" * 5000, "yaml", "4,300 digits"),
        (b"? 0x" + b"f" * 5000, "yaml", "got a number; put it in quotes"),
        (b"1" * 5000, "json", "out of range"),
    ],
)
def test_says_what_is_wrong(content: bytes, syntax: Syntax, message: str) -> None:
    """Every fault of a document is a MalformedDocument that says what came."""
    with pytest.raises(MalformedDocument) as caught:
        decode(content, syntax)
    assert message in str(caught.value)


def test_an_anchor_may_be_used_again() -> None:
    """The later one counts from there on, and nobody is warned: that would print at every poll."""
    assert decode(b"a: &x 1\nb: &x 2\nc: *x\n", "yaml") == {"a": 1, "b": 2, "c": 2}


def test_a_suffix_says_the_syntax() -> None:
    """Upper case counts as lower; what is not known is refused with what is."""
    assert syntax_of(".YML") == "yaml"
    with pytest.raises(ConfigError, match=r"\.json, \.yaml, \.yml, \.toml"):
        syntax_of(".ini")


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    """The error helps with a slip."""
    with pytest.raises(ConfigError, match="did you mean 'native'"):
        check_format("nativ")
    with pytest.raises(ConfigError, match="expected one of native, foff, soasap"):
        parse("flags", Body(b"{}"))
