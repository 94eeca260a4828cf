"""
The contract, kept by Django over WSGI and over ASGI.
"""

from __future__ import annotations

import pytest

pytest.importorskip("django")

from tests.integrations.contract import Contract
from tests.integrations.django_harness import DjangoHarness


class TestWSGI(Contract):
    """
    Plain middleware, plain and async views.
    """

    harness = DjangoHarness(is_async=False)


class TestASGI(Contract):
    """
    Async middleware, plain and async views.
    """

    harness = DjangoHarness(is_async=True)
