"""
Which view answers where in Flask: requests, application contexts, copies, streams, several applications.
"""

from __future__ import annotations

import gc
import logging
import threading
import weakref
from collections.abc import Iterator
from contextvars import copy_context
from typing import Any

import pytest

pytest.importorskip("flask", reason="Flask is not installed")

from flask import Flask, copy_current_request_context, stream_with_context

import flagcore
from flagcore import FlagClient, Flags, MemorySource
from flagcore_flask import FlagsExtension, current_flags, get_flags
from tests.documents import native


def shop(source: MemorySource | None = None, name: str = "shop") -> Flask:
    """
    An application whose flag `who` is its own name, unless a source says otherwise.
    """
    app = Flask(name)
    FlagsExtension(app, FlagClient(source or MemorySource(native(who=name)), cache_dir=None))
    return app


def who(flags: Flags | None = None) -> str:
    """
    Whose flags answer: those of `flags`, or of code that has no request at hand.
    """
    return (flagcore.get_flags() if flags is None else flags).get_string("who", "nobody")


@pytest.fixture
def source() -> MemorySource:
    """
    What `shop(source)` reads.
    """
    return MemorySource(native(who="shop"))


@pytest.fixture
def app(source: MemorySource) -> Flask:
    """
    A shop that has its source at hand.
    """
    return shop(source)


class TestRequest:
    """
    Inside a request.
    """

    def test_current_flags_is_the_requests_view(self, app: Flask) -> None:
        """
        `current_flags` reads as the view that `get_flags()` gives, also as the type it is.
        """
        with app.test_request_context("/"):
            assert current_flags == get_flags()
            assert isinstance(current_flags, Flags)
            assert who(current_flags) == "shop"

    def test_each_request_within_one_application_context_has_its_own_view(
        self, app: Flask, source: MemorySource
    ) -> None:
        """
        A test that keeps an application context open around several requests still sees changes between them.
        """
        app.add_url_rule("/", view_func=lambda: f"{who()} {who(get_flags())}")
        with app.app_context():
            assert who() == "shop"
            source.update(native(who="changed"))
            assert app.test_client().get("/").text == "changed changed"
            source.update(native(who="again"))
            assert app.test_client().get("/").text == "again again"
            assert who() == "shop"

    def test_an_application_context_of_its_own_changes_nothing(self, app: Flask) -> None:
        """
        A context of the same application pushed inside a request reads that request's view.
        """
        with app.test_request_context("/"):
            view = get_flags()
            with app.app_context():
                assert get_flags() is flagcore.get_flags() is view
            assert get_flags() is flagcore.get_flags() is view

    def test_error_handlers_and_teardown_read_the_requests_view(self, app: Flask) -> None:
        """
        What Flask runs after a view, or instead of one, reads the same flags.
        """
        seen: list[str] = []
        app.register_error_handler(404, lambda error: (who(), 404))
        app.teardown_request(lambda error: seen.append(who()))
        app.teardown_appcontext(lambda error: seen.append(who()))
        assert app.test_client().get("/missing").text == "shop"
        assert seen == ["shop", "shop"]

    def test_a_teardown_that_raises_leaves_nothing_bound(self, app: Flask) -> None:
        """
        The thread's next user reads no flags of a request that ended badly.
        """

        @app.teardown_appcontext
        def fail(error: BaseException | None) -> None:
            raise LookupError("no connection to give back")

        app.add_url_rule("/", view_func=who)

        def ask() -> None:
            for _ in range(2):
                with pytest.raises(LookupError):
                    app.test_client().get("/")
                assert who() == "nobody"

        # In a context of its own, since Flask too leaves such a request's pieces behind.
        copy_context().run(ask)

    @pytest.mark.parametrize("reads", [True, False])
    def test_a_request_leaves_nothing_to_the_collector(self, app: Flask, *, reads: bool) -> None:
        """
        Views go with their request, by reference count alone, whether a flag was read or not.
        """
        views: list[weakref.ref[Flags]] = []

        @app.get("/")
        def view() -> str:
            views.append(weakref.ref(get_flags()))
            return who() if reads else ""

        gc.collect()
        gc.disable()
        try:
            for _ in range(20):
                app.test_client().get("/").close()
            assert [view() for view in views] == [None] * 20
        finally:
            gc.enable()


class TestCopies:
    """
    Requests that go on elsewhere.
    """

    def test_a_copied_request_reads_the_same_view_in_another_thread(self, app: Flask, source: MemorySource) -> None:
        """
        `copy_current_request_context` takes the view along, whether or not it was asked for before, and outlives the
        request.
        """
        found: list[Flags] = []
        told = threading.Event()

        def job() -> None:
            told.wait(5)
            found.extend([get_flags(), flagcore.get_flags()])

        with app.test_request_context("/"):
            view = get_flags()
            thread = threading.Thread(target=copy_current_request_context(job))
            thread.start()
        source.update(native(who="changed"))
        told.set()
        thread.join(5)
        assert found == [view, view]

    def test_copies_that_ask_at_once_get_one_view(self, app: Flask) -> None:
        """
        Many threads of one request agree, also when none has asked before.
        """
        meeting = threading.Barrier(8)
        found: list[Flags] = []

        def job() -> None:
            meeting.wait(5)
            found.append(flagcore.get_flags())

        with app.test_request_context("/"):
            threads = [threading.Thread(target=copy_current_request_context(job)) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(5)
            assert found == [get_flags()] * 8

    def test_a_stream_reads_the_requests_view_to_its_end(self, app: Flask, source: MemorySource) -> None:
        """
        `stream_with_context`: one state for the whole body, `fresh()` for the newest, and nothing bound afterwards.
        """

        @app.get("/")
        def view() -> Any:
            first = get_flags()

            def lines() -> Iterator[str]:
                yield f"{who()} {get_flags() is first}"
                source.update(native(who="changed"))
                yield f" {who()} {who(current_flags.fresh())}"

            return stream_with_context(lines())

        assert app.test_client().get("/", buffered=True).text == "shop True shop changed"
        assert who() == "nobody"

    def test_a_stream_that_is_left_early_leaves_nothing_bound(self, app: Flask) -> None:
        """
        A client that goes away in the middle of a body.
        """

        @app.get("/")
        def view() -> Any:
            return stream_with_context(who() for _ in range(5))

        response = app.test_client().get("/")
        assert next(response.iter_encoded()) == b"shop"
        response.close()
        assert who() == "nobody"


class TestOutsideOfRequests:
    """
    Commands, jobs, and code that runs before any application.
    """

    def test_an_application_context_reads_an_anonymous_view(self, app: Flask, source: MemorySource) -> None:
        """
        One state for as long as the context lasts; the next one sees the newest.
        """
        with app.app_context():
            view = get_flags()
            source.update(native(who="changed"))
            assert (who(), who(current_flags)) == ("shop", "shop")
            assert get_flags() is flagcore.get_flags() is view
            assert (view.context.targeting_key, dict(view.context.attributes)) == (None, {})
        with app.app_context():
            assert who() == "changed"
        assert who() == "nobody"

    def test_a_context_pushed_twice_is_bound_until_its_end(self, app: Flask) -> None:
        """
        The same context object may be pushed again while it is up, and once more after that.
        """
        context = app.app_context()
        for _ in range(2):
            with context:
                with context:
                    assert who() == "shop"
                assert who() == "shop"
            assert who() == "nobody"

    def test_a_bound_block_goes_before_the_application(self, app: Flask) -> None:
        """
        What a job binds for its user is what it reads, until the block ends.
        """
        with app.app_context():
            with app.extensions["flags"].client.bound({"targeting_key": "u1"}) as view:
                assert get_flags() is flagcore.get_flags() is view
            assert get_flags().context.targeting_key is None

    def test_the_innermost_of_blocks_and_contexts_answers(self, app: Flask) -> None:
        """
        A request within a block reads its own flags, a block within the request those of the block, and a context
        within that block the request's again; leaving each brings back what was before.
        """
        client = app.extensions["flags"].client
        with client.bound() as outer:
            with app.test_request_context("/"):
                view = get_flags()
                assert view is not outer
                with client.bound() as inner:
                    assert get_flags() is flagcore.get_flags() is inner
                    with app.app_context():
                        assert get_flags() is flagcore.get_flags() is view
                    assert get_flags() is flagcore.get_flags() is inner
                assert get_flags() is flagcore.get_flags() is view
            assert get_flags() is flagcore.get_flags() is outer

    def test_a_block_that_outlives_its_context_still_answers(self, app: Flask) -> None:
        """
        What is bound stays bound until the block ends, whatever becomes of the context it began in.
        """
        context = app.app_context()
        context.push()
        with app.extensions["flags"].client.bound() as view:
            context.pop()
            assert get_flags() is flagcore.get_flags() is view

    def test_outside_of_everything_the_bound_view_or_an_empty_one_answers(self, app: Flask) -> None:
        """
        `get_flags()` and `current_flags` never raise.
        """
        assert (who(get_flags()), who(current_flags)) == ("nobody", "nobody")
        with app.extensions["flags"].client.bound() as view:
            assert get_flags() is view
            assert app.test_client().get("/missing").status_code == 404
            assert get_flags() is flagcore.get_flags() is view

    def test_an_extension_registered_within_a_context_is_found_there(self) -> None:
        """
        A test that sets its application up inside its own context reads its flags at once.
        """
        app = Flask("late")
        with app.app_context():
            FlagsExtension(app, FlagClient(MemorySource(native(who="late")), cache_dir=None))
            assert who(get_flags()) == "late"

    def test_an_application_without_flags_reads_defaults_and_is_told_once(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        """
        A forgotten `init_app` takes no request down; one line says what to do.
        """
        app = Flask("forgotten")
        app.add_url_rule("/", view_func=lambda: who(get_flags()))
        with caplog.at_level(logging.WARNING, logger="flagcore"):
            assert [app.test_client().get("/").text for _ in range(3)] == ["nobody"] * 3
        (message,) = [record.getMessage() for record in caplog.records]
        assert "forgotten" in message
        assert "init_app" in message


class TestSeveralApplications:
    """
    Applications that call one another.
    """

    def test_an_application_called_within_a_request_reads_its_own_flags(self, app: Flask) -> None:
        """
        Also where the two share a request's environment; afterwards the first goes on as before.
        """
        other = shop(name="other")
        other.add_url_rule("/inner", view_func=lambda: f"{who()} {who(get_flags())}")

        @app.get("/inner")
        def outer() -> str:
            from flask import request

            before = get_flags()
            inner = app.response_class.from_app(other, request.environ).get_data(as_text=True)
            assert get_flags() is flagcore.get_flags() is before
            return f"{who()} {inner} {who()}"

        assert app.test_client().get("/inner").text == "shop other other shop"

    @pytest.mark.parametrize("read_first", [True, False])
    def test_another_applications_context_within_a_request_reads_that_application(
        self, app: Flask, read_first: bool
    ) -> None:
        """
        Its flags, anonymously: the request is not its own.
        """
        other = shop(name="other")
        with app.test_request_context("/asked"):
            if read_first:
                assert who() == "shop"
            with other.app_context():
                assert (who(), who(get_flags())) == ("other", "other")
                assert dict(get_flags().context.attributes) == {}
            assert (who(), get_flags().context.attributes["path"]) == ("shop", "/asked")

    def test_an_application_without_flags_within_a_request_reads_none(self, app: Flask) -> None:
        """
        It does not see those of the application that calls it.
        """
        bare = Flask("bare")
        bare.add_url_rule("/", view_func=who)
        with app.test_request_context("/"):
            assert bare.test_client().get("/").text == "nobody"
            assert who() == "shop"
