"""
Finds the project's `FlagsConfig`, for whatever is asked before Django is ready, or without the app.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import apps
from django.core.exceptions import AppRegistryNotReady, ImproperlyConfigured

if TYPE_CHECKING:
    from flagcore_django.apps import FlagsConfig

__all__ = ["installed"]


def installed() -> FlagsConfig | None:
    """
    The project's `FlagsConfig`; None without settings, before Django is ready, or if it is not in `INSTALLED_APPS`.
    """
    try:
        found: FlagsConfig = apps.get_app_config("flagcore_django")
    except (AppRegistryNotReady, ImproperlyConfigured, LookupError):
        return None
    return found
