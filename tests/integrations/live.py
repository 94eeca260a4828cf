"""
The part of the contract that can be seen over HTTP, kept by adapters under real servers.

    class TestFlask(LiveContract):
        needs = ("flask", "gunicorn")
        command = gunicorn("flask", "--preload")

A server is one process for all tests of its class. It is configured by `FLAGCORE_…` variables and follows a file that
the tests rewrite.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from tests.integrations.shop import CHANGED, SHOP

#: Seconds that a server may take to start, a change to arrive, and a server to end.
_START_SECONDS = 20.0
_CHANGE_SECONDS = 5.0
_STOP_SECONDS = 5.0

ROOT = Path(__file__).parents[2]


def uvicorn(app: str) -> str:
    """
    The command that serves an ASGI application of `live_apps.py`. The listening socket is inherited, as `{fd}`, so
    that its port is the kernel's choice, and accepts before the server is up.
    """
    return f"uvicorn --factory --fd {{fd}} --log-level warning --no-access-log tests.integrations.live_apps:{app}"


def gunicorn(app: str, options: str) -> str:
    """
    The command that serves an application of `live_apps.py` from a forked worker, with a socket as above.
    """
    return f"gunicorn --bind fd://{{fd}} --log-level warning {options} tests.integrations.live_apps:{app}()"


class Server:
    """
    A server's process, and the file it follows.

    Args:
        command: as above.
        folder: for the file and the log.
    """

    def __init__(self, command: str, folder: Path) -> None:
        self._file = folder / "flags.json"
        self._log = folder / "log"
        self._revision = 0
        self._write(SHOP)
        with socket.create_server(("127.0.0.1", 0)) as listener, self._log.open("wb") as log:
            self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            listener.set_inheritable(True)
            self._process = subprocess.Popen(
                [sys.executable, "-m", *command.replace("{fd}", str(listener.fileno())).split()],
                cwd=ROOT,
                env=self._environment(),
                pass_fds=[listener.fileno()],
                stdout=log,
                stderr=log,
            )
        self._http = httpx.Client(base_url=self.url, timeout=_START_SECONDS, trust_env=False)

    def serve(self, document: Mapping[str, Any]) -> None:
        """
        Rewrite the file, and wait until the server answers from it.
        """
        self._write(document)
        deadline = time.monotonic() + _CHANGE_SECONDS
        while self.get("/revision").json() != self._revision:
            assert time.monotonic() < deadline, self.log
            time.sleep(0.01)

    def change(self, document: Mapping[str, Any]) -> None:
        """
        Rewrite the file.
        """
        self._write(document)

    @property
    def log(self) -> str:
        """
        What the process has written.
        """
        return self._log.read_text(encoding="utf-8")

    def get(self, path: str, headers: Mapping[str, str] = {}) -> httpx.Response:
        """
        GET, redirects not followed.
        """
        try:
            return self._http.get(path, headers=dict(headers))
        except httpx.HTTPError as error:
            raise AssertionError(self.log) from error

    def stop(self) -> None:
        """
        SIGTERM, and a process that is gone soon after, without a word.
        """
        self._http.close()
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(_STOP_SECONDS)
        finally:
            self._process.kill()
            self._process.wait()
        assert code in (0, -signal.SIGTERM), self.log
        assert "Traceback" not in self.log, self.log

    def _write(self, document: Mapping[str, Any]) -> None:
        self._revision += 1
        flags = {**document["flags"], "revision": {"value": self._revision}}
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps({**document, "flags": flags}), encoding="utf-8")
        new.replace(self._file)

    def _environment(self) -> dict[str, str]:
        own = {
            "FLAGCORE_SOURCE": "file",
            "FLAGCORE_PATH": str(self._file),
            "FLAGCORE_POLL_SECONDS": "0.02",
            "FLAGCORE_CONTEXT_FROM": "tests.integrations.shop:by_headers",
            "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]),
        }
        return {**os.environ, **own}


class LiveContract:
    """
    The shared tests over a socket.
    """

    command: ClassVar[str]
    #: What must be installed for it.
    needs: ClassVar[tuple[str, ...]]

    @pytest.fixture
    def server(self, running: Server) -> Server:
        """
        The server, answering from the shop's flags.
        """
        running.serve(SHOP)
        return running

    def test_a_view_follows_the_file(self, server: Server) -> None:
        """
        A change on disk is seen without a restart, by plain and async views, templates and gates.
        """
        paths = ("/theme", "/async", "/template", "/checkout")
        assert [server.get(path).text for path in paths] == ['"light"', "true", "on", "true"]
        server.serve(CHANGED)
        assert [server.get(path).text for path in paths[:3]] == ['"blue"', "false", "off"]
        assert server.get("/checkout").status_code == 404

    def test_each_request_has_the_flags_of_its_own_context(self, server: Server) -> None:
        """
        Also when many come at once.
        """
        orgs = ["acme", "other"] * 10
        with ThreadPoolExecutor(4) as pool:
            themes = list(pool.map(lambda org: server.get("/theme", {"x-org": org}).json(), orgs))
        assert themes == ["dark" if org == "acme" else "light" for org in orgs]
        assert server.get("/who", {"x-user": "u1"}).json() == {"targeting_key": "u1", "org": None}

    def test_code_without_the_request_reads_the_requests_view(self, server: Server) -> None:
        """
        Whatever thread or task the server runs it in.
        """
        assert server.get("/same").json() is True

    def test_a_request_sees_one_state_while_the_flags_change(self, server: Server) -> None:
        """
        A view that was reading when the file changed reads on from what it had.
        """
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(server.get, "/steady")
            while not answer.done():  # the first change may come before the request
                server.change(CHANGED)
                time.sleep(0.1)
        before, after, newest = answer.result().json()
        assert before == after < newest

    def test_gates_answer_as_they_are_told(self, server: Server) -> None:
        """
        503 with `Retry-After`, another view, a redirect to a route.
        """
        closed = server.get("/open")
        assert (closed.status_code, closed.headers["retry-after"]) == (503, "120")
        assert server.get("/fallback").json() == "the old one"
        away = server.get("/away")
        assert (away.status_code, httpx.URL(away.headers["location"]).path) == (302, "/themes")
        server.serve(CHANGED)
        assert [server.get(path).json() for path in ("/open", "/fallback", "/away")] == ["blue"] * 3

    def test_a_broken_file_leaves_the_last_good_flags(self, server: Server) -> None:
        """
        A slip in the file takes no page down, and the next good one is followed.
        """
        server.change({"hierarchy": "no list", "flags": {}})
        time.sleep(0.1)
        assert server.get("/theme").json() == "light"
        server.serve(CHANGED)
        assert server.get("/theme").json() == "blue"
