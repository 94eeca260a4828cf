"""
Flags in Jinja2 templates that Starlette renders.

Internal; the package re-exports `install`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import HTTPConnection

from flagcore import FlagClient, Flags
from flagcore_starlette.binding import get_flags

if TYPE_CHECKING:
    from starlette.templating import Jinja2Templates

__all__ = ["install"]


def install(templates: Jinja2Templates, client: FlagClient | None = None) -> None:
    """
    Give templates the tag `{% flag "k" %}…{% else %}…{% endflag %}`, the functions `flag("k", default)` and
    `flag_value`, and the filter `flags|enabled("k")`, for the view of the request they are rendered for.

        templates = Jinja2Templates("templates")
        install(templates)

    Args:
        templates: whose environment to extend.
        client: what a template reads, anonymous, that is rendered without a request and outside of one; none by
            default, so that such a template reads defaults.

    Raises:
        ImportError: Jinja2 is not installed.
    """
    # Here, since Starlette itself does without Jinja2.
    from flagcore.jinja import FlagTags

    class RequestFlagTags(FlagTags):
        def request_flags(self, request: Any) -> Flags | None:
            return get_flags(request) if isinstance(request, HTTPConnection) else None

        def app_flags(self) -> Flags | None:
            return client.flags() if client is not None else None

    templates.env.add_extension(RequestFlagTags)
