"""
Flask's gates: on blueprints and applications, on class-based and `async` views, beside Flask's own error handlers.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

pytest.importorskip("flask", reason="Flask is not installed")

from flask import Blueprint, Flask, url_for
from flask.views import MethodView, View

from flagcore import FlagClient, MemorySource
from flagcore.errors import ConfigError
from flagcore_flask import FlagGate, FlagsExtension, require_flag
from tests.documents import failed_client, native

needs_async = pytest.mark.skipif(importlib.util.find_spec("asgiref") is None, reason="async views need flask[async]")


@pytest.fixture
def source() -> MemorySource:
    """
    A flag that is on, and one that is off.
    """
    return MemorySource(native(on=True, off=False))


@pytest.fixture
def app(source: MemorySource) -> Flask:
    """
    An application with one open page.
    """
    app = Flask("site")
    FlagsExtension(app, FlagClient(source, cache_dir=None))
    app.add_url_rule("/open", "open", lambda: "open")
    return app


def area(app: Flask, **gate: Any) -> None:
    """
    A blueprint at `/area/<org>` behind a gate.
    """
    blueprint = Blueprint("area", __name__, url_prefix="/area/<org>")
    blueprint.before_request(FlagGate(**gate))
    blueprint.add_url_rule("/page", "page", lambda org: f"page of {org}")
    blueprint.add_url_rule("/soon", "soon", lambda org: "soon", defaults={"org": "any"})
    app.register_blueprint(blueprint)


@needs_async
def test_gates_answer_503_once_their_flag_has_failed() -> None:
    """
    Of blueprints and of `async` views, as of any other.
    """
    with failed_client() as client:
        app = Flask("site")
        FlagsExtension(app, client)
        area(app, key="on", value=False, fallback=lambda org: "instead")

        @require_flag("on")
        async def waiting() -> str:
            return "open"

        app.add_url_rule("/waiting", "waiting", waiting)
        ask = app.test_client()
        assert [ask.get(path).status_code for path in ("/area/a/page", "/waiting")] == [503, 503]


class TestBlueprints:
    """
    `FlagGate` before all of a blueprint's views.
    """

    def test_a_gate_closes_its_blueprint_and_nothing_else(self, app: Flask, source: MemorySource) -> None:
        """
        Until its flag is on.
        """
        area(app, key="off")
        client = app.test_client()
        assert [client.get(path).status_code for path in ("/area/acme/page", "/open")] == [404, 200]
        source.update(native(off=True))
        assert client.get("/area/acme/page").text == "page of acme"

    def test_a_fallback_gets_the_arguments_of_the_view_it_stands_in_for(self, app: Flask) -> None:
        """
        So that one view can stand in for all of a blueprint.
        """
        area(app, key="off", fallback=lambda org: (f"not yet for {org}", 203))
        answer = app.test_client().get("/area/acme/page")
        assert (answer.status_code, answer.text) == (203, "not yet for acme")

    @needs_async
    def test_a_fallback_may_be_async(self, app: Flask) -> None:
        """
        As a view may.
        """

        async def fallback(org: str) -> str:
            return f"later, {org}"

        area(app, key="off", fallback=fallback)
        assert app.test_client().get("/area/acme/page").text == "later, acme"

    def test_a_fallback_that_answers_nothing_lets_nobody_through(self, app: Flask) -> None:
        """
        A forgotten `return` is an error, as in any view, and no open gate.
        """
        area(app, key="off", fallback=lambda org: None)
        answer = app.test_client().get("/area/acme/page")
        assert (answer.status_code, "page of acme" in answer.text) == (500, False)

    @pytest.mark.parametrize("target", ["closed", "/closed"])
    def test_an_application_is_closed_but_for_the_page_that_says_so(self, app: Flask, target: str) -> None:
        """
        A redirect's target may lie behind its own gate; also below a prefix of the server's.
        """
        app.before_request(FlagGate("on", value=False, redirect_to=target))
        app.add_url_rule("/closed", "closed", lambda: "back soon")
        away = app.test_client().get("/open")
        assert (away.status_code, away.location) == (302, "/closed")
        assert app.test_client().get("/closed").text == "back soon"
        if target == "closed":
            below = app.test_client().get("/open", base_url="http://localhost/shop")
            assert below.location == "/shop/closed"
            assert app.test_client().get("/closed", base_url="http://localhost/shop").text == "back soon"

    def test_the_whole_application_says_when_it_is_back(self, app: Flask) -> None:
        """
        Also for addresses that lead nowhere: Flask's own page for the status, with `Retry-After`.
        """
        app.before_request(FlagGate("on", value=False, status=503, retry_after_seconds=120))
        for path in ("/open", "/missing"):
            answer = app.test_client().get(path)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "120")


class TestRefusals:
    """
    How `require_flag` refuses.
    """

    @pytest.mark.parametrize("status", [404, 410, 503, 599])
    def test_the_applications_error_pages_answer_and_keep_retry_after(self, app: Flask, status: int) -> None:
        """
        For every status that Flask lets an error handler have; others are answered as they are.
        """
        if status != 599:
            app.register_error_handler(status, lambda error: (f"our own {error.code}", error.code))
        app.add_url_rule("/page", view_func=require_flag("off", status=status, retry_after_seconds=7)(lambda: "page"))
        answer = app.test_client().get("/page")
        assert (answer.status_code, answer.headers["Retry-After"]) == (status, "7")
        assert answer.text == ("" if status == 599 else f"our own {status}")

    def test_a_redirect_may_name_an_endpoint_of_its_own_blueprint(self, app: Flask) -> None:
        """
        With a leading dot, as in `url_for`; and a URL is taken as it stands.
        """
        blueprint = Blueprint("shop", __name__, url_prefix="/shop")
        blueprint.add_url_rule("/new", "new", require_flag("off", redirect_to=".old")(lambda: "new"))
        blueprint.add_url_rule("/away", "away", require_flag("off", redirect_to="https://example.com/x")(lambda: "new"))
        blueprint.add_url_rule("/old", "old", lambda: "old")
        app.register_blueprint(blueprint)
        client = app.test_client()
        assert [client.get(path).location for path in ("/shop/new", "/shop/away")] == [
            "/shop/old",
            "https://example.com/x",
        ]


class TestViews:
    """
    What `require_flag` may stand on.
    """

    def test_a_view_keeps_its_name_and_its_arguments(self, app: Flask) -> None:
        """
        Endpoint, docstring and parameters are those of the view.
        """

        @app.get("/item/<int:number>")
        @require_flag("on")
        def item(number: int) -> str:
            """
            One item.
            """
            return f"{number:03}"

        assert (item.__name__, item.__doc__.strip()) == ("item", "One item.")
        with app.test_request_context():
            assert app.test_client().get(url_for("item", number=7)).text == "007"

    def test_a_class_based_view_lists_it_among_its_decorators(self, app: Flask) -> None:
        """
        `View.decorators` and a single method of a `MethodView`.
        """

        class Closed(View):
            decorators: ClassVar[Any] = [require_flag("off")]

            def dispatch_request(self) -> str:
                return "closed"

        class Half(MethodView):
            def get(self) -> str:
                return "read"

            @require_flag("off", status=403)
            def post(self) -> str:
                return "written"

        app.add_url_rule("/closed", view_func=Closed.as_view("closed"))
        app.add_url_rule("/half", view_func=Half.as_view("half"))
        client = app.test_client()
        assert [client.get("/closed").status_code, client.get("/half").text] == [404, "read"]
        assert client.post("/half").status_code == 403

    def test_a_class_itself_is_refused(self) -> None:
        """
        It would never be asked; the message says where the gate belongs.
        """
        with pytest.raises(ConfigError, match=r"class Page; write `decorators = \[require_flag\('on'\)\]`"):

            @require_flag("on")
            class Page(View):
                pass

    @needs_async
    def test_async_and_plain_views_stand_in_for_one_another(self, app: Flask) -> None:
        """
        Whichever the gated view is, and whichever its fallback.
        """

        async def later() -> str:
            return "async"

        app.add_url_rule("/1", "1", require_flag("off", fallback=later)(lambda: "page"))
        app.add_url_rule("/2", "2", require_flag("off", fallback=lambda: "plain")(later))
        app.add_url_rule("/3", "3", require_flag("off", fallback=later)(later))
        assert [app.test_client().get(path).text for path in ("/1", "/2", "/3")] == ["async", "plain", "async"]

    @pytest.mark.parametrize("arguments", [{"key": ""}, {"key": "a", "status": 302}, {"key": "a", "redirect_to": ""}])
    def test_a_gate_that_cannot_be_right_is_refused(self, arguments: Mapping[str, Any]) -> None:
        """
        `FlagGate` as `require_flag`: where it is written.
        """
        with pytest.raises(ConfigError):
            FlagGate(**arguments)
