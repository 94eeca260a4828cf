"""
The one failure that only streams have: the address answers, but not with a stream.
"""

from __future__ import annotations

from flagcore.errors import SourceUnavailable

__all__ = ["StreamRefused"]


class StreamRefused(SourceUnavailable):
    """
    The stream's address answered with another status than 200, or with another content type. WHATWG HTML 9.2.3 calls
    this failing for good. Here it is retried, but seldom where polls keep the document fresh.
    """
