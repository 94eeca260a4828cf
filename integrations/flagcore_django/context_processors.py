"""
`flags` in every template that is rendered with a request:

    TEMPLATES = [{"OPTIONS": {"context_processors": [..., "flagcore_django.context_processors.flags"]}}]

Then `{% load flags %}{% if flags|enabled:"new-checkout" and user.is_staff %}`.
"""

from __future__ import annotations

from typing import Any

from flagcore import Flags
from flagcore_django.request import get_flags

__all__ = ["flags"]


def flags(request: Any) -> dict[str, Flags]:
    """
    {"flags": the request's view}.
    """
    return {"flags": get_flags(request)}
