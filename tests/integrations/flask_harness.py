"""
The contract's pages as a Flask application.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, render_template_string

from flagcore import FlagClient
from flagcore_flask import FlagsExtension, flags_health, get_flags, require_flag
from tests.integrations.page import Answer, Page


class FlaskApp:
    """
    An application of Flask's, asked through its test client.
    """

    def __init__(self, app: Flask) -> None:
        self.app = app

    @property
    def client(self) -> FlagClient:
        """
        The client, from the extension that the application holds.
        """
        with self.app.app_context():
            client: FlagClient = self.app.extensions["flags"].client
            return client

    def get(self, path: str, headers: Mapping[str, str] = {}) -> Answer:
        """
        See `App`.
        """
        return self._answer(self.app.test_client().get(path, headers=dict(headers)))

    def head(self, path: str) -> Answer:
        """
        See `App`.
        """
        return self._answer(self.app.test_client().head(path))

    def _answer(self, found: Any) -> Answer:
        return Answer(found.status_code, {name.lower(): text for name, text in found.headers}, found.text)

    def stop(self) -> None:
        """
        What the extension does at exit.
        """
        self.app.extensions["flags"].close()


class FlaskHarness:
    """
    Flask, configured through `app.config`.
    """

    runs_async = importlib.util.find_spec("asgiref") is not None
    value_template = '{{ flag("theme", "light") }}'

    def start(self, settings: Mapping[str, Any], *pages: Page) -> FlaskApp:
        """
        See `Harness`.
        """
        app = Flask(__name__)
        app.config.update({f"FLAGS_{name}": value for name, value in settings.items()})
        extension = FlagsExtension()
        try:
            extension.init_app(app)
            app.add_url_rule("/healthz/flags", view_func=flags_health)
            for page in pages:
                app.add_url_rule(page.path, endpoint=page.name or page.path, view_func=_view(page))
        except BaseException:
            extension.close()
            raise
        return FlaskApp(app)


def _view(page: Page) -> Any:
    if page.template is not None:
        return lambda: render_template_string(page.template or "")
    view = _native(page.view)
    if page.gate is None:
        return view
    gate = {name: _native(each) if name == "fallback" else each for name, each in page.gate.items()}
    return require_flag(**gate)(view)


def _native(view: Any) -> Any:
    if not Page("/", view).is_async:
        return lambda: _as_json(view(get_flags()))

    async def native() -> Response:
        return _as_json(await view(get_flags()))

    return native


def _as_json(value: Any) -> Response:
    # Flask's own jsonify ends with a newline, which the shared tests do not expect.
    return Response(json.dumps(value), mimetype="application/json")
