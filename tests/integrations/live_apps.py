"""
The pages of `shop.py` in each framework, for a server to serve: configured by the environment alone.
"""

from __future__ import annotations

from typing import Any

from flagcore.adapter import read_options
from tests.integrations.shop import LIVE_PAGES


def starlette() -> Any:
    """
    An ASGI application.
    """
    from tests.integrations.starlette_harness import StarletteHarness

    return StarletteHarness().build(read_options({}), *LIVE_PAGES)


def fastapi() -> Any:
    """
    An ASGI application.
    """
    from tests.integrations.fastapi_harness import FastAPIHarness

    return FastAPIHarness().build(read_options({}), *LIVE_PAGES)


def flask() -> Any:
    """
    A WSGI application.
    """
    from tests.integrations.flask_harness import FlaskHarness

    return FlaskHarness().start({}, *LIVE_PAGES).app


def django_wsgi() -> Any:
    """
    A WSGI application.
    """
    from tests.integrations.django_harness import DjangoHarness

    DjangoHarness(is_async=False).start({}, *LIVE_PAGES)
    from django.core.wsgi import get_wsgi_application

    return get_wsgi_application()


def django_asgi() -> Any:
    """
    An ASGI application.
    """
    from tests.integrations.django_harness import DjangoHarness

    DjangoHarness(is_async=True).start({}, *LIVE_PAGES)
    from django.core.asgi import get_asgi_application

    return get_asgi_application()
