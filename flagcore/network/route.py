"""
The way to an address: what a connection pool must be told, whichever world it is for.

One pool serves everything that goes the same way: by http or https, direct or through one proxy. Which way is decided
anew for each request, since a redirect may lead to where NO_PROXY applies.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import httpcore

from flagcore.network.address import Address
from flagcore.network.exchange import Head, Request
from flagcore.network.proxy import ProxyRule
from flagcore.network.trust import Trust

__all__ = ["Routes", "head_of", "wire"]

#: Seconds an idle connection is kept for the next request. Less than the 5 s after which common servers (uvicorn,
#: Node) close one, so that no request goes out on a connection that is just being closed.
KEEP_ALIVE_SECONDS = 4.0

P = TypeVar("P")


class Routes(Generic[P]):
    """
    The pools of one feed, by scheme and proxy.

    Args:
        trust: whose certificates are believed.
        rule: which proxy an address is behind.
        make_pool: makes httpcore's pool, blocking or awaiting, of its TLS settings and its proxy.
    """

    def __init__(self, trust: Trust, rule: ProxyRule, make_pool: Callable[..., P]) -> None:
        self._trust = trust
        self._rule = rule
        self._make_pool = make_pool
        self._pools: dict[tuple[str, Address | None], P] = {}

    def pool_for(self, address: Address) -> P:
        """
        The pool that serves `address`. I/O: reads the certificates, the first time they are needed.

        Raises:
            SourceUnavailable: the environment's proxy is of a kind that is not supported.
            OSError: the certificates can't be read.
        """
        proxy = self._rule.proxy_for(address)
        way = (address.scheme, proxy)
        if way not in self._pools:
            self._pools[way] = self._make_pool(
                ssl_context=self._trust.context() if address.scheme == "https" else None,
                proxy=self._proxy(proxy),
                keepalive_expiry=KEEP_ALIVE_SECONDS,
            )
        return self._pools[way]

    def take_all(self) -> list[P]:
        """
        Every pool, to be closed; none is left here.
        """
        pools = list(self._pools.values())
        self._pools.clear()
        return pools

    def _proxy(self, proxy: Address | None) -> httpcore.Proxy | None:
        if proxy is None:
            return None
        user, _, password = proxy.userinfo.partition(":")
        return httpcore.Proxy(
            httpcore.URL(scheme=proxy.scheme, host=proxy.host, port=proxy.port, target="/"),
            auth=(user, password) if proxy.userinfo else None,
            ssl_context=self._trust.context() if proxy.scheme == "https" else None,
        )


def wire(request: Request, timeout_seconds: float, silence_seconds: float) -> httpcore.Request:
    """
    `request` as httpcore takes it.

    Args:
        request: what to send.
        timeout_seconds: for connecting, and for sending.
        silence_seconds: for each read.
    """
    to = request.address
    url = httpcore.URL(scheme=to.scheme, host=to.host, port=to.given_port, target=to.target)
    timeout = {"connect": timeout_seconds, "write": timeout_seconds, "pool": timeout_seconds, "read": silence_seconds}
    method = b"GET" if request.body is None else b"POST"
    headers = list(request.headers)
    return httpcore.Request(method, url, headers=headers, content=request.body, extensions={"timeout": timeout})


def head_of(response: httpcore.Response) -> Head:
    """
    What an answer begins with. Of a header that is there twice, the last one counts.
    """
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
    return Head(response.status, headers)
