from pathlib import Path

import pytest


def test_users_see_the_types_they_should(monkeypatch: pytest.MonkeyPatch) -> None:
    """mypy, strict, agrees with each line of the usage file, and refuses those that must be."""
    api = pytest.importorskip("mypy.api", reason="mypy comes with flagcore[dev]")
    monkeypatch.chdir(Path(__file__).parents[1])
    arguments = ["--config-file=", "--strict", "--python-version=3.10", "--follow-imports=silent"]
    told, error, status = api.run([*arguments, "--no-incremental", "tests/typing/usage.py"])
    assert (status, error) == (0, ""), told
