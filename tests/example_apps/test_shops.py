"""
The three shops, each through its framework's own test client, following a real flag server.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from shutil import copy
from typing import Any

import pytest

import tests.example_apps.requirement  # noqa: F401
from flagcore.testing import override
from tests.integrations.served import serving

# Starlette's test client would rather have httpx2, which nothing else here needs.
pytestmark = pytest.mark.filterwarnings("ignore:Using `httpx` with `starlette.testclient`")

_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def data(self) -> dict[str, str]:
        """
        The page's `data-…` attributes by name.
        """
        found: dict[str, str] = {}
        parser = HTMLParser()
        parser.handle_starttag = lambda _, attributes: found.update(attributes)  # type: ignore[method-assign]
        parser.feed(self.text)
        return {name: value for name, value in found.items() if name.startswith("data-")}


#: Asks a shop for a path, with flags overridden.
Get = Callable[..., Answer]


def _fastapi() -> Iterator[Get]:
    from fastapi.testclient import TestClient

    from example_apps.fastapi_shop.main import app, client

    with TestClient(app) as browser:

        def get(path: str, **flags: Any) -> Answer:
            with override(client, flags):
                answer = browser.get(path)
            return Answer(answer.status_code, answer.headers, answer.text)

        yield get


def _flask() -> Iterator[Get]:
    from example_apps.flask_shop import create_app

    app = create_app()
    browser = app.test_client()
    extension = app.extensions["flags"]

    def get(path: str, **flags: Any) -> Answer:
        with override(extension.client, flags):
            answer = browser.get(path)
        return Answer(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, answer.text)

    yield get
    extension.close()


def _django() -> Iterator[Get]:
    arguments = [sys.executable, "-m", "tests.example_apps.django_client"]
    with subprocess.Popen(arguments, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def get(path: str, **flags: Any) -> Answer:
            process.stdin.write(json.dumps({"path": path, "flags": flags}) + "\n")
            process.stdin.flush()
            return Answer(**json.loads(process.stdout.readline()))

        yield get


@pytest.fixture(scope="module", params=[_fastapi, _flask, _django], ids=lambda shop: shop.__name__[1:])
def get(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Get]:
    """
    Each shop, following a server of the examples' definition file.
    """
    folder = tmp_path_factory.mktemp("shops")
    path = Path(copy(_ROOT / "example_apps" / "flags.yaml", folder))
    with serving(path) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLAGCORE_URL", f"{server.base_url}/api/v1/document")
        patch.setenv("FLAGCORE_STREAM_URL", f"{server.base_url}/api/v1/document/stream")
        patch.setenv("XDG_CACHE_HOME", str(folder))
        # The shop reads its address when it is imported.
        patch.delitem(sys.modules, "example_apps.fastapi_shop.main", raising=False)
        yield from request.param()


def test_shop_follows_the_definition_file(get: Get) -> None:
    """Without anybody's doing, a shop shows what `flags.yaml` says."""
    answer = get("/")
    assert answer.status == 200
    assert (answer.data["data-theme"], answer.data["data-checkout"]) == ("light", "old")
    assert json.loads(answer.data["data-limits"]) == {"max_items": 10, "max_total": 500}


def test_template_reads_new_checkout(get: Get) -> None:
    """The template shows one of two checkouts."""
    answer = get("/", **{"new-checkout": True})
    assert answer.data["data-checkout"] == "new"
    assert "Pay €72.00" in answer.text
    assert "Continue to delivery" not in answer.text
    assert "Continue to delivery" in get("/").text


@pytest.mark.parametrize(
    ("org", "theme"), [("acme", "dark"), ("globex", "forest"), ("initech", "light"), ("", "light")]
)
def test_theme_goes_by_organisation(get: Get, org: str, theme: str) -> None:
    """`?org=` chooses among the overrides; who has none gets the usual theme."""
    assert get(f"/?org={org}").data["data-theme"] == theme


@pytest.mark.parametrize(("country", "delivery"), [("NL", "free"), ("BE", "free"), ("DE", "paid"), ("", "paid")])
def test_delivery_goes_by_a_rule(get: Get, country: str, delivery: str) -> None:
    """The targeting rule: delivery is free in two countries."""
    assert get(f"/?country={country}").data["data-delivery"] == delivery


@pytest.mark.parametrize(("org", "gift"), [("acme", "seeds"), ("globex", "seeds"), ("initech", None), ("", None)])
def test_gift_goes_by_a_segment(get: Get, org: str, gift: str | None) -> None:
    """The segment: partners get a packet of seeds."""
    assert get(f"/?org={org}").data.get("data-gift") == gift


def test_suggestions_go_by_a_rollout(get: Get) -> None:
    """The rollout: half of the visitors see suggestions, in every shop the same half; guests none."""
    visitors = ["robin", "kim", "sam", "alex", *map(str, range(36))]
    shown = [name for name in visitors if "data-suggestions" in get(f"/?visitor={name}").data]
    assert shown[:2] == ["robin", "sam"]
    assert 10 <= len(shown) <= 30
    assert "data-suggestions" not in get("/").data


def test_view_reads_limits(get: Get) -> None:
    """The limits are the flag's, in words and for programs."""
    answer = get("/", **{"checkout-limits": {"max_items": 3, "max_total": 99}})
    assert json.loads(answer.data["data-limits"]) == {"max_items": 3, "max_total": 99}
    assert "3 of at most 3 things" in answer.text


def test_maintenance_closes_the_shop(get: Get) -> None:
    """While `maintenance-mode` is on: 503, and when to come back."""
    answer = get("/", **{"maintenance-mode": True})
    assert (answer.status, answer.headers["retry-after"]) == (503, "120")
    assert answer.data == {}
    assert get("/").status == 200


def test_values_are_escaped(get: Get) -> None:
    """What somebody types on the server's page is text, whatever it looks like."""
    theme = '"><script>alert(1)</script>'
    answer = get("/", theme=theme)
    assert "<script" not in answer.text
    assert answer.data["data-theme"] == theme
