"""
Routes that lead somewhere only while a flag has a value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.urls import ResolverMatch, URLPattern, URLResolver, path

from flagcore_django.gate import require_flag

__all__ = ["flag_path"]

Decorate = Callable[[Callable[..., Any]], Callable[..., Any]]


def flag_path(
    route: str,
    view: Any,
    kwargs: Mapping[str, Any] | None = None,
    name: str | None = None,
    *,
    key: str,
    **gate: Any,
) -> URLPattern | URLResolver:
    """
    As `django.urls.path()`, for a view, or all views of an `include(…)`, behind a gate.

        flag_path("beta/", views.beta, key="beta-page", name="beta")
        flag_path("shop/", include("shop.urls"), key="maintenance-mode", value=False, status=503)

    The route matches and can be reversed whatever the flag says; it is the view that is gated.

    Args:
        route, view, kwargs, name: `path()`'s.
        key: the flag's key.
        gate: `require_flag`'s other arguments.

    Raises:
        ConfigError: an argument of the gate can't be right.
        TypeError: `require_flag` has no such argument, or `path()` refuses.
    """
    decorate: Decorate = require_flag(key, **gate)
    made = path(route, view, kwargs, name)
    if isinstance(made, URLPattern):
        made.callback = decorate(made.callback)
        return made
    return _GatedResolver(made, decorate)


class _GatedResolver(URLResolver):
    """
    An `include(…)` whose views are all behind one gate.
    """

    def __init__(self, plain: URLResolver, decorate: Decorate) -> None:
        super().__init__(plain.pattern, plain.urlconf_name, plain.default_kwargs, plain.app_name, plain.namespace)
        self._decorate = decorate
        self._gated: dict[Callable[..., Any], Callable[..., Any]] = {}

    def resolve(self, path: str) -> ResolverMatch:
        """
        The match, with its view behind the gate. Decorated once for each view.
        """
        match = super().resolve(path)
        gated = self._gated.get(match.func)
        if gated is None:
            gated = self._gated.setdefault(match.func, self._decorate(match.func))
        match.func = gated
        return match
