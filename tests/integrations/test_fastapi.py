"""
The FastAPI adapter: the contract, and what is FastAPI's own.
"""

from __future__ import annotations

from tests.integrations.contract import Contract, SeveralApps
from tests.integrations.fastapi_harness import FastAPIHarness


class TestFastAPI(Contract, SeveralApps):
    """
    The contract in FastAPI on asyncio.
    """

    harness = FastAPIHarness()


class TestFastAPIOnTrio(Contract, SeveralApps):
    """
    The contract in FastAPI on trio.
    """

    harness = FastAPIHarness("trio")
