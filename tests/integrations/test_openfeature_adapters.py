"""
A vendor's OpenFeature provider behind every adapter: LaunchDarkly's, with its own offline data.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

pytest.importorskip("openfeature", reason="the OpenFeature SDK is not installed")
pytest.importorskip("ld_openfeature", reason="launchdarkly-openfeature-server is not installed")

from ld_openfeature import LaunchDarklyProvider
from ldclient import Config
from ldclient.integrations.test_data import TestData
from openfeature import api

from flagcore import ErrorCode, FlagClient, Flags, Status
from flagcore.openfeature import OpenFeatureSource
from tests.integrations.page import App, Page
from tests.integrations.shop import by_headers, theme

HARNESSES = {
    "starlette": "StarletteHarness",
    "fastapi": "FastAPIHarness",
    "flask": "FlaskHarness",
    "django": "DjangoHarness",
}

ADA = {"x-user": "ada", "x-org": "acme"}
BOB = {"x-user": "bob", "x-org": "other"}


@pytest.fixture
def data() -> Any:
    """
    LaunchDarkly's flags: one that is on for everybody, one that goes by the org, and one of each further type.
    """
    data = TestData.data_source()
    data.update(data.flag("new-checkout").variation_for_all(True))
    data.update(data.flag("old-checkout").variation_for_all(False))
    by_org = data.flag("theme").variations("light", "dark").fallthrough_variation(0)
    data.update(by_org.if_match("org", "acme").then_return(1))
    for key, value in {"page-size": 24, "ratio": 0.25, "limits": {"max": 5}}.items():
        data.update(data.flag(key).variations(value).fallthrough_variation(0))
    return data


@pytest.fixture
def source(data: Any) -> Iterator[OpenFeatureSource]:
    provider = LaunchDarklyProvider(Config("sdk-key", update_processor_class=data, send_events=False))
    yield OpenFeatureSource(provider)
    api.shutdown()


def every_type(flags: Flags) -> list[Any]:
    """
    A page that reads each type, and what is not there.
    """
    missing = flags.details("missing", "mine")
    known = [flags.get_bool("new-checkout"), flags.get_json("page-size"), flags.get_float("ratio")]
    return [*known, flags.get_json("limits", {}), missing.value, missing.error_code]


PAGES = (
    Page("/types", every_type),
    Page("/theme", theme),
    Page("/open", theme, gate={"key": "new-checkout"}),
    Page("/shut", theme, gate={"key": "old-checkout"}),
    Page("/tag", template='{% flag "new-checkout" %}on{% else %}off{% endflag %}'),
    Page("/tagged", template='{% flag "old-checkout" %}on{% else %}off{% endflag %}'),
)


@pytest.fixture(params=HARNESSES)
def app(request: pytest.FixtureRequest, source: OpenFeatureSource) -> Iterator[App]:
    """
    An application of each framework, which knows nothing of OpenFeature.
    """
    pytest.importorskip(request.param)
    module = import_module(f"tests.integrations.{request.param}_harness")
    options = {"is_async": False} if request.param == "django" else {}
    harness = getattr(module, HARNESSES[request.param])(**options)
    client = FlagClient(source, cache_dir=None)
    app = harness.start({"SOURCE": client, "CONTEXT_FROM": by_headers, "WAIT_SECONDS": 5}, *PAGES)
    yield app
    app.stop()


def test_views_gates_and_tags_read_the_vendors_flags(app: App) -> None:
    """Views read every type, rules see the request's context, gates open and shut, templates branch."""
    assert app.get("/types", ADA).json == [True, 24, 0.25, {"max": 5}, "mine", ErrorCode.FLAG_NOT_FOUND]
    assert [app.get("/theme", who).json for who in (ADA, BOB)] == ["dark", "light"]
    assert [app.get(path, ADA).status for path in ("/open", "/shut")] == [200, 404]
    assert [app.get(path, ADA).text.strip() for path in ("/tag", "/tagged")] == ["on", "off"]


def test_a_request_without_what_the_vendor_needs_gets_defaults(app: App) -> None:
    """LaunchDarkly answers nobody without a key: the default, and no exception."""
    assert app.get("/theme").json == "none"


def test_the_vendors_change_is_seen_by_the_next_view(data: Any, source: OpenFeatureSource) -> None:
    """What a view has read stays as it is; the next view asks again."""
    client = FlagClient(source, cache_dir=None)
    assert client.start(wait_seconds=5)
    assert client.status is Status.READY
    flags = client.flags({"targeting_key": "ada"})
    assert flags.get_bool("new-checkout") is True
    data.update(data.flag("new-checkout").variation_for_all(False))
    assert flags.get_bool("new-checkout") is True
    assert flags.fresh().get_bool("new-checkout") is False
