"""
`flagcore check` and `flagcore schema`: what they print, and how they end.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from flagcore.cli import main
from flagcore.formats.native_schema import schema
from flagcore.rules.pattern import engine

needs_yaml = pytest.mark.skipif(find_spec("ruamel") is None, reason='YAML needs "flagcore[yaml]"')


def written(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_check_is_content_with_a_sound_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It says how much there is, and which engine runs regular expressions."""
    text = '{"segments": {"s": "a"}, "flags": {"f": {"value": 1}, "g": {"value": 1, "rules": []}}}'
    assert main(["check", written(tmp_path, "flags.json", text)]) == 0
    expected = f"flags.json: 2 flags, 1 segment, no faults; regular expressions by {engine()}\n"
    assert capsys.readouterr().out == expected


@needs_yaml
def test_check_lists_each_fault_with_its_line_and_column(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As compilers write it, so that editors can go there; status 1."""
    text = "segments:\n  s: a b\nflags:\n  f: {value: 1, valeu: 2}\n  g: {value: 1}\n"
    path = written(tmp_path, "flags.yaml", text)
    assert main(["check", path]) == 1
    first, second, last = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{path}:2:6: $.segments.s: expected a condition")
    assert second == f"{path}:4:24: $.flags.f.valeu: unknown name 'valeu'; did you mean 'value'?"
    assert last.startswith("flags.yaml: 2 flags, no segments, 2 faults;")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("flags.json", '{"flags": [],\n "a": 1}', "$.flags: expected an object of flags, got an array"),
        ("flags.toml", "flag = 1\n", ": $.flag: unknown name 'flag'; did you mean 'flags'?"),
        ("flags.json", "{", ": $: expected JSON"),
    ],
)
def test_check_says_why_a_file_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, message: str
) -> None:
    """As a whole: then there is nothing to count."""
    assert main(["check", written(tmp_path, name, text)]) == 1
    first, last = capsys.readouterr().out.splitlines()
    assert message in first
    assert last == f"{name}: it is refused as a whole"


def test_check_takes_other_formats(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By name; one that is not there is refused with the near one."""
    path = written(tmp_path, "flags.json", '{"features": {"f": 1}}')
    assert main(["check", path, "--format", "foff"]) == 1
    assert "$.features.f: expected an object with a default" in capsys.readouterr().out
    assert main(["check", path, "--format", "fof"]) == 1
    assert "did you mean 'foff'" in capsys.readouterr().err


def test_check_needs_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One that is not there, or of an unknown kind, is one sentence and status 1."""
    assert main(["check", str(tmp_path / "no.json")]) == 1
    assert "got: No such file" in capsys.readouterr().err
    assert main(["check", written(tmp_path, "flags.ini", "")]) == 1
    assert ".yaml" in capsys.readouterr().err


def test_schema_prints_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    """For editors: save it beside the file and name it in `$schema`."""
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == schema()
