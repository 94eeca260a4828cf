"""
The flag server and the three shops that follow it: started, watched, and ended together.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from example_apps.program import Program, stop_all

__all__ = ["Interruption", "Stage"]

#: Seconds between two looks at the programs: what a person takes for at once.
_LOOK_SECONDS = 0.05

#: Seconds after which a program that runs but does not answer counts as stuck; a slow machine needs a tenth of it.
_START_SECONDS = 60.0

#: What variables begin with that would have the programs do something else: read other flags, or reload themselves in
#: processes of their own.
_OTHERS = ("FLAGCORE_", "FLASK_", "DJANGO_", "UVICORN_")


class Interruption:
    """
    Whether somebody has asked for the end: by Ctrl-C, by SIGTERM, or by closing the terminal. Listens from
    construction on, which must be in the main thread.
    """

    def __init__(self) -> None:
        self.has_come = False
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if hasattr(signal, name):  # no SIGHUP on Windows
                signal.signal(getattr(signal, name), self._come)

    def _come(self, _: int, __: FrameType | None) -> None:
        # No exception from here: it could strike after a process has started and before anybody has noted it.
        self.has_come = True


class Stage:
    """
    The four programs, on ports of this machine alone.

    Args:
        path: the definition file that the flag server serves and changes.
        ports: the flag server's, FastAPI's, Flask's and Django's.
        folder: for logs and caches; whoever made it deletes it.
        interruption: looked at all the time.
    """

    def __init__(self, path: Path, ports: list[int], folder: Path, interruption: Interruption) -> None:
        self.programs: list[Program] = []
        self._path = path
        self._ports = ports
        self._folder = folder
        self._interruption = interruption

    def run(self, on_ready: Callable[[list[Program]], None]) -> None:
        """
        Start all, call `on_ready` when all answer, and wait. Leaves no process, however it ends.

        Raises:
            SystemExit: always: with status 0 when somebody asked for the end, with a text for standard error when a
                program died or got stuck.
        """
        server, fastapi, flask, django = map(str, self._ports)
        try:
            self._start("Flags", server, "flagcore.cli", "serve", str(self._path), "--port", server)
            # Before the shops, so that none of them begins with an outage.
            self._await_answers()
            self._start("FastAPI", fastapi, "uvicorn", "example_apps.fastapi_shop.main:app", "--port", fastapi)
            self._start("Flask", flask, "flask", "--app", "example_apps.flask_shop", "run", "--port", flask)
            settings = "--settings=example_apps.django_shop.settings"
            self._start("Django", django, "django", "runserver", "--noreload", settings, django)
            self._await_answers()
            on_ready(self.programs)
            while True:
                self._look()
        finally:
            stop_all(self.programs)

    def _start(self, name: str, port: str, *arguments: str) -> None:
        self.programs.append(Program(name, int(port), arguments, self._environ(), self._folder))

    def _environ(self) -> dict[str, str]:
        document = f"http://127.0.0.1:{self._ports[0]}/api/v1/document"
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(_OTHERS)},
            "FLAGCORE_URL": document,
            "FLAGCORE_STREAM_URL": f"{document}/stream",
            # Nothing stays in the user's own cache, and no proxy stands between programs of one machine.
            "XDG_CACHE_HOME": str(self._folder / "cache"),
            "no_proxy": "127.0.0.1",
            "PYTHONUNBUFFERED": "1",
        }

    def _await_answers(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        for program in self.programs:
            while not program.answers():
                self._look()
                if time.monotonic() > deadline:
                    sys.exit(f"{program.name} runs, but has not answered on {program.url} for {_START_SECONDS:.0f} s.")

    def _look(self) -> None:
        if self._interruption.has_come:
            sys.exit(0)
        for program in self.programs:
            if program.has_died:
                # Ctrl-C reaches all programs of a terminal: one of them may have ended before this one knows why.
                time.sleep(_LOOK_SECONDS)
                sys.exit(0 if self._interruption.has_come else program.last_words())
        time.sleep(_LOOK_SECONDS)
