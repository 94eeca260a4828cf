"""
SOASAP's format: one flat object, {key: value}. Every flag is the same for everybody.

Source: the service's published client; docs/services.md says more.
"""

from __future__ import annotations

from typing import Any

from flagcore.rules.model import Ruleset

__all__ = ["parse"]


def parse(document: dict[str, Any]) -> Ruleset:
    """
    What a SOASAP snapshot says. Any object is one.
    """
    return Ruleset(plain=document)
