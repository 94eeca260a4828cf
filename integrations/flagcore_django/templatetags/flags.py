"""
`{% load flags %}`: flags in Django templates.

    {% flag "new-checkout" %}…{% else %}…{% endflag %}
    {% flag "new-checkout" as is_new %}
    {% flag_value "theme" "light" %}        {% flag_value "theme" "light" as theme %}
    {% if flags|enabled:"new-checkout" %}   with the context processor, or with any view in the context

Each looks at the context's `request`, then at the bound view, then at the project's flags for nobody in particular.
None raises when a page is rendered: error pages have no request, and no page goes down because flags did.
"""

from __future__ import annotations

from typing import Any

from django import template
from django.http import HttpRequest
from django.utils.functional import Promise

from flagcore import Flags
from flagcore_django.request import get_flags

register = template.Library()


class FlagNode(template.Node):
    """
    `{% flag key %}…{% else %}…{% endflag %}`.
    """

    child_nodelists = ("on", "off")

    def __init__(self, key: Any, on: template.NodeList, off: template.NodeList) -> None:
        self.key = key
        self.on = on
        self.off = off

    def render(self, context: template.Context) -> str:
        branch = self.on if _is_enabled(context, self.key) else self.off
        return str(branch.render(context))


class FlagAsNode(template.Node):
    """
    `{% flag key as name %}`.
    """

    def __init__(self, key: Any, name: str) -> None:
        self.key = key
        self.name = name

    def render(self, context: template.Context) -> str:
        context[self.name] = _is_enabled(context, self.key)
        return ""


@register.tag("flag")
def compile_flag(parser: Any, token: Any) -> template.Node:
    """
    Shows what stands up to `{% else %}` or `{% endflag %}` when the flag is on; with `as name` keeps True or False.
    """
    tag, *words = token.split_contents()
    if len(words) == 3 and words[1] == "as":
        return FlagAsNode(parser.compile_filter(words[0]), words[2])
    if len(words) != 1:
        raise template.TemplateSyntaxError(
            f"{tag}: expected a flag's key, or a key with 'as name'; got {' '.join(words) or 'nothing'}"
        )
    key = parser.compile_filter(words[0])
    on = parser.parse(("else", "endflag"))
    off = template.NodeList()
    if parser.next_token().contents == "else":
        off = parser.parse(("endflag",))
        parser.delete_first_token()
    return FlagNode(key, on, off)


@register.simple_tag(takes_context=True)
def flag_value(context: template.Context, key: str, default: Any = None) -> Any:
    """
    The flag's value, of the type of `default`, else `default`; escaped as any variable is.
    """
    # A literal in a template is no plain str but one marked safe; the type asked for is str all the same.
    plain = str(default) + "" if isinstance(default, (str, Promise)) else default
    value = _flags(context).get_json(key, plain)
    if value is None:
        return ""
    return default if value is plain else value


@register.filter
def enabled(flags: Any, key: str) -> bool:
    """
    Whether the flag is on in a view. Without a view (no context processor) in what `get_flags()` gives.
    """
    return (flags if isinstance(flags, Flags) else get_flags()).is_enabled(key)


def _is_enabled(context: template.Context, key: Any) -> bool:
    return _flags(context).is_enabled(key.resolve(context))


def _flags(context: template.Context) -> Flags:
    # Without Django's context processor of that name, only the context's attribute knows the request.
    request = context.get("request") or getattr(context, "request", None)
    # Anything may be called `request` in a context; only Django's own, or one that has flags, has a view.
    has_view = isinstance(request, HttpRequest) or isinstance(getattr(request, "flags", None), Flags)
    return get_flags(request if has_view else None)
