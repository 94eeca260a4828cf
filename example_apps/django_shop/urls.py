"""
The shop's one address.
"""

from django.urls import path

from example_apps.django_shop.views import shop

urlpatterns = [path("", shop)]
