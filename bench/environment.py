"""
An environment of its own for each peer, made once and kept in a cache folder.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
from pathlib import Path

from bench.peer import NAMES, NotHere

__all__ = ["python_of"]

#: Making an environment downloads some megabytes.
_TIMEOUT_SECONDS = 600


def python_of(name: str, folder: Path) -> str:
    """
    The interpreter of the peer's environment in `folder`, made now if it is not there; the same Python as this one.

    Raises:
        NotHere: the peer can't be installed.
    """
    home = folder / f"{name}-{sys.version_info.major}.{sys.version_info.minor}"
    python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    ready = home / "ready"
    if not ready.exists():
        shutil.rmtree(home, ignore_errors=True)
        distribution, others = NAMES[name]
        _make(home, str(python), [distribution, *map(_same_as_here, others)])
        ready.touch()
    return str(python)


def _make(home: Path, python: str, wanted: list[str]) -> None:
    uv = shutil.which("uv")
    if uv:
        steps = [
            [uv, "venv", "-q", "-p", sys.executable, str(home)],
            [uv, "pip", "install", "-q", "-p", python, *wanted],
        ]
    else:
        steps = [[sys.executable, "-m", "venv", str(home)], [python, "-m", "pip", "install", "-q", *wanted]]
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False, timeout=_TIMEOUT_SECONDS)
        if done.returncode:
            print(done.stderr, file=sys.stderr)
            raise NotHere(f"{wanted[0]} could not be installed")


def _same_as_here(distribution: str) -> str:
    # A request is compared with a request: both through the same version of the framework.
    try:
        return f"{distribution}=={importlib.metadata.version(distribution)}"
    except importlib.metadata.PackageNotFoundError:
        return distribution
