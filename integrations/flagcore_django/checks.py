"""
What `manage.py check` says about flags: `flagcore_django.E001` to `W001`.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's name for it
from django.utils.module_loading import import_string

from flagcore.errors import FlagcoreError, UnknownOption

__all__ = ["check_configuration", "check_middleware"]

_MIDDLEWARE = "flagcore_django.middleware.FlagsMiddleware"


def check_configuration(wrong: Callable[[], FlagcoreError | None], **_: object) -> list[CheckMessage]:
    """
    E001: an option that does not exist. E002: a source or another option that can't be right.

    Args:
        wrong: says what is wrong with the configuration at hand.
    """
    error = wrong()
    if error is None:
        return []
    if isinstance(error, UnknownOption):
        hint = "Correct or remove the option in settings.FLAGS, or the FLAGCORE_… variable of that name."
        return [Error(str(error), hint=hint, id="flagcore_django.E001")]
    hint = "Correct settings.FLAGS, or the FLAGCORE_… variables that override it; until then no server starts."
    return [Error(str(error), hint=hint, id="flagcore_django.E002")]


def check_middleware(**_: object) -> list[CheckMessage]:
    """
    W001: `FlagsMiddleware`, or a subclass of it, is not in `MIDDLEWARE`.
    """
    if any(_is_ours(dotted) for dotted in settings.MIDDLEWARE):
        return []
    hint = (
        f"Add {_MIDDLEWARE!r} to MIDDLEWARE. Without it request.flags does not exist, and code that has no request at "
        "hand reads flags for nobody in particular."
    )
    return [Warning("FlagsMiddleware is not in MIDDLEWARE.", hint=hint, id="flagcore_django.W001")]


def _is_ours(dotted: str) -> bool:
    if dotted == _MIDDLEWARE:
        return True
    try:
        found = import_string(dotted)
    except ImportError:  # Django's own start-up says so better
        return False
    # By name: the middleware asks the app, which registers this.
    return isinstance(found, type) and any(_dotted(each) == _MIDDLEWARE for each in found.__mro__)


def _dotted(found: type) -> str:
    return f"{found.__module__}.{found.__qualname__}"
