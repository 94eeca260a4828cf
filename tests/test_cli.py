"""
The `flagcore` command, as a process: what it prints, and how it ends.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest

from flagcore.cli import main

needs_server = pytest.mark.skipif(
    find_spec("starlette") is None or find_spec("uvicorn") is None, reason='the flag server needs "flagcore[server]"'
)

_FLAGS = '{"flags": {"a": {"value": 1}}}'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "flags.json"
    file.write_text(_FLAGS, encoding="utf-8")
    return file


@contextmanager
def _serving(*arguments: str, **environ: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "flagcore.cli", "serve", *arguments, "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environ},
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert " at http://" in line, (line, process.communicate(timeout=10))
        yield process, line.split(" at ")[1].strip()
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@needs_server
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_serve_stops_cleanly_with_streams_open(path: Path, stop: signal.Signals) -> None:
    """On either signal the server ends its open streams and leaves within three seconds, status 0 and no complaint."""
    with _serving(str(path)) as (process, url), httpx.Client(base_url=url) as client:
        with (
            client.stream("GET", "/api/v1/document/stream") as document,
            client.stream("GET", "/api/v1/flags/live") as live,
        ):
            streams = [document.iter_raw(), live.iter_raw()]
            for each in streams:
                assert b"data: " in next(each)
            process.send_signal(stop)
            began = time.monotonic()
            for each in streams:
                b"".join(each)  # to the end, which is a whole answer's
            assert process.wait(5) == 0
            assert time.monotonic() - began < 3
        assert process.stderr is not None
        assert process.stderr.read() == ""


@needs_server
def test_serve_takes_secrets_from_the_environment(path: Path) -> None:
    """Keys can be given where other users of the machine cannot see them."""
    keys = {"FLAGCORE_SERVE_API_KEY": "secret-key", "FLAGCORE_SERVE_ADMIN_TOKEN": "secret-token"}
    with _serving(str(path), **keys) as (_, url), httpx.Client(base_url=url) as client:
        assert client.get("/api/v1/document").status_code == 401
        assert client.get("/api/v1/document", headers={"x-api-key": "secret-key"}).json() == {
            "flags": {"a": {"value": 1}}
        }
        assert client.get("/api/v1/admin/state", headers={"authorization": "Bearer secret-token"}).status_code == 200


@needs_server
def test_serve_takes_secrets_as_arguments(path: Path) -> None:
    """The same keys as arguments win over the environment's."""
    with (
        _serving(str(path), "--api-key", "mine", FLAGCORE_SERVE_API_KEY="other") as (_, url),
        httpx.Client(base_url=url) as client,
    ):
        assert client.get("/api/v1/document", headers={"x-api-key": "other"}).status_code == 401
        assert client.get("/api/v1/document", headers={"x-api-key": "mine"}).status_code == 200


@needs_server
def test_serve_says_what_is_wrong_with_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is not there, or of an unknown kind, is one sentence and status 1."""
    assert main(["serve", str(tmp_path / "missing.yaml")]) == 1
    assert "missing.yaml" in capsys.readouterr().err
    (tmp_path / "flags.ini").touch()
    assert main(["serve", str(tmp_path / "flags.ini")]) == 1
    assert ".yaml" in capsys.readouterr().err


@needs_server
def test_serve_says_that_a_port_is_taken(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A port in use is one sentence, no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", str(path), "--port", str(port)]) == 1
    assert f"cannot listen on 127.0.0.1 port {port}" in capsys.readouterr().err
    assert main(["serve", str(path), "--port", "70000"]) == 1
    assert "port: expected 0 to 65535, got 70000" in capsys.readouterr().err
    assert main(["serve", str(path), "--host", "no such host"]) == 1


def test_serve_names_the_extra_it_needs(path: Path) -> None:
    """Without the server's dependencies the command says what to install."""
    block = "import sys; sys.modules['starlette'] = sys.modules['uvicorn'] = None; from flagcore.cli import main"
    run = subprocess.run(
        [sys.executable, "-c", f"{block}; sys.exit(main(['serve', {str(path)!r}]))"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert run.stderr.strip().endswith('pip install "flagcore[server]"')
    assert "Traceback" not in run.stderr


def test_command_line_imports_no_server() -> None:
    """The command itself loads no framework: other commands are not to wait for it."""
    code = (
        "import sys, flagcore.cli; print([each for each in ('starlette', 'uvicorn', 'httpx') if each in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_no_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a command the known ones are listed."""
    with pytest.raises(SystemExit) as left:
        main([])
    assert left.value.code == 2
    assert "COMMAND" in capsys.readouterr().err


def test_eval_says_what_and_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For people, and as JSON for programs."""
    path = tmp_path / "flags.json"
    path.write_text('{"flags": {"a": {"value": 1, "rules": [{"if": "plan == \'pro\'", "value": 2}]}}}')
    assert main(["eval", str(path), "a", "--context", '{"plan": "pro"}']) == 0
    assert "rule 1" in capsys.readouterr().out
    assert main(["eval", str(path), "a", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["value"] == 1


@pytest.mark.parametrize(
    ("text", "key", "context", "message"),
    [
        ('{"flags": {}}', "a", "{}", "expected a flag's key, got 'a'; known are none"),
        ('{"flags": {"theme": {"value": 1}}}', "tehme", "{}", "did you mean 'theme'?"),
        ("{", "a", "{}", "expected JSON"),
        ('{"flags": {"a": {"value": 1}}}', "a", "[]", "JSON object"),
        (None, "a", "{}", "expected a readable file"),
    ],
)
def test_eval_leaves_with_1_where_there_is_no_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, key: str, context: str, message: str
) -> None:
    """An unknown flag, a document or a context that is none, a file that is not there."""
    path = tmp_path / "flags.json"
    if text is not None:
        path.write_text(text)
    assert main(["eval", str(path), key, "--context", context]) == 1
    told = capsys.readouterr()
    assert message in told.out + told.err
