"""
The pages of the project when a real server runs it.
"""

from django.http import HttpRequest, JsonResponse
from django.urls import path

import flagcore
from flagcore_django import flag_path


def checkout(request: HttpRequest) -> JsonResponse:
    return JsonResponse([request.flags.get_bool("new-checkout"), flagcore.get_flags() is request.flags], safe=False)


async def checkout_async(request: HttpRequest) -> JsonResponse:
    return checkout(request)


urlpatterns = [
    path("", checkout),
    path("async", checkout_async),
    flag_path("gated", checkout, key="new-checkout"),
]
