"""
The shop's one page.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from flagcore_django import require_flag


def context_from(request: HttpRequest) -> dict[str, Any]:
    """
    Who is asking: here what the address says, in a shop of yours the user.
    """
    asked = request.GET
    return {"targeting_key": asked.get("visitor") or None, "org": asked.get("org"), "country": asked.get("country")}


@require_flag("maintenance-mode", value=False, status=503, retry_after_seconds=120)
def shop(request: HttpRequest) -> HttpResponse:
    """
    The basket and the checkout.
    """
    page = {
        "framework": "Django",
        "visitor": request.GET.get("visitor", ""),
        "org": request.GET.get("org", ""),
        "country": request.GET.get("country", ""),
        "theme": request.flags.get_string("theme", "light"),
        "limits": request.flags.get_json("checkout-limits", {"max_items": 10, "max_total": 500}),
    }
    return render(request, "shop.html", page)
