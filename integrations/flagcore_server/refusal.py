"""
A request that is refused: the status, the sentence that says why and what to do, and the facts beside it.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

__all__ = ["Refusal", "refused"]


class Refusal(Exception):
    """
    Raised anywhere between a request and its answer; `refused` turns it into that answer.

    Attributes:
        status: the HTTP status, 400 to 599.
        message: one sentence: what was expected, what came, what to do. Carries no secret.
        facts: what a program wants to know beside it, such as `{"where": "$.value"}`; JSON values.
    """

    def __init__(self, status: int, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.facts = facts


async def refused(request: Request, error: Exception) -> Response:
    """
    The answer to a refused request: `{"error": sentence, …facts}`. A Starlette exception handler.
    """
    assert isinstance(error, Refusal), "registered for Refusal alone"  # noqa: S101 - Starlette types handlers wider
    headers = {"Cache-Control": "no-store"}
    if error.status == 401:
        # RFC 9110, section 11.6.1: a 401 names the scheme that would do.
        headers["WWW-Authenticate"] = "Bearer"
    if error.status == 413 and request.scope.get("http_version", "1.1").startswith("1"):
        # What is left of the body is not waited for. HTTP/2 ends a single stream, and knows no such header.
        headers["Connection"] = "close"
    return JSONResponse({"error": error.message, **error.facts}, error.status, headers)
