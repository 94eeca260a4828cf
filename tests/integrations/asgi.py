"""
An ASGI server without a network: runs an application's lifespan and its connections in a loop of its own, as a server
does, and nothing of the application in the test's thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import anyio
from anyio.from_thread import start_blocking_portal

from tests.integrations.page import Answer

#: Seconds that a start, an answer or a stop may take.
_LIMIT_SECONDS = 10.0


class Asgi:
    """
    A running application.

    Args:
        app: an ASGI application.
        backend: asyncio or trio.
        has_lifespan: whether to run its lifespan; Django has none.
    """

    def __init__(self, app: Any, *, backend: str = "asyncio", has_lifespan: bool = True) -> None:
        self.app = app
        self.state: dict[str, Any] = {}
        self._open = ExitStack()
        self._portal = self._open.enter_context(start_blocking_portal(backend))
        self._stopping = self._portal.call(anyio.Event)
        self._ended: Any = None
        if has_lifespan:
            try:
                self._ended, _ = self._portal.start_task(self._lifespan)
            except BaseException:
                self._open.close()
                raise

    def get(self, path: str, headers: Mapping[str, str] = {}) -> Answer:
        """
        GET, from any thread.
        """
        return self.ask("GET", path, headers)

    def head(self, path: str) -> Answer:
        """
        HEAD, from any thread.
        """
        return self.ask("HEAD", path)

    def ask(self, method: str, path: str, headers: Mapping[str, str] = {}, body: bytes = b"") -> Answer:
        """
        One request and its whole answer.
        """
        sent = self._portal.call(self._connect, "http", path, headers, [_body(body)], method)
        start = sent[0]
        told = {name.decode(): value.decode() for name, value in start["headers"]}
        text = b"".join(message.get("body", b"") for message in sent[1:]).decode()
        return Answer(start["status"], told, text)

    def websocket(self, path: str, *texts: str, headers: Mapping[str, str] = {}) -> list[dict[str, Any]]:
        """
        A websocket that says `texts`, then leaves; all that it was sent.
        """
        said = [{"type": "websocket.connect"}, *({"type": "websocket.receive", "text": text} for text in texts)]
        leaving = {"type": "websocket.disconnect", "code": 1000}
        return self._portal.call(self._connect, "websocket", path, headers, [*said, leaving], None)

    def stop(self) -> None:
        """
        End the lifespan and the loop. May be called again.
        """
        if self._ended is not None:
            self._portal.call(self._stopping.set)
            self._ended.result(_LIMIT_SECONDS)
            self._ended = None
        self._open.close()

    async def _connect(
        self, kind: str, path: str, headers: Mapping[str, str], said: list[Any], method: str | None
    ) -> list[dict[str, Any]]:
        plain, _, query = path.partition("?")
        scope = {
            "type": kind,
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "http" if kind == "http" else "ws",
            "path": plain,
            "raw_path": plain.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(b"host", b"shop.test"), *((name.encode(), value.encode()) for name, value in headers.items())],
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 80),
            "state": dict(self.state),
        }
        if method is not None:
            scope["method"] = method
        sent: list[dict[str, Any]] = []

        async def receive() -> Any:
            if not said:
                await anyio.sleep_forever()
            return said.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        with anyio.fail_after(_LIMIT_SECONDS):
            await self.app(scope, receive, send)
        return sent

    async def _lifespan(self, *, task_status: Any) -> None:
        told = ["lifespan.startup"]

        async def receive() -> Any:
            if not told:
                await self._stopping.wait()
                return {"type": "lifespan.shutdown"}
            return {"type": told.pop()}

        async def send(message: Any) -> None:
            if message["type"] == "lifespan.startup.complete":
                task_status.started()

        await self.app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": self.state}, receive, send)


def _body(body: bytes) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": False}
