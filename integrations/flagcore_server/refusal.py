"""
A request that is refused: the status, the sentence that says why and what to do, and the facts beside it.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

__all__ = ["Refusal", "refused"]


class Refusal(Exception):  # noqa: N818 - an answer on its way, no fault of the program
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


async def refused(_: Request, error: Exception) -> Response:
    """
    The answer to a refused request: `{"error": sentence, …facts}`. A Starlette exception handler.
    """
    assert isinstance(error, Refusal), "registered for Refusal alone"  # noqa: S101 - Starlette types handlers wider
    headers = {"Cache-Control": "no-store"}
    if error.status == 401:
        # RFC 9110, section 11.6.1: a 401 names the scheme that would do.
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse({"error": error.message, **error.facts}, error.status, headers)
