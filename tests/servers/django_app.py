"""
As `flask_app`, under WSGI and under ASGI.
"""

import os

from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.servers.django_settings")

wsgi = get_wsgi_application()
asgi = get_asgi_application()
