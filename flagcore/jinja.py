"""
Flags in Jinja2 templates, for every framework that renders them.

    {% flag "new-checkout" %} … {% else %} … {% endflag %}
    {{ flag("theme", "light") }}
    {% if flags|enabled("new-checkout") %} … {% endif %}

`FlagTags` is the extension. An adapter subclasses it to say where a request's view is; used as it is, it takes the
request's own `flags`, then the view that is bound. Nothing here raises while a template is rendered.

This module is public, and the only one that imports Jinja2.
"""

from __future__ import annotations

from typing import Any

try:
    from jinja2 import Environment, nodes, pass_context
    from jinja2.ext import Extension
    from jinja2.parser import Parser
    from jinja2.runtime import Context
except ImportError as error:  # pragma: no cover - tested in an environment without it
    raise ImportError("flagcore.jinja needs Jinja2: pip install jinja2") from error

from flagcore.binding import reading
from flagcore.flags import Flags

__all__ = ["FlagTags"]


class FlagTags(Extension):
    """
    Adds to an environment:

    - `{% flag key %}…{% else %}…{% endflag %}`: one of two blocks, by a boolean flag; `else` may be left out;
    - `flag(key, default=False)` and, the same by Django's name for it, `flag_value(key, default)`: the flag's value, of
      the default's type;
    - `flags|enabled(key)`: whether a flag is on in the view `flags`; in the request's, where no `flags` is given to the
      template.

    They read the view of the template's `request`, else the bound one, else the application's, anonymous.
    """

    tags = {"flag"}  # noqa: RUF012 - Jinja2 declares it so

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.globals.update(flag=self._value, flag_value=self._value)
        environment.filters["enabled"] = self._enabled

    def request_flags(self, request: Any) -> Flags | None:
        """
        The view of a request, or None where there is none. For adapters to override.

        Args:
            request: what the template's context holds by that name; of any type.
        """
        flags = getattr(request, "flags", None)
        return flags if isinstance(flags, Flags) else None

    def app_flags(self) -> Flags | None:
        """
        An anonymous view of the application's client, or None where there is none. For adapters to override.
        """
        return None

    def parse(self, parser: Parser) -> nodes.Node:
        """
        The tag as a plain `if`: what stands in its blocks is compiled as anywhere else, also for async rendering.
        """
        line = next(parser.stream).lineno
        key = parser.parse_expression()
        test = self.call_method("_is_on", [nodes.ContextReference(), key], lineno=line)
        body = parser.parse_statements(("name:else", "name:endflag"))
        otherwise: list[nodes.Node] = []
        if next(parser.stream).value == "else":
            otherwise = parser.parse_statements(("name:endflag",), drop_needle=True)
        return nodes.If(test, body, [], otherwise, lineno=line)

    def _flags(self, context: Context) -> Flags:
        request = context.get("request")
        found = self.request_flags(request) if request is not None else None
        return found or reading() or self.app_flags() or Flags()

    def _is_on(self, context: Context, key: Any) -> bool:
        return bool(self._value(context, key, False))

    @pass_context
    def _value(self, context: Context, key: Any, default: Any = False) -> Any:
        # A key that is no text, an undefined variable above all: it must not be hashed, for that may raise.
        return self._flags(context).details(key, default).value if isinstance(key, str) else default

    @pass_context
    def _enabled(self, context: Context, flags: Any, key: Any) -> bool:
        view = flags if isinstance(flags, Flags) else self._flags(context)
        return isinstance(key, str) and view.get_bool(key)
