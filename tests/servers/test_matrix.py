"""
Each server: a flag is flipped, every worker sees it, and nothing is left at the end.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

pytest.importorskip("uvicorn", reason="the flag server is not installed")

from tests.servers.cell import Cell
from tests.servers.matrix import CELLS, PAGE
from tests.servers.trial import Outcome, attempt

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at processes in /proc")


@pytest.mark.parametrize(
    "cell", [pytest.param(each, id=each.name) for each in CELLS if each.is_quick or PAGE in os.environ]
)
def test_every_worker_follows(cell: Cell, tmp_path: Path, outcomes: dict[str, Outcome | str]) -> None:
    """However its processes came about, a killed one's successor too; SIGTERM ends all of them."""
    if cell.missing:
        outcomes[cell.name] = f"not here: needs {cell.missing}"
        pytest.skip(f"needs {cell.missing}")
    outcomes[cell.name] = "FAILED"
    outcomes[cell.name] = attempt(cell, tmp_path)
