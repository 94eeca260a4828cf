"""
Who may read and who may change.

Reading needs the API key where one is set. Changing, and seeing who is connected, needs the admin token; without one
only a server that listens on loopback alone allows it, to requests that really come from this machine's own pages and
programs: a page elsewhere can send requests here through its visitor's browser, under a name that it made point here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hmac import compare_digest
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.requests import Request

from flagcore.errors import ConfigError
from flagcore_server.refusal import Refusal

__all__ = ["Access", "is_loopback"]

#: Headers that carry a key as they are: ours and SOASAP's, Foff's.
_KEY_HEADERS = ("x-api-key", "x-foff-api-key")
#: What a proxy in front of the server adds. With one of these, "from loopback" says only where the proxy runs.
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_HOW_TO_SET = "start it with --admin-token or FLAGCORE_SERVE_ADMIN_TOKEN, or pass admin_token= to FlagServer"


def is_loopback(host: str) -> bool:
    """
    Whether a host's name or address, without port, can mean this machine only.
    """
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Access:
    """
    What a server asks for.

    Attributes:
        api_key: what readers present; None lets everyone read.
        admin_token: what those present who change flags; None allows changes on loopback only.
        loopback: whether the server can be reached from this machine only.

    Raises:
        ConfigError: a key is empty, or both are the same, so that every reader could change flags.
    """

    api_key: str | None = field(default=None, repr=False)
    admin_token: str | None = field(default=None, repr=False)
    loopback: bool = False

    def __post_init__(self) -> None:
        for name in ("api_key", "admin_token"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, str) or not value.strip()):
                raise ConfigError(f"{name}: expected a key or None, got an empty or blank one")
        if self.api_key is not None and self.api_key == self.admin_token:
            raise ConfigError("admin_token: expected another one than api_key, which every reader has; got the same")

    def require_reader(self, request: Request) -> None:
        """
        Raises:
            Refusal: 401 no API key or a wrong one; 403 a name that is not this machine's, on loopback without a key.
        """
        if self.api_key is not None:
            if not any(_matches(given, self.api_key) for given in _keys(request)):
                header = "`Authorization: Bearer KEY`, `X-API-Key` or `X-FOFF-API-Key`"
                raise Refusal(401, f"expected the server's API key in {header}, got {_came(request)}")
        elif self.loopback:
            _require_loopback_name(request)

    def require_admin(self, request: Request) -> None:
        """
        Raises:
            Refusal: 401 no admin token or a wrong one; 403 a request from another site, or no token is set and the
                request is not surely this machine's own.
        """
        _require_same_site(request)
        if self.admin_token is not None:
            if not any(_matches(given, self.admin_token) for given in _keys(request)):
                raise Refusal(
                    401, f"expected the server's admin token in `Authorization: Bearer TOKEN`, got {_came(request)}"
                )
            return
        if not self.loopback:
            raise Refusal(403, f"this server listens beyond loopback and has no admin token: {_HOW_TO_SET}")
        _require_loopback_name(request)
        if any(name in request.headers for name in _FORWARDED) or not _from_here(request):
            raise Refusal(403, f"the request came through a proxy, and there is no admin token: {_HOW_TO_SET}")


def _keys(request: Request) -> list[str]:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    given = [request.headers[name] for name in _KEY_HEADERS if name in request.headers]
    return [*given, token.strip()] if scheme.lower() == "bearer" else given


def _matches(given: str, expected: str) -> bool:
    # Headers come decoded as Latin-1; the key's own bytes are compared, in constant time.
    return compare_digest(given.encode("latin-1"), expected.encode())


def _came(request: Request) -> str:
    return "another key" if _keys(request) else "none"


def _from_here(request: Request) -> bool:
    # A Unix socket has no client address; who may open it is the file system's to say.
    return request.client is None or not request.client.host or is_loopback(request.client.host)


def _require_loopback_name(request: Request) -> None:
    host = _host(request)
    if not is_loopback(host):
        raise Refusal(403, f"expected a request to localhost, 127.0.0.1 or [::1], got one to {host[:100]!r}")


def _host(request: Request) -> str:
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""


def _require_same_site(request: Request) -> None:
    # Fetch Metadata says it of its own accord; older browsers send Origin with everything but plain reads.
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    if site not in ("same-origin", "none") or (origin is not None and not _is_own(origin, request)):
        raise Refusal(403, "expected a request from this server's own page, got one from another site")


def _is_own(origin: str, request: Request) -> bool:
    # The scheme is left out: behind a proxy that ends TLS the server cannot know it.
    return "//" in origin and origin.split("//", 1)[1].lower() == request.headers.get("host", "").lower()
