"""
Flags over HTTP: by polling with ETags, by a stream of events, or by a stream with polls behind it.

The constructors check and describe; they open nothing and load no network library.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from flagcore.errors import ConfigError
from flagcore.network.address import Address
from flagcore.network.exchange import Headers
from flagcore.network.remote import NetworkSource, Verify, check_header, check_headers, check_seconds

__all__ = ["FoffSource", "HTTPSource", "SoasapSource", "under"]


class HTTPSource(NetworkSource):
    """
    A document at a URL: JSON, YAML or TOML, as its content type says, or else the end of the URL's path; else JSON.

    With `stream_url` the client listens there, polls while the stream is down, and goes back to the stream once it is
    up. Proxies: `proxy`, else HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY. Redirects are followed, but not from
    https to http, and `headers` are sent to the URL's own origin only.

    Args:
        url: where a GET answers with the document. A `user:password@` in it is sent as basic authorization.
        format: the format of the document.
        headers: sent along with every request, such as an API key; never shown.
        poll_seconds: seconds between two fetches, 0 or more; 0 fetches once. 30 is what flag services commonly ask for.
        stream_url: where server-sent events come from, each a whole document.
        timeout_seconds: more than 0, and always there: for connecting, and for a fetch from its first step to its
            last byte.
        verify: whose certificates are believed: True for the usual authorities (or SSL_CERT_FILE, SSL_CERT_DIR), a
            path to others, an `ssl.SSLContext`; False for anybody's.
        proxy: the URL of an http or https proxy; None to go by the environment.

    Raises:
        ConfigError: an option can't be right.
    """

    def __init__(
        self,
        url: str,
        format: str,  # noqa: A002 - the word the field uses
        headers: Mapping[str, str] | None = None,
        poll_seconds: float = 30.0,
        stream_url: str | None = None,
        timeout_seconds: float = 10.0,
        verify: Verify = True,
        proxy: str | None = None,
    ) -> None:
        super().__init__(
            poll=Address.parse(url),
            stream=None if stream_url is None else Address.parse(stream_url, "stream_url"),
            format=format,
            headers=check_headers(headers),
            poll_seconds=check_seconds("poll_seconds", poll_seconds),
            timeout_seconds=timeout_seconds,
            verify=verify,
            proxy=proxy,
        )


class FoffSource(NetworkSource):
    """
    The features of one scope of a Foff service, by polling.

    Args:
        api_key: the scope's key; never shown.
        scope: the scope's name.
        base_url: where the service is.
        polling_interval: seconds between two fetches; 0 fetches once.
        timeout_seconds: as for `HTTPSource`.
        verify: as for `HTTPSource`.
        proxy: as for `HTTPSource`.

    Raises:
        ConfigError: an option can't be right.
    """

    def __init__(
        self,
        api_key: str,
        scope: str,
        base_url: str = "https://foff.twospoon.ai/live",
        polling_interval: float = 30,
        timeout_seconds: float = 10.0,
        verify: Verify = True,
        proxy: str | None = None,
    ) -> None:
        headers = _key("X-FOFF-API-Key", api_key)
        if not isinstance(scope, str) or not scope:
            raise ConfigError(f"scope: expected the name of a scope, got {scope!r}")
        self.scope = scope
        super().__init__(
            poll=under(base_url, f"/api/v1/scopes/{quote(scope, safe='')}/configs"),
            stream=None,
            format="foff",
            headers=headers,
            poll_seconds=check_seconds("polling_interval", polling_interval),
            timeout_seconds=timeout_seconds,
            verify=verify,
            proxy=proxy,
        )


class SoasapSource(NetworkSource):
    """
    The flags of a SOASAP account, by their stream.

    Args:
        api_key: the account's key; never shown.
        base_url: where the service is.
        timeout_seconds: as for `HTTPSource`; here for connecting.
        verify: as for `HTTPSource`.
        proxy: as for `HTTPSource`.

    Raises:
        ConfigError: an option can't be right.
    """

    def __init__(
        self,
        api_key: str,
        base_url: str = "https://api.soasap.com",
        timeout_seconds: float = 10.0,
        verify: Verify = True,
        proxy: str | None = None,
    ) -> None:
        super().__init__(
            headers=_key("X-API-Key", api_key),
            poll=None,
            stream=under(base_url, "/api/v1/flags/live"),
            format="soasap",
            poll_seconds=0.0,
            timeout_seconds=timeout_seconds,
            verify=verify,
            proxy=proxy,
        )


def under(base_url: object, path: str, option: str = "base_url") -> Address:
    """
    The address of `path` at a service.

    Raises:
        ConfigError: `base_url` is no http or https URL with a host, or has a query; `option` is what to call it.
    """
    base = Address.parse(base_url, option)
    if "?" in base.target:
        raise ConfigError(f"{option}: expected a URL without a query, got one with it")
    return Address(base.scheme, base.host, base.port, base.target.rstrip("/") + path, base.userinfo)


def _key(header: str, api_key: object) -> Headers:
    if not isinstance(api_key, str) or not api_key:
        came = type(api_key).__name__ if api_key else "none"
        raise ConfigError(f"api_key: expected the key as text, got {came}")
    return ((header.encode(), check_header("api_key", api_key)),)
