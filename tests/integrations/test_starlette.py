"""
The Starlette adapter: the contract, and what is Starlette's own.
"""

from __future__ import annotations

from tests.integrations.contract import Contract, SeveralApps
from tests.integrations.starlette_harness import StarletteHarness


class TestStarlette(Contract, SeveralApps):
    """
    The contract in Starlette on asyncio.
    """

    harness = StarletteHarness()


class TestStarletteOnTrio(Contract, SeveralApps):
    """
    The contract in Starlette on trio.
    """

    harness = StarletteHarness("trio")
