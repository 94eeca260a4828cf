"""
The servers, and the ways in which each makes its workers.
"""

from __future__ import annotations

import signal

from tests.servers.cell import Cell

__all__ = ["CELLS", "PAGE"]

#: The variable of the environment that names the page whose table this run writes. Where it does, every server is
#: tried, not only the quick ones.
PAGE = "SERVERS_PAGE"

_FLASK = "tests.servers.flask_app:app"
_FASTAPI = "tests.servers.fastapi_app:app"
_DJANGO = "tests.servers.django_app"
_APPS = {"Flask": _FLASK, "FastAPI": _FASTAPI, "Django": f"{_DJANGO}:wsgi", "Django (ASGI)": f"{_DJANGO}:asgi"}

#: Two workers, and time enough at the end for one that hangs to be seen hanging.
_GUNICORN = "gunicorn --bind 127.0.0.1:{port} --workers 2 --log-level warning"


def _gunicorn(worker: str, app: str, *needs: str, preload: bool, options: str = "", **more: object) -> Cell:
    return Cell(
        f"gunicorn {worker.rpartition('.')[2].removesuffix('Worker').lower() or worker}",
        "`--preload`" if preload else "plain",
        app,
        f"{_GUNICORN} --worker-class {worker} {options} {'--preload' if preload else ''} {_APPS[app]}",
        needs=("gunicorn", app.split(maxsplit=1)[0].lower(), *needs),
        respawns=True,
        # Under ASGI each worker runs a lifespan of its own, and a parent has none.
        inherits=preload and app in ("Flask", "Django"),
        **more,  # type: ignore[arg-type]
    )


def _uwsgi(mode: str, options: str, app: str = "Flask", program: str = "uwsgi", **more: object) -> Cell:
    return Cell(
        "uWSGI",
        mode,
        app,
        f"{{{program}}} --http-socket 127.0.0.1:{{port}} --virtualenv {{prefix}} --need-app --die-on-term "
        f"--disable-logging --master --processes 2 {options} --module {_APPS[app]}",
        respawns=True,
        **more,  # type: ignore[arg-type]
    )


CELLS = [
    *(
        cell
        for preload in (False, True)
        for cell in (
            _gunicorn("sync", "Flask", preload=preload, is_quick=preload),
            _gunicorn("sync", "Django", preload=preload),
            _gunicorn("gthread", "Flask", preload=preload, options="--threads 4", is_quick=preload),
            _gunicorn("gthread", "Django", preload=preload, options="--threads 4"),
            _gunicorn("gevent", "Flask", "gevent", preload=preload, is_quick=not preload),
            _gunicorn("uvicorn_worker.UvicornWorker", "FastAPI", "uvicorn_worker", preload=preload, is_quick=preload),
            _gunicorn("asgi", "FastAPI", "gunicorn.workers.gasgi", preload=preload),
            _gunicorn("asgi", "Django (ASGI)", "gunicorn.workers.gasgi", preload=preload),
        )
    ),
    Cell(
        "gunicorn gevent",
        "`--preload`, patched in its configuration",
        "Flask",
        f"{_GUNICORN} --worker-class gevent --config python:tests.servers.patched --preload {_FLASK}",
        needs=("gunicorn", "gevent", "flask"),
        respawns=True,
        inherits=True,
        is_quick=True,
    ),
    _uwsgi("prefork", "--enable-threads"),
    _uwsgi("prefork", "--enable-threads", "Django"),
    _uwsgi("prefork, 2 threads", "--threads 2"),
    _uwsgi("`lazy-apps`", "--enable-threads --lazy-apps"),
    _uwsgi("prefork, `wait_seconds` 5", "--enable-threads", environment={"FLAGCORE_WAIT_SECONDS": "5"}, waits=True),
    _uwsgi(
        "threads off, `wait_seconds` 5",
        "",
        program="UWSGI_WITHOUT_THREADS",
        environment={"FLAGCORE_WAIT_SECONDS": "5"},
        waits=True,
        says="set `enable-threads = true`",
    ),
    _uwsgi(
        "threads off, `lazy-apps`, `wait_seconds` 5",
        "--lazy-apps",
        program="UWSGI_WITHOUT_THREADS",
        environment={"FLAGCORE_WAIT_SECONDS": "5"},
        waits=True,
    ),
    _uwsgi(
        "threads off, no `wait_seconds`",
        "",
        program="UWSGI_WITHOUT_THREADS",
        says="set `enable-threads = true`",
        note="its threads go on while requests run",
    ),
    Cell(
        "uvicorn",
        "`--workers 2`",
        "FastAPI",
        f"uvicorn --port {{port}} --workers 2 --log-level warning {_FASTAPI}",
        needs=("uvicorn", "fastapi"),
        respawns=True,
    ),
    Cell(
        "uvicorn",
        "`--workers 2`",
        "Django (ASGI)",
        f"uvicorn --port {{port}} --workers 2 --log-level warning --lifespan off {_DJANGO}:asgi",
        needs=("uvicorn", "django"),
        respawns=True,
    ),
    Cell(
        "hypercorn",
        "2 workers",
        "FastAPI",
        f"hypercorn --bind 127.0.0.1:{{port}} --workers 2 {_FASTAPI}",
        needs=("hypercorn", "fastapi"),
    ),
    Cell(
        "granian",
        "2 workers, ASGI",
        "FastAPI",
        f"granian --port {{port}} --workers 2 --interface asgi --log-level warning {_FASTAPI}",
        needs=("granian", "fastapi"),
    ),
    Cell(
        "granian",
        "2 workers, WSGI",
        "Flask",
        f"granian --port {{port}} --workers 2 --interface wsgi --log-level warning {_FLASK}",
        needs=("granian", "flask"),
    ),
    Cell(
        "daphne",
        "one process",
        "Django (ASGI)",
        f"daphne --port {{port}} --verbosity 0 {_DJANGO}:asgi",
        workers=1,
        needs=("daphne", "django"),
    ),
    Cell(
        "waitress",
        "one process",
        "Flask",
        f"waitress --listen 127.0.0.1:{{port}} {_FLASK}",
        workers=1,
        needs=("waitress", "flask"),
    ),
    Cell(
        "Celery",
        "prefork",
        "tasks",
        "celery --quiet --app tests.servers.celery_app worker --pool prefork --concurrency 2 --loglevel warning "
        "--without-gossip --without-mingle --without-heartbeat",
        needs=("celery",),
        end_seconds=15.0,  # its own takes more than 5 s, and a pool of which one is killed may answer no more
    ),
    *(
        Cell(
            "multiprocessing",
            f"`{method}`",
            "Flask",
            f"tests.servers.processes {method} {{port}}",
            needs=("flask",),
            is_quick=method == "fork",
        )
        for method in ("fork", "forkserver", "spawn")
    ),
    Cell(
        "Django `runserver`",
        "autoreload",
        "Django",
        "django runserver 127.0.0.1:{port}",
        workers=1,
        needs=("django",),
        environment={"DJANGO_SETTINGS_MODULE": "tests.servers.django_settings"},
        reloads=True,
        end=signal.SIGINT,
        ends_group=True,
    ),
    Cell(
        "`flask run`",
        "`--reload`",
        "Flask",
        f"flask --app {_FLASK} run --port {{port}} --reload",
        workers=1,
        needs=("flask",),
        reloads=True,
        end=signal.SIGINT,
        ends_group=True,
    ),
]
