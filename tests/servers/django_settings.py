"""
The settings of `django_app`; the environment configures its flags.
"""

from contextlib import suppress

with suppress(ImportError):
    import touched  # noqa: F401 - a file for the reloader to see changed

SECRET_KEY = "for tests"
ALLOWED_HOSTS = ["*"]
DEBUG = True
USE_TZ = True
INSTALLED_APPS = ["flagcore_django"]
MIDDLEWARE = ["flagcore_django.middleware.FlagsMiddleware"]
ROOT_URLCONF = "tests.servers.django_pages"
