# /// script
# dependencies = ["nox>=2024.4", "uv"]
# ///
"""
What the project checks of itself. `nox --list` says what there is; `nox` runs what a change needs.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2024.4"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "types", "tests"]

PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PROJECT)
FRAMEWORKS = ["starlette", "fastapi", "flask", "django", "server"]
SERVERS = ["celery", "daphne", "gevent", "granian", "gunicorn", "hypercorn", "uvicorn-worker", "uwsgi", "waitress"]
#: What an adapter's tests need beside its extra: templates, and servers to run it under.
TESTED_WITH = {
    "starlette": ["jinja2>=3.1", "uvicorn>=0.29"],
    "fastapi": ["jinja2>=3.1", "uvicorn>=0.29"],
    "flask": ["gunicorn>=22"],
    "django": ["gunicorn>=22", "uvicorn>=0.29"],
    "server": [],
}
DJANGOS = ["4.2", "5.2", "6.0"]


def _pytest(session: nox.Session, *arguments: str) -> None:
    session.run("python", "-X", "dev", "-m", "pytest", *arguments, *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """
    Style and slips: ruff, and its formatter.
    """
    session.install("ruff>=0.9")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session(python=["3.10", PYTHONS[-1]])
def types(session: nox.Session) -> None:
    """
    mypy, strict, over every import package.
    """
    session.install("-e", ".[all,dev]")
    session.run("mypy")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """
    The whole suite, with every framework.
    """
    session.install("-e", ".[dev]")
    _pytest(session)


@nox.session(python=PYTHONS)
def bare(session: nox.Session) -> None:
    """
    The core alone: no framework is installed, and nothing misses one.
    """
    session.install("-e", ".[yaml,test]")
    _pytest(session)


@nox.session
@nox.parametrize("framework", FRAMEWORKS)
def framework(session: nox.Session, framework: str) -> None:
    """
    One adapter with its own extra and no other.
    """
    session.install("-e", f".[yaml,test,{framework}]")
    session.run("python", "-c", f"import flagcore_{framework}")
    if TESTED_WITH[framework]:
        session.install(*TESTED_WITH[framework])
    _pytest(session, "tests/integrations")


@nox.session
@nox.parametrize("django", DJANGOS)
def django(session: nox.Session, django: str) -> None:
    """
    The Django adapter on each supported series.
    """
    session.install("-e", ".[yaml,test,django]", f"django~={django}.0")
    _pytest(session, "tests/integrations", "-k", "django")


@nox.session(python="3.10")
def minimums(session: nox.Session) -> None:
    """
    The whole suite on the lowest versions that pyproject.toml allows.
    """
    # Of the direct requirements alone: what they need themselves is their own affair.
    session.install("uv")
    python = str(Path(session.bin) / "python")
    session.run("uv", "pip", "install", "--python", python, "--resolution", "lowest-direct", "-e", ".[all]")
    session.run("uv", "pip", "install", "--python", python, "-e", ".[test]")
    # What old releases warn of on today's Python is not ours to mend.
    _pytest(session, "-W", "default")


@nox.session
def wheel(session: nox.Session) -> None:
    """
    The suite on the built wheel, away from the checkout: nothing a user needs is missing from it.
    """
    session.install("build")
    built = Path(session.create_tmp())
    session.run("python", "-m", "build", "--outdir", str(built), ".", silent=True)
    (found,) = built.glob("*.whl")
    session.install(f"{found}[dev]")
    elsewhere = built / "elsewhere"
    shutil.rmtree(elsewhere, ignore_errors=True)
    for name in ("tests", "bench", "docs", "example_apps", "fuzz", "soak"):
        shutil.copytree(name, elsewhere / name)
    for name in ("pyproject.toml", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "SECURITY.md"):
        shutil.copy(name, elsewhere)
    session.chdir(elsewhere)
    _pytest(session, "-m", "not chromium")


@nox.session
def examples(session: nox.Session) -> None:
    """
    The example shops and their server, as a newcomer runs them.
    """
    session.install("-e", ".[all,test]")
    _pytest(session, "tests/example_apps")


@nox.session
def cover(session: nox.Session) -> None:
    """
    Branch coverage of the core and the adapters; fails below 95 %.
    """
    session.install("-e", ".[dev]")
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *session.posargs)
    session.run("coverage", "combine")
    session.run("coverage", "report", "--fail-under=95", "--skip-covered", "--show-missing")


@nox.session(python="3.12")
def servers(session: nox.Session) -> None:
    """
    Every server there is, flags flipped under each, into docs/servers.md. Ten minutes.
    """
    session.install("-e", ".[all,test]", *SERVERS, "uv")
    # The last uWSGI that can be without threads builds on no later Python. Where that is missing, the table says so.
    old = Path(session.create_tmp()).resolve() / "threadless"
    session.run("uv", "venv", "--quiet", "--clear", "--python", "3.10", str(old), success_codes=[0, 2])
    if old.exists():
        session.run("uv", "pip", "install", "--quiet", "--python", str(old), "-e", ".[flask]", "uwsgi==2.0.22")
    page = str(Path("docs/servers.md").resolve())
    env = {"SERVERS_PAGE": page, "SERVERS_FORKS": "2000", "UWSGI_WITHOUT_THREADS": str(old / "bin" / "uwsgi")}
    session.run("python", "-m", "pytest", "tests/servers", *session.posargs, env=env)


@nox.session
def faults(session: nox.Session) -> None:
    """
    Every fault of a flag service, with the product's own waits, into docs/faults.md; about ten minutes.
    """
    session.install("-e", ".[all,test]")
    session.run("python", "-m", "tests.faults.table", *(session.posargs or ["docs/faults.md"]))


@nox.session
def soak(session: nox.Session) -> None:
    """
    Ten minutes of readers and web applications in bad weather, into docs/soak.md; `-- --minutes 2` for less.
    """
    session.install("-e", ".[all,test]", "gunicorn>=22")
    session.run("python", "-m", "soak", *(session.posargs or ["--out", "docs/soak.md"]))


@nox.session
def share(session: nox.Session) -> None:
    """
    Sixteen processes, then sixteen workers of gunicorn, on one connection: how soon a change is in all of them, and how
    soon another one holds the connection when the holder is killed. Fails above 0.25 s and 1 s.
    """
    session.install("-e", ".[test]", "gunicorn>=22")
    session.run("python", "-m", "tests.feed.following")


@nox.session(python="3.12")
def fuzz(session: nox.Session) -> None:
    """
    Ten minutes of inputs for each decoder and format; `-- events --minutes 1` for less.
    """
    session.install("-e", ".[all]", "atheris>=3.1")
    session.run("python", "-m", "fuzz", *session.posargs)
