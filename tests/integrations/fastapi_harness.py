"""
The contract's pages as a FastAPI application: reading by dependency, gates below the route.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request

from flagcore.adapter import Options, read_options
from flagcore_fastapi import FlagsDep, lifespan, require_flag
from tests.integrations.page import Page
from tests.integrations.starlette_harness import AsgiApp, flags_middleware, rendered


class FastAPIHarness:
    """
    FastAPI with lifespan and middleware.
    """

    runs_async = True
    value_template = '{{ flag("theme", "light") }}'

    def __init__(self, backend: str = "asyncio") -> None:
        self.backend = backend

    def start(self, settings: Mapping[str, Any], *pages: Page) -> AsgiApp:
        """
        See `Harness`.
        """
        return AsgiApp(self.build(read_options(settings), *pages), backend=self.backend)

    def build(self, options: Options, *pages: Page) -> Any:
        """
        The application itself.
        """
        app = FastAPI(
            middleware=[flags_middleware(options)], lifespan=lifespan(options.client, wait_seconds=options.wait_seconds)
        )
        for page in pages:
            app.get(page.path, name=page.name or page.path)(_endpoint(page))
        return app


def _endpoint(page: Page) -> Any:
    template = page.template
    if template is not None:

        def endpoint(request: Request) -> Any:
            return rendered(request, template)

        return endpoint
    if page.gate is None:
        return _native(page.view)
    gate = dict(page.gate)
    if "fallback" in gate:
        gate["fallback"] = _native(gate["fallback"])
    return require_flag(**gate)(_native(page.view))


def _native(view: Any) -> Any:
    if Page("/", view).is_async:

        async def waiting(flags: FlagsDep) -> Any:
            return await view(flags)

        return waiting

    def plain(flags: FlagsDep) -> Any:
        return view(flags)

    return plain
