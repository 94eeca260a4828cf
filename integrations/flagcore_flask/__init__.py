"""
flagcore in Flask.

    flags = FlagsExtension()

    def create_app():
        app = Flask(__name__)
        app.config["FLAGS_SOURCE"] = "file"
        app.config["FLAGS_PATH"] = "flags.yaml"
        flags.init_app(app)
        return app

    @app.get("/checkout")
    @require_flag("new-checkout")
    def checkout():
        return render_template("checkout.html", theme=current_flags.get_string("theme", "light"))

One view for each request, made when it is first asked for; `flagcore.get_flags()` inside a request is the same one.
"""

from __future__ import annotations

try:
    import flask as _flask  # noqa: F401 - asked for here, so that its absence is told in one sentence
except ModuleNotFoundError as error:
    if error.name != "flask":
        raise
    raise ImportError('flagcore_flask needs Flask: pip install "flagcore[flask]"') from error

from flagcore_flask.binding import current_flags as current_flags
from flagcore_flask.binding import get_flags as get_flags
from flagcore_flask.extension import FlagsExtension as FlagsExtension
from flagcore_flask.gate import FlagGate as FlagGate
from flagcore_flask.gate import require_flag as require_flag
from flagcore_flask.health import flags_health as flags_health

__all__ = ["FlagGate", "FlagsExtension", "current_flags", "flags_health", "get_flags", "require_flag"]
