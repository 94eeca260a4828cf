"""
Running the flag server by itself: a socket, uvicorn, and an end that waits for nobody.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn

from flagcore.errors import ConfigError
from flagcore_server.access import is_loopback
from flagcore_server.server import FlagServer

__all__ = ["Runner", "serve"]

#: Seconds that open connections get to end. Streams end at once; this is for a client that does not read on.
_GRACE_SECONDS = 3
#: The highest port there is: 16 bits.
_LAST_PORT = 65535


class Runner(uvicorn.Server):
    """
    A uvicorn server that ends the flag server's streams when it shuts down, instead of waiting for their clients.
    """

    def __init__(self, app: FlagServer) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                # A client's own address, not what a header claims: it decides who counts as this machine.
                proxy_headers=False,
                server_header=False,
                ws="none",
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        self._flag_server = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """
        End the streams, then all the rest.
        """
        self._flag_server.close()
        await super().shutdown(sockets)


def serve(
    path: str | os.PathLike[str],
    *,
    host: str = "127.0.0.1",
    port: int = 8099,
    api_key: str | None = None,
    admin_token: str | None = None,
    on_listening: Callable[[str], None] | None = None,
) -> None:
    """
    Serve a definition file until SIGINT, SIGTERM, or the end of the process.

    Args:
        path: the file, as for `FlagServer`.
        host: a name or address of this machine. Beyond loopback nothing can be changed without an admin token.
        port: 0 to 65535; 0 takes one that is free.
        api_key: as for `FlagServer`.
        admin_token: as for `FlagServer`.
        on_listening: called with the server's URL once it accepts connections, before it answers.

    Raises:
        ConfigError: as for `FlagServer`; the host is none of this machine's; the port is taken or not allowed.
    """
    app = FlagServer(path, api_key=api_key, admin_token=admin_token, loopback=is_loopback(host))
    runner = Runner(app)
    with _listening(host, port) as listener, _stopped_by_signals(runner):
        if on_listening is not None:
            on_listening(_url(host, listener.getsockname()[1]))
        runner.run(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    if not 0 <= port <= _LAST_PORT:
        raise ConfigError(f"port: expected 0 to {_LAST_PORT}, got {port}")
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(f"cannot listen on {host} port {port}: {reason}; choose another host or port") from error


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def _stopped_by_signals(runner: Runner) -> Iterator[None]:
    # uvicorn raises the signal that stopped it once more when it is done; with the default handler a clean end
    # would then be reported as a death. It has none before it runs, either: a signal then must not be lost.
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_: int, __: FrameType | None) -> None:
        runner.should_exit = True

    before = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
