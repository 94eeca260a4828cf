import os
import time
from pathlib import Path
from typing import Any

import pytest

from flagcore import FileSource, FlagClient, MemorySource, Reason, Status
from flagcore.errors import ConfigError
from flagcore.formats import FORMATS
from tests.documents import eventually, native


def replace(path: Path, text: str) -> None:
    fresh = path.with_name("fresh.tmp")
    fresh.write_text(text)
    os.replace(fresh, path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("flags.yaml", "flags: {a: {value: 1}} # a comment\n"),
        ("flags.yml", "flags:\n  a:\n    value: 1\n"),
        ("flags.json", '{"flags": {"a": {"value": 1}}}'),
        ("flags.TOML", "[flags.a]\nvalue = 1\n"),
    ],
)
def test_the_suffix_says_how_it_is_written(tmp_path: Path, name: str, text: str) -> None:
    """YAML, JSON and TOML; read before the client is even started."""
    path = tmp_path / name
    path.write_text(text)
    assert FlagClient(FileSource(path)).snapshot.answers["a"].value == 1


def test_follows_the_file(tmp_path: Path) -> None:
    """Replaced, rewritten in place, broken, gone and back."""
    path = tmp_path / "flags.json"
    replace(path, '{"a": 1}')
    with FlagClient(FileSource(path, "soasap", poll_seconds=0.02)) as client:
        assert client.wait_ready(0)
        assert client.get_int("a") == 1
        replace(path, '{"a": 2}')
        eventually(lambda: client.get_int("a") == 2)
        path.write_text('{"a": 33}')
        eventually(lambda: client.get_int("a") == 33)
        replace(path, '{"a": ')
        eventually(lambda: client.status is Status.STALE)
        assert client.get_int("a") == 33
        path.unlink()
        replace(path, '{"a": 4}')
        eventually(lambda: client.get_int("a") == 4)
        assert client.status is Status.READY


def test_a_missing_file_is_an_error_until_it_appears(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Not one of configuration, and said once."""
    path = tmp_path / "flags.json"
    with FlagClient(FileSource(path, "soasap", poll_seconds=0.02)) as client:
        assert client.status is Status.ERROR
        assert client.get_int("a", 7) == 7
        replace(path, '{"a": 1}')
        eventually(lambda: client.get_int("a") == 1)
        assert client.status is Status.READY
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 1
    assert "expected a readable file flags.json" in warnings[0]


def test_a_start_reads_what_has_changed_since_construction(tmp_path: Path) -> None:
    """What is local is loaded when start returns, without any wait."""
    path = tmp_path / "flags.json"
    replace(path, '{"a": 1}')
    client = FlagClient(FileSource(path, "soasap", poll_seconds=0))
    replace(path, '{"a": 2}')
    with client:
        assert client.get_int("a") == 2


def test_a_file_is_not_kept_in_the_disk_cache(tmp_path: Path) -> None:
    """Only network sources are."""
    path = tmp_path / "flags.json"
    replace(path, '{"a": 1}')
    with FlagClient(FileSource(path, "soasap"), cache_dir=tmp_path / "cache"):
        pass
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("flags.ini",), "path"),
        (("",), "path"),
        ((5,), "path"),
        (("flags",), "path"),
        (("flags.yaml", "nativ"), "did you mean 'native'"),
        (("flags.yaml", "native", -1), "poll_seconds"),
        (("flags.yaml", "native", float("inf")), "poll_seconds"),
        (("flags.yaml", "native", "1"), "poll_seconds"),
        (("flags.yaml", "native", True), "poll_seconds"),
        (("flags.yaml", "native", 1, -1), "max_age_seconds"),
        (("flags.yaml", "native", 1, "1"), "max_age_seconds"),
    ],
)
def test_refuses_what_cannot_be_right(arguments: tuple[Any, ...], message: str) -> None:
    """Said at construction."""
    with pytest.raises(ConfigError, match=message):
        FileSource(*arguments)


def test_its_name_has_no_folder(tmp_path: Path) -> None:
    """What logs and pages show is the file's own name."""
    assert FileSource(tmp_path / "flags.yaml").name == "file flags.yaml"


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_that_is_too_old_has_no_flags(tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    """It is no failure: the layers above it are as ready as before."""
    path = tmp_path / "built.json"
    path.write_text("whatever a build left")
    os.utime(path, (time.time() - 100,) * 2)
    layers = (MemorySource(native(a=1)), FileSource(path, name, max_age_seconds=99))
    with FlagClient(*layers) as client:
        assert client.wait_ready(0)
        assert client.status is Status.READY
        assert client.flags().all() == {"a": 1}
        assert client.flags().details("b", 0).reason is Reason.ERROR
    assert [each.getMessage() for each in caplog.records] == [
        "file built.json: more than 99 s old (max_age_seconds), so that it is not used"
    ]


def test_a_file_ages_while_it_is_followed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Written anew, it counts again; the warning comes once."""
    path = tmp_path / "built.json"
    path.write_text('{"a": 1}')
    with FlagClient(FileSource(path, "soasap", poll_seconds=0.01, max_age_seconds=50)) as client:
        assert client.get_int("a") == 1
        os.utime(path, (time.time() - 49.9,) * 2)
        eventually(lambda: client.get_int("a") == 0)
        path.write_text('{"a": 2}')
        eventually(lambda: client.get_int("a") == 2)
        assert client.status is Status.READY
    assert len(caplog.records) == 1
