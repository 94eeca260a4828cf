"""
Flags in the templates that Flask renders: `{% flag "k" %}…{% else %}…{% endflag %}`, `flag("k", default)` and `flags`.
"""

from __future__ import annotations

from typing import Any

from jinja2 import Environment

from flagcore import Flags
from flagcore.jinja import FlagTags
from flagcore_flask.binding import AppFlags, current_flags

__all__ = ["FlaskTags"]


class FlaskTags(FlagTags):
    """
    `FlagTags` for Flask's environments; `FlagsExtension` adds it to its applications' own.
    """

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        # A global and no context processor: so macros that are imported see it, and rendering pays nothing for it.
        environment.globals.setdefault("flags", current_flags)

    def request_flags(self, request: Any) -> Flags | None:  # noqa: ARG002 - see below
        """
        None: a request's view is always bound, and outside of a request Flask's `request` must not be looked into.
        """
        return None

    def app_flags(self) -> Flags | None:
        """
        An anonymous view of the client of the application whose environment this is.
        """
        own = AppFlags.of(getattr(self.environment, "app", None))
        return own.client.flags() if own is not None else None
