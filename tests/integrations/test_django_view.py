"""
The request's view in Django: middleware, `get_flags`, and the app's life.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("django")

from asgiref.sync import iscoroutinefunction
from django.apps import apps
from django.core.handlers.base import BaseHandler
from django.db import connection
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import AsyncRequestFactory, Client, RequestFactory, override_settings
from django.urls import path

import flagcore
from flagcore import ErrorCode, EvaluationContext, FlagClient, Flags, MemorySource, Status
from flagcore.errors import ConfigError
from flagcore_django import get_flags
from flagcore_django.middleware import FlagsMiddleware
from tests.integrations import django_harness

DOCUMENT = {"hierarchy": ["org"], "flags": {"new": {"value": False, "overrides": [{"org": "acme", "value": True}]}}}


@pytest.fixture
def source() -> MemorySource:
    return MemorySource(DOCUMENT)


@pytest.fixture
def app(source: MemorySource) -> Iterator[django_harness.DjangoApp]:
    """
    The project without pages, its flags those of `source`.
    """
    started = django_harness.DjangoHarness(is_async=False).start({"SOURCE": source, "CACHE_DIR": None})
    yield started
    started.stop()


@pytest.fixture
def request_() -> HttpRequest:
    return RequestFactory().get("/shop")


@pytest.mark.usefixtures("app")
class TestMiddleware:
    """
    `FlagsMiddleware`.
    """

    def test_every_getter_gives_the_request_s_one_view(self, request_: HttpRequest) -> None:
        """
        `request.flags`, `get_flags(request)`, and both `get_flags()` are the same object.
        """

        def view(request: HttpRequest) -> list[Flags]:
            return [request.flags, get_flags(request), get_flags(), flagcore.get_flags()]

        found = FlagsMiddleware(view)(request_)
        assert all(each is found[0] for each in found)

    @pytest.mark.parametrize("reads", [True, False])
    def test_a_request_leaves_nothing_to_the_collector(self, *, reads: bool) -> None:
        """
        A request and its view go by reference count alone, whether a flag was read or not.
        """
        views: list[weakref.ref[Flags]] = []

        def view(request: HttpRequest) -> HttpResponse:
            views.append(weakref.ref(request.flags))
            return HttpResponse(str(request.flags.get_bool("new")) if reads else "")

        gc.collect()
        gc.disable()
        try:
            FlagsMiddleware(view)(RequestFactory().get("/shop"))
            assert views[0]() is None
        finally:
            gc.enable()

    def test_a_view_that_raises_leaves_nothing_bound(self, request_: HttpRequest) -> None:
        """
        The next request of the thread can't see this one's flags.
        """

        def view(request: HttpRequest) -> HttpResponse:
            raise LookupError("a fault of the view's")

        with pytest.raises(LookupError):
            FlagsMiddleware(view)(request_)
        assert flagcore.get_flags().details("new", True).error_code is ErrorCode.PROVIDER_NOT_READY

    def test_an_async_view_that_raises_leaves_nothing_bound(self, request_: HttpRequest) -> None:
        """
        The same in an async stack.
        """

        async def view(request: HttpRequest) -> HttpResponse:
            raise LookupError("a fault of the view's")

        with pytest.raises(LookupError):
            FlagsMiddleware(view)(request_).send(None)
        assert flagcore.get_flags().details("new", True).error_code is ErrorCode.PROVIDER_NOT_READY

    def test_an_async_stack_never_leaves_its_thread(self) -> None:
        """
        From the handler to the view and back: a coroutine that ends at its first step has waited for no thread.
        """
        seen: list[Flags] = []

        async def view(request: HttpRequest) -> HttpResponse:
            seen.extend([request.flags, flagcore.get_flags()])
            return HttpResponse("done")

        with override_settings(ROOT_URLCONF=django_harness.Urls(path("", view))):
            handler = BaseHandler()
            handler.load_middleware(is_async=True)
            with pytest.raises(StopIteration) as end:
                handler.get_response_async(AsyncRequestFactory().get("/")).send(None)
        assert end.value.value.content == b"done"
        assert seen[0] is seen[1]

    @pytest.mark.parametrize("is_async", [True, False])
    def test_it_is_of_its_neighbours_kind(self, is_async: bool) -> None:
        """
        Django takes the middleware for async exactly where what it wraps is.
        """

        async def view_async(request: HttpRequest) -> None: ...

        def view(request: HttpRequest) -> None: ...

        assert iscoroutinefunction(FlagsMiddleware(view_async if is_async else view)) is is_async

    def test_a_streaming_body_reads_the_request_s_view(self) -> None:
        """
        What is sent after the middleware is left still has `request.flags`.
        """

        def view(request: HttpRequest) -> StreamingHttpResponse:
            return StreamingHttpResponse(str(request.flags.get_bool("new", True)) for _ in range(2))

        with override_settings(ROOT_URLCONF=django_harness.Urls(path("", view))):
            assert b"".join(Client().get("/").streaming_content) == b"FalseFalse"

    def test_a_request_makes_no_query(self) -> None:
        """
        Reading flags never asks the database.
        """

        def refuse(*_: Any) -> None:
            raise AssertionError("a query")

        def view(request: HttpRequest) -> HttpResponse:
            return HttpResponse(str([request.flags.get_bool("new"), get_flags().all()]))

        with override_settings(ROOT_URLCONF=django_harness.Urls(path("", view))), connection.execute_wrapper(refuse):
            assert Client().get("/").status_code == 200
            with pytest.raises(AssertionError, match="a query"):
                connection.cursor().execute("select 1")
        connection.close()


class TestWithoutMiddleware:
    """
    `get_flags` where nothing was bound.
    """

    @pytest.mark.usefixtures("app")
    def test_a_request_gets_one_view_and_keeps_it(self, request_: HttpRequest) -> None:
        """
        Made by whoever asks first.
        """
        assert get_flags(request_) is get_flags(request_) is request_.flags
        assert get_flags(request_).context == EvaluationContext(None, {"path": "/shop", "method": "GET"})

    def test_without_a_request_the_project_answers_for_nobody(self, app: Any) -> None:
        """
        Jobs and shells read flags without ado; a bound view goes before.
        """
        assert get_flags().details("new", True).error_code is None
        assert get_flags().context == EvaluationContext()
        with app.client.bound({"org": "acme"}):
            assert get_flags().get_bool("new") is True

    def test_a_project_without_the_app_reads_defaults(self, request_: HttpRequest) -> None:
        """
        A forgotten line in `INSTALLED_APPS` takes no page down; the middleware refuses it.
        """
        with override_settings(INSTALLED_APPS=[]):
            assert get_flags(request_).get_string("theme", "light") == "light"
            assert get_flags().get_string("theme", "light") == "light"
            with pytest.raises(ConfigError, match="INSTALLED_APPS"):
                FlagsMiddleware(lambda request: None)


class TestApp:
    """
    `FlagsConfig`.
    """

    def test_override_settings_reaches_the_flags(self, app: Any) -> None:
        """
        A test that sets `FLAGS` gets those flags, and afterwards the project's own.
        """
        before = app.client
        with override_settings(FLAGS={"SOURCE": "memory", "DOCUMENT": {"flags": {"only-here": {"value": 7}}}}):
            assert get_flags().get_int("only-here") == 7
            assert app.client is not before
        assert get_flags().get_int("only-here") == 0

    def test_flags_that_are_no_mapping_are_refused(self) -> None:
        """
        With what came and what is expected.
        """
        with pytest.raises(ConfigError, match=r"mapping.*got str"), override_settings(FLAGS="memory"):
            pass

    def test_without_flags_the_known_sources_are_named(self) -> None:
        """
        An app without any configuration is told what it needs.
        """
        with pytest.raises(ConfigError, match="memory"), override_settings(FLAGS={}):
            pass

    def test_a_client_of_one_s_own_is_followed_and_closed(self) -> None:
        """
        `SOURCE` may be a client, and closing twice is closing once.
        """
        client = FlagClient(MemorySource(DOCUMENT), cache_dir=None)
        with override_settings(FLAGS={"SOURCE": client}):
            config = apps.get_app_config("flagcore_django")
            assert config.client is client
            config.close()
            config.close()
            assert client.status is Status.READY
            assert get_flags().get_bool("new", True) is False
