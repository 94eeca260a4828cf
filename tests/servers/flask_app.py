"""
A Flask application that says which process answers, and what it reads; the environment configures its flags.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask import Flask

from flagcore_flask import FlagsExtension, get_flags
from tests.servers.answer import answer

with suppress(ImportError):
    import touched  # noqa: F401 - a file for the reloader to see changed

app = Flask(__name__)
FlagsExtension(app)


@app.get("/")
def page() -> dict[str, Any]:
    return answer(get_flags())
