"""
Flags in Jinja2 templates, without a framework.
"""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("jinja2")

from jinja2 import Environment, StrictUndefined, TemplateSyntaxError, Undefined

from flagcore import FlagClient, MemorySource
from flagcore.jinja import FlagTags

#: Flags of several types.
CLIENT = FlagClient(
    MemorySource({"flags": {"on": {"value": True}, "off": {"value": False}, "theme": {"value": "<dark>"}}}),
    cache_dir=None,
)


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def environment(request: pytest.FixtureRequest) -> Environment:
    """
    An environment that renders plainly, and one that renders asynchronously.
    """
    return Environment(extensions=[FlagTags], autoescape=True, undefined=StrictUndefined, enable_async=request.param)


def rendered(environment: Environment, text: str, **names: Any) -> str:
    """
    What a template gives.
    """
    template = environment.from_string(text)
    return asyncio.run(template.render_async(names)) if environment.is_async else template.render(names)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{% flag "on" %}A{% else %}B{% endflag %}', "A"),
        ('{% flag "off" %}A{% else %}B{% endflag %}', "B"),
        ('{% flag "off" %}A{% endflag %}', ""),
        ('{% flag "theme" %}A{% else %}B{% endflag %}', "B"),
        ('{% flag "unknown" %}A{% else %}B{% endflag %}', "B"),
        ('{% flag "o" ~ "n" %}A{% endflag %}', "A"),
        ('{% set key = "on" %}{% flag key %}A{% endflag %}', "A"),
        ('{% flag "on" %}{% flag "off" %}A{% else %}B{% endflag %}{% else %}C{% endflag %}', "B"),
        ('{% for each in [1, 2] %}{% flag "on" %}{{ each }}{% endflag %}{% endfor %}', "12"),
        ('{% macro block() %}{% flag "on" %}A{% endflag %}{% endmacro %}{{ block() }}', "A"),
        ('{{ flag("on") }} {{ flag("off") }} {{ flag("unknown") }}', "True False False"),
        ('{{ flag("theme", "light") }} {{ flag_value("unknown", "light") }}', "&lt;dark&gt; light"),
        ('{{ flag("theme") }} {{ flag("on", "text") }} {{ flag("unknown", 3) }}', "False text 3"),
        ('{% if flags|enabled("on") %}A{% endif %}{% if flags|enabled("off") %}B{% endif %}', "A"),
    ],
)
def test_a_template_reads_the_bound_view(environment: Environment, text: str, expected: str) -> None:
    """
    The tag, the functions and the filter, wherever a template may have them; text is escaped as any other.
    """
    with CLIENT.bound() as flags:
        assert rendered(environment, text, flags=flags) == expected


@pytest.mark.parametrize(
    "text",
    [
        "{% flag missing %}A{% else %}B{% endflag %}",
        "{% flag 7 %}A{% else %}B{% endflag %}",
        "{% flag [] %}A{% else %}B{% endflag %}",
        '{{ flag(missing, "B") }}',
        '{{ "A" if flags|enabled(missing) else "B" }}',
        '{{ "A" if 7|enabled("off") else "B" }}',
    ],
)
def test_nothing_raises_while_a_template_is_rendered(environment: Environment, text: str) -> None:
    """
    A key that is no text reads as a flag that is off, also where an undefined variable is an error elsewhere.
    """
    with CLIENT.bound():
        assert rendered(environment, text) == "B"


def test_a_default_of_any_kind_is_given_back() -> None:
    """
    A default that is undefined, or no JSON, is what the caller gets where there is no value.
    """
    environment = Environment(extensions=[FlagTags], undefined=Undefined, autoescape=True)
    with CLIENT.bound():
        assert rendered(environment, '{{ flag("unknown", missing) }}|{{ flag("theme", missing) }}') == "|"


def test_the_requests_own_view_comes_first(environment: Environment) -> None:
    """
    The context's `request`, then the bound view, then nothing; what is called `request` may be anything.
    """
    text = '{% flag "on" %}A{% else %}B{% endflag %}'
    request = SimpleNamespace(flags=CLIENT.flags())
    assert rendered(environment, text, request=request) == "A"
    assert rendered(environment, text) == "B"
    assert rendered(environment, text, request=SimpleNamespace(flags="others")) == "B"
    assert rendered(environment, '{{ flags|enabled("on") }}', flags="others", request=request) == "True"
    with FlagClient(MemorySource({"flags": {"on": {"value": False}}}), cache_dir=None).bound():
        assert rendered(environment, text, request=request) == "A"
        assert rendered(environment, text, request="none") == "B"


@pytest.mark.parametrize("text", ["{% flag %}{% endflag %}", '{% flag "on" %}', '{% flag "on" %}{% else %}{% else %}'])
def test_a_tag_that_cannot_be_right_is_refused(environment: Environment, text: str) -> None:
    """
    When the template is compiled, as any other slip in it.
    """
    with pytest.raises(TemplateSyntaxError):
        environment.from_string(text)
