"""
What a source on the network is, whichever service it speaks to: where it is asked, how often, and with what.

Describes and checks; opens nothing and loads no network library. Requests are sent by the feed, through
`flagcore.network.threads` (threads) or `flagcore.network.tasks` (tasks).
"""

from __future__ import annotations

import math
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from flagcore.errors import ConfigError, StateError
from flagcore.formats import check_format
from flagcore.network.address import Address
from flagcore.network.exchange import Headers, Target, is_sendable
from flagcore.source import Body, Same

if TYPE_CHECKING:
    from flagcore.network.proxy import ProxyRule
    from flagcore.network.trust import Trust

__all__ = ["NetworkSource", "TLSContext", "Verify", "check_header", "check_headers", "check_seconds"]

#: Source: RFC 9110 §5.6.2 (tokens).
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class TLSContext(Protocol):
    """
    An `ssl.SSLContext`. Told by a method of its own, so that reading a signature does not need ssl.
    """

    def wrap_bio(self, incoming: Any, outgoing: Any) -> Any: ...


#: Whose certificates are believed: True for the usual authorities (or SSL_CERT_FILE, SSL_CERT_DIR), a path to others,
#: an `ssl.SSLContext`; False for anybody's.
Verify: TypeAlias = bool | str | os.PathLike[str] | TLSContext


class NetworkSource:
    """
    One service, as requests to it need it. Internal: make one of those in `flagcore.sources.http`.

    Attributes:
        name: the address without userinfo and query.
        format: what its documents are written in.
        poll_seconds: seconds between two fetches; 0 fetches once.
        poll_url: where it is fetched, or None when it only streams. May hold a secret.
        stream_url: where it streams, or None. May hold a secret.
        timeout_seconds: for connecting, and for a whole fetch.
        silence_seconds: how long a stream may say nothing before it counts as dead. Services send a heartbeat every
            10 to 30 s.
    """

    silence_seconds = 30.0

    def __init__(
        self,
        *,
        poll: Address | None,
        stream: Address | None,
        format: str,  # noqa: A002 - the word the field uses
        headers: Headers,
        poll_seconds: float,
        timeout_seconds: float,
        verify: Verify,
        proxy: str | None,
        body: bytes | None = None,
    ) -> None:
        first = poll or stream
        if first is None:
            raise ConfigError("url: expected where to fetch or to listen, got neither")
        self.name = first.shown
        self.format = check_format(format)
        self.poll_seconds = poll_seconds
        self.timeout_seconds = check_seconds("timeout_seconds", timeout_seconds)
        if self.timeout_seconds == 0:
            raise ConfigError("timeout_seconds: expected more than 0 seconds, got 0")
        self._poll = poll
        self._stream = stream
        self._headers = headers
        self._body = body
        self._proxy = None if proxy is None else Address.parse(proxy, "proxy")
        self._trust = _checked_trust(verify)

    @property
    def poll_url(self) -> str | None:
        return self._poll.url if self._poll else None

    @property
    def stream_url(self) -> str | None:
        return self._stream.url if self._stream else None

    @property
    def identity(self) -> bytes:
        """
        16 bytes that tell this source from any other, in every process alike. The keys in its headers and URLs go
        into it, and cannot be had back from it.
        """
        from hashlib import blake2b

        secrets = blake2b(digest_size=64)
        for value in (*(value for _, value in self._headers), *([] if self._body is None else [self._body])):
            secrets.update(len(value).to_bytes(8, "big") + value)
        places = [(each.url, each.userinfo) if each else None for each in (self._poll, self._stream)]
        told = repr((places, self.format, [name.lower() for name, _ in self._headers]))
        return blake2b(told.encode(), key=secrets.digest(), digest_size=16).digest()

    def fetch(self, etag: str | None) -> Body | Same:
        """
        The newest document, or `SAME` when it is still the one that `etag` names; blocking, within
        `timeout_seconds`. I/O: one request on a connection of its own.

        Raises:
            SourceUnavailable: nothing usable came.
            SourceDenied: 401 or 403.
            StateError: this source only streams.
        """
        from flagcore.network.threads import Network

        network = Network(self)
        try:
            return network.fetch(etag)
        finally:
            network.close()

    def poll_target(self) -> Target:
        """
        What fetches have in common.

        Raises:
            StateError: this source only streams.
        """
        return replace(self._target(self._poll, "fetched"), body=self._body)

    def stream_target(self) -> Target:
        """
        What connections to the stream have in common.

        Raises:
            StateError: this source only polls.
        """
        return self._target(self._stream, "listened to")

    def _target(self, address: Address | None, what: str) -> Target:
        if address is None:
            raise StateError(f"{self!r} cannot be {what}: hand it to a FlagClient, which knows the other way")
        from flagcore import __version__

        return Target(address, self._headers, f"flagcore/{__version__}".encode())

    def trust(self) -> Trust:
        """
        Whose certificates are believed.
        """
        if not isinstance(self._trust, bool):
            return self._trust
        from flagcore.network.trust import Trust

        return Trust(self._trust)

    def proxy_rule(self) -> ProxyRule:
        """
        Which proxy a request goes through. I/O: reads the environment.
        """
        from flagcore.network.proxy import ProxyRule

        return ProxyRule(self._proxy)

    def __repr__(self) -> str:
        stream = f", stream_url={self._stream.shown!r}" if self._stream and self._poll else ""
        return f"{type(self).__name__}({self.name!r}, format={self.format!r}{stream})"


def check_headers(headers: object) -> Headers:
    """
    `headers` as they go on the wire; none for None.

    Raises:
        ConfigError: they are no mapping of names to values that can be sent.
    """
    if headers is None:
        return ()
    if not isinstance(headers, Mapping):
        raise ConfigError(f"headers: expected a mapping of names to values, got {type(headers).__name__}")
    encoded: list[tuple[bytes, bytes]] = []
    for name, value in headers.items():
        if not isinstance(name, str) or not _TOKEN.fullmatch(name):
            raise ConfigError(f"headers: expected a header's name, got {name!r}")
        if name.lower() in ("host", "connection", "content-length", "transfer-encoding"):
            raise ConfigError(f"headers: {name} is not yours to set: it follows from the URL and the connection")
        encoded.append((name.encode(), check_header(f"headers: {name}", value)))
    return tuple(encoded)


def check_header(what: str, value: object) -> bytes:
    """
    `value` as it goes on the wire. It is a secret: what is wrong with it is said, what it is is not.

    Raises:
        ConfigError: it can be no header's value.
    """
    if not isinstance(value, str):
        raise ConfigError(f"{what}: expected text, got {type(value).__name__}")
    try:
        encoded = value.encode("latin-1")
    except UnicodeEncodeError:
        encoded = b"\n"
    if not is_sendable(encoded):
        raise ConfigError(
            f"{what}: expected printable Latin-1 text without line breaks or surrounding white space; "
            "strip what was read from a file"
        )
    return encoded


def check_seconds(option: str, value: object) -> float:
    """
    `value`, if it is a number of seconds, 0 or more.

    Raises:
        ConfigError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise ConfigError(f"{option}: expected a number of seconds, 0 or more, got {value!r}")
    return float(value)


def _checked_trust(verify: object) -> bool | Trust:
    # Only a program that has loaded ssl can hand in a context; the others need not load it here.
    if isinstance(verify, bool):
        return verify
    is_context = "ssl" in sys.modules and isinstance(verify, sys.modules["ssl"].SSLContext)
    if not is_context and not isinstance(verify, (str, os.PathLike)):
        raise ConfigError(f"verify: expected True, False, a path or an ssl.SSLContext, got {verify!r}")
    from flagcore.network.trust import Trust

    trust = Trust(verify)  # type: ignore[arg-type]  # one of the three, as just checked
    trust.check("verify")
    return trust
