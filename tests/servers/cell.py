"""
One row of the matrix: a server, how it is started, and what it should keep to.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Cell"]


@dataclass(frozen=True)
class Cell:
    """
    A way to serve an application.

    Args:
        server: its name, for the table.
        mode: how it makes its workers.
        app: which application of this folder, for the table.
        command: what starts it: arguments of this interpreter, with `{port}` for the port; or, if it begins with a
            slash or a variable of the environment in braces, a program of its own.
        workers: how many processes answer.
        needs: what must be importable.
        is_quick: whether it is cheap enough for every run of the tests.
        respawns: whether it replaces a worker that is killed.
        inherits: whether a new worker begins with what its parent follows, so that its first answer is the newest.
        reloads: whether it starts anew when a file changes.
        environment: variables beside those that configure the flags.
        end: the signal that ends it, sent to the whole group of processes where a terminal would.
        ends_group: whether it is.
        waits: whether no worker may answer before it has the flags.
        says: what its log must say, once.
        end_seconds: how long all its processes may take to end.
        note: said of it in the table.
    """

    server: str
    mode: str
    app: str
    command: str
    workers: int = 2
    needs: tuple[str, ...] = ()
    is_quick: bool = False
    respawns: bool = False
    inherits: bool = False
    reloads: bool = False
    environment: dict[str, str] = field(default_factory=dict)
    end: signal.Signals = signal.SIGTERM
    ends_group: bool = False
    waits: bool = False
    says: str = ""
    end_seconds: float = 5.0
    note: str = ""

    @property
    def name(self) -> str:
        """
        Its name as a test's parameter.
        """
        return f"{self.server} {self.mode} {self.app}".replace(" ", "-").replace("`", "")

    @property
    def missing(self) -> str:
        """
        What it needs and is not here; empty where nothing is.
        """
        lacking = [name for name in self.needs if not _is_here(name)]
        program = self.program
        if program is not None and (not program or shutil.which(program) is None):
            lacking.append(self.command.split()[0].strip("{}"))
        return ", ".join(lacking)

    @property
    def program(self) -> str | None:
        """
        The program to run, or None for this interpreter; empty if the environment does not name it.
        """
        first = self.command.split()[0]
        if not first.startswith("{"):
            return None
        name = first.strip("{}")
        # What pip installs beside the interpreter, or what the environment says.
        return os.environ.get(name, "") if name.isupper() else str(Path(sys.executable).with_name(name))

    def arguments(self, port: int) -> list[str]:
        """
        The command line.
        """
        program = self.program
        prefix = sys.prefix if program is None else str(Path(program).parents[1])
        words = [word.replace("{port}", str(port)).replace("{prefix}", prefix) for word in self.command.split()]
        return [sys.executable, "-m", *words] if program is None else [program, *words[1:]]


def _is_here(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # what it is a part of
        return False
