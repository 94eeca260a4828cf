"""
One context tried on every flag: what each would give, and how it comes to that. What explains is the core's own.
"""

from __future__ import annotations

import time
from functools import cached_property
from typing import Any

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from flagcore import EvaluationContext
from flagcore.explanation import Explanation, written
from flagcore.value import kind
from flagcore_server.body import read_json
from flagcore_server.group import RouteGroup
from flagcore_server.refusal import Refusal
from flagcore_server.revision import Rendering, Revision

__all__ = ["Trial"]

#: Bytes a context may have: a hundred times a usual one. Operators take time in proportion to what they look at.
_MAX_BODY_BYTES = 64 << 10
#: Seconds for all flags of one try: enough for some 20,000 of them. One flag is bounded by the rule engine.
_MAX_SECONDS = 2.0
#: Bytes of one answer, beyond which no further flag is put into it: more than a browser shows with ease.
_MAX_ANSWER_BYTES = 16 << 20

_KEYS = ("targeting_key", "targetingKey")


class Trial(RouteGroup):
    """
    The route that the page tries a context with. It needs the admin token, as all of the page does: an explanation
    says how flags are defined. Contexts are kept nowhere.
    """

    def routes(self) -> list[BaseRoute]:
        """
        The one address, relative to where the server is mounted.
        """
        return [Route("/api/v1/admin/try", self._try, methods=["POST"])]

    @cached_property
    def _one(self) -> anyio.CapacityLimiter:
        # One try at a time, in a thread of its own: those of the pool, which look at the file, stay free. Made when
        # it is first needed, since that is within the event loop.
        return anyio.CapacityLimiter(1)

    async def _try(self, request: Request) -> Response:
        self._access.require_admin(request)
        context = _context(await read_json(request, _MAX_BODY_BYTES))
        await self._watch.look()
        revision = self._watch.store.revision
        if revision is None:
            raise Refusal(503, f"there is no well-formed {self._watch.store.path.name} to try a context on")
        content = await anyio.to_thread.run_sync(_tried, revision, context, limiter=self._one)
        return Response(content, media_type="application/json", headers={"Cache-Control": "no-store"})


def _context(body: Any) -> EvaluationContext:
    if not isinstance(body, dict) or not isinstance(body.get("context"), dict):
        where, came = ("$.context", body.get("context")) if isinstance(body, dict) else ("$", body)
        raise _unfit(where, 'an object such as {"context": {"targeting_key": "user-1"}}', came)
    given = body["context"]
    for name in _KEYS:
        if not isinstance(given.get(name), (str, type(None))):
            raise _unfit(f"$.context.{name}", "a string, such as a user's id in quotes", given[name])
    return EvaluationContext.of(given)


def _unfit(where: str, expected: str, came: Any) -> Refusal:
    return Refusal(422, f"{where}: expected {expected}, got {kind(came)}", where=where)


def _tried(revision: Revision, context: EvaluationContext) -> bytes:
    """
    The answer as JSON: {"version", "flags": {key: explanation}, "left_out": how many there was no time or room for}.
    """
    deadline = time.monotonic() + _MAX_SECONDS
    found: list[bytes] = []
    size = 0
    for key in revision.flags:
        if time.monotonic() > deadline or size > _MAX_ANSWER_BYTES:
            break
        told = _told(revision.snapshot.explain(key, context))
        found.append(Rendering.of(key).content + b":" + Rendering.of(told).content)
        size += len(found[-1])
    head = Rendering.of({"version": revision.native.version, "left_out": len(revision.flags) - len(found)}).content
    return head[:-1] + b',"flags":{' + b",".join(found) + b"}}"


def _told(explanation: Explanation) -> dict[str, Any]:
    told = explanation.as_dict()
    for step in told["steps"]:
        for finding in step["findings"]:
            # As text, shortened: the same long attribute may have been looked at a thousand times.
            finding["result"] = written(finding["result"])
            finding["values"] = {name: written(value) for name, value in finding["values"].items()}
    return told
