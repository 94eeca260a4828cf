"""
The flags and pages that the shared tests are about.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import anyio.lowlevel

import flagcore
from flagcore import Flags
from tests.integrations.page import Page

#: The document most tests serve. `theme` follows the context's org.
SHOP: dict[str, Any] = {
    "hierarchy": ["org"],
    "flags": {
        "new-checkout": {"value": True},
        "old-checkout": {"value": False},
        "theme": {"value": "light", "overrides": [{"org": "acme", "value": "dark"}]},
        "limits": {"value": {"max": 5}},
    },
}

#: The same, with everything the other way round.
CHANGED: dict[str, Any] = {
    "flags": {"new-checkout": {"value": False}, "old-checkout": {"value": True}, "theme": {"value": "blue"}}
}

#: Seconds a view waits for a change to arrive, at most.
_PATIENCE = 5.0


def by_headers(request: Any) -> Mapping[str, Any]:
    """
    A `context_from` that every framework's request suits.
    """
    return {"targeting_key": request.headers.get("x-user"), "org": request.headers.get("x-org")}


def checkout(flags: Flags) -> bool:
    """
    The page most tests read.
    """
    return flags.get_bool("new-checkout")


async def checkout_async(flags: Flags) -> bool:
    """
    The same as an `async` view.
    """
    await anyio.lowlevel.checkpoint()
    return flags.get_bool("new-checkout")


def theme(flags: Flags) -> str:
    """
    A page that depends on who asks.
    """
    return flags.get_string("theme", "none")


def asked_context(flags: Flags) -> dict[str, Any]:
    """
    Whom the view answers for.
    """
    return {"targeting_key": flags.context.targeting_key, **flags.context.attributes}


def _steady(flags: Flags) -> list[int]:
    """
    What a view reads before and after the flags have changed behind it, and the new state.
    """
    before = flags.get_int("revision")
    deadline = time.monotonic() + _PATIENCE
    while flags.fresh().get_int("revision") == before and time.monotonic() < deadline:
        time.sleep(0.005)
    return [before, flagcore.get_flags().get_int("revision"), flags.fresh().get_int("revision")]


#: What a real server serves. `revision` is a flag that each document of `live.py` numbers.
LIVE_PAGES = (
    Page("/revision", lambda flags: flags.get_int("revision")),
    Page("/checkout", checkout, gate={"key": "new-checkout"}),
    Page("/async", checkout_async),
    Page("/theme", theme),
    Page("/who", asked_context),
    Page("/same", lambda flags: flagcore.get_flags() is flags),
    Page("/steady", _steady),
    Page("/open", theme, gate={"key": "new-checkout", "value": False, "status": 503, "retry_after_seconds": 120}),
    Page("/fallback", theme, gate={"key": "old-checkout", "fallback": lambda flags: "the old one"}),
    Page("/away", theme, gate={"key": "old-checkout", "redirect_to": "theme"}, name="away"),
    Page("/themes", theme, name="theme"),
    Page("/template", template='{% flag "new-checkout" %}on{% else %}off{% endflag %}'),
)
