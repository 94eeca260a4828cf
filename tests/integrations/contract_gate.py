"""
What `require_flag` keeps in every adapter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from flagcore import MemorySource
from flagcore.errors import ConfigError
from tests.integrations.contract_app import ContractFixtures, Serve, Unreachable, gated
from tests.integrations.page import Page
from tests.integrations.shop import CHANGED, by_headers, checkout, checkout_async


class GateContract(ContractFixtures):
    """
    The shared tests of gates.
    """

    @pytest.mark.parametrize(
        ("gate", "status"),
        [
            ({"key": "new-checkout"}, 200),
            ({"key": "old-checkout"}, 404),
            ({"key": "unknown"}, 404),
            ({"key": "theme"}, 404),
            ({"key": "old-checkout", "status": 403}, 403),
            ({"key": "new-checkout", "value": False}, 404),
            ({"key": "old-checkout", "value": False}, 200),
            ({"key": "unknown", "value": False}, 200),
            ({"key": "theme", "value": False}, 200),
            ({"key": "theme", "value": "light"}, 200),
            ({"key": "theme", "value": "dark"}, 404),
            ({"key": "unknown", "value": "dark"}, 404),
            ({"key": "limits", "value": {"max": 5}}, 200),
        ],
        ids=str,
    )
    def test_a_gate_opens_at_its_value(self, serve: Serve, gate: Mapping[str, Any], status: int) -> None:
        """
        Unknown or wrongly typed counts as False: such a gate hides, and one that waits for False stays open.
        """
        app = serve(gated(**gate))
        answer = app.get("/gated")
        assert answer.status == status
        assert (answer.text == '"open"') is (status == 200)

    @pytest.mark.parametrize(("value", "status"), [(True, 404), (False, 200)])
    def test_an_unready_flag_counts_as_false(self, serve: Serve, value: bool, status: int) -> None:
        """
        While nothing has come from the source, a page to hide is hidden, and a page to close is open.
        """
        app = serve(gated("new-checkout", value=value), source=Unreachable())
        assert app.get("/gated").status == status

    def test_a_closed_gate_says_when_to_come_back(self, serve: Serve) -> None:
        """
        The maintenance page: 503 and `Retry-After`; without the option no such header.
        """
        closed = {"value": False, "status": 503}
        app = serve(
            gated("new-checkout", **closed, retry_after_seconds=120),
            Page("/plain", checkout, gate={"key": "new-checkout", **closed}),
        )
        answer = app.get("/gated")
        assert (answer.status, answer.headers["retry-after"]) == (503, "120")
        assert (app.get("/plain").status, app.get("/plain").headers.get("retry-after")) == (503, None)

    def test_a_gate_follows_its_flag(self, serve: Serve, source: MemorySource) -> None:
        """
        A page opens and closes with the flag, without a restart.
        """
        app = serve(gated("old-checkout"))
        assert app.get("/gated").status == 404
        source.update(CHANGED)
        assert app.get("/gated").status == 200

    def test_a_gate_asks_for_the_one_who_asks(self, serve: Serve) -> None:
        """
        A page for one organisation.
        """
        app = serve(gated("theme", value="dark"), CONTEXT_FROM=by_headers)
        assert [app.get("/gated", {"x-org": org}).status for org in ("acme", "other")] == [200, 404]

    def test_behind_a_closed_gate_the_view_does_not_run(self, serve: Serve) -> None:
        """
        A gate decides before the view does anything.
        """
        ran: list[bool] = []
        app = serve(Page("/", lambda flags: ran.append(True), gate={"key": "old-checkout"}))
        assert (app.get("/").status, ran) == (404, [])

    @pytest.mark.parametrize("view", [checkout, checkout_async])
    def test_a_gate_can_fall_back_on_another_view(self, serve: Serve, view: Any) -> None:
        """
        The other view answers while the gate is closed, plain or async as the gated one; and only then.
        """
        if view is checkout_async and not self.harness.runs_async:
            pytest.skip("async views need asgiref here")
        app = serve(
            Page("/closed", lambda flags: "new", gate={"key": "old-checkout", "fallback": view}),
            Page("/open", view, gate={"key": "new-checkout", "fallback": lambda flags: "old"}),
        )
        assert (app.get("/closed").status, app.get("/closed").json) == (200, True)
        assert app.get("/open").json is True

    @pytest.mark.parametrize("target", ["/soon", "https://example.com/soon?a=1", "soon"])
    def test_a_gate_can_redirect(self, serve: Serve, target: str) -> None:
        """
        To a URL as it stands, or to a route by its name; for now, so that no browser keeps it.
        """
        app = serve(gated("old-checkout", redirect_to=target), Page("/coming/soon", checkout, name="soon"))
        answer = app.get("/gated")
        assert answer.status == 302
        location = answer.headers["location"]
        assert location.endswith("/coming/soon") if target == "soon" else location == target

    def test_an_async_view_is_gated_too(self, serve: Serve) -> None:
        """
        The same gate on an async view.
        """
        if not self.harness.runs_async:
            pytest.skip("async views need asgiref here")
        app = serve(
            Page("/closed", checkout_async, gate={"key": "old-checkout", "status": 403}),
            Page("/open", checkout_async, gate={"key": "new-checkout"}),
        )
        assert app.get("/closed").status == 403
        assert app.get("/open").json is True

    @pytest.mark.parametrize(
        "gate",
        [
            {"key": ""},
            {"key": "a", "status": 200},
            {"key": "a", "retry_after_seconds": -1},
            {"key": "a", "fallback": checkout, "redirect_to": "/"},
            {"key": "a", "redirect_to": ""},
        ],
        ids=str,
    )
    def test_a_gate_that_cannot_be_right_is_refused(self, serve: Serve, gate: Mapping[str, Any]) -> None:
        """
        When the application is put together, not when a request comes.
        """
        with pytest.raises(ConfigError):
            serve(Page("/", checkout, gate=gate))
