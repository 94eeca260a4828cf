"""
The extension: configures, starts, holds and stops the flags of Flask applications.
"""

from __future__ import annotations

import atexit
import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from weakref import WeakSet

import click
from flask import Flask, Request
from flask.helpers import get_debug_flag

from flagcore import EvaluationContext, FlagClient
from flagcore.adapter import context_builder, default_context, read_options
from flagcore.errors import StateError
from flagcore_flask.binding import AppFlags, ContextLater, current_application
from flagcore_flask.command import flags_command
from flagcore_flask.tags import FlaskTags

__all__ = ["FlagsExtension"]

ContextFrom = Callable[[Request], EvaluationContext | Mapping[str, Any] | None]

#: Where the extension stands in `app.extensions`.
_KEY = "flags"

#: What the extension's options begin with in `app.config`.
_PREFIX = "FLAGS_"


class FlagsExtension:
    """
    The flags of one application or several.

        flags = FlagsExtension(app, client)      # or FlagsExtension(), and .init_app(app) in the factory

    `app.extensions["flags"]` is the extension. Without a client, `app.config["FLAGS_SOURCE"]` and its neighbours say
    where the flags come from; `FLAGCORE_…` in the environment overrides them, and what is passed here overrides both.

    Args:
        app: the application, as a shorthand for `.init_app(app)`.
        client: the client of every application that brings none of its own.
        context_from: request → an EvaluationContext, a mapping, or None: who is asking. Plain; it must not query.
            By default nobody in particular, with the request's `path` and `method`.
        wait_seconds: how long starting may wait for the sources; by default it does not.

    Raises:
        ConfigError: an option that is unknown, or that can't be right.
        StateError: the application has one already.
    """

    def __init__(
        self,
        app: Flask | None = None,
        client: FlagClient | None = None,
        *,
        context_from: ContextFrom | None = None,
        wait_seconds: float | None = None,
    ) -> None:
        self._client = client
        self._context_from = context_from
        self._wait_seconds = wait_seconds
        # Weakly: a client lives as long as its application, its own thread, or whoever made it.
        self._clients: WeakSet[FlagClient] = WeakSet(() if client is None else (client,))
        if app is not None:
            self.init_app(app)

    def init_app(
        self,
        app: Flask,
        client: FlagClient | None = None,
        *,
        context_from: ContextFrom | None = None,
        wait_seconds: float | None = None,
    ) -> None:
        """
        Give `app` its flags: read its configuration, start its client (in threads), make views for its requests, and
        add the template tag and the `flask flags` command. What is passed here goes before what the extension was
        made with.

        Under a `flask` command other than `run`, and in the parent process of its reloader, the client stays asleep:
        it answers from what is local and starts with the first read. (The parent that `app.run(debug=True)` makes
        can't be told from a server, and follows the flags as well.)

        Raises:
            ConfigError: an option that is unknown, or that can't be right.
            StateError: the application has an extension of this name already.
        """
        if _KEY in app.extensions:
            raise StateError(
                f"{app!r} has an extension named {_KEY!r} already: expected one FlagsExtension for each application; "
                "keep the first and read from it, or leave one of FlagsExtension(app) and .init_app(app) out"
            )
        settings = {name[len(_PREFIX) :]: value for name, value in app.config.items() if name.startswith(_PREFIX)}
        options = read_options(settings, spelling=_PREFIX + "{}", client=client or self._client)
        AppFlags(app, options.client, _context_of(context_from or self._context_from or options.context_from))
        app.extensions[_KEY] = self
        app.cli.add_command(flags_command)
        app.jinja_env.add_extension(FlaskTags)
        self._clients.add(options.client)
        _extensions.add(self)
        if not _is_better_asleep():
            waits = (wait_seconds, self._wait_seconds, options.wait_seconds)
            options.client.start(next(seconds for seconds in waits if seconds is not None))

    @property
    def client(self) -> FlagClient:
        """
        The current application's client; outside of an application context the only one there is.

        Raises:
            StateError: the current application has none from here, or outside of one there is none, or several.
        """
        app = current_application()
        if app is not None:
            return self._client_of(app)
        clients = list(self._clients)
        if len(clients) == 1:
            return clients[0]
        raise StateError(
            f"expected one client or an application context, got {len(clients)} clients and no context: "
            "either .init_app(app) was not called, or this needs a `with app.app_context():` around it"
        )

    def _client_of(self, app: Flask) -> FlagClient:
        own = AppFlags.of(app)
        if own is not None and app.extensions[_KEY] is self:
            return own.client
        raise StateError(
            f"{app!r} is not registered with this FlagsExtension: either .init_app(app) was not called for it, "
            "or it has another (app.extensions['flags'] is the one to ask)"
        )

    def close(self, timeout_seconds: float = 5.0) -> None:
        """
        Stop following the sources, for every application of this extension. Idempotent, bounded, from any thread; runs
        at exit by itself. Requests go on being answered from the last state.

        Args:
            timeout_seconds: how long to wait for threads and the disk, for all clients together.
        """
        deadline = time.monotonic() + timeout_seconds
        for client in list(self._clients):
            client.close(max(0.0, deadline - time.monotonic()))

    def __repr__(self) -> str:
        return f"FlagsExtension({', '.join(map(repr, self._clients))})"


def _context_of(context_from: ContextFrom | None) -> Callable[[Request], ContextLater]:
    if context_from is None:
        return _anonymous
    build = context_builder(context_from)
    return lambda request: partial(build, request)


def _anonymous(request: Request) -> EvaluationContext:
    return default_context(request.path, request.method)


def _is_better_asleep() -> bool:
    # The command line loads the application for every command, and `flask run` once more in the reloader's parent,
    # which serves nothing: neither is to open a connection before a flag is read.
    command = click.get_current_context(silent=True)
    if os.environ.get("FLASK_RUN_FROM_CLI") != "true" or command is None:
        return False
    if command.info_name != "run":
        return True
    reloads = command.params.get("reload")
    is_child = os.environ.get("WERKZEUG_RUN_MAIN") == "true"
    return not is_child and (get_debug_flag() if reloads is None else bool(reloads))


_extensions: WeakSet[FlagsExtension] = WeakSet()


@atexit.register
def _close_all() -> None:
    for extension in list(_extensions):
        extension.close()
