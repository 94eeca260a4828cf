"""
The shop in Flask.

    flask --app example_apps.flask_shop run
"""

from typing import Any

from flask import Flask, Request, render_template, request

from flagcore_flask import FlagsExtension, current_flags, require_flag


def context_from(request: Request) -> dict[str, Any]:
    """
    Who is asking: here what the address says, in a shop of yours the user.
    """
    asked = request.args
    return {"targeting_key": asked.get("visitor") or None, "org": asked.get("org"), "country": asked.get("country")}


def create_app() -> Flask:
    """
    The application. `FLAGCORE_URL` and `FLAGCORE_STREAM_URL` in the environment override its addresses.
    """
    app = Flask(__name__, template_folder="../templates")
    app.config.update(
        FLAGS_SOURCE="http",
        FLAGS_FORMAT="native",
        FLAGS_URL="http://127.0.0.1:8099/api/v1/document",
        FLAGS_STREAM_URL="http://127.0.0.1:8099/api/v1/document/stream",
        FLAGS_WAIT_SECONDS=2,
    )
    FlagsExtension(app, context_from=context_from)

    @app.get("/")
    @require_flag("maintenance-mode", value=False, status=503, retry_after_seconds=120)
    def shop() -> str:
        return render_template(
            "shop.html",
            framework="Flask",
            visitor=request.args.get("visitor", ""),
            org=request.args.get("org", ""),
            country=request.args.get("country", ""),
            theme=current_flags.get_string("theme", "light"),
            limits=current_flags.get_json("checkout-limits", {"max_items": 10, "max_total": 500}),
        )

    return app
