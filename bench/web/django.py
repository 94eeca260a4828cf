"""
Django, asked in process through its WSGI entrance.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import path

from bench import specimen
from bench.peer import OURS
from bench.web import Ask
from bench.web.flask import asking

__all__ = ["pairs"]


def pairs(name: str) -> dict[str, tuple[Ask, Ask]]:
    """
    {row: (the bare application, the one with more)}.
    """
    given = _ours() if name == OURS else _furagu()
    settings.configure(
        ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="bench", MIDDLEWARE=[], USE_TZ=True, **given[0]
    )
    django.setup()
    bare = WSGIHandler()
    settings.MIDDLEWARE = [given[1]]
    return {"django": (_asking(bare, _bare), _asking(WSGIHandler(), given[2]))}


def _bare(_: HttpRequest) -> HttpResponse:
    return HttpResponse("True")


_View = Callable[[HttpRequest], HttpResponse]
_shown: list[_View] = [_bare]


def _page(request: HttpRequest) -> HttpResponse:
    return _shown[0](request)


# One URL for both, so that neither is found later than the other.
urlpatterns = [path("", _page)]


def _asking(handler: WSGIHandler, view: _View) -> Ask:
    ask = asking(handler)

    def shown(count: int) -> None:
        _shown[0] = view
        ask(count)

    return shown


def _ours() -> tuple[dict[str, Any], str, Any]:
    document = {"flags": {key: {"value": value} for key, value in specimen.BOOLEANS.items()}}
    flags = {"SOURCE": "memory", "DOCUMENT": document, "CACHE_DIR": None}

    def page(request: Any) -> HttpResponse:
        return HttpResponse(str(request.flags.get_bool("plain-42")))

    given = {"INSTALLED_APPS": ["flagcore_django"], "FLAGS": flags}
    return given, "flagcore_django.middleware.FlagsMiddleware", page


def _furagu() -> tuple[dict[str, Any], str, Any]:
    from bench.peers.furagu import transport

    def page(_: HttpRequest) -> HttpResponse:
        from furagu.contrib.django import get_client

        return HttpResponse(str(get_client().get_boolean_value("plain-42", False)))

    options = {"SDK_KEY": "furagu_srv_bench", "EVENTS": False, "STREAMING": False, "TRANSPORT": transport}
    given = {"INSTALLED_APPS": ["furagu.contrib.django"], "FURAGU": options}
    return given, "furagu.contrib.django.FuraguMiddleware", page
