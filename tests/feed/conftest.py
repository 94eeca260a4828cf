from __future__ import annotations

import pytest

from tests.feed.worlds import WORLDS
from tests.loopback import Server


@pytest.fixture
def server():
    """A scripted server on the loopback."""
    with Server() as running:
        yield running


@pytest.fixture(params=WORLDS)
def world(request):
    """Each of the worlds a feed may live in."""
    return request.param
