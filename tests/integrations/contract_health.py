"""
What `flags_health` says in every adapter, and what gates do once the flags have failed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flagcore import FlagClient, MemorySource
from tests.documents import Table, body, eventually
from tests.integrations.contract_app import SOON, ContractFixtures, Serve, Unreachable, gated
from tests.integrations.page import App, Page
from tests.integrations.shop import CHANGED, SHOP, checkout
from tests.test_staleness import DOWN

HEALTH = "/healthz/flags"


def failing_client(*sources: Any) -> FlagClient:
    """
    One whose flags fail as soon as their source does.
    """
    return FlagClient(*sources, cache_dir=None, max_stale_seconds=0.01, on_stale="fail")


def healthy(app: App) -> bool:
    """
    What a probe makes of the answer.
    """
    return app.get(HEALTH).status == 200


class HealthContract(ContractFixtures):
    """
    The shared tests of health.
    """

    def test_a_ready_client_is_healthy(self, serve: Serve, source: MemorySource) -> None:
        """
        200, with status, version, age and sources as JSON that nobody keeps.
        """
        app = serve(Page("/", checkout))
        source.update(CHANGED)
        answer = app.get(HEALTH)
        assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
        assert answer.headers["content-type"].startswith("application/json")
        assert answer.json == {
            "status": "READY",
            "ready": True,
            "version": app.client.snapshot.version,
            "age_seconds": 0.0,
            "sources": [
                {
                    "name": "memory",
                    "status": "READY",
                    "version": app.client.snapshot.version,
                    "age_seconds": 0.0,
                    "last_error": None,
                    "last_error_at": None,
                }
            ],
        }

    def test_a_probe_by_head_gets_the_same_without_the_body(self, serve: Serve) -> None:
        """
        Status and headers are those of a GET.
        """
        app = serve(Page("/", checkout))
        assert (app.head(HEALTH).status, app.head(HEALTH).headers["cache-control"]) == (200, "no-store")

    def test_before_the_first_document_it_is_not_ready(self, serve: Serve) -> None:
        """
        503, and why; requests are not refused by anything but the probe.
        """
        source = Unreachable()
        app = serve(Page("/", lambda flags: flags.get_string("theme", "plain")), source=source)
        assert source.failed.wait(SOON)
        eventually(lambda: app.get(HEALTH).json["status"] == "ERROR")
        answer = app.get(HEALTH)
        (found,) = answer.json["sources"]
        assert (answer.status, answer.headers["cache-control"], answer.json["ready"]) == (503, "no-store", False)
        assert found["last_error"] == "expected an answer, got none: this service is down"
        assert datetime.fromisoformat(found["last_error_at"]).tzinfo is not None
        assert app.get("/").json == "plain"

    def test_an_outage_behind_a_good_document_takes_nothing_out_of_service(self, serve: Serve) -> None:
        """
        STALE is ready: the last good document answers, and its age is to be seen.
        """
        source = Unreachable(answers=1)
        app = serve(Page("/", checkout), source=source, WAIT_SECONDS=SOON)
        assert source.failed.wait(SOON)
        eventually(lambda: app.get(HEALTH).json["status"] == "STALE")
        answer = app.get(HEALTH)
        assert (answer.status, answer.json["ready"], answer.json["age_seconds"] > 0) == (200, True, True)

    def test_it_tells_no_secret(self, serve: Serve) -> None:
        """
        Whatever a source of one's own is called, and whatever it raises.
        """

        class Careless(Table):
            def fetch(self, etag: str | None) -> Any:
                raise OSError("max retries exceeded with url: /flags?token=hunter2")

        source = Careless(body(), name="https://user:hunter2@flags.example.com/x?key=hunter2")
        app = serve(Page("/", checkout), source=source)
        eventually(lambda: bool(app.get(HEALTH).json["sources"][0]["last_error"]))
        assert "hunter2" not in app.get(HEALTH).text
        (found,) = app.get(HEALTH).json["sources"]
        assert found["name"] == "https://flags.example.com/x"
        assert found["last_error"] == "https://flags.example.com/x: fetch raised OSError"

    def test_flags_that_have_failed_close_every_gate_with_503(self, serve: Serve) -> None:
        """
        With `on_stale="fail"`, once a document is too old, the probe is red and no gate decides by a guess; both are
        over with the source's next answer.
        """
        gates: dict[str, dict[str, Any]] = {
            "/open": {"key": "new-checkout"},
            "/closed": {"key": "new-checkout", "value": False},
            "/redirect": {"key": "maintenance", "status": 403, "redirect_to": "/"},
            "/fallback": {"key": "maintenance", "fallback": lambda flags: "instead"},
        }
        table = Table(body("1", new_checkout=True, maintenance=False))
        pages = [Page(path, lambda flags: "open", gate=gate) for path, gate in gates.items()]
        app = serve(*pages, client=failing_client(table), WAIT_SECONDS=SOON)
        assert [app.get(path).status for path in gates] == [200, 404, 302, 200]
        table.answer = DOWN
        eventually(lambda: not healthy(app))
        assert [app.get(path).status for path in gates] == [503] * 4
        table.answer = body("1", new_checkout=True, maintenance=False)
        app.client.refresh()
        assert healthy(app)
        assert [app.get(path).status for path in gates] == [200, 404, 302, 200]

    def test_a_gate_goes_on_by_a_layer_that_still_answers(self, serve: Serve) -> None:
        """
        What another source defines is no guess.
        """
        table = Table(body("1", old_checkout=True))
        app = serve(gated("new-checkout"), client=failing_client(table, MemorySource(SHOP)), WAIT_SECONDS=SOON)
        table.answer = DOWN
        eventually(lambda: not healthy(app))
        assert app.get("/gated").status == 200
