"""
What the shared tests ask of an adapter's harness: an application made of neutral pages, and the answers it gives.

A harness is one module for each framework, `tests/integrations/<framework>_harness.py`. It turns a `Page` into a view
as an application would write it: the framework's own function, which reads through the adapter's own `get_flags`, under
the adapter's own `require_flag`. Nothing of the adapter is replaced.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from flagcore import FlagClient, Flags


@dataclass(frozen=True)
class Page:
    """
    One page of an application under test.

    Attributes:
        path: absolute, such as `/shop`.
        view: plain or `async`; gets the request's view as the adapter's `get_flags` gives it, returns JSON. A plain one
            becomes a plain view of the framework, an `async` one an `async` view.
        template: instead of `view`, a template to render with the request. Without Django's `{% load flags %}`, which
            the harness of a Django template puts before it.
        gate: the arguments of `require_flag`, `key` among them; None for an open page. Its `fallback` is neutral too,
            as `view` is: the harness makes it native.
        name: the route's name, for redirects.
    """

    path: str
    view: Callable[[Flags], Any] | None = None
    template: str | None = None
    gate: Mapping[str, Any] | None = None
    name: str | None = None

    @property
    def is_async(self) -> bool:
        """
        Whether the framework's view is to be `async`.
        """
        return inspect.iscoroutinefunction(self.view)

    def guarded(self, native: Callable[[Any], Any], require_flag: Callable[..., Any]) -> Any:
        """
        The view as the framework's, by `native`, under the adapter's own `require_flag` if the page has a gate.
        """
        if self.gate is None:
            return native(self.view)
        gate = dict(self.gate)
        if "fallback" in gate:
            gate["fallback"] = native(gate["fallback"])
        return require_flag(**gate)(native(self.view))


@dataclass(frozen=True)
class Answer:
    """
    A response: status, headers by lower-case name, body.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""

    @property
    def json(self) -> Any:
        """
        The body as JSON.
        """
        return json.loads(self.text)


class App(Protocol):
    """
    A started application.
    """

    @property
    def client(self) -> FlagClient:
        """
        The client, from where the adapter holds it.
        """

    def get(self, path: str, headers: Mapping[str, str] = {}) -> Answer:
        """
        GET, redirects not followed. From any thread; several at once are served at once.
        """

    def head(self, path: str) -> Answer:
        """
        HEAD, likewise.
        """

    def stop(self) -> None:
        """
        What ends the adapter in this framework. May be called again.
        """


class Harness(Protocol):
    """
    What the contract knows of a framework.

    Attributes:
        runs_async: whether `async` views can run here (Flask needs asgiref for them).
        value_template: a template that prints the string flag `theme`, else `light`, by the adapter's value tag.
    """

    runs_async: bool
    value_template: str

    def start(self, settings: Mapping[str, Any], *pages: Page) -> App:
        """
        An application with the adapter set up as `settings` say, started.

        Args:
            settings: options without prefix, such as {"SOURCE": client, "CONTEXT_FROM": function, "WAIT_SECONDS": 1}:
                `settings.FLAGS` in Django, `app.config["FLAGS_…"]` in Flask, `read_options(settings)` in Starlette
                and FastAPI. Empty: the environment says all.
            pages: what it serves. Each name, path and gate as given. The adapter's `flags_health` stands beside them,
                at `/healthz/flags`.

        Raises:
            ConfigError: as the adapter raises it.
        """
