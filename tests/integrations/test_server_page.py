"""
The flag server's page in a real browser: seen, searched, changed, and safe with whatever a flag says.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

for _needed in ("starlette", "uvicorn", "playwright"):
    pytest.importorskip(_needed)

from playwright.sync_api import expect

from tests.example_apps import browser as chromium
from tests.example_apps.browser import opened
from tests.integrations import served
from tests.integrations.served import SAMPLE, put, serving

path, client, browser = served.path, served.client, chromium.browser
pytestmark = chromium.NEEDED


@pytest.fixture
def page(browser: Any, client: httpx.Client) -> Iterator[Any]:
    with opened(browser, client.base_url) as page:
        yield page


def _row(page: Any, key: str) -> Any:
    return page.locator(f'[data-flag="{key}"]')


def test_page_lists_every_flag_as_text(page: Any) -> None:
    """All flags are there in the file's order; markup in a flag stays text and runs nothing."""
    rows = page.locator("[data-flag]")
    expect(rows).to_have_count(14)
    expect(_row(page, "markup")).to_contain_text("<script>document.title='owned'</script>")
    expect(_row(page, "markup")).to_contain_text("<img src=x onerror=")
    assert page.locator("[data-flag] img, [data-flag] script").count() == 0
    assert page.title() == "flags.yaml · flagcore"
    expect(_row(page, "search-engine")).to_contain_text("expired 31 Jan 2020")
    expect(_row(page, "theme").get_by_label("Overrides")).to_contain_text("orgacmeteamgrowth→midnight")


def test_switch_asks_and_then_switches(page: Any, path: Path) -> None:
    """A click on a switch shows what will change; only Apply changes it, in the file and on the page."""
    switch = _row(page, "new-checkout").get_by_role("switch", name="new-checkout")
    expect(switch).to_have_attribute("aria-checked", "false")
    switch.click()
    dialog = page.locator("dialog#confirm")
    expect(dialog).to_be_visible()
    expect(page.locator("#confirm-before")).to_have_text("off")
    expect(page.locator("#confirm-after")).to_have_text("on")
    page.click("#confirm-cancel")
    expect(dialog).to_be_hidden()
    assert path.read_text("utf-8") == SAMPLE
    switch.click()
    page.keyboard.press("Enter")
    expect(_row(page, "new-checkout").get_by_role("switch")).to_have_attribute("aria-checked", "true")
    expect(page.locator("#announcement")).to_have_text("new-checkout is now on")
    assert "value: true   # off until" in path.read_text("utf-8")


@pytest.mark.parametrize(
    ("key", "typed", "line"),
    [
        ("theme", "midnight blue", "    value: 'midnight blue'   # quoted so"),
        ("page-size", "48", "  page-size: {value: 48}"),
        ("limits", '{"max_items": 30, "max_total": 999.5}', "      max_items: 30      # per basket"),
        ("markup", "it's <b>", '    value: "it\'s <b>"'),
    ],
)
def test_value_is_edited_and_confirmed(page: Any, path: Path, key: str, typed: str, line: str) -> None:
    """Text, numbers and JSON are typed, shown beside the present value, and written in the file's own style."""
    _row(page, key).get_by_role("button").click()
    expect(page.locator("#confirm-apply")).to_be_disabled()
    page.fill("#confirm-input", typed)
    page.click("#confirm-apply")
    expect(page.locator("dialog#confirm")).to_be_hidden()
    assert line in path.read_text("utf-8").splitlines()


def test_variant_is_chosen(page: Any, path: Path) -> None:
    """A flag with variants offers their names, and shows what each stands for."""
    _row(page, "search-engine").get_by_role("button").click()
    page.select_option("#confirm-input", "large")
    expect(page.locator("#confirm-after")).to_contain_text('"shards": 8')
    page.click("#confirm-apply")
    expect(_row(page, "search-engine").get_by_role("button")).to_have_text("large")
    assert "value: large" in path.read_text("utf-8")


def test_what_is_no_value_cannot_be_applied(page: Any) -> None:
    """Broken JSON, text for a number, and another type are said at once, before anything is sent."""
    _row(page, "page-size").get_by_role("button").click()
    page.fill("#confirm-input", "many")
    expect(page.locator("#confirm-error")).to_contain_text("Expected a number")
    expect(page.locator("#confirm-apply")).to_be_disabled()
    page.keyboard.press("Escape")
    _row(page, "limits").get_by_role("button").click()
    page.fill("#confirm-input", "[1]")
    expect(page.locator("#confirm-apply")).to_be_disabled()
    page.check("#confirm-type input")
    page.click("#confirm-apply")
    expect(_row(page, "limits").get_by_role("button")).to_have_text("[1]")


def test_change_by_another_is_shown_before_it_is_overwritten(page: Any, client: httpx.Client, path: Path) -> None:
    """Who has a dialog open while somebody else changes the flag is told, sees the new value, and decides again."""
    _row(page, "theme").get_by_role("button").click()
    page.fill("#confirm-input", "mine")
    put(client, "theme", "theirs")
    expect(_row(page, "theme").get_by_role("button")).to_have_text("theirs")
    page.click("#confirm-apply")
    expect(page.locator("#confirm-error")).to_contain_text("Flag 'theme' was changed meanwhile")
    expect(page.locator("#confirm-before")).to_have_text("theirs")
    assert "'theirs'" in path.read_text("utf-8")
    page.click("#confirm-apply")
    expect(page.locator("dialog#confirm")).to_be_hidden()
    assert "'mine'" in path.read_text("utf-8")


def test_page_follows_the_file_and_the_clients(page: Any, client: httpx.Client, path: Path) -> None:
    """Without a reload the page shows edits on disk, a malformed file, and who reads from here."""
    path.write_text(SAMPLE.replace("value: plain", "value: edited"), encoding="utf-8")
    expect(_row(page, "last").get_by_role("button")).to_have_text("edited")
    path.write_text(SAMPLE + "  broken", encoding="utf-8")
    expect(page.locator("#banner")).to_contain_text("not well-formed")
    path.write_text(SAMPLE, encoding="utf-8")
    expect(page.locator("#banner")).to_be_hidden()
    with client.stream("GET", "/api/v1/document/stream", headers={"user-agent": "<b>shop</b>"}):
        expect(page.locator("#clients li")).to_contain_text("<b>shop</b>")
    expect(page.locator("#clients li")).to_have_count(0)


def test_search_by_keyboard(page: Any) -> None:
    """`/` goes to the search, words narrow the list, Escape shows all again."""
    expect(page.locator("[data-flag]")).to_have_count(14)
    page.keyboard.press("/")
    page.keyboard.type("payments EXPER")
    expect(page.locator("[data-flag]:visible")).to_have_count(1)
    page.fill("#search", "no such flag")
    expect(page.locator("#flags-empty")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("[data-flag]:visible")).to_have_count(14)


def test_token_is_asked_for_once(browser: Any, path: Path) -> None:
    """With an admin token set the page asks for it, says if it is wrong, and keeps it for the tab only."""
    with serving(path, admin_token="right", api_key="reader") as client, opened(browser, client.base_url) as page:
        page.fill("#token-input", "wrong")
        page.keyboard.press("Enter")
        expect(page.locator("#token-error")).to_be_visible()
        page.fill("#token-input", "right")
        page.keyboard.press("Enter")
        expect(page.locator("[data-flag]")).to_have_count(14)
        page.reload()
        expect(page.locator("[data-flag]")).to_have_count(14)
        assert page.evaluate("[localStorage.length, document.cookie, sessionStorage.length]") == [0, "", 1]


def test_server_without_a_token_says_so_on_the_page(browser: Any, path: Path) -> None:
    """Beyond loopback and without a token the page says what to set."""
    with serving(path, loopback=False) as client, opened(browser, client.base_url) as page:
        expect(page.locator("#banner")).to_contain_text("FLAGCORE_SERVE_ADMIN_TOKEN")


def test_phone_shows_all_without_scrolling_sideways(browser: Any, client: httpx.Client) -> None:
    """At a phone's width nothing sticks out, the dialog included, and switches are large enough for a thumb."""
    with opened(browser, client.base_url) as page:
        page.set_viewport_size({"width": 360, "height": 740})
        expect(page.locator("[data-flag]")).to_have_count(14)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        box = _row(page, "new-checkout").get_by_role("switch").bounding_box()
        assert box["height"] >= 32
        assert box["width"] >= 44
        _row(page, "limits").get_by_role("button").click()
        box = page.locator("dialog#confirm").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
