"""
The product, whole: flags flipped on the server's page in a real browser, and three shops that follow.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import tests.example_apps.requirement  # noqa: F401
from tests.example_apps import browser as chromium
from tests.example_apps.running import Running, until

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")

browser = chromium.browser
pytestmark = chromium.NEEDED

_FLAGS = Path(__file__).parents[2] / "example_apps" / "flags.yaml"

#: Seconds in which a shop follows what is changed on the page.
_FOLLOWS_SECONDS = 1.0


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """
    The four programs; afterwards nothing of them is left.
    """
    before = _FLAGS.read_text("utf-8")
    with Running(tmp_path_factory.mktemp("temporary")) as running:
        running.await_ready()
        pids = running.pids()
        yield running
        assert running.pids() == pids, "a process was started again"
        assert len(pids) == 4
        assert running.stop(signal.SIGTERM) == (0, "")
    assert running.leftovers() == []
    assert _FLAGS.read_text("utf-8") == before, "the examples' own file was changed"


@pytest.fixture
def pages(browser: Any, examples: Running) -> Iterator[list[Any]]:
    """
    The server's page, then the shops'.
    """
    context = browser.new_context()
    context.set_default_timeout(10_000)
    found = [context.new_page() for _ in examples.urls]
    for page, url in zip(found, examples.urls, strict=True):
        page.goto(url)
    yield found
    context.close()


def flip(page: Any, key: str, to: bool) -> None:
    """
    Switch a flag as a person does: click, read, confirm.
    """
    page.bring_to_front()
    switch = page.locator(f'[data-flag="{key}"] [role="switch"]')
    playwright.expect(switch).to_have_attribute("aria-checked", str(not to).lower())
    switch.click()
    playwright.expect(page.locator("dialog#confirm")).to_be_visible()
    page.click("#confirm-apply")


def await_shops(examples: Running, status: int, text: str) -> None:
    """
    Wait until all shops answer so; fail when that is not within a second from now.
    """
    with httpx.Client() as client:
        answers = (client.get(url) for url in examples.urls[1:] * 1000)
        until(lambda: all(_is_so(next(answers), status, text) for _ in examples.urls[1:]), _FOLLOWS_SECONDS)


def _is_so(answer: httpx.Response, status: int, text: str) -> bool:
    return answer.status_code == status and text in answer.text


def test_shops_follow_the_page(examples: Running, pages: list[Any]) -> None:
    """A switch on the page changes the checkout in all three shops within a second, and back."""
    server, *shops = pages
    for value, checkout in ((True, "new"), (False, "old")):
        flip(server, "new-checkout", value)
        await_shops(examples, 200, f'data-checkout="{checkout}"')
        for shop in shops:
            shop.reload()
            playwright.expect(shop.locator("[data-checkout]")).to_have_attribute("data-checkout", checkout)


def test_maintenance_closes_all_shops(examples: Running, pages: list[Any]) -> None:
    """While maintenance-mode is on, each shop answers 503 and says when to come back; then it is open again."""
    server, *shops = pages
    flip(server, "maintenance-mode", True)
    await_shops(examples, 503, "Service Unavailable")
    for shop in shops:
        answer = shop.reload()
        assert (answer.status, answer.headers["retry-after"]) == (503, "120")
    flip(server, "maintenance-mode", False)
    await_shops(examples, 200, "data-checkout")
    assert [shop.reload().status for shop in shops] == [200, 200, 200]


def test_edited_value_reaches_all_shops(examples: Running, pages: list[Any]) -> None:
    """A text and a JSON value, typed into the page, change what the shops show."""
    server, *shops = pages
    before = {"theme": "light", "checkout-limits": '{"max_items": 10, "max_total": 500}'}
    after = {"theme": "forest", "checkout-limits": '{"max_items": 4, "max_total": 80}'}
    for typed, theme, limits in ((after, "forest", "of at most 4 things"), (before, "light", "of at most 10 things")):
        for key, text in typed.items():
            server.bring_to_front()
            server.click(f'[data-flag="{key}"] .edit')
            server.fill("#confirm-input", text)
            server.click("#confirm-apply")
            playwright.expect(server.locator("dialog#confirm")).to_be_hidden()
        await_shops(examples, 200, limits)
        for shop in shops:
            shop.reload()
            playwright.expect(shop.locator("body")).to_have_attribute("data-theme", theme)


def test_colours_go_by_organisation(pages: list[Any]) -> None:
    """Whoever chooses an organisation sees its own theme, which looks different, and on the way back the usual one."""
    for shop in pages[1:]:
        seen = {}
        for name, theme in (("Acme", "dark"), ("Globex", "forest"), ("no organisation", "light")):
            shop.get_by_label("Organisation").select_option(name)
            playwright.expect(shop.locator("body")).to_have_attribute("data-theme", theme)
            playwright.expect(shop.get_by_label("Organisation").locator(":checked")).to_have_text(name)
            seen[theme] = shop.evaluate("getComputedStyle(document.body).backgroundColor")
        assert len(set(seen.values())) == 3


def test_shops_fit_a_phone(pages: list[Any]) -> None:
    """On a screen of 360 pixels nothing is wider than the screen, and nothing is missing that the page refers to."""
    for shop in pages[1:]:
        complaints: list[str] = []
        shop.on("console", lambda message, complaints=complaints: complaints.append(message.text))
        shop.set_viewport_size({"width": 360, "height": 740})
        shop.reload()
        assert shop.evaluate("document.documentElement.scrollWidth") == 360
        assert complaints == []
