"""
Gates: a view, or a whole blueprint, that answers only while a flag has a value.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, abort, after_this_request, current_app, redirect, request, url_for

from flagcore.adapter import Gate, gate_decorator, is_async
from flagcore.errors import ConfigError
from flagcore_flask.binding import get_flags

__all__ = ["FlagGate", "require_flag"]


class FlagGate(Gate[Any]):
    """
    A gate for all of a blueprint, or of an application: it decides before any of their views runs.

        admin.before_request(FlagGate("admin-area"))
        app.before_request(FlagGate("maintenance-mode", value=False, status=503, retry_after_seconds=120))

    Takes what `require_flag` takes. The page that it redirects to is let through, so that it may lie behind the gate.

    Raises:
        ConfigError: as `require_flag`.
    """

    def __call__(self) -> Response | None:
        """
        None while the gate is open, else what answers instead of the view. Aborts with the refusal's status.
        """
        flags = get_flags()
        own = self.facing(flags)
        if own.is_open(flags) or own._leads_here():
            return None
        answer = current_app.ensure_sync(own.closed)(**(request.view_args or {}))
        # As a response, since None would let the request through.
        return current_app.make_response(answer)

    @property
    def closed(self) -> Callable[..., Any]:
        """
        What takes the place of a view while the gate is closed; called with its arguments.
        """
        return self.fallback or self._refuse

    def _refuse(self, *_: object, **__: object) -> Any:
        if self.redirect_to is not None:
            return redirect(self._location())
        if self.headers:
            after_this_request(self._add_headers)  # so that the application's own error page carries them too
        if self.status in current_app.aborter.mapping:
            return abort(self.status)
        return abort(Response(status=self.status))  # a status that Werkzeug has no exception for

    def _add_headers(self, response: Response) -> Response:
        response.headers.update(self.headers)
        return response

    def _leads_here(self) -> bool:
        return self.redirect_to is not None and self._location() == request.script_root + request.path

    def _location(self) -> str:
        target = self.redirect_to or ""
        return url_for(target) if self.redirects_to_route else target


def _gated(gate: FlagGate, view: Callable[..., Any]) -> Callable[..., Any]:
    def gated(*args: Any, **kwargs: Any) -> Any:
        flags = get_flags()
        own = gate.facing(flags)
        if own.is_open(flags):
            return view(*args, **kwargs)
        return current_app.ensure_sync(own.closed)(*args, **kwargs)

    return gated


def _gated_async(gate: FlagGate, view: Callable[..., Any]) -> Callable[..., Any]:
    async def gated(*args: Any, **kwargs: Any) -> Any:
        flags = get_flags()
        own = gate.facing(flags)
        if own.is_open(flags):
            return await view(*args, **kwargs)
        answer = own.closed(*args, **kwargs)
        return await answer if inspect.isawaitable(answer) else answer

    return gated


def _guarded(gate: Gate[Any], view: Any) -> Any:
    if isinstance(view, type):
        raise ConfigError(
            f"require_flag: expected a view function, got the class {view.__name__}; "
            f"write `decorators = [require_flag({gate.key!r})]` inside it"
        )
    own = FlagGate(**vars(gate))
    return wraps(view)(_gated_async(own, view) if is_async(view) else _gated(own, view))


require_flag = gate_decorator(
    _guarded,
    "flagcore_flask",
    """
    Run the view only when the flag resolves to `value`.

        @app.get("/beta")
        @require_flag("beta-page")
        def beta(): ...

        class Reports(MethodView):
            decorators = [require_flag("reports")]

    On plain and `async` views, and on methods of a `MethodView`. The view keeps its name, and so its endpoint. A
    refusal is raised by `abort`, so that the application's own error handlers answer for it. For a whole blueprint:
    `FlagGate`.
    """,
)
