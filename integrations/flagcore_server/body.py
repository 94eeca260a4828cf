"""
The body of a request, bounded.
"""

from __future__ import annotations

from starlette.requests import Request

from flagcore_server.refusal import Refusal

__all__ = ["read_body"]

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
