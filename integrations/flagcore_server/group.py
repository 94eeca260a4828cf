"""
A group of the server's addresses, and what all of them work with.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from starlette.routing import BaseRoute

from flagcore_server.access import Access
from flagcore_server.clients import Clients
from flagcore_server.watch import Watch

__all__ = ["RouteGroup"]


class RouteGroup(ABC):
    """
    Some addresses that belong together.

    Args:
        watch: the definition file and its changes.
        clients: who reads flags; to be told of each who does.
        access: who may read and who may change; to be asked before anything is answered.
    """

    def __init__(self, watch: Watch, clients: Clients, access: Access) -> None:
        self._watch = watch
        self._clients = clients
        self._access = access

    @abstractmethod
    def routes(self) -> list[BaseRoute]:
        """
        The addresses, relative to where the server is mounted.
        """
