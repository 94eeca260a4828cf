"""
The web applications under load: a page that reads flags that change together, with a pause in between.

Each says at its process's end what flagcore left behind, in a file of the folder that `SOAK_ENDS` names.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import random
from typing import Any

from fastapi import FastAPI
from flask import Flask

from flagcore import Flags
from flagcore_fastapi import FlagsDep, lifespan
from soak.census import left, opened
from soak.document import TWINS
from soak.readers import client_of

__all__ = ["asynchronous", "threaded"]

#: Seconds that a page takes between two reads, at most: long enough for a change to come.
_PAUSE_SECONDS = 0.1

#: Seconds that starting may wait for the first document.
_START_SECONDS = 30.0


def asynchronous() -> Any:
    """
    A FastAPI application, whose client is a task of its loop and holds a stream.
    """
    followed = lifespan(client_of(stream=True), wait_seconds=_START_SECONDS)

    @asynccontextmanager
    async def counted(app: FastAPI) -> AsyncIterator[Any]:
        before = asyncio.all_tasks()
        async with followed(app) as state:
            yield state
        _tell("uvicorn", [f"task {each.get_name()}" for each in asyncio.all_tasks() - before])

    app = FastAPI(lifespan=counted)

    @app.get("/")
    async def page(flags: FlagsDep) -> dict[str, Any]:
        first = flags.get_int(TWINS[0])
        await asyncio.sleep(random() * _PAUSE_SECONDS)
        return _answer(first, flags)

    return app


def threaded() -> Any:
    """
    A Flask application, whose client polls in a thread of each worker.
    """
    atexit.register(_tell_at_exit, os.getpid())  # before the package's own, which closes clients: called after it
    os.register_at_fork(after_in_child=_inherit)
    from flagcore_flask import FlagsExtension, get_flags

    app = Flask(__name__)
    FlagsExtension(app, client_of(stream=False), wait_seconds=_START_SECONDS)

    @app.get("/")
    def page() -> dict[str, Any]:
        first = get_flags().get_int(TWINS[0])
        time.sleep(random() * _PAUSE_SECONDS)
        return _answer(first, get_flags())

    return app


def _answer(first: int, flags: Flags) -> dict[str, Any]:
    asked = flags.with_context({"plan": "pro", "country": "NL"})
    return {"pid": os.getpid(), "seen": [first, flags.get_int(TWINS[0]), *map(asked.get_int, TWINS[1:])]}


#: What a worker had open when it was forked: its parent's, and none of its business.
_inherited: set[int] = set()


def _inherit() -> None:
    _inherited.update(opened())


def _tell_at_exit(master: int) -> None:
    if os.getpid() != master:  # whoever loaded the application serves no page
        _tell("gunicorn", [])


def _tell(who: str, tasks: list[str]) -> None:
    found = [*tasks, *left(int(os.environ["SOAK_PORT"]), os.environ["SOAK_CACHE"], _inherited)]
    told = json.dumps([f"{who}: {what}" for what in found])
    Path(os.environ["SOAK_ENDS"], f"{os.getpid()}.json").write_text(told, encoding="utf-8")
