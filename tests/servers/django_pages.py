"""
The one page of `django_app`.
"""

from django.http import HttpRequest, JsonResponse
from django.urls import path

from tests.servers.answer import answer


def page(request: HttpRequest) -> JsonResponse:
    return JsonResponse(answer(request.flags))


urlpatterns = [path("", page)]
