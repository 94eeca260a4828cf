"""
Gates on Django's own kinds of view: methods, classes, routes and includes. Functions are the contract's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("django")

from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import include, path, reverse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from flagcore import MemorySource
from flagcore.errors import ConfigError
from flagcore_django import FlagRequiredMixin, flag_path, require_flag
from tests.integrations import django_harness

DOCUMENT = {"flags": {"on": {"value": True}, "off": {"value": False}, "theme": {"value": "dark"}}}


@pytest.fixture(autouse=True)
def _app() -> Iterator[None]:
    app = django_harness.DjangoHarness(is_async=False).start({"SOURCE": MemorySource(DOCUMENT), "CACHE_DIR": None})
    yield
    app.stop()


def answer(*patterns: Any, url: str = "/", is_async: bool = False) -> HttpResponse:
    """
    What the project answers at `url` with these routes.
    """

    with override_settings(ROOT_URLCONF=django_harness.Urls(*patterns)):
        return django_harness.ask(url, is_async=is_async)


def statuses(view_for: Any, *, is_async: bool = False) -> list[int]:
    """
    The statuses of `view_for(key)` with the flag that is on, and with the one that is off.
    """
    return [answer(path("", view_for(key)), is_async=is_async).status_code for key in ("on", "off")]


def page(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("page")


async def page_async(request: HttpRequest) -> HttpResponse:
    return HttpResponse("async page")


class Plain(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("class")


class Async(View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("async class")


KINDS = pytest.mark.parametrize("base", [Plain, Async], ids=["plain", "async"])
STACKS = pytest.mark.parametrize("is_async", [False, True], ids=["wsgi", "asgi"])


class TestRequireFlag:
    """
    `require_flag` where it stands on more than a function.
    """

    @KINDS
    @STACKS
    def test_it_gates_a_class_through_its_dispatch(self, base: type[View], is_async: bool) -> None:
        """
        With `method_decorator`, also where the handlers are async and `dispatch` is not.
        """

        def view_for(key: str) -> Any:
            gated = method_decorator(require_flag(key, status=403), name="dispatch")
            return gated(type("Gated", (base,), {})).as_view()

        assert statuses(view_for, is_async=is_async) == [200, 403]

    def test_it_gates_one_method(self) -> None:
        """
        With `method_decorator` on a handler.
        """

        def view_for(key: str) -> Any:
            class Gated(View):
                @method_decorator(require_flag(key))
                def get(self, request: HttpRequest) -> HttpResponse:
                    return HttpResponse("method")

            return Gated.as_view()

        assert statuses(view_for) == [200, 404]

    @KINDS
    @STACKS
    def test_it_gates_what_as_view_gives(self, base: type[View], is_async: bool) -> None:
        """
        Around the view that a class makes.
        """

        def view_for(key: str) -> Any:
            return require_flag(key, status=403)(base.as_view())

        assert statuses(view_for, is_async=is_async) == [200, 403]

    def test_it_keeps_what_other_decorators_have_said(self) -> None:
        """
        Name, documentation and marks stay the view's.
        """
        gated = require_flag("on")(csrf_exempt(page))
        assert (gated.__name__, gated.csrf_exempt) == ("page", True)

    @STACKS
    @pytest.mark.parametrize(("view", "fallback"), [(page, page_async), (page_async, page)])
    def test_a_fallback_may_be_of_the_other_kind(self, view: Any, fallback: Any, is_async: bool) -> None:
        """
        A plain view falls back on an async one, and the reverse.
        """
        shown = answer(path("", require_flag("off", fallback=fallback)(view)), is_async=is_async)
        assert shown.content == (b"page" if fallback is page else b"async page")

    def test_the_hidden_page_looks_like_any_missing_one(self) -> None:
        """
        The project's own 404 page answers, and does not tell which flag hides it.
        """
        hidden, missing = answer(path("", require_flag("off")(page))), answer(url="/nowhere")
        assert hidden.content == missing.content

    @pytest.mark.parametrize(("status", "text"), [(503, b"Service Unavailable"), (404, b"Not Found"), (599, b"599")])
    def test_a_refusal_says_what_it_is(self, status: int, text: bytes) -> None:
        """
        In plain text, with the header, a 404 too.
        """
        refusal = answer(path("", require_flag("off", status=status, retry_after_seconds=9)(page)))
        assert (refusal.status_code, refusal.content, refusal["Retry-After"]) == (status, text, "9")


class TestMixin:
    """
    `FlagRequiredMixin`.
    """

    @KINDS
    @STACKS
    def test_it_gates_a_class(self, base: type[View], is_async: bool) -> None:
        """
        By its attribute.
        """

        def view_for(key: str) -> Any:
            return type("Gated", (FlagRequiredMixin, base), {"flag_name": key, "flag_status": 403}).as_view()

        assert statuses(view_for, is_async=is_async) == [200, 403]

    def test_as_view_may_name_the_flag(self) -> None:
        """
        As any other attribute of a class-based view.
        """

        class Gated(FlagRequiredMixin, Plain):
            flag_status = 403

        assert statuses(lambda key: Gated.as_view(flag_name=key)) == [200, 403]

    def test_it_takes_every_argument_of_the_decorator(self) -> None:
        """
        As attributes.
        """

        class Closed(FlagRequiredMixin, Plain):
            flag_name = "theme"
            flag_value = "light"
            flag_status = 503
            flag_retry_after_seconds = 60

        class Moved(FlagRequiredMixin, Plain):
            flag_name = "off"
            flag_redirect_to = "/elsewhere"

        class Instead(FlagRequiredMixin, Plain):
            flag_name = "off"
            flag_fallback = page

        closed, moved = answer(path("", Closed.as_view())), answer(path("", Moved.as_view()))
        assert (closed.status_code, closed["Retry-After"]) == (503, "60")
        assert (moved.status_code, moved["Location"]) == (302, "/elsewhere")
        assert answer(path("", Instead.as_view())).content == b"page"
        assert answer(path("", Moved.as_view(flag_redirect_to=None, flag_fallback=page))).content == b"page"

    @pytest.mark.parametrize("wrong", [{}, {"flag_name": "on", "flag_status": 200}], ids=str)
    def test_what_cannot_be_right_is_refused_when_the_urls_load(self, wrong: dict[str, Any]) -> None:
        """
        A forgotten name among it.
        """

        class Gated(FlagRequiredMixin, Plain):
            pass

        with pytest.raises(ConfigError):
            Gated.as_view(**wrong)


class TestFlagPath:
    """
    `flag_path`.
    """

    def test_a_route_to_a_view_is_gated(self) -> None:
        """
        With converters, arguments and all.
        """

        def number(request: HttpRequest, n: int, word: str) -> HttpResponse:
            return HttpResponse(f"{n} {word}")

        made = [flag_path(f"{key}/<int:n>", number, {"word": "w"}, "number", key=key) for key in ("on", "off")]
        assert answer(*made, url="/on/3").content == b"3 w"
        assert answer(*made, url="/off/3").status_code == 404

    def test_its_name_can_be_reversed_while_it_is_closed(self) -> None:
        """
        A link to a hidden page does not break the page it stands on.
        """

        urls = django_harness.Urls(flag_path("hidden/", page, key="off", name="hidden"))
        with override_settings(ROOT_URLCONF=urls):
            assert reverse("hidden") == "/hidden/"

    @STACKS
    def test_all_views_of_an_include_are_gated(self, is_async: bool) -> None:
        """
        Nested ones too, plain and async; namespaces stay.
        """
        inner = ([path("a", page, name="a"), path("deep/", include([path("b", page_async, name="b")]))], "shop")

        def urls(key: str) -> list[Any]:
            return [flag_path("shop/", include(inner), key=key, status=403)]

        for url in ("/shop/a", "/shop/deep/b"):
            assert [answer(*urls(key), url=url, is_async=is_async).status_code for key in ("on", "off")] == [200, 403]
        with override_settings(ROOT_URLCONF=django_harness.Urls(*urls("off"))):
            assert reverse("shop:b") == "/shop/deep/b"

    def test_an_included_view_is_decorated_once(self) -> None:
        """
        However many requests come.
        """
        resolver = flag_path("shop/", include([path("a", page)]), key="on")
        assert resolver.resolve("shop/a").func is resolver.resolve("shop/a").func

    def test_it_refuses_what_the_decorator_refuses(self) -> None:
        """
        When the URLs load.
        """
        with pytest.raises(ConfigError):
            flag_path("a/", page, key="")
        with pytest.raises(TypeError):
            flag_path("a/", page, key="on", colour="red")
        with pytest.raises(TypeError):
            flag_path("a/", "no view", key="on")
