"""
The health check: whether requests may be sent here, as far as the flags go.

Internal; the package re-exports `flags_health`.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from flagcore.adapter import health
from flagcore_starlette.holding import held_client

__all__ = ["flags_health"]


async def flags_health(request: Request) -> Response:
    """
    An endpoint that says how the flags are: 200 when requests may be sent here, else 503; as JSON, without a secret.

        Route("/healthz/flags", flags_health)

    It asks the client that the application's lifespan holds, and counts as a read: a client that is asleep wakes.
    """
    found = health(held_client(request.scope))
    return Response(found.as_json(), found.http_status, found.http_headers, "application/json")
