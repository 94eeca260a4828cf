"""
Views that run only while a flag has a value: functions, methods and classes, plain and async.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from http import HTTPStatus
from typing import Any

from asgiref.sync import async_to_sync, iscoroutinefunction, sync_to_async
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url

from flagcore.adapter import Gate, gate_decorator
from flagcore_django.request import get_flags

__all__ = ["FlagRequiredMixin", "require_flag"]


def _gated(gate: Gate[Any], view: Callable[..., Any]) -> Callable[..., Any]:
    fallback = gate.fallback
    otherwise = async_to_sync(fallback) if fallback is not None and _is_async(fallback) else fallback

    def gated(request: Any, *args: Any, **kwargs: Any) -> Any:
        flags = get_flags(request)
        own = gate.facing(flags)
        if own.is_open(flags):
            return view(request, *args, **kwargs)
        return otherwise(request, *args, **kwargs) if otherwise and own is gate else _refusal(own)

    return gated


def _gated_async(gate: Gate[Any], view: Callable[..., Any]) -> Callable[..., Any]:
    fallback = gate.fallback
    otherwise = sync_to_async(fallback) if fallback is not None and not _is_async(fallback) else fallback

    async def gated(request: Any, *args: Any, **kwargs: Any) -> Any:
        flags = get_flags(request)
        own = gate.facing(flags)
        if own.is_open(flags):
            return await view(request, *args, **kwargs)
        return await otherwise(request, *args, **kwargs) if otherwise and own is gate else _refusal(own)

    return gated


def _is_async(view: Any) -> bool:
    bound = view
    while isinstance(bound, partial):
        bound = bound.func
    # A class's dispatch is plain whatever its handlers are: what it gives is a coroutine where they are async.
    return iscoroutinefunction(view) or getattr(getattr(bound, "__self__", None), "view_is_async", False)


def _guarded(gate: Gate[Any], view: Any) -> Any:
    return wraps(view)(_gated_async(gate, view) if _is_async(view) else _gated(gate, view))


require_flag = gate_decorator(
    _guarded,
    "flagcore_django",
    """
    Run the view only when the flag resolves to `value`.

        @require_flag("beta-page")
        @require_flag("maintenance-mode", value=False, status=503, retry_after_seconds=120)
        @method_decorator(require_flag("beta-page"), name="dispatch")

    On plain and async views; a fallback may be either, whatever the gated view is. 404 is Django's own `Http404`, and
    looks like any missing page.
    """,
)


def _refusal(gate: Gate[Any]) -> HttpResponse:
    if gate.redirect_to is not None:
        return HttpResponseRedirect(resolve_url(gate.redirect_to))
    if gate.status == HTTPStatus.NOT_FOUND and not gate.headers:
        raise Http404
    return HttpResponse(_phrase(gate.status), "text/plain; charset=utf-8", gate.status, headers=gate.headers)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:  # a status that no standard names
        return str(status)


class FlagRequiredMixin:
    """
    A class-based view that runs only when a flag resolves to a value; stands before `View` among the bases.

        class Beta(FlagRequiredMixin, TemplateView):
            flag_name = "beta-page"

    Attributes are `require_flag`'s arguments, and may be given to `as_view()` too, which refuses with a `ConfigError`
    what can't be right.
    """

    flag_name: str = ""
    flag_value: Any = True
    flag_status: int = 404
    flag_fallback: Callable[..., Any] | None = None
    flag_redirect_to: str | None = None
    flag_retry_after_seconds: int | None = None

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., Any]:
        view = super().as_view(**initkwargs)  # type: ignore[misc] # the view class beside this one
        cls(**initkwargs)._required()  # said when the URLs load, not when the first request comes
        return view

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return self._required()(super().dispatch)(request, *args, **kwargs)  # type: ignore[misc] # as in as_view

    def _required(self) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        return require_flag(
            self.flag_name,
            value=self.flag_value,
            status=self.flag_status,
            # From the class: a function kept there is a view, no method of this one.
            fallback=self.__dict__.get("flag_fallback") or type(self).flag_fallback,
            redirect_to=self.flag_redirect_to,
            retry_after_seconds=self.flag_retry_after_seconds,
        )
