"""
Settings of the shop in Django: no more than it needs, which is no database.
"""

from pathlib import Path

# Nothing here is signed; but Django 4.2 reads all settings when it logs an answer of 5xx, as maintenance is one.
SECRET_KEY = "an example's"

ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "example_apps.django_shop.urls"

INSTALLED_APPS = ["flagcore_django"]
MIDDLEWARE = ["flagcore_django.middleware.FlagsMiddleware"]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parents[1] / "templates"],
        "OPTIONS": {
            "context_processors": ["django.template.context_processors.request"],
            # In place of {% load flags %}, which Jinja2 does not know: the three shops share their template.
            "builtins": ["flagcore_django.templatetags.flags"],
        },
    }
]

# FLAGCORE_URL and FLAGCORE_STREAM_URL in the environment override the addresses.
FLAGS = {
    "SOURCE": "http",
    "FORMAT": "native",
    "URL": "http://127.0.0.1:8099/api/v1/document",
    "STREAM_URL": "http://127.0.0.1:8099/api/v1/document/stream",
    "WAIT_SECONDS": 2,
    "CONTEXT_FROM": "example_apps.django_shop.views.context_from",
}
