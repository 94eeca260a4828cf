"""
The health check: whether requests may be sent here, as far as the flags go.

Internal; the package re-exports `flags_health`.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from flagcore.adapter import health
from flagcore_django.apps import installed

__all__ = ["flags_health"]


@require_safe
def flags_health(request: Any) -> HttpResponse:  # noqa: ARG001 - a view's signature
    """
    A view that says how the flags are: 200 when requests may be sent here, else 503; as JSON, without a secret.

        path("healthz/flags", flags_health)

    It asks the project's client, and counts as a read: a client that is asleep wakes.
    """
    config = installed()
    found = health(config.client if config is not None and config.error is None else None)
    return HttpResponse(found.as_json(), "application/json", found.http_status, headers=found.http_headers)
