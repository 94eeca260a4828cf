"""
`python -m tests.servers.processes METHOD PORT`: two processes of `multiprocessing`, each serving the Flask application,
started by a parent that has been following the flags. Ends on SIGTERM.
"""

from __future__ import annotations

import multiprocessing
import signal
import socket
import sys
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def serve(listener: socket.socket) -> None:
    """
    Serve in this process, until SIGTERM.
    """
    from tests.servers.flask_app import app

    ending: list[int] = []
    # Not by an exception: while it answers, the server would take that for the application's.
    signal.signal(signal.SIGTERM, lambda number, _: ending.append(number))
    server = WSGIServer(("127.0.0.1", 0), _Quiet, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    server.server_name, server.server_port = listener.getsockname()
    server.setup_environ()
    server.set_app(app)
    server.timeout = 0.05
    while not ending:
        server.handle_request()


def main(method: str, port: int) -> None:
    """
    Follow the flags, then start the processes, and wait for SIGTERM.
    """
    from tests.servers.flask_app import app

    app.extensions["flags"].client.wait_ready(5)
    listener = socket.create_server(("127.0.0.1", port), backlog=128)
    context = multiprocessing.get_context(method)
    workers = [context.Process(target=serve, args=(listener,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    signal.signal(signal.SIGTERM, lambda *_: [worker.terminate() for worker in workers])
    for worker in workers:
        worker.join()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
