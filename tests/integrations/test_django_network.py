"""
Who asks the flag service, in real processes: servers from the start, commands only when they read a flag.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

pytest.importorskip("django")

from tests.integrations.django_process import MANAGE, Running, Service, answered, free_port, run


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    yield service
    service.close()


class TestNetwork:
    """
    Only what serves asks the flag service; a command asks when it reads a flag.
    """

    @pytest.mark.parametrize(
        "command",
        [
            ("migrate",),
            ("makemigrations", "--dry-run"),
            ("collectstatic", "--noinput", "--dry-run"),
            ("check",),
            ("shell", "-c", "import flagcore_django"),
        ],
        ids=lambda command: command[0],
    )
    def test_a_command_that_reads_no_flag_asks_nobody(self, service: Service, command: tuple[str, ...]) -> None:
        """
        Build steps run where no flag service can be reached.
        """
        done = run(MANAGE, *command, **service.environment())
        assert (done.returncode, service.requests) == (0, 0), done.stderr

    @pytest.mark.parametrize(
        "script",
        [
            # By another script than manage.py, and by one that sets Django up before it calls the command.
            "from django.core.management import execute_from_command_line as run; run(['shop', 'check'])",
            "import sys, django; sys.argv = ['manage.py', 'check']; django.setup()",
        ],
        ids=["other script", "early set-up"],
    )
    def test_a_command_is_known_however_it_is_called(self, service: Service, script: str) -> None:
        """
        Not by the name of a script alone.
        """
        settings = {"DJANGO_SETTINGS_MODULE": "tests.integrations.django_project.settings"}
        # The process ends too soon for a request to be sure to arrive; the thread that would send it is there at once.
        script += "; import threading; assert threading.active_count() == 1, threading.enumerate()"
        done = run("-c", script, **service.environment(), **settings)
        assert (done.returncode, service.requests) == (0, 0), done.stderr

    def test_a_command_that_reads_a_flag_wakes_the_client(self, service: Service) -> None:
        """
        The first read asks; `wait_ready` waits for the answer.
        """
        script = (
            "from django.apps import apps; from flagcore_django import get_flags; get_flags();"
            "c = apps.get_app_config('flagcore_django').client; c.wait_ready(10); print(get_flags().all())"
        )
        done = run(MANAGE, "shell", "-v", "0", "-c", script, **service.environment())
        assert done.stdout.strip() == "{'new-checkout': True}", done.stderr
        assert service.requests == 1

    def test_flags_asks_and_lists(self, service: Service) -> None:
        """
        The list is what the service says now.
        """
        done = run(MANAGE, "flags", "--json", **service.environment())
        assert [row["value"] for row in json.loads(done.stdout)] == [True]
        assert (service.requests, done.stderr) == (1, "")

    @pytest.mark.parametrize("option", ["--noreload", "--nothreading"], ids=["no parent", "parent and child"])
    def test_runserver_asks_once(self, service: Service, option: str) -> None:
        """
        The process that serves does, the autoreloader's parent does not.
        """
        address = f"127.0.0.1:{free_port()}"
        with Running(MANAGE, "runserver", option, address, **service.environment()):
            assert answered(f"http://{address}/") == [True, True]
            assert service.requests == 1

    @pytest.mark.parametrize("name", ["wsgi", "asgi"])
    def test_a_server_s_process_asks_before_the_first_request(self, service: Service, name: str) -> None:
        """
        Loading the application is enough; and when the process ends, the client is closed.
        """
        script = (
            # Registered first, so that it runs after whatever the adapter has registered.
            "import atexit; atexit.register(lambda: print(client.status));"
            f"from tests.integrations.django_project.server import {name}; from django.apps import apps;"
            "client = apps.get_app_config('flagcore_django').client;"
            "print(client.wait_ready(10), client.status)"
        )
        done = run("-c", script, **service.environment())
        assert (done.stdout.split(), done.stderr, service.requests) == (["True", "READY", "STALE"], "", 1)


class TestWithoutSettings:
    """
    Where Django is not set up.
    """

    def test_importing_and_reading_need_no_settings(self) -> None:
        """
        Defaults, and one line in the log that says why.
        """
        script = (
            "import flagcore_django as f, flagcore_django.templatetags.flags, flagcore_django.middleware;"
            "print(f.get_flags().get_int('a', 6), f.get_flags().get_int('a', 7))"
        )
        done = run("-W", "error", "-c", script)
        assert (done.stdout.strip(), done.stderr.count("INSTALLED_APPS")) == ("6 7", 1), done.stderr

    def test_without_django_the_extra_is_named(self) -> None:
        """
        One sentence.
        """
        script = "import sys; sys.modules['django'] = None\nimport flagcore_django"
        done = run("-c", script)
        assert done.stderr.endswith("ImportError: flagcore_django needs Django: pip install 'flagcore[django]'\n")
