"""
The shop's one page.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from flagcore_django import require_flag


def context_from(request: HttpRequest) -> dict[str, Any]:
    """
    Who is asking: here the organisation in the address, in a shop of yours the user's.
    """
    return {"org": request.GET.get("org")}


@require_flag("maintenance-mode", value=False, status=503, retry_after_seconds=120)
def shop(request: HttpRequest) -> HttpResponse:
    """
    The basket and the checkout.
    """
    page = {
        "framework": "Django",
        "org": request.GET.get("org", ""),
        "theme": request.flags.get_string("theme", "light"),
        "limits": request.flags.get_json("checkout-limits", {"max_items": 10, "max_total": 500}),
    }
    return render(request, "shop.html", page)
