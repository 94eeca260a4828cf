"""
Which view answers where: the request's own inside a request, an anonymous one in an application context without one.

Both are made when first asked for. Internal; the package re-exports what is public.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

import flask.globals
from flask import Flask, Request, has_app_context, request
from flask.ctx import AppContext
from flask.globals import app_ctx
from werkzeug.local import LocalProxy

from flagcore import EvaluationContext, FlagClient, Flags
from flagcore.adapter import consult, reading

__all__ = ["AppFlags", "current_application", "current_flags", "get_flags"]

logger = logging.getLogger("flagcore")

#: Where an application keeps its own `AppFlags`, in `app.extensions`.
_HELD = "flagcore_flask"

#: Under this name a view is kept, among the attributes of `request` and `g`.
_VIEW = "_flagcore_view"

#: A context, or what gives it when the first flag is read.
ContextLater = EvaluationContext | Callable[[], EvaluationContext]


class AppFlags:
    """
    The flags of one application, kept by it: its client, and whom a request asks for.

    Args:
        app: the application; it and this go together.
        client: where its flags come from.
        context_of: request → context, or what gives one when the first flag is read; never raises.
    """

    def __init__(self, app: Flask, client: FlagClient, context_of: Callable[[Request], ContextLater]) -> None:
        self.client = client
        self._context_of = context_of
        app.extensions[_HELD] = self

    @staticmethod
    def of(app: Flask | None) -> AppFlags | None:
        """
        Those of an application, or None where it has none.
        """
        return app.extensions.get(_HELD) if app is not None else None

    def view(self, context: AppContext) -> Flags:
        """
        The view of the current request, else of the application context it is in, which is `context` and this
        application's. I/O: none. Locks: none.
        """
        asked = _request_of(context.app)
        # A request's view is on the request: one g can serve several requests (tests that push an application context
        # around them), and one request can have several g (copy_current_request_context).
        kept: dict[str, Flags] = vars(context.g if asked is None else asked)
        view = kept.get(_VIEW)
        if view is not None:
            return view
        made = self.client.flags() if asked is None else self.client.view(self._context_of(asked))
        # setdefault: of two threads in copies of one request, both get the view that stays.
        return kept.setdefault(_VIEW, made)


class _Flask:
    """
    Flask as `flagcore` asks it: it knows the application and the request that are under way, in copies of them too, so
    that a request that reads no flag costs nothing.
    """

    def under_way(self) -> AppContext | None:
        """
        The current application's context, if it has flags.
        """
        try:
            context = _app_context()
        except RuntimeError:
            return None
        return context if _HELD in context.app.extensions else None

    def view(self, current: AppContext) -> Flags:
        """
        The current request's view, else that of its application's context.
        """
        own: AppFlags = current.app.extensions[_HELD]
        return own.view(current)


consult(_Flask())


def current_application() -> Flask | None:
    """
    The application whose context this is, or None outside of one.
    """
    return _app_context().app if has_app_context() else None


def _behind(proxy: Any) -> Callable[[], Any]:
    # What a proxy of Flask stands for, or a RuntimeError: five times as fast as going through it for an attribute.
    found: Callable[[], Any] = proxy._get_current_object
    return found


_app_context: Callable[[], AppContext] = _behind(app_ctx)
_request: Callable[[], Request] = _behind(request)
#: The current request's context, where Flask keeps it apart from the application's: before 3.2.
_request_context = _behind(vars(flask.globals)["request_ctx"]) if "request_ctx" in vars(flask.globals) else None


def _request_of(app: Flask) -> Request | None:
    """
    The current request if it is this application's. Where two applications call one another, Flask leaves the caller's
    request in place under the other's context, unless it keeps both in one context.
    """
    try:
        if _request_context is None:
            return _request()
        context = _request_context()
    except RuntimeError:
        return None
    found: Request | None = context.request if context.app is app else None
    return found


#: The applications that have been told that they have no flags.
_told: WeakSet[Flask] = WeakSet()


def get_flags() -> Flags:
    """
    The view of the current request: the same one however often it is asked for, in copies of the request too. Outside
    of a request but in an application context: an anonymous view of the application's client, which sees one state for
    as long as that context lasts (`.fresh()` for the newest). Within `with client.bound(…):` the view of that block.
    Anywhere else: an empty view, whose every read gives the default. I/O: none. Locks: none.
    """
    view = reading()
    if view is not None:
        return view
    app = current_application()
    if app is not None and app not in _told:
        _told.add(app)
        logger.warning("%r has no flags: expected FlagsExtension(app, client) or .init_app(app)", app)
    return Flags()


#: The current request's view, as a name: what `get_flags()` gives at the moment it is used.
current_flags: Flags = LocalProxy(get_flags)  # type: ignore[assignment]
