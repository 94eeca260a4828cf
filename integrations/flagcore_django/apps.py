"""
The Django app: reads `settings.FLAGS`, holds the project's client, starts and stops it.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import register
from django.core.exceptions import AppRegistryNotReady, ImproperlyConfigured
from django.core.signals import setting_changed

from flagcore import EvaluationContext, FlagClient, Flags
from flagcore.adapter import Options, context_builder, default_context, read_options
from flagcore.errors import ConfigError, FlagcoreError
from flagcore_django.checks import check_configuration, check_middleware
from flagcore_django.process import is_command, is_serving

__all__ = ["FlagsConfig", "installed"]


class FlagsConfig(AppConfig):
    """
    `apps.get_app_config("flagcore_django")`.

    A server (WSGI, ASGI, `runserver`) starts the client when Django is ready, always with the thread feed: under ASGI
    too, since Django tells of no shutdown and may run views on loops that are gone in a moment. Under any other
    management command the client stays asleep, opens no connection, and wakes with the first read.

    A configuration that can't be right stops a server with a `ConfigError`, so that nobody deploys it unseen. Under a
    management command it is what `manage.py check` reports, `get_flags` gives defaults, and the command runs if it
    skips the checks.

    Attributes:
        error: what is wrong with the configuration; None when nothing is.
    """

    name = "flagcore_django"
    verbose_name = "Feature flags"
    error: FlagcoreError | None = None

    _client: FlagClient | None = None
    _context_of: Callable[[Any], EvaluationContext] | None = None
    _wait_seconds = 0.0

    def ready(self) -> None:
        """
        Configure the client and, in a server, start it. Django calls this once, in the main thread.

        Raises:
            ConfigError, MalformedDocument: the configuration can't be right, and this is no management command.
        """
        self.configure()
        register(partial(check_configuration, lambda: self.error))
        register(check_middleware)
        setting_changed.connect(self._follow_tests, dispatch_uid=self.name)
        if is_serving() and self._client is not None:
            self._client.start(self._wait_seconds)
        atexit.register(self.close)

    def configure(self) -> None:
        """
        Read `settings.FLAGS` and the environment, and hold the client they say, not started. I/O: the disk cache.

        Raises:
            ConfigError, MalformedDocument: as `ready`.
        """
        self._client, self.error = None, None
        try:
            options = self._options()
            self._context_of = context_builder(options.context_from) if options.context_from else None
        except FlagcoreError as error:
            if not is_command():
                raise
            self.error = error
        else:
            self._client, self._wait_seconds = options.client, options.wait_seconds

    def _options(self) -> Options:
        given = getattr(settings, "FLAGS", {})
        if not isinstance(given, Mapping):
            raise ConfigError(f'FLAGS: expected a mapping such as {{"SOURCE": "env"}}, got {type(given).__name__}')
        return read_options(given, spelling="FLAGS['{}']")

    @property
    def client(self) -> FlagClient:
        """
        The project's client.

        Raises:
            ConfigError, MalformedDocument: there is none, because the configuration can't be right.
        """
        if self._client is None:
            raise self.error or ConfigError(
                "expected a client, got none: Django is not ready; call django.setup() first"
            )
        return self._client

    def view(self, request: Any) -> Flags:
        """
        A view for a request: frozen now, its context built when the first flag is read. Never raises.
        """
        if self._client is None:
            return Flags()
        if self._context_of is not None:
            return self._client.view(partial(self._context_of, request))
        # Built now: the request holds the view, and one that held the request would leave both to the collector.
        return self._client.view(default_context(request.path, request.method))

    def anonymous(self) -> Flags:
        """
        A view for nobody in particular. Never raises.
        """
        return self._client.flags() if self._client is not None else Flags()

    def close(self) -> None:
        """
        Stop following the flags, within five seconds; done by itself when the process ends. Reads go on answering.
        May be called again.
        """
        if self._client is not None:
            self._client.close()

    def _follow_tests(self, *, setting: str, **_: object) -> None:
        # `override_settings(FLAGS=…)` and the like would otherwise do nothing, and say nothing.
        if setting == "FLAGS":
            self.close()
            self.configure()


def installed() -> FlagsConfig | None:
    """
    The project's `FlagsConfig`; None without settings, before Django is ready, or if it is not in `INSTALLED_APPS`.
    """
    try:
        found: FlagsConfig = apps.get_app_config(FlagsConfig.name)
    except (AppRegistryNotReady, ImproperlyConfigured, LookupError):
        return None
    return found
