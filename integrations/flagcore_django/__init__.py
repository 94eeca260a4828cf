"""
flagcore in Django: feature flags in views, templates, URLs and commands.

    INSTALLED_APPS = [..., "flagcore_django"]
    MIDDLEWARE = [..., "flagcore_django.middleware.FlagsMiddleware"]
    FLAGS = {"SOURCE": "file", "PATH": BASE_DIR / "flags.yaml"}

A view reads `request.flags.get_bool("new-checkout")`, a template `{% load flags %}{% flag "new-checkout" %}…`. Options
are those of `flagcore.adapter.read_options`; `FLAGCORE_…` in the environment overrides them. For Django's Jinja2 engine
see `flagcore_django.jinja`.

Importing this package needs no settings.
"""

from __future__ import annotations

try:
    import django  # noqa: F401 - so that its absence is said here, with what to do
except ModuleNotFoundError as error:
    if error.name != "django":
        raise
    raise ImportError("flagcore_django needs Django: pip install 'flagcore[django]'") from error

from flagcore_django.gate import FlagRequiredMixin, require_flag
from flagcore_django.health import flags_health
from flagcore_django.request import get_flags
from flagcore_django.route import flag_path

__all__ = ["FlagRequiredMixin", "flag_path", "flags_health", "get_flags", "require_flag"]
