"""
What every adapter keeps, for Flask.
"""

from __future__ import annotations

import pytest

pytest.importorskip("flask", reason="Flask is not installed")

from tests.integrations.contract import Contract, SeveralApps
from tests.integrations.flask_harness import FlaskHarness


class TestFlask(Contract, SeveralApps):
    """
    Flask's test client.
    """

    harness = FlaskHarness()
