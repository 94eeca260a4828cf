"""
Flags in templates of Django's Jinja2 engine.

    TEMPLATES = [{
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "OPTIONS": {"extensions": ["flagcore_django.jinja.FlagTags"]},
    }]

Then `{% flag "new-checkout" %}…{% else %}…{% endflag %}`, `{{ flag_value("theme", "light") }}` and
`{% if flags|enabled("new-checkout") %}`, as in Django's own templates, with the middleware and without it.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

import flagcore.jinja
from flagcore import Flags
from flagcore_django.apps import installed
from flagcore_django.request import get_flags

__all__ = ["FlagTags"]


class FlagTags(flagcore.jinja.FlagTags):
    """
    The tags of `flagcore.jinja`, which find a view as Django's own templates do: that of the context's `request`, else
    the bound one, else the project's flags for nobody in particular.
    """

    def request_flags(self, request: Any) -> Flags | None:
        """
        The view of a request, made here if nobody has made it.
        """
        return get_flags(request) if isinstance(request, HttpRequest) else super().request_flags(request)

    def app_flags(self) -> Flags | None:
        """
        The project's flags for nobody in particular.
        """
        config = installed()
        return config.anonymous() if config is not None else None
