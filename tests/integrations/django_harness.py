"""
Django as the contract sees it: the project with other flags and URLs, asked through Django's own test clients.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

import django
from asgiref.sync import async_to_sync
from django.apps import apps
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.test import AsyncClient, Client, override_settings
from django.urls import path

from flagcore import FlagClient
from flagcore_django import flags_health, get_flags, require_flag
from tests.integrations.page import Answer, Page

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.integrations.django_project.settings")
django.setup()

View = Callable[..., Any]


class Urls:
    """
    A URLconf that is no module.
    """

    def __init__(self, *patterns: Any) -> None:
        self.urlpatterns = list(patterns)


def native(page: Page) -> View:
    """
    The page's view as an application would write it.
    """
    view = _template(page.template) if page.template is not None else _view(page.view)
    if page.gate is None:
        return view
    gate = dict(page.gate)
    if callable(gate.get("fallback")):
        gate["fallback"] = native(Page(page.path, gate["fallback"]))
    return require_flag(**gate)(view)


def _view(neutral: Any) -> View:
    async def view_async(request: HttpRequest) -> HttpResponse:
        return HttpResponse(json.dumps(await neutral(get_flags(request))))

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(json.dumps(neutral(get_flags(request))))

    return view_async if Page("/", neutral).is_async else view


def _template(text: str) -> View:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(engines["django"].from_string("{% load flags %}" + text).render({}, request))

    return view


def ask(url: str, *, is_async: bool = False, method: str = "get", **arguments: Any) -> HttpResponse:
    """
    What the project answers over WSGI, or over ASGI. From any thread.
    """

    async def get() -> HttpResponse:
        return await getattr(AsyncClient(), method)(url, **arguments)

    # async_to_sync: plain views then run in the caller's thread, and several callers at once.
    return async_to_sync(get)() if is_async else getattr(Client(), method)(url, **arguments)


class DjangoApp:
    """
    The project while its settings say what a test wants.
    """

    def __init__(self, settings: Mapping[str, Any], pages: tuple[Page, ...], *, is_async: bool) -> None:
        self._is_async = is_async
        self._config = apps.get_app_config("flagcore_django")
        urls = Urls(
            path("healthz/flags", flags_health),
            *(path(page.path.lstrip("/"), native(page), name=page.name) for page in pages),
        )
        self._settings = override_settings(FLAGS=dict(settings), ROOT_URLCONF=urls)
        self._settings.enable()
        self._is_running = True
        try:
            self._config.ready()  # as Django does
        except ValueError:
            self.stop()
            raise

    @property
    def client(self) -> FlagClient:
        client: FlagClient = self._config.client
        return client

    def get(self, path: str, headers: Mapping[str, str] = {}) -> Answer:
        return self._answer(ask(path, is_async=self._is_async, headers=headers))

    def head(self, path: str) -> Answer:
        return self._answer(ask(path, is_async=self._is_async, method="head"))

    def _answer(self, response: HttpResponse) -> Answer:
        sent = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, sent, response.content.decode())

    def stop(self) -> None:
        self._config.close()
        if self._is_running:
            self._is_running = False
            self._settings.disable()


class DjangoHarness:
    """
    The project over WSGI or ASGI.
    """

    runs_async = True
    value_template = '{% flag_value "theme" "light" %}'

    def __init__(self, *, is_async: bool) -> None:
        self._is_async = is_async

    def start(self, settings: Mapping[str, Any], *pages: Page) -> DjangoApp:
        return DjangoApp(settings, pages, is_async=self._is_async)
