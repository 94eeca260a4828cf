from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.matrix import CELLS, PAGE
from tests.servers.table import write
from tests.servers.trial import Outcome


@pytest.fixture(scope="session")
def outcomes() -> Iterator[dict[str, Outcome | str]]:
    """
    What each cell came to, for the table.
    """
    found: dict[str, Outcome | str] = {}
    yield found
    page = os.environ.get(PAGE)
    if page:
        write(Path(page), [(each, found.get(each.name, "was not tried")) for each in CELLS])
