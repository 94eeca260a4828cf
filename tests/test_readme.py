"""
The README's samples, taken from it and run.
"""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def block(heading: str, number: int = 0, language: str = "python") -> str:
    section = re.split(r"^## ", README, flags=re.MULTILINE)
    (text,) = [each for each in section if each.startswith(f"{heading}\n")]
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)[number]


@pytest.fixture(autouse=True)
def _beside_the_flags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    In a folder with the README's own flags.yaml.
    """
    (tmp_path / "flags.yaml").write_text(block("Flags in a file", language="yaml"))
    monkeypatch.chdir(tmp_path)


def edited(old: str, new: str) -> None:
    path = Path("flags.yaml")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_the_core_sample_runs() -> None:
    """Without a framework."""
    pytest.importorskip("ruamel.yaml")
    names: dict[str, Any] = {}
    exec(block("Without a framework"), names)
    assert names["flags"].get_string("theme", "light") == "dark"
    names["client"].close()


def test_the_fastapi_sample_runs() -> None:
    """A theme by organization, and a page that is hidden until its flag is on."""
    pytest.importorskip("fastapi")
    import anyio
    import httpx

    names: dict[str, Any] = {}
    exec(block("FastAPI"), names)

    async def main() -> None:
        app = names["app"]
        transport = httpx.ASGITransport(app)
        async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://t") as web:
            assert (await web.get("/", headers={"x-org": "acme"})).json() == {"theme": "dark"}
            assert (await web.get("/")).json() == {"theme": "light"}
            assert (await web.get("/checkout")).status_code == 404
            edited("value: false", "value: true")
            with anyio.fail_after(5):
                while (await web.get("/checkout")).status_code != 200:  # noqa: ASYNC110
                    await anyio.sleep(0.02)

    anyio.run(main)


def test_the_flask_sample_runs() -> None:
    """A block in a template, and a page that a maintenance closes."""
    pytest.importorskip("flask")
    names: dict[str, Any] = {"__name__": "sample"}
    exec(block("Flask"), names)
    web = names["app"].test_client()
    try:
        assert web.get("/").text == "old"
        assert web.get("/checkout", headers={"X-Org": "acme"}).json == {"theme": "dark"}
        edited("maintenance-mode:\n    value: false", "maintenance-mode:\n    value: true")
        names["app"].extensions["flags"].client.refresh()
        closed = web.get("/checkout")
        assert (closed.status_code, closed.headers["Retry-After"]) == (503, "120")
    finally:
        names["app"].extensions["flags"].close()


DJANGO = """
import sys, types
from pathlib import Path
import django
from django.conf import settings
from django.http import HttpResponse
from django.template import engines
from django.test import Client
from django.urls import path

BASE_DIR = Path.cwd()
whose = types.ModuleType("shop.flags")
whose.whose = lambda request: {{"org": request.headers.get("X-Org")}}
sys.modules["shop"] = types.ModuleType("shop")
sys.modules["shop.flags"] = whose
names = {{"INSTALLED_APPS": [], "MIDDLEWARE": [], "BASE_DIR": BASE_DIR}}
exec({settings!r}, names)
settings.configure(
    ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], FLAGS=names["FLAGS"], INSTALLED_APPS=names["INSTALLED_APPS"],
    MIDDLEWARE=names["MIDDLEWARE"],
    TEMPLATES=[{{"BACKEND": "django.template.backends.django.DjangoTemplates",
                 "OPTIONS": {{"context_processors": ["flagcore_django.context_processors.flags"]}}}}],
)
django.setup()
template = engines["django"].from_string({template!r})
def render(request, name, context):
    return HttpResponse(context["theme"] + template.render({{}}, request))


views = {{"__name__": "shop.views", "render": render}}
exec({views!r}, views)
urlpatterns = [path("checkout", views["checkout"])]
web = Client()
assert web.get("/checkout").status_code == 404
text = Path("flags.yaml").read_text()
Path("flags.yaml").write_text(text.replace("value: false", "value: true", 1))
from django.apps import apps
apps.get_app_config("flagcore_django").client.refresh()
answer = web.get("/checkout", headers={{"X-Org": "acme"}})
assert answer.status_code == 200
assert answer.content.decode().split() == ["dark", "the", "new", "one", "…"], answer.content.decode()
"""


@pytest.mark.skipif(find_spec("django") is None, reason="Django is not installed")
def test_the_django_sample_runs() -> None:
    """Settings, a gated view and the tags, in a process of their own."""
    script = DJANGO.format(
        settings=block("Django", 0), views=block("Django", 1), template=block("Django", language="django")
    )
    Path("project.py").write_text(script)
    done = subprocess.run([sys.executable, "project.py"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_every_link_leads_somewhere() -> None:
    """Files that the README points to are there."""
    root = Path(__file__).parents[1]
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert len(links) >= 8
    if not (root / "docs").exists():
        pytest.skip("away from the checkout there are no documents to link to")
    assert [link for link in links if not (root / link).exists()] == []
