"""
Flags in Django templates.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("django")

from django.http import HttpRequest
from django.template import Context, Engine, RequestContext, TemplateSyntaxError
from django.test import Client, RequestFactory, override_settings
from django.urls import path
from django.utils.functional import lazystr

from flagcore import MemorySource
from flagcore_django import get_flags
from flagcore_django.middleware import FlagsMiddleware
from tests.integrations import django_harness

DOCUMENT = {
    "hierarchy": ["org"],
    "flags": {
        "on": {"value": True},
        "off": {"value": False},
        "acme-only": {"value": False, "overrides": [{"org": "acme", "value": True}]},
        "markup": {"value": "<b>&"},
        "limit": {"value": 5},
        "nothing": {"value": None},
    },
}

CALLS_FLAGS = "flagcore_django.context_processors.flags"


@pytest.fixture(autouse=True)
def app() -> Iterator[django_harness.DjangoApp]:
    """
    The project, whose requests come from the organisation in a header.
    """
    settings = {"SOURCE": MemorySource(DOCUMENT), "CACHE_DIR": None, "CONTEXT_FROM": organisation}
    started = django_harness.DjangoHarness(is_async=False).start(settings)
    yield started
    started.stop()


def organisation(request: HttpRequest) -> dict[str, str | None]:
    return {"org": request.headers.get("x-org")}


def from_acme() -> HttpRequest:
    return RequestFactory().get("/", HTTP_X_ORG="acme")


def render(text: str, context: Any = None, **variables: Any) -> str:
    """
    A template's text, with only `{% load flags %}` before it.
    """
    engine = Engine(libraries={"flags": "flagcore_django.templatetags.flags"})
    return engine.from_string("{% load flags %}" + text).render(context or Context(variables))


class TestFlagTag:
    """
    `{% flag %}`.
    """

    def test_the_key_may_be_a_variable(self) -> None:
        """
        Or anything else that Django resolves; one that is missing is off.
        """
        text = "{% for key in keys %}{% flag key %}1{% else %}0{% endflag %}{% endfor %}"
        assert render(text, keys=["on", "off", "unknown", None, 5, []]) == "100000"
        assert render("{% flag missing.key %}1{% else %}0{% endflag %}") == "0"
        assert render('{% flag "ON"|lower %}1{% else %}0{% endflag %}') == "1"

    def test_as_keeps_the_answer(self) -> None:
        """
        For `{% if %}`, and for using it twice.
        """
        text = '{% flag "on" as a %}{% flag "off" as b %}{{ a }} {{ b }}{% if a and not b %} yes{% endif %}'
        assert render(text) == "True False yes"

    def test_blocks_can_be_nested(self) -> None:
        """
        Each `else` is its own tag's.
        """
        inner = '{% flag "off" %}b{% else %}c{% endflag %}'
        assert render('{% flag "on" %}a' + inner + "d{% else %}e" + inner + "{% endflag %}") == "acd"

    @pytest.mark.parametrize("tag", ["{% flag %}", '{% flag "a" "b" %}', '{% flag "a" as %}', '{% flag "a" is b %}'])
    def test_a_slip_in_the_tag_is_told_when_the_template_loads(self, tag: str) -> None:
        """
        With what is expected.
        """
        with pytest.raises(TemplateSyntaxError, match="expected a flag's key"):
            render(tag + "{% endflag %}")

    def test_a_block_that_is_not_closed_is_told(self) -> None:
        """
        By Django, with the tag's name.
        """
        with pytest.raises(TemplateSyntaxError, match="endflag"):
            render('{% flag "on" %}')


class TestFlagValue:
    """
    `{% flag_value %}`.
    """

    def test_a_value_is_escaped_where_variables_are(self) -> None:
        """
        Whoever edits flags can't put markup into pages.
        """
        tag = '{% flag_value "markup" "plain" %}'
        assert render(tag) == "&lt;b&gt;&amp;"
        assert render("{% autoescape off %}" + tag + "{% endautoescape %}") == "<b>&"
        assert render('{% flag_value "markup" "plain" as m %}{{ m }}') == "&lt;b&gt;&amp;"

    def test_the_default_stands_in_for_what_is_missing_or_of_another_type(self) -> None:
        """
        A literal of the template's author is not escaped, as elsewhere in Django; a variable is.
        """
        assert render('{% flag_value "unknown" "<hr>" %}') == "<hr>"
        assert render('{% flag_value "unknown" given %}', given="<hr>") == "&lt;hr&gt;"
        assert render('{% flag_value "limit" "five" %}') == "five"
        assert render('{% flag_value "limit" 7 %}') == "5"
        assert render('{% flag_value "markup" given as m %}{{ m }}', given=lazystr("late")) == "&lt;b&gt;&amp;"

    def test_no_value_and_no_default_print_nothing(self) -> None:
        """
        Also for a flag whose value is null.
        """
        assert render('[{% flag_value "unknown" %}{% flag_value "nothing" %}{% flag_value missing %}]') == "[]"


class TestEnabled:
    """
    The filter, and the context processor that feeds it.
    """

    def test_it_asks_the_view_it_stands_behind(self) -> None:
        """
        A view made richer by the page is as good as the request's.
        """
        text = '{% if flags|enabled:"acme-only" and flags|enabled:"on" %}yes{% else %}no{% endif %}'
        assert render(text, flags=get_flags().with_context({"org": "acme"})) == "yes"
        assert render(text, flags=get_flags()) == "no"

    def test_without_a_view_it_asks_the_project(self) -> None:
        """
        A forgotten context processor takes no page down.
        """
        assert render('{% if flags|enabled:"on" %}yes{% endif %}') == "yes"

    def test_the_context_processor_gives_the_request_s_view(self) -> None:
        """
        As `flags`.
        """
        engine = Engine(libraries={"flags": "flagcore_django.templatetags.flags"}, context_processors=[CALLS_FLAGS])
        text = '{% load flags %}{% if flags|enabled:"acme-only" %}yes{% endif %}'
        assert engine.from_string(text).render(RequestContext(from_acme())) == "yes"


class TestWhoAsks:
    """
    Where the tags find the view.
    """

    TEXT = '{% flag "acme-only" %}1{% else %}0{% endflag %}{% flag_value "acme-only" False %}'

    def test_the_context_s_request_goes_first(self, app: django_harness.DjangoApp) -> None:
        """
        Before what is bound.
        """
        with app.client.bound({"org": "acme"}):
            assert render(self.TEXT, request=RequestFactory().get("/")) == "0False"
        assert render(self.TEXT, request=from_acme()) == "1True"

    def test_a_request_context_needs_no_context_processor(self) -> None:
        """
        It knows its request by itself.
        """
        assert render(self.TEXT, RequestContext(from_acme())) == "1True"

    @pytest.mark.parametrize("variables", [{}, {"request": None}, {"request": "a string"}, {"request": {}}], ids=str)
    def test_the_bound_view_goes_next(self, variables: dict[str, Any]) -> None:
        """
        Also where something else is called `request`.
        """
        assert FlagsMiddleware(lambda request: render(self.TEXT, **variables))(from_acme()) == "1True"

    def test_the_project_goes_last(self) -> None:
        """
        For nobody in particular: mails, jobs, error pages.
        """
        assert render(self.TEXT + '{% flag "on" %}on{% endflag %}') == "0Falseon"

    def test_a_wrapped_request_is_as_good(self) -> None:
        """
        One that hands on to Django's, as REST frameworks have.
        """

        class Wrapped:
            def __init__(self, request: HttpRequest) -> None:
                self._request = request

            def __getattr__(self, name: str) -> Any:
                return getattr(self._request, name)

        request = from_acme()
        get_flags(request)
        assert render(self.TEXT, request=Wrapped(request)) == "1True"

    def test_without_the_app_everything_is_off(self) -> None:
        """
        A template rendered where flags were taken out shows the other branch.
        """
        with override_settings(INSTALLED_APPS=[]):
            assert render(self.TEXT + '{% if flags|enabled:"on" %}on{% endif %}') == "0False"

    def test_an_error_page_is_rendered_with_flags(self) -> None:
        """
        Django renders it without a request.
        """
        error_page = '{% load flags %}{% flag "on" %}sorry{% endflag %}'

        def view(request: HttpRequest) -> None:
            raise LookupError("a fault of the view's")

        loaders = [("django.template.loaders.locmem.Loader", {"500.html": error_page})]
        templates = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "OPTIONS": {"loaders": loaders}}]
        with override_settings(TEMPLATES=templates, ROOT_URLCONF=django_harness.Urls(path("", view))):
            answer = Client(raise_request_exception=False).get("/")
        assert (answer.status_code, answer.content) == (500, b"sorry")


class TestJinja2:
    """
    Django's other engine.
    """

    TEXT = '{% flag "acme-only" %}1{% else %}0{% endflag %}{{ flag_value("markup", "plain") }}'

    @staticmethod
    def render(text: str, given: Any = None, **variables: Any) -> str:
        pytest.importorskip("jinja2")
        from django.template.backends.jinja2 import Jinja2

        options = {"extensions": ["flagcore_django.jinja.FlagTags"], "autoescape": True}
        engine = Jinja2({"NAME": "jinja2", "DIRS": [], "APP_DIRS": False, "OPTIONS": options})
        rendered: str = engine.from_string(text).render(variables, given)
        return rendered

    def test_it_finds_the_view_as_django_s_own_templates_do(self) -> None:
        """
        The request's, then the bound one, then the project's.
        """
        assert self.render(self.TEXT, from_acme()) == "1&lt;b&gt;&amp;"
        assert FlagsMiddleware(lambda request: self.render(self.TEXT))(from_acme()) == "1&lt;b&gt;&amp;"
        assert self.render(self.TEXT) == "0&lt;b&gt;&amp;"

    def test_without_the_app_everything_is_off(self) -> None:
        """
        And nothing raises, whatever is called `request`.
        """
        with override_settings(INSTALLED_APPS=[]):
            assert self.render(self.TEXT) == "0plain"
        assert self.render(self.TEXT, request="a string") == "0&lt;b&gt;&amp;"

    def test_the_filter_asks_the_view_it_stands_behind(self) -> None:
        """
        As `flags|enabled` does in Django's own.
        """
        text = '{% if flags|enabled("acme-only") %}yes{% endif %}'
        assert self.render(text, flags=get_flags().with_context({"org": "acme"})) == "yes"
        assert self.render(text, from_acme()) == "yes"
