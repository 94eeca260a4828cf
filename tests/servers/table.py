"""
The table of `docs/servers.md`, written from the outcomes of a run.
"""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import platform
import subprocess
from pathlib import Path

from tests.servers.cell import Cell
from tests.servers.trial import Outcome

__all__ = ["write"]

_BEGIN, _END = "<!-- begin: written by `nox -s servers` -->", "<!-- end -->"

#: What is named with its version above the table, where it is installed.
_PACKAGES = {
    *("celery", "daphne", "django", "fastapi", "flask", "gevent", "granian", "gunicorn", "hypercorn", "starlette"),
    *("uvicorn", "uvicorn-worker", "uwsgi", "waitress"),
}


def write(page: Path, found: list[tuple[Cell, Outcome | str]]) -> None:
    """
    Put the outcomes, or why there is none, between the page's two marks.
    """
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    after = rest.partition(_END)[2]
    rows = [_row(cell, outcome) for cell, outcome in found]
    head = "| server | mode | application | processes | s to see a flip | s to end | a killed worker |\n|" + "---|" * 7
    page.write_text(
        f"{before}{_BEGIN}\n\n{_conditions()}\n\n{head}\n" + "\n".join(rows) + f"\n\n{_END}{after}", encoding="utf-8"
    )


def _row(cell: Cell, outcome: Outcome | str) -> str:
    mode = f"{cell.mode}: {cell.note}" if cell.note else cell.mode
    first = f"| {cell.server} | {mode} | {cell.app} | {cell.workers} |"
    if isinstance(outcome, str):
        return f"{first} {outcome} | | |"
    replaced = "is replaced by one that follows" if outcome.killed else "after a reload the new process follows"
    after = replaced if outcome.killed or cell.reloads else ""
    return f"{first} {outcome.flip_seconds:.2f} | {outcome.end_seconds:.2f} | {after} |"


def _conditions() -> str:
    versions = sorted(
        f"{each.name.lower()} {each.version}"
        for each in importlib.metadata.distributions()
        if each.name.lower().replace("_", "-") in _PACKAGES
    )
    cores = subprocess.run(["nproc"], capture_output=True, text=True, check=True).stdout.strip()
    today = dt.datetime.now(dt.timezone.utc).date()
    where = f"{platform.python_implementation()} {platform.python_version()} on {platform.system()}, {cores} cores"
    return f"{today}, {where}: {', '.join(versions)}; threads off: uWSGI 2.0.22 on Python 3.10."
