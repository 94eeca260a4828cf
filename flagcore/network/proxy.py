"""
Which proxy, if any, a request goes through.
"""

from __future__ import annotations

import urllib.request
from urllib.parse import urlsplit

from flagcore.errors import ConfigError, SourceUnavailable
from flagcore.network.address import Address

__all__ = ["ProxyRule", "parse_proxy"]


def parse_proxy(text: object) -> Address:
    """
    The proxy that the option `proxy` names.

    Raises:
        ConfigError: it is no http or https URL with a host.
    """
    return Address.parse(text, "proxy")


class ProxyRule:
    """
    The proxy given, else what HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY say (and, on macOS and Windows, the
    system's settings), as the standard library reads them. Read once, when made.

    Args:
        given: the proxy for every request; None to go by the environment.
    """

    def __init__(self, given: Address | None) -> None:
        self._given = given
        self._found = {} if given else urllib.request.getproxies()

    def proxy_for(self, address: Address) -> Address | None:
        """
        The proxy on the way to `address`, or None.

        Raises:
            SourceUnavailable: the environment names one of a kind that is not supported.
        """
        if self._given is not None:
            return self._given
        text = self._found.get(address.scheme) or self._found.get("all")
        # Twice, since the library compares an entry with a port only if the port is in the question.
        if not text or any(map(urllib.request.proxy_bypass, (address.host, f"{address.host}:{address.port}"))):
            return None
        text = text if "://" in text else f"http://{text}"
        try:
            return parse_proxy(text)
        except ConfigError as error:
            name = f"{address.scheme.upper()}_PROXY or ALL_PROXY"
            raise SourceUnavailable(f"{name}, a {urlsplit(text).scheme} proxy: {error}") from None
