"""
The view of a request, with and without the middleware. Internal: `get_flags` is the package's.
"""

from __future__ import annotations

import logging
from typing import Any

from flagcore import Flags
from flagcore.adapter import reading
from flagcore_django.apps import installed

__all__ = ["get_flags"]

logger = logging.getLogger("flagcore")

_told: list[bool] = []


def get_flags(request: Any = None) -> Flags:
    """
    The request's view: the one that `FlagsMiddleware` made, else made here and kept as `request.flags`. Without a
    request: the view bound to this request, task, or `with client.bound(context):` block, else the project's flags for
    nobody in particular. Never raises: without a usable client it is an empty view, whose reads give their defaults.

    I/O: none. Locks: none.

    Args:
        request: Django's, or one that wraps it.
    """
    if request is None:
        return reading() or _anonymous()
    held = getattr(request, "flags", None)
    if isinstance(held, Flags):
        return held
    config = installed()
    if config is None:
        return _anonymous()
    request.flags = view = config.view(request)
    return view


def _anonymous() -> Flags:
    config = installed()
    if config is not None:
        return config.anonymous()
    if not _told:
        _told.append(True)
        logger.warning("flags were read without an app to read them from: add 'flagcore_django' to INSTALLED_APPS")
    return Flags()
