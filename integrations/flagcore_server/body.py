"""
The body of a request, bounded.
"""

from __future__ import annotations

from starlette.requests import Request

from flagcore.errors import MalformedDocument
from flagcore.formats.syntax import decode
from flagcore.value import Json
from flagcore_server.refusal import Refusal

__all__ = ["read_body", "read_json"]

#: Bytes of a body over its cap that are still read, and dropped, so that its sender gets to see the answer.
_DRAINED_BYTES = 8 << 20


async def read_body(request: Request, most_bytes: int) -> bytes:
    """
    The whole body.

    Raises:
        Refusal: 413 it has more than `most_bytes` bytes.
    """
    content, over = bytearray(), 0
    async for chunk in request.stream():
        if len(content) + len(chunk) <= most_bytes and not over:
            content += chunk
            continue
        over += len(chunk)
        if over > _DRAINED_BYTES:
            break
    if over:
        raise Refusal(413, f"expected a body of at most {most_bytes} bytes, got more; nothing was changed")
    return bytes(content)


async def read_json(request: Request, most_bytes: int) -> Json:
    """
    The body of a request of the page's, decoded.

    Raises:
        Refusal: 415 it is not declared as JSON; 413 it has more than `most_bytes` bytes; 400 it is none.
    """
    # A form or plain text can be sent here by any site a browser visits, without asking first; JSON can not.
    given = request.headers.get("content-type", "")
    if given.partition(";")[0].strip().lower() != "application/json":
        raise Refusal(415, f"expected Content-Type: application/json, got {given[:100] or 'none'!r}")
    try:
        return decode(await read_body(request, most_bytes))
    except MalformedDocument as error:
        raise Refusal(400, f"the body: {error}", where=error.where) from error
