"""
Flask, asked in process through its WSGI entrance.
"""

from __future__ import annotations

from typing import Any

from flask import Flask
from werkzeug.test import EnvironBuilder

from bench import specimen
from bench.peer import OURS
from bench.web import Ask

__all__ = ["asking", "pairs"]


def pairs(name: str) -> dict[str, tuple[Ask, Ask]]:
    """
    {row: (the bare application, the one with more)}.
    """
    return {"flask": (asking(_bare()), asking(_ours() if name == OURS else _furagu()))}


def _bare() -> Flask:
    app = Flask("bench")
    app.add_url_rule("/", view_func=lambda: "True", endpoint="page")
    return app


def _ours() -> Flask:
    from flagcore import FlagClient, MemorySource
    from flagcore_flask import FlagsExtension, get_flags

    app = Flask("bench")
    document = {"flags": {key: {"value": value} for key, value in specimen.BOOLEANS.items()}}
    FlagsExtension(app, FlagClient(MemorySource(document), cache_dir=None))
    app.add_url_rule("/", view_func=lambda: str(get_flags().get_bool("plain-42")), endpoint="page")
    return app


def _furagu() -> Flask:
    from furagu.contrib.flask import Furagu

    from bench.peers.furagu import provider

    app = Flask("bench")
    flags = Furagu(app, provider=provider())
    app.add_url_rule(
        "/", view_func=lambda: str(flags.client.get_boolean_value("plain-42", False)), endpoint="page"
    )  # fmt: skip
    return app


def asking(app: Any) -> Ask:
    """
    What asks a WSGI application.
    """
    environ = EnvironBuilder().get_environ()

    def ask(count: int) -> None:
        for _ in range(count):
            answer = app(dict(environ), lambda *_: None)
            body = b"".join(answer)
            answer.close()
        assert body == b"True", f"expected True, got {body[:200]!r}"

    return ask
