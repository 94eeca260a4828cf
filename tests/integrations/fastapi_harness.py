"""
The contract's pages as a FastAPI application: reading by dependency, gates below the route.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from starlette.requests import Request

from flagcore.adapter import Options
from flagcore_fastapi import FlagsDep, flags_health, lifespan, require_flag
from tests.integrations.page import Page
from tests.integrations.starlette_harness import StarletteHarness, flags_middleware, rendered


class FastAPIHarness(StarletteHarness):
    """
    FastAPI with lifespan and middleware.
    """

    value_template = '{{ flag("theme", "light") }}'

    def build(self, options: Options, *pages: Page) -> Any:
        """
        The application itself.
        """
        app = FastAPI(
            middleware=[flags_middleware(options)], lifespan=lifespan(options.client, wait_seconds=options.wait_seconds)
        )
        app.add_api_route("/healthz/flags", flags_health, methods=["GET", "HEAD"])
        for page in pages:
            app.get(page.path, name=page.name or page.path)(_endpoint(page))
        return app


def _endpoint(page: Page) -> Any:
    template = page.template
    if template is not None:

        def endpoint(request: Request) -> Any:
            return rendered(request, template)

        return endpoint
    return page.guarded(_native, require_flag)


def _native(view: Any) -> Any:
    if Page("/", view).is_async:

        async def waiting(flags: FlagsDep) -> Any:
            return await view(flags)

        return waiting

    def plain(flags: FlagsDep) -> Any:
        return view(flags)

    return plain
