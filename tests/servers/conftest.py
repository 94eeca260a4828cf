from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers.matrix import CELLS, PAGE


@pytest.fixture(scope="session")
def outcomes() -> Iterator[dict[str, Any]]:
    """
    What each cell came to, for the table.
    """
    found: dict[str, Any] = {}
    yield found
    page = os.environ.get(PAGE)
    if page:
        from tests.servers.table import write  # with the flag server, which needs an extra

        write(Path(page), [(each, found.get(each.name, "was not tried")) for each in CELLS])
