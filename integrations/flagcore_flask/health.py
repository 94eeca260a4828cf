"""
The health check: whether requests may be sent here, as far as the flags go.

Internal; the package re-exports `flags_health`.
"""

from __future__ import annotations

from flask import Response

from flagcore.adapter import health
from flagcore_flask.binding import AppFlags, current_application

__all__ = ["flags_health"]


def flags_health() -> Response:
    """
    A view that says how the flags are: 200 when requests may be sent here, else 503; as JSON, without a secret.

        app.add_url_rule("/healthz/flags", view_func=flags_health)

    It asks the application's client, and counts as a read: a client that is asleep wakes.
    """
    own = AppFlags.of(current_application())
    found = health(own.client if own is not None else None)
    return Response(found.as_json(), found.http_status, found.http_headers, mimetype="application/json")
