"""
A real Chromium, told to keep to the machine it runs on.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

#: Debian's package `chromium`; None where it is not installed.
CHROMIUM = shutil.which("chromium")

#: The marks of tests that drive it.
NEEDED = [
    pytest.mark.chromium,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian package `chromium`)"),
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


@contextmanager
def chromium() -> Iterator[Any]:
    """
    Playwright's `Browser`.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """
    One for all tests of a module, which takes this over by name: `browser = chromium.browser`.
    """
    with chromium() as browser:
        yield browser


@contextmanager
def opened(browser: Any, url: object, **options: Any) -> Iterator[Any]:
    """
    A page at `url`; `options` are those of Playwright's `new_context`. Nothing in it may fail or be refused meanwhile.
    """
    complaints: list[str] = []
    context = browser.new_context(**{"viewport": {"width": 1100, "height": 800}, **options})
    context.set_default_timeout(5000)
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(f"{url}/")
    yield page
    context.close()
    # What the browser reports of an answer of 4xx is no fault of the page.
    assert [each for each in complaints if "Failed to load resource" not in each] == []
