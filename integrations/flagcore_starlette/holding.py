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

from flagcore import FlagClient

__all__ = ["FLAG_CLIENT", "held_client", "lifespan"]

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


def held_client(scope: Scope) -> FlagClient | None:
    """
    The client of the application that a request has come to; None, and one line in the log for each application, where
    there is none. To be asked when the first flag is read: a middleware around the application runs before that is
    known.
    """
    # The application before the state: a mounted one may have a client of its own.
    app: Any = scope.get("app")
    found = getattr(getattr(app, "state", None), FLAG_CLIENT, None)
    client: FlagClient | None = found or scope.get("state", {}).get(FLAG_CLIENT)
    if client is None:
        _tell(app if app is not None else FlagClient)
    return client


def _tell(app: Any) -> None:
    if app in _told:
        return
    _told.add(app)
    logger.warning(
        "%s has no flags: expected lifespan=lifespan(client), or FlagsMiddleware(app, client); reads give defaults",
        type(app).__name__ if app is not FlagClient else "the application",
    )
