"""
Flask's extension: what configures it, what it holds, when it starts and stops.
"""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

pytest.importorskip("flask", reason="Flask is not installed")

import click
from flask import Flask

from flagcore import FlagClient, MemorySource, Status
from flagcore.errors import ConfigError, StateError
from flagcore_flask import FlagsExtension, get_flags
from tests.documents import Table, body, eventually, native
from tests.integrations.django_process import Running, Service, answered, free_port, run

#: The contract's application, as `flask` finds it.
SITE = ("-m", "flask", "--app", "tests.integrations.live_apps:flask")


def memory(**values: Any) -> FlagClient:
    """
    A client of plain flags.
    """
    return FlagClient(MemorySource(native(**values)), cache_dir=None)


def configured(name: str = "site", **settings: Any) -> Flask:
    """
    An application with `FLAGS_…` in its configuration.
    """
    app = Flask(name)
    app.config.update({f"FLAGS_{key}": value for key, value in settings.items()})
    return app


@pytest.fixture
def service() -> Iterator[Service]:
    """
    A flag service that counts who asks it.
    """
    service = Service()
    yield service
    service.close()


class TestConfiguration:
    """
    What is passed, what `app.config` says, what the environment says.
    """

    def test_the_extension_and_its_client_are_found_on_the_application(self) -> None:
        """
        `app.extensions["flags"]` is the extension, and holds no application.
        """
        app, client = Flask("site"), memory(who="site")
        extension = FlagsExtension(app, client)
        assert app.extensions["flags"] is extension
        assert extension.client is client
        assert not any(isinstance(each, Flask) for each in vars(extension).values())

    def test_a_factory_passes_the_client_with_the_application(self) -> None:
        """
        What `init_app` is given goes before what the extension was made with, and both before `app.config`.
        """
        extension = FlagsExtension(client=memory(who="made with"), context_from=lambda request: {"by": "made with"})
        one, two, three = (configured(SOURCE="memory", DOCUMENT=native(who="config")) for _ in range(3))
        extension.init_app(one)
        extension.init_app(two, memory(who="passed"), context_from=lambda request: {"by": "passed"})
        FlagsExtension(three)
        answers = []
        for app in (one, two, three):
            with app.test_request_context("/"):
                answers.append((get_flags().get_string("who"), get_flags().context.get("by")))
        assert answers == [("made with", "made with"), ("passed", "passed"), ("config", None)]

    def test_options_of_others_are_left_alone(self) -> None:
        """
        Only what begins with `FLAGS_` is read.
        """
        app = configured(SOURCE="memory", DOCUMENT=native(on=True))
        app.config.update(FLAG_OF_SOMETHING_ELSE=1, SECRET_KEY="other")
        assert FlagsExtension(app).client.get_bool("on") is True

    @pytest.mark.parametrize("client", [None, memory()])
    def test_an_unknown_option_is_named_as_it_was_written(self, client: FlagClient | None) -> None:
        """
        With the prefix it has in `app.config`, whoever brings the client; a second attempt may be made.
        """
        app = configured(SOURCE="memory", DOCUMENT={"flags": {}}, WAIT_SECOND=1)
        extension = FlagsExtension(client=client)
        with pytest.raises(ConfigError, match=r"FLAGS_WAIT_SECOND\b.*WAIT_SECONDS"):
            extension.init_app(app)
        del app.config["FLAGS_WAIT_SECOND"]
        extension.init_app(app)
        assert extension.client.status is Status.READY

    def test_without_a_source_the_option_to_set_is_named(self) -> None:
        """
        As it is to be written in `app.config`.
        """
        with pytest.raises(ConfigError, match=r"^FLAGS_SOURCE: expected one of env, file, .*got nothing"):
            FlagsExtension(Flask("site"))

    def test_a_second_extension_on_one_application_is_refused(self) -> None:
        """
        With a sentence that says what to do; the first goes on.
        """
        app = Flask("site")
        extension = FlagsExtension(app, memory(who="first"))
        with pytest.raises(StateError, match=r"keep the first.*leave one of"):
            extension.init_app(app)
        with pytest.raises(StateError, match="keep the first"):
            FlagsExtension(app, memory())
        with app.app_context():
            assert get_flags().get_string("who") == "first"

    def test_its_repr_needs_no_context_and_names_no_flag(self) -> None:
        """
        Safe to log from anywhere.
        """
        assert repr(FlagsExtension()) == "FlagsExtension()"
        assert repr(FlagsExtension(Flask("site"), memory(who="x"))) == "FlagsExtension(FlagClient(memory; READY))"


class TestClient:
    """
    `.client` with one application or several.
    """

    def test_with_several_applications_it_is_the_current_ones(self) -> None:
        """
        One extension, two applications, two clients.
        """
        extension = FlagsExtension()
        apps = {name: Flask(name) for name in ("one", "two")}
        for name, app in apps.items():
            extension.init_app(app, memory(who=name))
        for name, app in apps.items():
            with app.app_context():
                assert extension.client.get_string("who") == name
        with pytest.raises(StateError, match=r"got 2 clients and no context.*app_context"):
            extension.client  # noqa: B018 - asking raises

    def test_with_several_applications_of_one_client_it_is_that(self) -> None:
        """
        No context is needed where there is nothing to choose.
        """
        client = memory()
        extension = FlagsExtension(client=client)
        apps = [Flask(name) for name in ("one", "two")]
        for app in apps:
            extension.init_app(app)
        assert extension.client is client

    def test_before_init_app_there_is_none(self) -> None:
        """
        The sentence names both likely causes.
        """
        with pytest.raises(StateError, match=r"got 0 clients.*init_app.*app_context"):
            FlagsExtension().client  # noqa: B018 - asking raises

    def test_in_a_foreign_application_it_is_refused(self) -> None:
        """
        Another application's client would be the wrong answer.
        """
        extension, other = FlagsExtension(Flask("site"), memory()), Flask("other")
        with other.app_context(), pytest.raises(StateError, match=r"<Flask 'other'>.*init_app"):
            extension.client  # noqa: B018 - asking raises
        FlagsExtension(other, memory())
        with other.app_context(), pytest.raises(StateError, match="has another"):
            extension.client  # noqa: B018 - asking raises

    def test_an_application_that_is_given_up_is_freed(self) -> None:
        """
        Tests make applications by the hundred: neither extension nor signals keep them or their clients.
        """
        extension = FlagsExtension()
        app = Flask("site")
        extension.init_app(app, memory(who="site"))
        app.add_url_rule("/", view_func=lambda: get_flags().get_string("who"))
        assert app.test_client().get("/").text == "site"
        gone = [weakref.ref(app), weakref.ref(extension.client)]
        del app
        gc.collect()
        assert [each() for each in gone] == [None, None]


class TestStartAndStop:
    """
    Following the sources, from `init_app` to exit.
    """

    def test_init_app_starts_without_waiting(self) -> None:
        """
        The first document arrives behind the application's back.
        """
        source = Table(body(on=True))
        source.gate.clear()
        extension = FlagsExtension(Flask("site"), FlagClient(source, cache_dir=None))
        eventually(lambda: bool(source.asked))
        assert extension.client.status is Status.NOT_READY
        source.gate.set()
        eventually(lambda: extension.client.get_bool("on"))
        extension.close()

    def test_wait_seconds_is_the_nearest_that_was_said(self) -> None:
        """
        Passed to `init_app`, to the extension, or in `app.config`; 0 says not to wait.
        """
        source = Table(body(on=True))
        source.gate.clear()
        app, extension = configured(WAIT_SECONDS=60), FlagsExtension(wait_seconds=60)
        extension.init_app(app, FlagClient(source, cache_dir=None), wait_seconds=0)
        assert extension.client.status is Status.NOT_READY
        source.gate.set()
        extension.close()
        FlagsExtension(configured(WAIT_SECONDS=0), client := FlagClient(source, cache_dir=None), wait_seconds=5).close()
        assert client.get_bool("on") is True

    def test_closing_ends_every_clients_threads_and_may_be_repeated(self) -> None:
        """
        Also from another thread; requests go on being answered.
        """
        before = set(threading.enumerate())
        extension = FlagsExtension()
        apps = [Flask(name) for name in ("one", "two")]
        for app in apps:
            extension.init_app(app, FlagClient(Table(body(on=True)), cache_dir=None), wait_seconds=5)
        assert len(set(threading.enumerate()) - before) >= 2
        closing = threading.Thread(target=extension.close)
        closing.start()
        closing.join(5)
        extension.close()
        assert set(threading.enumerate()) - before == set()
        for app in apps:
            with app.app_context():
                assert get_flags().get_bool("on") is True

    def test_a_process_ends_quietly_by_itself(self) -> None:
        """
        At exit the flags are closed, in a forked child that ends by `sys.exit` too.
        """
        done = run("-W", "ignore", "-c", _FORKING)
        assert (done.returncode, done.stderr) == (0, "")
        assert sorted(done.stdout.split()) == ["child:True", "closed", "closed", "parent:True"]

    def test_importing_starts_nothing(self) -> None:
        """
        No thread, no client.
        """
        done = run("-c", "import threading, flagcore_flask; print(threading.active_count())")
        assert (done.stdout, done.stderr) == ("1\n", "")

    def test_without_flask_the_import_names_the_extra(self) -> None:
        """
        One sentence instead of a riddle.
        """
        done = run("-c", "import sys; sys.modules['flask'] = None; import flagcore_flask")
        assert done.stderr.splitlines()[-1] == 'ImportError: flagcore_flask needs Flask: pip install "flagcore[flask]"'


#: A parent and a forked child, each of which reads a flag, ends by `sys.exit`, and says that its client is closed.
_FORKING = """
import atexit, os, sys
from flask import Flask
from flagcore import FlagClient
from tests.documents import Table, body

client = FlagClient(Table(body(on=True)), cache_dir=None)
atexit.register(lambda: print("closed" if client.status.name == "STALE" else client.status, flush=True))

from flagcore_flask import FlagsExtension, get_flags

app = Flask("site")
FlagsExtension(app, client, wait_seconds=5)
app.add_url_rule("/", view_func=lambda: str(get_flags().get_bool("on")))
child = os.fork()
print("parent" if child else "child", app.test_client().get("/").text, sep=":", flush=True)
if child:
    assert os.waitpid(child, 0)[1] == 0
sys.exit(0)
"""


class TestCommandLine:
    """
    The `flask` command, as a real process in front of a service that counts.
    """

    @pytest.mark.parametrize(
        ("command", "params", "environment", "starts"),
        [
            ("run", {"reload": None}, {}, True),
            ("run", {"reload": True}, {}, False),
            ("run", {"reload": None}, {"FLASK_DEBUG": "1"}, False),
            ("run", {"reload": False}, {"FLASK_DEBUG": "1"}, True),
            ("run", {"reload": True}, {"WERKZEUG_RUN_MAIN": "true"}, True),
            ("shell", {}, {}, False),
            ("shell", {}, {"FLASK_RUN_FROM_CLI": "false"}, True),
            (None, {}, {}, True),
        ],
    )
    def test_what_serves_starts_and_what_does_not_stays_asleep(
        self,
        monkeypatch: pytest.MonkeyPatch,
        command: str | None,
        params: dict[str, Any],
        environment: dict[str, str],
        starts: bool,
    ) -> None:
        """
        Under each command line that may load an application; asleep, the first read starts it.
        """
        for name in ("FLASK_DEBUG", "WERKZEUG_RUN_MAIN"):
            monkeypatch.delenv(name, raising=False)
        for name, text in {"FLASK_RUN_FROM_CLI": "true", **environment}.items():
            monkeypatch.setenv(name, text)
        source = Table(body(on=True))
        extension = FlagsExtension(client=FlagClient(source, cache_dir=None), wait_seconds=5)
        with ExitStack() as stack:
            if command is not None:
                context = click.Context(click.Command(command), info_name=command)
                context.params.update(params)
                stack.enter_context(context)
            extension.init_app(app := Flask("site"))
        assert bool(source.asked) is starts
        with app.app_context():
            get_flags()
        eventually(lambda: bool(source.asked))
        extension.close()

    def test_a_command_that_reads_no_flag_asks_no_service(self, service: Service) -> None:
        """
        Migrations and asset builds run where the service cannot be reached.
        """
        done = run(*SITE, "routes", **service.environment())
        assert "/checkout" in done.stdout
        assert service.requests == 0

    def test_a_command_that_reads_flags_starts_to_follow_them(self, service: Service) -> None:
        """
        The first read wakes the client.
        """
        done = run(*SITE, "flags", "new-checkout", "--json", **service.environment())
        assert '"value":true' in done.stdout
        assert (done.returncode, service.requests) == (0, 1)

    @pytest.mark.parametrize("options", [(), ("--debug",)], ids=["plain", "with a reloader"])
    def test_flask_run_asks_once(self, service: Service, options: tuple[str, ...]) -> None:
        """
        At its start, before the first request; the reloader's parent, which serves nothing, asks for nothing.
        """
        port = free_port()
        with Running(*SITE, "run", *options, "--port", str(port), **service.environment()):
            eventually(lambda: service.requests > 0, 20)
            assert answered(f"http://127.0.0.1:{port}/checkout") is True
            assert service.requests == 1
