"""
For the tests of applications that use flags.

    with override(client, {"new-checkout": True}):
        response = app.get("/checkout")

    with FaultyServer({"flags": {"new-checkout": {"value": True}}}) as server:
        client = FlagClient(HTTPSource(server.url, "native", stream_url=server.stream_url))
        server.fault("slow-drip")

Names load when they are first used: an override loads no server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flagcore.testing.overlay import override

if TYPE_CHECKING:
    from flagcore.testing.fault import Fault as Fault
    from flagcore.testing.faulty import FaultyServer as FaultyServer

__all__ = ["Fault", "FaultyServer", "override"]


_HOMES = {"Fault": "flagcore.testing.fault", "FaultyServer": "flagcore.testing.faulty"}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(home), name)
    globals()[name] = value
    return value
