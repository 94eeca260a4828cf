"""
The adapters under the servers they are deployed on.
"""

from __future__ import annotations

import pytest

from tests.integrations.live import LiveContract, gunicorn, uvicorn

pytestmark = pytest.mark.skipif("sys.platform == 'win32'", reason="a server inherits its socket as on POSIX")

#: A worker that was forked from a master which had started to follow the flags.
_PRELOADED = "--preload --workers 1 --threads 4"


class TestStarletteUnderUvicorn(LiveContract):
    """
    One process, one loop.
    """

    needs = ("starlette", "jinja2", "uvicorn")
    command = uvicorn("starlette")


class TestFastAPIUnderUvicorn(LiveContract):
    """
    One process, one loop.
    """

    needs = ("fastapi", "jinja2", "uvicorn")
    command = uvicorn("fastapi")


class TestFastAPIUnderGunicorn(LiveContract):
    """
    A forked worker that runs the lifespan.
    """

    needs = ("fastapi", "jinja2", "uvicorn", "gunicorn")
    command = gunicorn("fastapi", "--preload --worker-class uvicorn.workers.UvicornWorker")


class TestFlaskUnderGunicorn(LiveContract):
    """
    A forked worker with threads.
    """

    needs = ("flask", "gunicorn")
    command = gunicorn("flask", _PRELOADED)


class TestDjangoUnderGunicorn(LiveContract):
    """
    A forked worker with threads.
    """

    needs = ("django", "gunicorn")
    command = gunicorn("django_wsgi", _PRELOADED)


class TestDjangoUnderUvicorn(LiveContract):
    """
    One process, one loop.
    """

    needs = ("django", "uvicorn")
    command = uvicorn("django_asgi")
