"""
The flags evaluated here, for clients that send who is asking: OFREP, OpenFeature's remote evaluation protocol.

Source: OpenFeature Remote Evaluation Protocol 0.3.0, "Static" (bulk) and "Dynamic" (single) evaluation.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from flagcore import ErrorCode, EvaluationContext, Resolution, Snapshot
from flagcore.errors import ConfigError, MalformedDocument
from flagcore.formats.syntax import decode
from flagcore.resolution import ABSENT
from flagcore.value import kind
from flagcore_server.body import read_body
from flagcore_server.delivery import is_held
from flagcore_server.group import RouteGroup
from flagcore_server.revision import version_of

__all__ = ["Ofrep"]

#: Bytes a context may have: a thousand times a usual one, and a bound on what one request can make the server hold.
_MAX_BODY_BYTES = 256 << 10


class Ofrep(RouteGroup):
    """
    The two routes of OFREP. Each needs the API key, where one is set.

    An answer always has a `variant`, empty where the value has no name: the protocol leaves it free, and the published
    Python provider fails without one. A value that is null is left out, which means "use your default".
    """

    def routes(self) -> list[BaseRoute]:
        """
        The two addresses, relative to where the server is mounted.
        """
        return [
            Route("/ofrep/v1/evaluate/flags", self._evaluate_all, methods=["POST"]),
            # A key is percent-encoded in the address, and decoded before routing: it may hold a slash.
            Route("/ofrep/v1/evaluate/flags/{key:path}", self._evaluate, methods=["POST"]),
        ]

    async def _evaluate(self, request: Request) -> Response:
        key: str = request.path_params["key"]
        snapshot = await self._snapshot(request)
        if snapshot is None:
            return self._broken()
        context = await _context(request)
        if not isinstance(context, EvaluationContext):
            return _refused({"key": key, **context})
        answer = snapshot.resolve(key, context)
        told = _told(key, answer)
        if answer.error_code is None:
            return JSONResponse(told, headers=_UNSTORED)
        return _refused(told, 404 if answer.error_code is ErrorCode.FLAG_NOT_FOUND else 400)

    async def _evaluate_all(self, request: Request) -> Response:
        snapshot = await self._snapshot(request)
        if snapshot is None:
            return self._broken()
        context = await _context(request)
        if not isinstance(context, EvaluationContext):
            return _refused(context)
        told = [_told(key, snapshot.resolve(key, context)) for key in snapshot]
        content = json.dumps({"flags": told}, ensure_ascii=False, separators=(",", ":")).encode()
        # Named by what it says: another context, another rule or another time of day may all make another answer.
        headers = {"ETag": f'"{version_of(content)}"', "Cache-Control": "private, no-cache"}
        if is_held(request, headers["ETag"]):
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type="application/json")

    async def _snapshot(self, request: Request) -> Snapshot | None:
        self._access.require_reader(request)
        await self._watch.look()
        self._clients.polled(request, "ofrep")
        revision = self._watch.store.revision
        return revision.snapshot if revision is not None else None

    def _broken(self) -> Response:
        store = self._watch.store
        came = store.fault.message if store.fault is not None else "nothing yet"
        return _refused({"errorDetails": f"there is no well-formed {store.path.name} to evaluate: {came}"}, 500)


_UNSTORED = {"Cache-Control": "no-store"}


async def _context(request: Request) -> EvaluationContext | dict[str, str]:
    """
    Who is asking, or what is wrong with what was said of it. An empty body is nobody in particular.
    """
    content = await read_body(request, _MAX_BODY_BYTES)
    if not content.strip():
        return EvaluationContext()
    try:
        body = decode(content)
    except MalformedDocument as error:
        return _failure(ErrorCode.PARSE_ERROR, f"the body: {error}")
    context = body.get("context", {}) if isinstance(body, dict) else None
    if not isinstance(context, dict):
        came = kind(body["context"]) if isinstance(body, dict) else kind(body)
        return _failure(ErrorCode.INVALID_CONTEXT, f'expected an object such as {{"context": {{}}}}, got {came}')
    try:
        return EvaluationContext.of(context)
    except ConfigError as error:
        return _failure(ErrorCode.INVALID_CONTEXT, str(error))


def _told(key: str, answer: Resolution[Any]) -> dict[str, Any]:
    if answer.error_code is not None:
        return {"key": key, **_failure(answer.error_code, answer.error_message or "")}
    told: dict[str, Any] = {"key": key, "reason": answer.reason.value, "variant": answer.variant or ""}
    if answer.value is not ABSENT and answer.value is not None:
        told["value"] = answer.value
    if answer.metadata:
        told["metadata"] = dict(answer.metadata)
    return told


def _failure(code: ErrorCode, details: str) -> dict[str, str]:
    return {"errorCode": code.value, "errorDetails": details}


def _refused(told: Mapping[str, Any], status: int = 400) -> Response:
    return JSONResponse(dict(told), status, _UNSTORED)
