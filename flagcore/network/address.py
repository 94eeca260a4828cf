"""
Where an HTTP request goes: one URL, taken apart and checked. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urljoin, urlsplit

from flagcore.errors import ConfigError

__all__ = ["Address"]

_PORTS = {"http": 80, "https": 443}

#: What urllib would silently drop from a URL, or a request line could not hold.
_UNSPEAKABLE = re.compile(r"[\x00-\x20\x7f]")

#: Characters of a path and query that stand for themselves; whatever else comes is percent-encoded.
_PLAIN = "/?:@!$&'()*+,;=-._~%[]|^`{}\"<>\\"


@dataclass(frozen=True, slots=True)
class Address:
    """
    An http or https URL.

    Attributes:
        scheme: `http` or `https`.
        host: a name in ASCII, or an address without brackets.
        port: always given.
        target: path and query, as the request line has them.
        userinfo: `user:password`, decoded; a secret. "" for none.
    """

    scheme: str
    host: str
    port: int
    target: str = field(repr=False)
    userinfo: str = field(default="", repr=False)

    @classmethod
    def parse(cls, text: object, option: str = "url") -> Address:
        """
        The address that `text` is.

        Args:
            text: an absolute URL.
            option: what to call it in a message.

        Raises:
            ConfigError: it is no http or https URL with a host.
        """
        if not isinstance(text, str) or not text:
            raise ConfigError(f"{option}: expected a URL such as https://flags.example.com/flags, got {text!r}")
        try:
            return cls._split(text)
        except ValueError as error:
            # The text itself may hold a password: only the fault is named.
            raise ConfigError(f"{option}: expected an http or https URL with a host, {error}") from None

    @classmethod
    def _split(cls, text: str) -> Address:
        if _UNSPEAKABLE.search(text):
            raise ValueError("got one with white space or control characters")
        parts = urlsplit(text)
        if parts.scheme not in _PORTS:
            raise ValueError(f"got the scheme {parts.scheme!r}")
        if not parts.hostname:
            raise ValueError("got none")
        try:
            port = parts.port
            host = parts.hostname.encode("idna").decode() if not parts.hostname.isascii() else parts.hostname
        except ValueError:
            raise ValueError("got an impossible host or port") from None
        target = quote(parts.path or "/", safe=_PLAIN) + (f"?{quote(parts.query, safe=_PLAIN)}" if parts.query else "")
        user = unquote(parts.netloc.rpartition("@")[0])
        return cls(parts.scheme, host, port or _PORTS[parts.scheme], target, user)

    @property
    def origin(self) -> tuple[str, str, int]:
        """
        What decides whether two addresses may share a secret. Source: RFC 6454 §4.
        """
        return self.scheme, self.host, self.port

    @property
    def given_port(self) -> int | None:
        """
        The port, unless it is the one its scheme stands for.
        """
        return None if self.port == _PORTS[self.scheme] else self.port

    @property
    def authority(self) -> str:
        """
        Host and port, as a Host header has them.
        """
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.given_port is None else f"{host}:{self.port}"

    @property
    def shown(self) -> str:
        """
        The address without userinfo and query, for logs and messages.
        """
        return f"{self.scheme}://{self.authority}{self.target.partition('?')[0]}"

    @property
    def url(self) -> str:
        """
        The whole address but for the userinfo. The query may hold a secret.
        """
        return f"{self.scheme}://{self.authority}{self.target}"

    def join(self, location: str) -> Address:
        """
        The address that a Location header points to from here, without its userinfo and fragment.

        Source: RFC 9110 §10.2.2.

        Raises:
            ValueError: it points nowhere that can be asked.
        """
        to = self._split(urljoin(self.url, location).partition("#")[0])
        return Address(to.scheme, to.host, to.port, to.target)
