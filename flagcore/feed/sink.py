"""
Whom a feed tells: the one door from staying fresh to answering.

The client hands each driver a `Sink` of its own; a driver knows nothing else of the client.
"""

from __future__ import annotations

from typing import Protocol

from flagcore.errors import SourceError
from flagcore.source import Body, Same

__all__ = ["Sink"]


class Sink(Protocol):
    """
    What a driver reports to. Every method returns without waiting for a network and may be called from any thread.
    """

    @property
    def etag(self) -> str | None:
        """
        The etag of the document at hand, if the source gave one; where a feed begins, and the only one it sends.
        """
        ...

    def keep(self, body: Body | Same) -> None:
        """
        A document came, or the word that the one at hand is current. Parses, compiles, publishes, and marks the
        source as confirmed.

        Raises:
            MalformedDocument: `body` is no document; the one at hand stays. The caller answers the engine with it.
        """
        ...

    def fail(self, error: SourceError, *, covered: bool) -> None:
        """
        An attempt failed, and the feed will try again.

        Args:
            error: why.
            covered: True when another way (polling, while a stream is down) keeps the document fresh, so that this is
                no outage.
        """
        ...

    def end(self, error: SourceError | None) -> None:
        """
        The feed has stopped by itself: denied for good, or, with None, because once was enough.
        """
        ...
