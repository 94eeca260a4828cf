"""
The contract's pages as a Starlette application.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import DictLoader, Environment
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.templating import Jinja2Templates

from flagcore import FlagClient
from flagcore.adapter import Options, read_options
from flagcore_starlette import FlagsMiddleware, flags_health, get_flags, install, lifespan, require_flag
from tests.integrations.asgi import Asgi
from tests.integrations.page import Page


class AsgiApp(Asgi):
    """
    A running Starlette or FastAPI application.
    """

    @property
    def client(self) -> FlagClient:
        """
        The client in the lifespan's state.
        """
        assert self.app.state.flag_client is self.state["flag_client"]
        client: FlagClient = self.state["flag_client"]
        return client


class StarletteHarness:
    """
    Starlette with lifespan and middleware.
    """

    runs_async = True
    value_template = '{{ flag_value("theme", "light") }}'

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
        return Starlette(
            routes=[
                Route("/healthz/flags", flags_health),
                *(Route(page.path, _endpoint(page), name=page.name) for page in pages),
            ],
            middleware=[flags_middleware(options)],
            lifespan=lifespan(options.client, wait_seconds=options.wait_seconds),
        )


def flags_middleware(options: Options) -> Middleware:
    """
    The middleware as the options say it.
    """
    context_from = {"context_from": options.context_from} if options.context_from is not None else {}
    return Middleware(FlagsMiddleware, **context_from)


def rendered(request: Request, template: str) -> Response:
    """
    A template's text, rendered for a request.
    """
    templates = Jinja2Templates(env=Environment(loader=DictLoader({"page": template}), autoescape=True))
    install(templates)
    return templates.TemplateResponse(request, "page")


def theme(request: Request) -> Response:
    """
    A page that reads one flag.
    """
    return JSONResponse(get_flags(request).get_string("theme", "none"))


def _endpoint(page: Page) -> Any:
    template = page.template
    if template is not None:
        return lambda request: rendered(request, template)
    return page.guarded(_native, require_flag)


def _native(view: Any) -> Any:
    if not Page("/", view).is_async:
        return lambda request: JSONResponse(view(get_flags(request)))

    async def endpoint(request: Request) -> Response:
        return JSONResponse(await view(get_flags(request)))

    return endpoint
