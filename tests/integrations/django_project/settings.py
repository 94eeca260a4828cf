"""
A small project as an application would have it: the flags of the in-process tests, and of the real commands and servers
that `test_django_command.py` runs, which the environment configures.
"""

SECRET_KEY = "for tests"
ALLOWED_HOSTS = ["*"]
DEBUG = False
USE_TZ = True
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.staticfiles", "flagcore_django"]
MIDDLEWARE = ["flagcore_django.middleware.FlagsMiddleware"]
ROOT_URLCONF = "tests.integrations.django_project.urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "static/"
STATIC_ROOT = "never-written"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {}}]
FLAGS = {"SOURCE": "memory", "DOCUMENT": {"flags": {"new-checkout": {"value": True}}}}
