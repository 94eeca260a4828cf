"""
What every adapter keeps, tested the same way for each.

    class TestFlask(Contract, SeveralApps):
        harness = FlaskHarness()

See `page.py` for what a harness is. Over real servers: `live.py`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import pytest

import flagcore
from flagcore import ErrorCode, Flags, MemorySource
from flagcore.errors import ConfigError
from flagcore.testing import override
from tests.integrations.contract_app import SOON, ContractFixtures, Serve, Unreachable, gated
from tests.integrations.contract_gate import GateContract
from tests.integrations.contract_health import HealthContract
from tests.integrations.page import Page
from tests.integrations.shop import CHANGED, SHOP, asked_context, by_headers, checkout, checkout_async, theme


class Contract(GateContract, HealthContract):
    """
    The shared tests.
    """

    # --- reading ------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("view", [checkout, checkout_async])
    def test_a_view_sees_a_flag_and_its_change(self, serve: Serve, source: MemorySource, view: Any) -> None:
        """
        A view reads what the source says now, whether it is plain or async.
        """
        if view is checkout_async and not self.harness.runs_async:
            pytest.skip("async views need asgiref here")
        app = serve(Page("/", view))
        assert app.get("/").json is True
        source.update(CHANGED)
        assert app.get("/").json is False

    def test_a_view_reads_every_type(self, serve: Serve) -> None:
        """
        Strings and objects come through as themselves.
        """
        app = serve(Page("/", lambda flags: [flags.get_string("theme"), flags.get_json("limits")]))
        assert app.get("/").json == ["light", {"max": 5}]

    def test_before_the_source_has_answered_a_read_gives_the_default(self, serve: Serve) -> None:
        """
        An application starts without its flag service, and its reads say why they give the default.
        """

        def view(flags: Flags) -> list[Any]:
            return [flags.get_string("theme", "plain"), flags.details("theme", "plain").error_code]

        app = serve(Page("/", view), source=Unreachable())
        assert app.get("/").json == ["plain", ErrorCode.PROVIDER_NOT_READY]

    def test_a_view_still_answers_when_the_source_goes_down(self, serve: Serve) -> None:
        """
        The last good document outlives the service it came from.
        """
        source = Unreachable(answers=1)
        app = serve(Page("/", checkout), source=source, WAIT_SECONDS=SOON)
        assert source.failed.wait(SOON)
        assert app.get("/").json is True

    def test_wait_seconds_holds_the_start_until_the_source_has_answered(self, serve: Serve) -> None:
        """
        With `WAIT_SECONDS` the first request is answered from the first document.
        """
        app = serve(Page("/", checkout), source=Unreachable(answers=1, delay_seconds=0.1), WAIT_SECONDS=SOON)
        assert app.get("/").json is True

    # --- one state for each request -------------------------------------------------------------------------------

    def test_a_flag_changed_mid_request_changes_with_the_next_one(self, serve: Serve, source: MemorySource) -> None:
        """
        A request sees one state, keys it has not read before included; `fresh()` and the next request see the new one.
        """

        def view(flags: Flags) -> list[Any]:
            first = flags.get_bool("new-checkout")
            source.update(CHANGED)
            second = flagcore.get_flags().get_bool("new-checkout")
            return [first, second, flags.get_bool("old-checkout"), flags.fresh().get_bool("old-checkout")]

        app = serve(Page("/", view))
        assert app.get("/").json == [True, True, False, True]
        assert app.get("/").json == [False, False, True, True]

    def test_code_without_the_request_reads_the_same_view(self, serve: Serve) -> None:
        """
        Inside a request `flagcore.get_flags()` is the request's view.
        """
        app = serve(Page("/", lambda flags: flagcore.get_flags() is flags))
        assert app.get("/").json is True

    def test_async_code_without_the_request_reads_the_same_view(self, serve: Serve) -> None:
        """
        The same in an async view, and in the tasks it starts.
        """
        if not self.harness.runs_async:
            pytest.skip("async views need asgiref here")

        async def view(flags: Flags) -> bool:
            seen = [flagcore.get_flags()]

            async def job() -> None:
                seen.append(flagcore.get_flags())

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(job)
            return [each is flags for each in seen] == [True, True]

        assert serve(Page("/", view)).get("/").json is True

    def test_outside_a_request_the_view_is_empty(self, serve: Serve) -> None:
        """
        Nothing of a request stays bound after it.
        """
        app = serve(Page("/", checkout))
        app.get("/")
        answer = flagcore.get_flags().details("new-checkout", False)
        assert (answer.value, answer.error_code) == (False, ErrorCode.PROVIDER_NOT_READY)

    # --- who is asking ----------------------------------------------------------------------------------------------

    def test_the_default_context_is_anonymous_with_path_and_method(self, serve: Serve) -> None:
        """
        Without `CONTEXT_FROM` rules may look at path and method, and at nothing else.
        """
        app = serve(Page("/who", asked_context))
        assert app.get("/who", {"x-user": "u1", "cookie": "session=1"}).json == {
            "targeting_key": None,
            "path": "/who",
            "method": "GET",
        }

    def test_context_from_says_who_asks(self, serve: Serve) -> None:
        """
        Each request gets the flags of its own context.
        """
        app = serve(Page("/", theme), Page("/who", asked_context), CONTEXT_FROM=by_headers)
        assert app.get("/").json == "light"
        assert app.get("/", {"x-org": "acme"}).json == "dark"
        assert app.get("/who", {"x-org": "acme", "x-user": "u1"}).json == {"targeting_key": "u1", "org": "acme"}

    def test_with_context_adds_what_the_view_has_learnt(self, serve: Serve) -> None:
        """
        A view that has found its user asks again for them, from the same state.
        """
        app = serve(Page("/", lambda flags: [theme(flags), theme(flags.with_context({"org": "acme"}))]))
        assert app.get("/").json == ["light", "dark"]

    def test_the_context_is_built_once_and_only_when_a_flag_is_read(self, serve: Serve) -> None:
        """
        However many reads, gates and getters: one call of `CONTEXT_FROM`; none without a read.
        """
        asked: list[str] = []

        def context_from(request: Any) -> Mapping[str, Any]:
            asked.append(request.headers.get("x-org"))
            return by_headers(request)

        app = serve(
            Page("/none", lambda flags: "nothing read"),
            Page("/many", lambda flags: [theme(flags), theme(flagcore.get_flags())], gate={"key": "new-checkout"}),
            CONTEXT_FROM=context_from,
        )
        assert app.get("/none").json == "nothing read"
        assert asked == []
        assert app.get("/many", {"x-org": "acme"}).json == ["dark", "dark"]
        assert asked == ["acme"]

    def test_a_context_from_that_raises_is_logged_once_and_reads_as_anonymous(
        self, serve: Serve, caplog: pytest.LogCaptureFixture
    ) -> None:
        """
        A fault in the application's own function takes no request down and does not fill the log.
        """

        def context_from(request: Any) -> Mapping[str, Any]:
            raise LookupError("no session")

        app = serve(Page("/", theme), CONTEXT_FROM=context_from)
        with caplog.at_level(logging.ERROR, logger="flagcore"):
            assert [app.get("/").json for _ in range(3)] == ["light"] * 3
        assert [record.exc_info is not None for record in caplog.records] == [True]

    def test_a_coroutine_function_as_context_from_is_refused(self, serve: Serve) -> None:
        """
        It could not be awaited when a flag is read, so it never gets as far as a request.
        """

        async def context_from(request: Any) -> Mapping[str, Any]:
            return {}

        with pytest.raises(ConfigError, match="with_context"):
            serve(Page("/", theme), CONTEXT_FROM=context_from)

    def test_requests_at_the_same_time_keep_their_own_contexts(self, serve: Serve) -> None:
        """
        Threads, or tasks of one loop: no request reads another's flags, also after it had to wait.
        """
        meeting = threading.Barrier(4)

        def view(flags: Flags) -> list[str]:
            meeting.wait(SOON)
            return [theme(flags), theme(flagcore.get_flags())]

        app = serve(Page("/", view), CONTEXT_FROM=by_headers)
        orgs = ["acme", "other"] * 6
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda org: app.get("/", {"x-org": org}).json, orgs))
        assert answers == [["dark"] * 2 if org == "acme" else ["light"] * 2 for org in orgs]

    # --- templates --------------------------------------------------------------------------------------------------

    def test_a_template_shows_one_of_two_blocks(self, serve: Serve) -> None:
        """
        `{% flag %}` with and without `else`, for the context of the request.
        """
        block = '{% flag "KEY" %}on{% else %}off{% endflag %}'
        alone = '{% flag "KEY" %}on{% endflag %}'
        keys = ("new-checkout", "old-checkout", "unknown", "theme")
        app = serve(Page("/", template=" ".join((block + "," + alone).replace("KEY", key) for key in keys)))
        assert app.get("/").text == "on,on off, off, off,"

    def test_a_template_prints_a_value(self, serve: Serve, source: MemorySource) -> None:
        """
        The value tag reads for the request's context, and gives its default where there is no value.
        """
        app = serve(Page("/", template=self.harness.value_template), CONTEXT_FROM=by_headers)
        assert app.get("/", {"x-org": "acme"}).text == "dark"
        source.update({"flags": {}})
        assert app.get("/").text == "light"

    # --- tests of applications ----------------------------------------------------------------------------------------

    def test_an_override_holds_for_its_block(self, serve: Serve) -> None:
        """
        `flagcore.testing.override` concerns the views made within it, gates included.
        """
        app = serve(Page("/", checkout), gated("old-checkout"))
        with override(app.client, {"new-checkout": False, "old-checkout": True}):
            assert (app.get("/").json, app.get("/gated").status) == (False, 200)
        assert (app.get("/").json, app.get("/gated").status) == (True, 404)

    # --- configuration ------------------------------------------------------------------------------------------------

    def test_an_unknown_option_is_refused_with_the_known_ones(self) -> None:
        """
        A slip of the pen is named, and what may stand there.
        """
        with pytest.raises(ConfigError, match=r"WAIT_SECOND\b.*WAIT_SECONDS"):
            self.harness.start({"SOURCE": "memory", "DOCUMENT": SHOP, "WAIT_SECOND": 1})

    def test_the_environment_overrides_the_settings(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        `FLAGCORE_SOURCE` decides where the flags come from, whatever the code says.
        """
        monkeypatch.setenv("FLAGCORE_SOURCE", "env")
        monkeypatch.setenv("FLAG_NEW_CHECKOUT", "true")
        app = self.harness.start({"SOURCE": "memory", "DOCUMENT": CHANGED}, Page("/", checkout))
        try:
            assert app.get("/").json is True
        finally:
            app.stop()

    # --- stopping -----------------------------------------------------------------------------------------------------

    def test_stopping_twice_leaves_no_thread_and_goes_on_answering(self, serve: Serve) -> None:
        """
        A client that polled is closed with its application; what reads it afterwards gets the last state.
        """
        before = set(threading.enumerate())
        app = serve(Page("/", checkout), source=Unreachable(answers=1), WAIT_SECONDS=SOON)
        client = app.client
        app.stop()
        app.stop()
        assert [each for each in set(threading.enumerate()) - before if each.name.startswith("flagcore")] == []
        assert client.get_bool("new-checkout") is True


class SeveralApps(ContractFixtures):
    """
    For frameworks that may have more than one application in a process.
    """

    def test_two_applications_do_not_mix(self, serve: Serve) -> None:
        """
        Each reads its own client's flags, with its own context, in turns too.
        """
        one = serve(Page("/", theme), gated("new-checkout"), CONTEXT_FROM=by_headers)
        two = serve(Page("/", theme), gated("new-checkout"), source=MemorySource(CHANGED))
        for _ in range(2):
            assert one.get("/", {"x-org": "acme"}).json == "dark"
            assert two.get("/", {"x-org": "acme"}).json == "blue"
        assert [app.get("/gated").status for app in (one, two)] == [200, 404]

    def test_stopping_one_application_leaves_the_other(self, serve: Serve) -> None:
        """
        The other goes on following its source.
        """
        source = MemorySource(SHOP)
        one, two = serve(Page("/", theme)), serve(Page("/", theme), source=source)
        one.stop()
        source.update(CHANGED)
        assert two.get("/").json == "blue"
