"""
Names to addresses, in a daemon thread: a resolver may hang for as long as it likes, and holds nobody back.
"""

from __future__ import annotations

# Loaded here, in the thread that starts a feed: getaddrinfo would load it in the thread that looks a name up.
import encodings.idna  # noqa: F401
import socket
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address

from flagcore.network.aside import Aside

__all__ = ["Endpoint", "Lookup", "endpoints_of"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """
    One address that a name stands for.

    Attributes:
        family: `socket.AF_INET` or `socket.AF_INET6`.
        place: what `socket.connect` takes.
    """

    family: int
    place: tuple[str, int] | tuple[str, int, int, int]


class Lookup:
    """
    The look-ups of one feed. A name that is being looked up is not looked up again: a resolver that hangs costs one
    thread, however often the feed tries.
    """

    def __init__(self) -> None:
        self._pending: dict[tuple[str, int], Aside[list[Endpoint] | OSError]] = {}

    def begin(self, host: str, port: int) -> Aside[list[Endpoint] | OSError]:
        """
        A look-up under way. Hand it to `endpoints_of` once it is done.

        Raises:
            OSError: no thread can be started, as at the interpreter's exit.
        """
        pending = self._pending.get((host, port))
        if pending is None or pending.is_done:
            try:
                pending = Aside(partial(_look_up, host, port), name=f"flagcore look-up {host}")
            except RuntimeError as error:
                raise OSError("no thread can be started to look a name up") from error
            self._pending[host, port] = pending
        return pending


def literal(host: str, port: int) -> Endpoint | None:
    """
    The endpoint of a host that is written as an address, or None for a name.
    """
    try:
        version = ip_address(host).version
    except ValueError:
        return None
    if "%" in host:  # the zone needs the system to make a number of it
        return None
    return Endpoint(socket.AF_INET, (host, port)) if version == 4 else Endpoint(socket.AF_INET6, (host, port, 0, 0))


def endpoints_of(done: Aside[list[Endpoint] | OSError]) -> list[Endpoint]:
    """
    What a finished look-up found; at least one.

    Raises:
        OSError: it found nothing.
    """
    found = done.result()
    if isinstance(found, OSError):
        raise found
    return found


def _look_up(host: str, port: int) -> list[Endpoint] | OSError:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        return error
    except UnicodeError:
        return OSError(f"{host!r} can be no host name")
    endpoints = [
        Endpoint(family, place)  # type: ignore[arg-type]  # these two families have these places
        for family, _, _, _, place in found
        if family in (socket.AF_INET, socket.AF_INET6)
    ]
    return endpoints or OSError(f"no address for {host!r}")
