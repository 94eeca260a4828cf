"""
Bind and gate by dependencies: the request's view as a parameter, and gates for routes and whole routers.

Internal; the package re-exports what is public.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, HTTPException
from starlette.requests import HTTPConnection

import flagcore_starlette
from flagcore import Flags
from flagcore.adapter import Gate
from flagcore_starlette.gate import refusal

__all__ = ["FlagGate", "FlagsDep", "get_flags"]


async def get_flags(connection: HTTPConnection) -> Flags:
    """
    The view of a request or websocket, as a dependency: `flags: Annotated[Flags, Depends(get_flags)]`, or `FlagsDep`.
    With `FlagsMiddleware` for the context that its `context_from` gives, else for the default one. Async, so that it
    costs no hop to a thread; there is nothing it waits for.
    """
    return flagcore_starlette.get_flags(connection)


#: The type of a parameter that is the request's view.
FlagsDep = Annotated[Flags, Depends(get_flags)]


def FlagGate(  # noqa: N802 - named as FastAPI names what stands for a dependency
    key: str,
    *,
    value: Any = True,
    status: int = 404,
    redirect_to: str | None = None,
    retry_after_seconds: int | None = None,
) -> Any:
    """
    A dependency that lets requests and websockets through only while a flag resolves to `value`: for what takes
    `dependencies=[FlagGate("beta")]`, that is routes, routers, `include_router` and applications.

    A websocket is refused before it is accepted, with 1008, which the browser sees as a 403. A dependency can't run
    another view: for a fallback, see `require_flag`. The page that it redirects to is let through, so that it may lie
    behind the gate.

    Args:
        key: the flag's key. Unknown, unready or wrongly typed counts as False.
        value: what it must resolve to.
        status: the HTTP status of the refusal, 400 to 599.
        redirect_to: a URL or a route's name to redirect to (302) instead of refusing. What has a slash is a URL.
        retry_after_seconds: what a refusal's `Retry-After` says; whole seconds, 0 or more.

    Raises:
        ConfigError: an argument can't be right.
    """
    return Depends(_passing(Gate(key, value, status, None, redirect_to, retry_after_seconds)))


def _passing(gate: Gate[Any]) -> Callable[[HTTPConnection], Awaitable[None]]:
    async def passing(connection: HTTPConnection) -> None:
        flags = flagcore_starlette.get_flags(connection)
        own = gate.facing(flags)
        if not own.is_open(flags):
            redirect = refusal(own, connection)
            target = redirect.headers["location"]
            if target != connection.url.path:  # else a gate before a whole application would lead in circles
                # A dependency has no other way to answer than to raise.
                raise HTTPException(redirect.status_code, headers={"Location": target})

    return passing
