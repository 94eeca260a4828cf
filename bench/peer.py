"""
What a peer is: how it is asked each of the rows' questions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol

__all__ = ["NAMES", "OURS", "Bulk", "NotHere", "Peer", "Reading", "load"]

OURS = "flagcore"
#: {module in `bench.peers`: (what pip installs, what else its rows need)}.
NAMES: dict[str, tuple[str, tuple[str, ...]]] = {
    OURS: ("flagcore", ()),
    "soasap": ("soasap", ()),
    "foff": ("foff", ()),
    "furagu": ("furagu", ("fastapi", "flask", "django")),
    "launchdarkly": ("launchdarkly-server-sdk", ()),
    "unleash": ("UnleashClient", ()),
    "growthbook": ("growthbook", ()),
    "flagd_core": ("openfeature-flagd-core", ()),
    "openfeature": ("openfeature-sdk", ()),
    "configcat": ("configcat-client", ()),
}


class NotHere(Exception):
    """
    A peer can't be had; the message says why.
    """


@dataclass(frozen=True)
class Reading:
    """
    One read, as a user would write it.

    Attributes:
        statement: a Python expression. Besides `names` it sees what `Peer.asking` gives.
        names: {name: object}.
    """

    statement: str
    names: Mapping[str, Any] = field(default_factory=dict)


class Bulk(Protocol):
    """
    A peer with many plain flags.
    """

    def document(self, values: Mapping[str, Any]) -> bytes:
        """
        {key: value} in the peer's own format.
        """
        ...

    def load(self, document: bytes) -> Any:
        """
        A reader of that document.
        """
        ...

    def swap(self, reader: Any, document: bytes) -> None:
        """
        Replace it: what the peer does when a new one has come.
        """
        ...

    def read(self, reader: Any, key: str) -> Any:
        """
        One flag's value.
        """
        ...


class Peer(Protocol):
    """
    A library, with the 100 flags in it.

    Attributes:
        distribution: what pip calls it.
        imports: the package's own import, and the statement that brings in what a user needs to make a client.
    """

    distribution: str
    imports: tuple[str, str]

    @property
    def bulk(self) -> Bulk | None:
        """
        How it takes many flags; None where its own entrance can't be used without its service.
        """
        ...

    def asking(self, who: Mapping[str, Any]) -> dict[str, Any]:
        """
        The names that stand for who asks: `c`, the context at hand; `w`, the mapping that it is made of; others as the
        peer needs.
        """
        ...

    def readings(self) -> dict[str, Reading | str]:
        """
        {row: how it is read, or why it can't be}; a row that the peer has no idea of is left out.
        """
        ...

    def close(self) -> None:
        """
        Let go of threads and files.
        """
        ...


def load(name: str) -> Peer:
    """
    The peer called `name`. Its package must be installed here.
    """
    peer: Peer = import_module(f"bench.peers.{name}").make()
    return peer
