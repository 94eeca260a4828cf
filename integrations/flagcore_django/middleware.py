"""
Binds each request's view, in sync and in async stacks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction

from flagcore.adapter import bind, unbind
from flagcore.errors import ConfigError
from flagcore_django.apps import installed

__all__ = ["FlagsMiddleware"]


class FlagsMiddleware:
    """
    `MIDDLEWARE = [..., "flagcore_django.middleware.FlagsMiddleware"]`

    Gives `request.flags`, and makes the same view what `flagcore.get_flags()` finds until the response is made. Its
    place in the list does not matter to it: the context is built when the first flag is read, so `CONTEXT_FROM` finds
    what other middleware has put on the request by then. What a streaming response reads while it is sent, it reads
    from `request.flags`.

    Runs sync or async as its neighbours do, with no thread between. I/O: none.

    Raises:
        ConfigError: `flagcore_django` is not in `INSTALLED_APPS`.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        config = installed()
        if config is None:
            raise ConfigError("FlagsMiddleware: expected 'flagcore_django' in INSTALLED_APPS, it is not there; add it")
        self._config = config
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: Any) -> Any:
        if self._is_async:
            return self._acall(request)
        request.flags = view = self._config.view(request)
        token = bind(lambda: view)
        try:
            return self._get_response(request)
        finally:
            unbind(token)

    async def _acall(self, request: Any) -> Any:
        request.flags = view = self._config.view(request)
        token = bind(lambda: view)
        try:
            return await self._get_response(request)
        finally:
            unbind(token)
