"""
Rules on the flag server's page, in a real browser: read in words, and tried with a context.
"""

from __future__ import annotations

import re
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
from tests.integrations.ruled import RULED, ruled_in
from tests.integrations.served import serving

browser = chromium.browser
pytestmark = chromium.NEEDED


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """
    Of one server for all tests here that change nothing.
    """
    with serving(ruled_in(tmp_path_factory.mktemp("ruled"))) as client:
        yield client


@pytest.fixture(scope="module")
def tab(browser: Any, server: httpx.Client) -> Iterator[Any]:
    with opened(browser, server.base_url) as page:
        yield page


@pytest.fixture
def page(tab: Any, server: httpx.Client) -> Any:
    """
    The page, opened anew.
    """
    tab.goto(f"{server.base_url}/")
    return tab


def row(page: Any, key: str) -> Any:
    """
    A flag's row.
    """
    return page.locator(f'[data-flag="{key}"]')


def rules(page: Any, key: str) -> list[str]:
    """
    The lines of a flag's rules, as they are read.
    """
    lines = row(page, key).get_by_role("list", name="Rules of").get_by_role("listitem")
    expect(lines.first).to_be_visible()
    return [" ".join(each.split()) for each in lines.all_inner_texts()]


def answer(page: Any, key: str) -> Any:
    """
    What a flag gives the context that is tried.
    """
    return row(page, key).locator(".answer")


def try_fields(page: Any, **typed: str) -> None:
    """
    Type into the fields by their names, and press Enter.
    """
    for name, text in typed.items():
        page.get_by_label("targeting key" if name == "key" else name, exact=True).fill(text)
    page.keyboard.press("Enter")


def try_json(page: Any, text: str) -> None:
    """
    Type the whole context as JSON, and click on Try.
    """
    page.get_by_text("JSON", exact=True).click()
    page.fill("#try-json", text)
    page.get_by_role("button", name="Try").click()


def test_rules_are_read_in_words(page: Any) -> None:
    """Each rule says for whom, what, and to which share; the last line what is left for all others."""
    expected = {
        "new-checkout": [
            'if segment("beta-testers") on Those who asked for it',
            'if country in ["NL", "BE"] and flag("payments-v2") on for 25 %',
            "otherwise off",
        ],
        "payments-v2": ["everyone on for 0 to 50 % moving from 1 Jan 2026 to 1 Feb 2027", "otherwise off"],
        "limits": [
            'if segment("nearby") large',
            "everyone small 60 %, medium 30 %, large 10 % by org, salt limits-2026",
            "otherwise small",
        ],
        "seasonal": [
            'if after("2027-01-01") and semver(app_version, ">=2.1.0") and user.age >= 18 snow for 12.5 %',
            "otherwise none",
        ],
    }
    assert {key: rules(page, key) for key in expected} == expected


def test_variants_overrides_and_segments_are_there(page: Any) -> None:
    """Named values with what they stand for, overrides with their paths, and every segment's condition."""
    expect(row(page, "limits").get_by_label("Variants")).to_contain_text('medium{"max": 20}')
    expect(row(page, "theme").get_by_label("Overrides")).to_contain_text("orgacme→dark")
    segments = page.get_by_role("region", name="Segments").get_by_role("listitem")
    expect(segments).to_have_count(2)
    expect(segments.first).to_contain_text('endswith(email, "@example.com") or plan == "enterprise"')
    expect(row(page, "plain").get_by_role("list", name="Rules of")).to_have_count(0)


def test_reference_leads_to_what_it_names(page: Any) -> None:
    """A segment or flag within a condition is a link to it, whichever quotes it is in."""
    row(page, "new-checkout").get_by_role("link", name='"payments-v2"').click()
    expect(row(page, "payments-v2")).to_be_in_viewport()
    page.get_by_role("region", name="Segments").get_by_role("link", name="'beta-testers'").click()
    assert page.evaluate("document.querySelector(':target h3').textContent") == "beta-testers"


def test_search_finds_rules(page: Any) -> None:
    """What a condition says is searched, too."""
    page.fill("#search", "semver")
    expect(page.locator("[data-flag]:visible")).to_have_count(1)
    expect(row(page, "seasonal")).to_be_visible()


def test_markup_stays_text(page: Any) -> None:
    """Neither a rule nor a context that is tried becomes part of the page."""
    expect(row(page, "markup")).to_contain_text("<img src=x onerror=document.title='owned'>")
    expect(row(page, "markup")).to_contain_text("<b>bold</b>")
    try_fields(page, key="<script>document.title='owned'</script>", name="<img src=x onerror=document.title='owned'>")
    answer(page, "markup").locator("summary").click()
    expect(answer(page, "markup")).to_contain_text("name is \"<img src=x onerror=document.title='owned'>\"")
    assert page.locator("[data-flag] img, [data-flag] script").count() == 0
    assert page.title() == "flags.yaml · flagcore"


def test_fields_are_tried(page: Any) -> None:
    """Each flag says what the context gets and why; the rule that decided is marked, and what differs is counted."""
    try_fields(page, key="user-7", country="NL", email="kim@shop.example")
    expect(answer(page, "limits").locator("summary")).to_have_text('This context getslargerule 1: serves {"max": 50}')
    expect(row(page, "limits").locator(".rules .decides")).to_contain_text("nearby")
    expect(answer(page, "plain").locator("summary")).to_contain_text("7the same for everybody")
    expect(page.locator("#try-said")).to_contain_text("1 flag gives something else than its own value")
    answer(page, "limits").locator("summary").click()
    steps = answer(page, "limits").get_by_role("listitem")
    expect(steps.filter(has_text='country in ["NL", "BE"]').last).to_have_text(
        'truesegment nearby: country in ["NL", "BE"]country is "NL"'
    )
    expect(steps.filter(has_text="plan ==").last).to_contain_text("plan is missing")
    expect(answer(page, "limits").get_by_label("The whole value")).to_contain_text('"max": 50')


def test_bucket_is_said(page: Any) -> None:
    """Of a rollout, which bucket of how many, and whether that is in."""
    try_fields(page, key="user-7")
    answer(page, "payments-v2").locator("summary").click()
    expect(answer(page, "payments-v2")).to_contain_text('bucket 8329 of 10000 for "user-7" with the salt "payments-v2"')
    expect(answer(page, "payments-v2").locator(".verdict").last).to_have_text("out")


def test_types_are_shown_as_they_are_typed(page: Any) -> None:
    """A field says what it takes its text for; quotes make text of anything."""
    field = page.get_by_label("plan", exact=True)
    kinds = {
        "enterprise": "text",
        "18": "number",
        "true": "boolean",
        '"18"': "text",
        "[1]": "list",
        '{"a": 1}': "object",
    }
    kinds.update({"007": "text", "12345678901234567890": "text", "null": "null", "": ""})
    for text, kind in kinds.items():
        field.fill(text)
        expect(field).to_have_accessible_description(kind)


def test_json_is_tried_and_goes_back_into_fields(page: Any) -> None:
    """What was typed in fields is there as JSON, and the other way round."""
    page.get_by_label("org", exact=True).fill("acme")
    page.get_by_label("plan", exact=True).fill('"18"')
    page.get_by_text("JSON", exact=True).click()
    expect(page.locator("#try-json")).to_have_value('{\n  "org": "acme",\n  "plan": "18"\n}')
    page.fill("#try-json", '{"targetingKey": "u1", "org": "acme", "user": {"age": 30}, "extra": "007"}')
    page.get_by_role("button", name="Try").click()
    expect(answer(page, "theme").locator("summary")).to_contain_text("dark")
    page.get_by_text("Fields", exact=True).click()
    fields = {"targeting key": "u1", "org": "acme", "user": '{"age":30}', "extra": "007", "plan": ""}
    for name, text in fields.items():
        expect(page.get_by_label(name, exact=True)).to_have_value(text)


def test_fault_is_said_beside_the_json(page: Any) -> None:
    """What the page or the server can't take is said at the field, which is marked, until it is mended."""
    field = page.locator("#try-json")
    for text, sentence in {
        '{"org": ': "This is not JSON yet",
        "[1]": "Expected an object",
        '{"targeting_key": 7}': "expected a string, such as a user's id in quotes, got a number",
    }.items():
        try_json(page, text)
        expect(field).to_have_accessible_description(re.compile(re.escape(sentence)))
        expect(field).to_have_attribute("aria-invalid", "true")
        field.fill("{}")
        expect(field).to_have_attribute("aria-invalid", "false")
    page.get_by_role("button", name="Try").click()
    expect(answer(page, "theme")).to_be_visible()


def test_fault_is_said_beside_its_field(page: Any) -> None:
    """Broken JSON in a field is said at once, and nothing is tried."""
    org = page.get_by_label("org", exact=True)
    org.fill("{acme")
    expect(org).to_have_accessible_description(re.compile("^What begins with { is read as JSON"))
    page.keyboard.press("Enter")
    expect(org).to_be_focused()
    expect(page.locator(".answer")).to_have_count(0)


def test_attribute_is_added_and_a_slip_in_it_is_said(page: Any) -> None:
    """A value needs a name, and a name stands once."""
    page.get_by_role("button", name="Add an attribute").click()
    name, value = page.get_by_label("Attribute", exact=True), page.get_by_label("Value", exact=True)
    expect(name).to_be_focused()
    value.fill("1")
    page.keyboard.press("Enter")
    expect(page.get_by_text("name beside its value.")).to_be_visible()
    page.get_by_label("org", exact=True).fill("acme")
    name.fill("org")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Expected each attribute once, got org again.")).to_be_visible()
    expect(page.locator(".answer")).to_have_count(0)
    name.fill("beta")
    page.keyboard.press("Enter")
    expect(answer(page, "theme").locator("summary")).to_contain_text("dark")


def test_try_follows_the_file_until_it_is_cleared(browser: Any, tmp_path: Path) -> None:
    """An edit changes the answers, and what was opened stays open and focused, until Clear takes all away."""
    path = ruled_in(tmp_path)
    with serving(path) as client, opened(browser, client.base_url) as page:
        try_fields(page, org="acme")
        answer(page, "theme").locator("summary").click()
        path.write_text(RULED.replace("value: dark", "value: black"), encoding="utf-8")
        expect(answer(page, "theme").locator("summary")).to_contain_text("black")
        expect(answer(page, "theme").locator(".steps")).to_be_visible()
        expect(answer(page, "theme").locator("summary")).to_be_focused()
        page.get_by_role("button", name="Clear").click()
        expect(page.locator(".answer, .decides")).to_have_count(0)
        expect(page.get_by_label("org", exact=True)).to_have_value("acme")


def test_keyboard_alone_does_it(page: Any) -> None:
    """Tab reaches the way of typing, each field and the button; Enter tries; Enter opens an explanation."""
    expect(page.get_by_label("team", exact=True)).to_be_visible()
    page.get_by_label("Fields", exact=True).focus()
    for name in ("targeting key", "org", "team"):
        page.keyboard.press("Tab")
        expect(page.get_by_label(name, exact=True)).to_be_focused()
    page.keyboard.type("growth")
    page.keyboard.press("Enter")
    summary = answer(page, "plain").locator("summary")
    summary.focus()
    page.keyboard.press("Enter")
    expect(answer(page, "plain")).to_contain_text("reason STATIC")


def test_dialog_says_that_rules_stay(page: Any) -> None:
    """A switch is about those whom no rule decides for, and the dialog says so."""
    row(page, "new-checkout").get_by_role("switch").click()
    expect(page.locator("#confirm-effect")).to_contain_text("Its rules stay as they are, and decide first.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phone_shows_rules_and_answers(browser: Any, server: httpx.Client, scheme: str) -> None:
    """At 390 pixels nothing sticks out; what is tried stands before the flags; no text is faint."""
    options = {"viewport": {"width": 390, "height": 844}, "color_scheme": scheme}
    with opened(browser, server.base_url, **options) as page:
        page.locator("#try summary").click()
        try_fields(page, key="user-7", country="NL", email="kim@shop.example")
        for key in ("new-checkout", "limits", "payments-v2"):
            answer(page, key).locator("summary").click()
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        assert page.locator("#try").bounding_box()["y"] < page.locator("#flags").bounding_box()["y"]
        assert page.evaluate(_FAINT) == []


#: Texts that stand out from their background by less than 4.5 to 1. Source: WCAG 2.2, success criterion 1.4.3.
_FAINT = """() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => channels(colour).slice(0, 3).map((each) => each / 255)
    .map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4))
    .reduce((sum, each, index) => sum + each * [0.2126, 0.7152, 0.0722][index], 0);
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if ((channels(colour)[3] ?? 1) > 0) return colour;
    }
  };
  const hasText = (element) => [...element.childNodes].some((each) => each.nodeType === 3 && each.textContent.trim());
  return [...document.querySelectorAll("main *")]
    .filter((each) => hasText(each) && each.checkVisibility())
    .filter((each) => each.closest("[data-state], .hidden, option, datalist") === null)
    .map((each) => [each, [light(getComputedStyle(each).color), light(behind(each))].sort((one, other) => one - other)])
    .filter(([, [dark, bright]]) => (bright + 0.05) / (dark + 0.05) < 4.5)
    .map(([each, pair]) => [each.outerHTML.slice(0, 120), ...pair]);
}"""
