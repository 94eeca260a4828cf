"""
Takes the README's pictures anew: `page.png`, the flag server's page, and `shops.png`, the three shops side by side.

    python -m docs.images.pictures
"""  # noqa: INP001 - a script

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.example_apps.browser import chromium
from tests.example_apps.running import Running

_HERE = Path(__file__).parent

#: Pixels. As wide as what a README shows in full, and no higher than what is in them.
_PAGE = {"width": 1100, "height": 1068}
_SHOPS = {"width": 1140, "height": 1440}

#: The shops' picture is scaled down, so that it stays below 160 kB.
_SHOPS_SCALE = 0.75

#: Each shop as somebody else sees it, so that all themes are seen, and the rule, the rollout and the segment.
_QUERIES = ("?visitor=kim&country=NL", "?visitor=robin&org=acme&country=DE", "?visitor=sam&org=globex&country=BE")

#: What is tried on the page.
_TRIED = {"targeting key": "robin", "org": "acme", "country": "DE"}


def main() -> None:
    """
    Start the examples, switch the new checkout on, try a context, and look.
    """
    with TemporaryDirectory() as folder, Running(Path(folder)) as examples, chromium() as browser:
        examples.await_ready()
        examples.put("new-checkout", True)
        server, *shops = examples.urls
        page = browser.new_page(viewport=_PAGE)
        page.goto(server)
        page.wait_for_selector("#clients li")
        for name, typed in _TRIED.items():
            page.get_by_label(name, exact=True).fill(typed)
        page.get_by_role("button", name="Try").click()
        page.locator('[data-flag="free-delivery"] .answer summary').click()
        page.locator("#try-said").click()
        page.evaluate("scrollTo(0, 0)")
        page.screenshot(path=_HERE / "page.png")
        page = browser.new_page(viewport=_SHOPS, device_scale_factor=_SHOPS_SCALE)
        page.set_content(_side_by_side([f"{url}/{query}" for url, query in zip(shops, _QUERIES, strict=True)]))
        page.wait_for_load_state("networkidle")
        page.screenshot(path=_HERE / "shops.png")


def _side_by_side(urls: list[str]) -> str:
    frames = "".join(f'<iframe src="{url}"></iframe>' for url in urls)
    style = "body { display: flex; margin: 0 } iframe { flex: 1; height: 100vh; border: 0 }"
    return f"<style>{style}</style>{frames}"


if __name__ == "__main__":
    main()
