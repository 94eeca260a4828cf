"""
Start, hold and stop: the client lives as long as the application's lifespan, in its state and on `app.state`.

Internal; the package re-exports `lifespan`.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from weakref import WeakSet

from starlette.types import Scope

from flagcore import EvaluationContext, FlagClient, Flags

__all__ = ["FLAG_CLIENT", "HeldClient", "lifespan"]

logger = logging.getLogger("flagcore")

#: The client's name in the lifespan's state (`request.state`) and on `app.state`.
FLAG_CLIENT = "flag_client"

Lifespan = Callable[[Any], AbstractAsyncContextManager[Mapping[str, Any] | None]]


def lifespan(
    client: FlagClient, inner: Lifespan | None = None, *, wait_seconds: float = 0.0
) -> Callable[[Any], AbstractAsyncContextManager[Mapping[str, Any]]]:
    """
    A lifespan that follows the flags for as long as the application runs, by a task of its event loop.

        app = Starlette(lifespan=lifespan(client, the_applications_own))

    The client is held as `flag_client` in the lifespan's state and on `app.state`. Where lifespans of several clients
    are composed, all are started and stopped, and the first is the one that is held.

    Args:
        client: started here, and closed at the end, unless it is started already: then whoever did it closes it.
        inner: the application's own lifespan, run within this one: it may read flags. Its state is kept.
        wait_seconds: how long the start may wait for the sources, in seconds; 0 does not wait.
    """

    @asynccontextmanager
    async def run(app: Any) -> AsyncIterator[Mapping[str, Any]]:
        async with client:
            await client.await_ready(wait_seconds)
            held = _hold(app, client)
            if inner is None:
                yield held
                return
            async with inner(app) as state:
                yield {**(state or {}), **held}

    return run


def _hold(app: Any, client: FlagClient) -> Mapping[str, Any]:
    # One that an outer lifespan holds stays; naming it again in this state would hide it.
    if getattr(app.state, FLAG_CLIENT, client) is not client:
        return {}
    setattr(app.state, FLAG_CLIENT, client)
    return {FLAG_CLIENT: client}


#: The applications, or their scopes' types where none is known, that have been told that they hold no client.
_told: WeakSet[Any] = WeakSet()


class HeldClient:
    """
    The client of a request's application, looked for when its first flag is read: a middleware around the application
    is asked before that is known.

    Args:
        scope: of the request.
    """

    __slots__ = ("_scope",)

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def view(self, context: EvaluationContext | Callable[[], EvaluationContext]) -> Flags:
        """
        A view of the held client; an empty one, and one line in the log for each application, where there is none.
        """
        client = self.find()
        return client.view(context) if client is not None else Flags(context=context)

    def find(self) -> FlagClient | None:
        """
        The client; None, and one line in the log for each application, where there is none.
        """
        # The application before the state: a mounted one may have a client of its own.
        app: Any = self._scope.get("app")
        found = getattr(getattr(app, "state", None), FLAG_CLIENT, None)
        client: FlagClient | None = found or self._scope.get("state", {}).get(FLAG_CLIENT)
        if client is None:
            _tell(app if app is not None else HeldClient)
        return client


def _tell(app: Any) -> None:
    if app in _told:
        return
    _told.add(app)
    logger.warning(
        "%s has no flags: expected lifespan=lifespan(client), or FlagsMiddleware(app, client); reads give defaults",
        type(app).__name__ if app is not HeldClient else "the application",
    )
