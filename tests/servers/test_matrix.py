"""
Each server: a flag is flipped, every worker sees it, and nothing is left at the end.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.servers.cell import Cell
from tests.servers.matrix import CELLS
from tests.servers.trial import attempt

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at processes in /proc")


@pytest.mark.parametrize("cell", [pytest.param(each, id=each.name) for each in CELLS])
def test_every_worker_follows(cell: Cell, tmp_path: Path) -> None:
    """However its processes came about, a killed one's successor too; SIGTERM ends all of them."""
    if cell.missing:
        pytest.skip(f"needs {cell.missing}")
    print(attempt(cell, tmp_path))
