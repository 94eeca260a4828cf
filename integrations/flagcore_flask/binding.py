"""
Which view answers where: the request's own inside a request, an anonymous one in an application context without one.

Both are made when first asked for. Internal; the package re-exports what is public.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import WeakSet

import flask.globals
from flask import Flask, Request, current_app, g, has_app_context, has_request_context, request
from flask.signals import appcontext_pushed
from werkzeug.local import LocalProxy

from flagcore import EvaluationContext, FlagClient, Flags
from flagcore.adapter import bind, reading, unbind

__all__ = ["AppFlags", "current_application", "current_flags", "get_flags"]

logger = logging.getLogger("flagcore")

#: Where an application keeps its own `AppFlags`, in `app.extensions`.
_HELD = "flagcore_flask"

#: Under these names a view and the token of its binding are kept, among the attributes of `request` and `g`.
_VIEW = "_flagcore_view"
_TOKEN = "_flagcore_token"  # noqa: S105 - a ContextVar's token, no secret


class AppFlags:
    """
    The flags of one application, kept by it: its client, and whom a request asks for.

    Args:
        app: the application; it and this go together.
        client: where its flags come from.
        context_of: request → context; never raises.
    """

    def __init__(self, app: Flask, client: FlagClient, context_of: Callable[[Request], EvaluationContext]) -> None:
        self.client = client
        self._app = app
        self._context_of = context_of
        # Bound methods made once: the signal holds its receiver weakly, and every request binds the same view.
        self._pushed, self._view = self._bind, self.view
        app.teardown_appcontext(self._unbind)
        appcontext_pushed.connect(self._pushed, sender=app)
        app.extensions[_HELD] = self

    @staticmethod
    def of(app: Flask | None) -> AppFlags | None:
        """
        Those of an application, or None where it has none.
        """
        return app.extensions.get(_HELD) if app is not None else None

    def view(self, outer: Request | None = None) -> Flags:
        """
        The view of the current request, else of the current application context; empty where neither is this
        application's. I/O: none. Locks: none.

        Args:
            outer: the request that was under way when this application's context was pushed: it is another's.
        """
        if not has_app_context():  # still bound after a teardown that was cut short by another's fault
            return Flags()
        asked = _current_request()
        if asked is outer:
            asked = None
        # A request's view is on the request: one g can serve several requests (tests that push an application context
        # around them), and one request can have several g (copy_current_request_context).
        kept: dict[str, Flags] = vars(_behind(g) if asked is None else asked)
        view = kept.get(_VIEW)
        if view is not None:
            return view
        if _behind(current_app) is not self._app:
            return Flags()
        made = self.client.flags() if asked is None else self.client.view(partial(self._context_of, asked))
        # setdefault: of two threads in copies of one request, both get the view that stays.
        return kept.setdefault(_VIEW, made)

    def _bind(self, app: Flask, **_: Any) -> None:
        kept = vars(_behind(g))
        if _TOKEN not in kept:  # a context may be pushed again while it is up; it is torn down once
            outer = _others_request(app)
            kept[_TOKEN] = bind(self._view if outer is None else partial(self.view, outer))

    def _unbind(self, _error: BaseException | None) -> None:
        token = vars(_behind(g)).pop(_TOKEN, None)
        if token is not None:
            unbind(token)


def current_application() -> Flask | None:
    """
    The application whose context this is, or None outside of one.
    """
    found: Flask | None = _behind(current_app) if has_app_context() else None
    return found


def _current_request() -> Request | None:
    found: Request | None = _behind(request) if has_request_context() else None
    return found


def _others_request(app: Flask) -> Request | None:
    # Where two applications call one another, Flask leaves the caller's request in place under the other's context,
    # unless it keeps both in one context: then there is no `request_ctx`, and no such case.
    asked = _current_request()
    if asked is None:
        return None
    context = vars(flask.globals).get("request_ctx")
    return asked if context and context.app is not app else None


def _behind(proxy: Any) -> Any:
    # What a proxy of Flask stands for: asking it once is five times as fast as going through it for an attribute.
    return proxy._get_current_object()


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
    own = AppFlags.of(app)
    if own is not None:  # the extension was registered within this very context, so that nothing is bound yet
        return own.view()
    if app is not None and app not in _told:
        _told.add(app)
        logger.warning("%r has no flags: expected FlagsExtension(app, client) or .init_app(app)", app)
    return Flags()


#: The current request's view, as a name: what `get_flags()` gives at the moment it is used.
current_flags: Flags = LocalProxy(get_flags)  # type: ignore[assignment]
