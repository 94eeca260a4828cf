"""
Django's own test client around the shop, in a process of its own: settings are for a whole process, and other tests
have theirs. Takes {"path", "flags"} and gives {"status", "headers", "text"}, a line of JSON each.
"""

from __future__ import annotations

import json
import os
import sys

import django
from django.apps import apps
from django.test import Client

from flagcore.testing import override


def main() -> None:
    """
    Answer until the input ends.
    """
    os.environ["DJANGO_SETTINGS_MODULE"] = "example_apps.django_shop.settings"
    django.setup()
    flags = apps.get_app_config("flagcore_django").client
    client = Client(SERVER_NAME="127.0.0.1")
    for line in sys.stdin:
        asked = json.loads(line)
        with override(flags, asked["flags"]):
            answer = client.get(asked["path"])
        headers = {name.lower(): value for name, value in answer.headers.items()}
        sys.stdout.write(
            json.dumps({"status": answer.status_code, "headers": headers, "text": answer.content.decode()}) + "\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
