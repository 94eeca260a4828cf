"""
Who reads flags from this server: open streams, and who polled lately.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import count
from typing import Any, Literal

from starlette.requests import Request

__all__ = ["Client", "Clients", "Protocol"]

Protocol = Literal["native", "foff", "soasap", "ofrep"]

#: Seconds after its last request that a polling client counts as gone: four times the 30 s that both Foff's client
#: and ours leave between two polls.
_GONE_SECONDS = 120.0
#: Polling clients remembered at once. Each unknown pair of address and user agent is one, and anyone can make up those.
_MOST_POLLING = 500
#: Characters kept of a user agent, which the client chooses.
_AGENT_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Client:
    """
    One reader of flags, as the page shows it.

    Attributes:
        protocol: which of the four it speaks.
        mode: `stream` while its connection is open, `poll` for one that asks from time to time.
        address: where it connects from; empty when the ASGI server does not say.
        agent: its User-Agent, cut; empty when it sends none.
        since: seconds since the epoch of its first request.
        seen: seconds since the epoch of its latest.
        requests: how many it made.
    """

    protocol: Protocol
    mode: Literal["stream", "poll"]
    address: str
    agent: str
    since: float
    seen: float
    requests: int = 1


class Clients:
    """
    The readers of one server. For one event loop's thread; nothing here blocks.

    Attributes:
        serial: goes up with each change of the list.
    """

    def __init__(self) -> None:
        self.serial = 0
        self._streams: dict[int, Client] = {}
        self._polls: dict[tuple[str, str, str], Client] = {}
        self._numbers = count()

    @contextmanager
    def streaming(self, request: Request, protocol: Protocol) -> Iterator[None]:
        """
        Count the request's connection in as long as the block runs.
        """
        number = next(self._numbers)
        self._streams[number] = _client(request, protocol, "stream")
        self.serial += 1
        try:
            yield
        finally:
            del self._streams[number]
            self.serial += 1

    def polled(self, request: Request, protocol: Protocol) -> None:
        """
        Note one answered poll.
        """
        now = _client(request, protocol, "poll")
        who = _who(now)
        # Taken out and put back, so that the dictionary's order is the order of last sight.
        before = self._polls.pop(who, None)
        if before is not None:
            now = replace(now, since=before.since, requests=before.requests + 1)
        self._polls[who] = now
        if len(self._polls) > _MOST_POLLING:
            del self._polls[next(iter(self._polls))]
        self.serial += 1

    def listed(self) -> list[dict[str, Any]]:
        """
        All present clients as JSON objects with the members of `Client`: streams first, each oldest first.
        """
        oldest = time.time() - _GONE_SECONDS
        gone = [who for who, client in self._polls.items() if client.seen < oldest]
        for who in gone:
            del self._polls[who]
        # Who streams fetches too, when it starts and while its stream is down: that is no further client.
        streaming = {_who(client) for client in self._streams.values()}
        polls = sorted(
            (each for each in self._polls.values() if _who(each) not in streaming), key=lambda each: each.since
        )
        return [asdict(each) for each in (*self._streams.values(), *polls)]


def _who(client: Client) -> tuple[str, str, str]:
    return client.protocol, client.address, client.agent


def _client(request: Request, protocol: Protocol, mode: Literal["stream", "poll"]) -> Client:
    address = request.client.host if request.client is not None else ""
    now = time.time()
    return Client(protocol, mode, address, request.headers.get("user-agent", "")[:_AGENT_LENGTH], now, now)
