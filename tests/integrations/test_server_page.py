"""
The flag server's page in a real browser: seen, searched, changed, and safe with whatever a flag says.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

for _needed in ("starlette", "uvicorn", "playwright"):
    pytest.importorskip(_needed)

from tests.integrations.served import SAMPLE, put, sample_in, serving

playwright = pytest.importorskip("playwright.sync_api")
_CHROMIUM = shutil.which("chromium")

pytestmark = [
    pytest.mark.chromium,
    pytest.mark.skipif(_CHROMIUM is None, reason="Chromium is not installed (Debian package `chromium`)"),
]

_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=_CHROMIUM, args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return sample_in(tmp_path)


@pytest.fixture
def client(path: Path) -> Iterator[httpx.Client]:
    with serving(path) as client:
        yield client


@pytest.fixture
def page(browser: Any, client: httpx.Client) -> Iterator[Any]:
    yield from _open(browser, str(client.base_url))


def _open(browser: Any, url: str) -> Iterator[Any]:
    complaints: list[str] = []
    context = browser.new_context(viewport={"width": 1100, "height": 800})
    context.set_default_timeout(5000)
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(url + "/")
    page.complaints = complaints
    yield page
    context.close()
    # What the browser reports of an answer of 4xx is no fault of the page.
    assert [each for each in complaints if "Failed to load resource" not in each] == []


def _row(page: Any, key: str) -> Any:
    return page.locator(f'[data-flag="{key}"]')


def test_page_lists_every_flag_as_text(page: Any) -> None:
    """All flags are there in the file's order; markup in a flag stays text and runs nothing."""
    rows = page.locator("[data-flag]")
    playwright.expect(rows).to_have_count(14)
    playwright.expect(_row(page, "markup")).to_contain_text("<script>document.title='owned'</script>")
    playwright.expect(_row(page, "markup")).to_contain_text("<img src=x onerror=")
    assert page.locator("[data-flag] img, [data-flag] script").count() == 0
    assert page.title() == "flags.yaml · flagcore"
    playwright.expect(_row(page, "search-engine")).to_contain_text("expired 31 Jan 2020")
    playwright.expect(_row(page, "theme").get_by_label("Overrides")).to_contain_text("orgacmeteamgrowth→midnight")


def test_switch_asks_and_then_switches(page: Any, path: Path) -> None:
    """A click on a switch shows what will change; only Apply changes it, in the file and on the page."""
    switch = _row(page, "new-checkout").get_by_role("switch", name="new-checkout")
    playwright.expect(switch).to_have_attribute("aria-checked", "false")
    switch.click()
    dialog = page.locator("dialog#confirm")
    playwright.expect(dialog).to_be_visible()
    playwright.expect(page.locator("#confirm-before")).to_have_text("off")
    playwright.expect(page.locator("#confirm-after")).to_have_text("on")
    page.click("#confirm-cancel")
    playwright.expect(dialog).to_be_hidden()
    assert path.read_text("utf-8") == SAMPLE
    switch.click()
    page.keyboard.press("Enter")
    playwright.expect(_row(page, "new-checkout").get_by_role("switch")).to_have_attribute("aria-checked", "true")
    playwright.expect(page.locator("#announcement")).to_have_text("new-checkout is now on")
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
    playwright.expect(page.locator("#confirm-apply")).to_be_disabled()
    page.fill("#confirm-input", typed)
    page.click("#confirm-apply")
    playwright.expect(page.locator("dialog#confirm")).to_be_hidden()
    assert line in path.read_text("utf-8").splitlines()


def test_variant_is_chosen(page: Any, path: Path) -> None:
    """A flag with variants offers their names, and shows what each stands for."""
    _row(page, "search-engine").get_by_role("button").click()
    page.select_option("#confirm-input", "large")
    playwright.expect(page.locator("#confirm-after")).to_contain_text('"shards": 8')
    page.click("#confirm-apply")
    playwright.expect(_row(page, "search-engine").get_by_role("button")).to_have_text("large")
    assert "value: large" in path.read_text("utf-8")


def test_what_is_no_value_cannot_be_applied(page: Any) -> None:
    """Broken JSON, text for a number, and another type are said at once, before anything is sent."""
    _row(page, "page-size").get_by_role("button").click()
    page.fill("#confirm-input", "many")
    playwright.expect(page.locator("#confirm-error")).to_contain_text("Expected a number")
    playwright.expect(page.locator("#confirm-apply")).to_be_disabled()
    page.keyboard.press("Escape")
    _row(page, "limits").get_by_role("button").click()
    page.fill("#confirm-input", "[1]")
    playwright.expect(page.locator("#confirm-apply")).to_be_disabled()
    page.check("#confirm-type input")
    page.click("#confirm-apply")
    playwright.expect(_row(page, "limits").get_by_role("button")).to_have_text("[1]")


def test_change_by_another_is_shown_before_it_is_overwritten(page: Any, client: httpx.Client, path: Path) -> None:
    """Who has a dialog open while somebody else changes the flag is told, sees the new value, and decides again."""
    _row(page, "theme").get_by_role("button").click()
    page.fill("#confirm-input", "mine")
    put(client, "theme", "theirs")
    playwright.expect(_row(page, "theme").get_by_role("button")).to_have_text("theirs")
    page.click("#confirm-apply")
    playwright.expect(page.locator("#confirm-error")).to_contain_text("Flag 'theme' was changed meanwhile")
    playwright.expect(page.locator("#confirm-before")).to_have_text("theirs")
    assert "'theirs'" in path.read_text("utf-8")
    page.click("#confirm-apply")
    playwright.expect(page.locator("dialog#confirm")).to_be_hidden()
    assert "'mine'" in path.read_text("utf-8")


def test_page_follows_the_file_and_the_clients(page: Any, client: httpx.Client, path: Path) -> None:
    """Without a reload the page shows edits on disk, a malformed file, and who reads from here."""
    path.write_text(SAMPLE.replace("value: plain", "value: edited"), encoding="utf-8")
    playwright.expect(_row(page, "last").get_by_role("button")).to_have_text("edited")
    path.write_text(SAMPLE + "  broken", encoding="utf-8")
    playwright.expect(page.locator("#banner")).to_contain_text("not well-formed")
    path.write_text(SAMPLE, encoding="utf-8")
    playwright.expect(page.locator("#banner")).to_be_hidden()
    with client.stream("GET", "/api/v1/document/stream", headers={"user-agent": "<b>shop</b>"}):
        playwright.expect(page.locator("#clients li")).to_contain_text("<b>shop</b>")
    playwright.expect(page.locator("#clients li")).to_have_count(0)


def test_search_by_keyboard(page: Any) -> None:
    """`/` goes to the search, words narrow the list, Escape shows all again."""
    playwright.expect(page.locator("[data-flag]")).to_have_count(14)
    page.keyboard.press("/")
    page.keyboard.type("payments EXPER")
    playwright.expect(page.locator("[data-flag]:visible")).to_have_count(1)
    page.fill("#search", "no such flag")
    playwright.expect(page.locator("#flags-empty")).to_be_visible()
    page.keyboard.press("Escape")
    playwright.expect(page.locator("[data-flag]:visible")).to_have_count(14)


def test_token_is_asked_for_once(browser: Any, path: Path) -> None:
    """With an admin token set the page asks for it, says if it is wrong, and keeps it for the tab only."""
    with serving(path, admin_token="right", api_key="reader") as client:
        for page in _open(browser, str(client.base_url)):
            page.fill("#token-input", "wrong")
            page.keyboard.press("Enter")
            playwright.expect(page.locator("#token-error")).to_be_visible()
            page.fill("#token-input", "right")
            page.keyboard.press("Enter")
            playwright.expect(page.locator("[data-flag]")).to_have_count(14)
            page.reload()
            playwright.expect(page.locator("[data-flag]")).to_have_count(14)
            assert page.evaluate("[localStorage.length, document.cookie, sessionStorage.length]") == [0, "", 1]


def test_server_without_a_token_says_so_on_the_page(browser: Any, path: Path) -> None:
    """Beyond loopback and without a token the page says what to set."""
    with serving(path, loopback=False) as client:
        for page in _open(browser, str(client.base_url)):
            playwright.expect(page.locator("#banner")).to_contain_text("FLAGCORE_SERVE_ADMIN_TOKEN")


def test_phone_shows_all_without_scrolling_sideways(browser: Any, client: httpx.Client) -> None:
    """At a phone's width nothing sticks out, the dialog included, and switches are large enough for a thumb."""
    for page in _open(browser, str(client.base_url)):
        page.set_viewport_size({"width": 360, "height": 740})
        playwright.expect(page.locator("[data-flag]")).to_have_count(14)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        box = _row(page, "new-checkout").get_by_role("switch").bounding_box()
        assert box["height"] >= 32
        assert box["width"] >= 44
        _row(page, "limits").get_by_role("button").click()
        box = page.locator("dialog#confirm").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
