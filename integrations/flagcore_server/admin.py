"""
What the page works with: all flags with what is known about them, the connected clients, and changing a value.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import date, datetime, timezone
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from flagcore.value import Json, kind
from flagcore_server.body import read_json
from flagcore_server.group import RouteGroup
from flagcore_server.live import KEEP_ALIVE_SECONDS, LiveResponse, event
from flagcore_server.refusal import Refusal
from flagcore_server.revision import Rendering, Revision
from flagcore_server.store import Store, tag_of

__all__ = ["Admin"]

#: Bytes a change's body may have: two hundred times the largest value we know of, and a bound on what one request can
#: make the server hold.
_MAX_BODY_BYTES = 1 << 20
#: Seconds between two looks at the list of clients; what a page sees of a busy server is thinned out to this.
_TICK_SECONDS = 0.5


class Admin(RouteGroup):
    """
    The routes that the page lives by. Each needs the admin token, or a request from this machine where none is set.
    """

    def routes(self) -> list[BaseRoute]:
        """
        The three addresses, relative to where the server is mounted.
        """
        return [
            Route("/api/v1/admin/state", self._state),
            Route("/api/v1/admin/events", self._events),
            Route("/api/v1/flags/{key:path}", self._put_flag, methods=["PUT"]),
        ]

    async def _state(self, request: Request) -> Response:
        self._access.require_admin(request)
        await self._watch.look()
        state = {**_flags_state(self._watch.store), "clients": self._clients.listed()}
        return Response(_wire(state), media_type="application/json", headers={"Cache-Control": "no-store"})

    async def _events(self, request: Request) -> LiveResponse:
        self._access.require_admin(request)
        await self._watch.look()
        return LiveResponse(self._news())

    async def _news(self) -> AsyncGenerator[bytes, None]:
        flags_seen = clients_seen = -1
        ticks = 0
        while not self._watch.closed:
            serial = self._watch.store.serial
            if serial != flags_seen:
                flags_seen = serial
                yield event(_wire(_flags_state(self._watch.store)), type_="flags")
            # The list goes out in quiet times too: it keeps the connection alive, and clients leave it by time.
            if self._clients.serial != clients_seen or ticks * _TICK_SECONDS >= KEEP_ALIVE_SECONDS:
                clients_seen, ticks = self._clients.serial, 0
                yield event(_wire(self._clients.listed()), type_="clients")
            await self._watch.changed(serial, _TICK_SECONDS)
            ticks += 1

    async def _put_flag(self, request: Request) -> Response:
        self._access.require_admin(request)
        seen = _made_against(request)
        value, change_type = _wanted(await read_json(request, _MAX_BODY_BYTES))
        key = request.path_params["key"]
        store = self._watch.store

        def change() -> Revision:
            return store.change(key, value, made_against=seen, change_type=change_type)

        # Not to be left half way: a write that has begun is finished, also when its asker goes.
        revision = await anyio.to_thread.run_sync(change)
        self._watch.ring()
        flag = _flag_state(store, revision, key)
        return JSONResponse({"flag": flag}, headers={"ETag": f'"{flag["version"]}"', "Cache-Control": "no-store"})


def _wire(value: object) -> bytes:
    return Rendering.of(value).content


def _made_against(request: Request) -> set[str]:
    header = request.headers.get("if-match", "")
    if not header.strip():
        hint = "the flag's `version` from /api/v1/admin/state, so that nobody's change is overwritten unseen"
        raise Refusal(428, f"expected an If-Match header with {hint}; got none")
    return {each.strip().strip('"') for each in header.split(",")}


def _wanted(wanted: Json) -> tuple[Any, bool]:
    if not isinstance(wanted, dict) or "value" not in wanted:
        where, came = ("$.value", "nothing") if isinstance(wanted, dict) else ("$", kind(wanted))
        raise _unfit(where, 'an object such as {"value": true}' if where == "$" else "a value", came)
    unknown = sorted(wanted.keys() - {"value", "change_type"})
    if unknown:
        raise _unfit(f"$.{unknown[0]}", "only value and change_type", repr(unknown[0]))
    change_type = wanted.get("change_type", False)
    if not isinstance(change_type, bool):
        raise _unfit("$.change_type", "a boolean", kind(change_type))
    return wanted["value"], change_type


def _unfit(where: str, expected: str, came: str) -> Refusal:
    return Refusal(422, f"{where}: expected {expected}, got {came}", where=where, expected=expected, came=came)


def _flags_state(store: Store) -> dict[str, Any]:
    revision, fault = store.revision, store.fault
    return {
        "name": store.path.name,
        "editable": store.syntax != "toml",
        "version": revision.native.version if revision is not None else None,
        "error": {"message": fault.message, "where": fault.where} if fault is not None else None,
        "hierarchy": revision.hierarchy if revision is not None else [],
        "segments": revision.segments if revision is not None else {},
        "attributes": revision.attributes if revision is not None else [],
        "flags": [_flag_state(store, revision, key) for key in revision.flags] if revision is not None else [],
    }


def _flag_state(store: Store, revision: Revision, key: str) -> dict[str, Any]:
    flag = revision.flags[key]
    variants = flag.get("variants")
    change = store.changes.get(key)
    return {
        "key": key,
        "description": flag.get("description", ""),
        "owner": flag.get("owner", ""),
        "expires": flag.get("expires"),
        "expired": _is_over(flag.get("expires")),
        "tags": flag.get("tags", []),
        "type": kind(variants[flag["value"]] if variants else flag["value"]).split()[-1],
        "value": flag["value"],
        "variants": variants,
        "overrides": [
            {"path": {name: each for name, each in override.items() if name != "value"}, "value": override["value"]}
            for override in flag.get("overrides", [])
        ],
        "rules": flag.get("rules", []),
        "version": tag_of(flag),
        "changed_at": change.at if change is not None else None,
        "changed_by": change.by if change is not None else None,
    }


def _is_over(expires: str | None) -> bool:
    # Good through the day it names, in UTC: the one day that is the same for everyone who looks.
    return expires is not None and date.fromisoformat(expires[:10]) < datetime.now(timezone.utc).date()
