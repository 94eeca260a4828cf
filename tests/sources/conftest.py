from __future__ import annotations

import pytest

from tests.loopback import Server


@pytest.fixture
def server():
    """A scripted server on the loopback."""
    with Server() as running:
        yield running
