"""
What is tried on each cell of the matrix.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.integrations.served import put, serving
from tests.servers.answer import KEY
from tests.servers.cell import Cell
from tests.servers.deployment import Deployment
from tests.servers.tasks import TaskDeployment

__all__ = ["Outcome", "attempt"]

#: Seconds within which every worker must have seen a flip, or an end of a worker be over.
_SEEN_SECONDS = 30.0


@dataclass(frozen=True)
class Outcome:
    """
    What a trial found.

    Attributes:
        flip_seconds: from the flag server's answer to a change until every worker has answered from it; the slower of
            two changes.
        end_seconds: from the signal until no process is left.
        killed: whether a killed worker was replaced by one that follows.
    """

    flip_seconds: float
    end_seconds: float
    killed: bool


def attempt(cell: Cell, folder: Path) -> Outcome:
    """
    Serve a cell and flip a flag under it; kill a worker; end it. Fails where a promise is broken.
    """
    document = folder / "flags.yaml"
    document.write_text(f"flags:\n  {KEY}: {{value: before}}\n")
    with serving(document) as server:
        make = TaskDeployment if cell.server == "Celery" else Deployment
        with make(cell, folder, _environment(server, folder)) as deployment:
            deployment.await_up()
            workers = _seen(deployment, "before", cell.workers)
            flips = [_flip(server, deployment, value, workers) for value in ("once", "twice")]
            if cell.reloads:
                _reload(server, deployment, workers)
            elif cell.respawns:
                _kill(server, deployment, workers)
            ended = deployment.end()
            assert ended < cell.end_seconds, f"took {ended:.1f} s to end\n{deployment.log}"
            assert not _is_blamed(deployment), deployment.log
            assert _litter(folder) == []
            assert not (cell.waits and "nothing" in deployment.told), "a worker answered before it had the flags"
            assert not cell.says or deployment.log.count(cell.says) == 1, deployment.log
        _await(lambda: _streams(server) == 0, "its connections stayed open")
    return Outcome(max(flips), ended, cell.respawns)


def _environment(server: httpx.Client, folder: Path) -> dict[str, str]:
    url = f"{server.base_url}".rstrip("/") + "/api/v1/document"
    return {
        "FLAGCORE_SOURCE": "http",
        "FLAGCORE_URL": url,
        "FLAGCORE_STREAM_URL": f"{url}/stream",
        "FLAGCORE_FORMAT": "native",
        "FLAGCORE_POLL_SECONDS": "0.2",
        "FLAGCORE_CACHE_DIR": str(folder / "cache"),
    }


def _seen(deployment: Deployment, value: str, workers: int, others: frozenset[int] = frozenset()) -> frozenset[int]:
    """
    The processes, once as many as there should be, none of them of `others`, have answered `value` last.
    """
    answers: dict[int, str] = {}

    def all_have() -> bool:
        answers.update(deployment.ask())
        for pid in others:
            answers.pop(pid, None)
        return len(answers) >= workers and set(answers.values()) == {value}

    _await(all_have, lambda: f"expected {value!r} of {workers} workers, got {answers}\n{deployment.log}")
    return frozenset(answers)


def _flip(server: httpx.Client, deployment: Deployment, value: str, workers: frozenset[int]) -> float:
    assert put(server, KEY, value).status_code == 200
    began = time.monotonic()
    answers: dict[int, str] = {}

    def every_worker_has() -> bool:
        answers.update(deployment.ask())
        return all(answers.get(pid) == value for pid in workers)

    _await(every_worker_has, lambda: f"expected {value!r} of {set(workers)}, got {answers}\n{deployment.log}")
    return time.monotonic() - began


def _kill(server: httpx.Client, deployment: Deployment, workers: frozenset[int]) -> None:
    """
    A killed worker leaves nothing behind. The one that replaces it follows too; where it inherits what its parent
    follows, its first answer is the newest: the parent's own connection is as it was.
    """
    killed = min(workers)
    os.kill(killed, signal.SIGKILL)
    first: dict[int, str] = {}

    def replaced() -> bool:
        for pid, value in deployment.ask().items():
            first.setdefault(pid, value)
        return bool(set(first) - workers)

    _await(replaced, lambda: f"no worker in place of {killed}: {first}\n{deployment.log}")
    if deployment.cell.inherits:
        assert {value for pid, value in first.items() if pid not in workers} == {"twice"}, first
    assert put(server, KEY, "thrice").status_code == 200
    _seen(deployment, "thrice", len(workers), frozenset({killed}))


def _reload(server: httpx.Client, deployment: Deployment, workers: frozenset[int]) -> None:
    """
    Only the process that serves is connected, and its successor follows in its place.
    """
    assert _streams(server) == 1
    deployment.touch()
    _seen(deployment, "twice", 1, workers)
    _await(lambda: not deployment.pids() & workers, "the process before stayed")
    assert put(server, KEY, "thrice").status_code == 200
    _seen(deployment, "thrice", 1, workers)
    _await(lambda: _streams(server) == 1, "the connection before stayed open")


def _streams(server: httpx.Client) -> int:
    """
    How many clients hold a stream open.
    """
    clients = server.get("/api/v1/admin/state").json()["clients"]
    return sum(each["mode"] == "stream" for each in clients)


def _is_blamed(deployment: Deployment) -> bool:
    """
    Whether the log has a traceback; where a server shuts down under requests, one that has to do with flags.
    """
    _, found, what = deployment.log.partition("Traceback")
    return bool(found) and (not deployment.cell.reloads or "/flagcore" in what)


def _litter(folder: Path) -> list[str]:
    """
    What a process that was killed, or has ended, should not leave in the cache's folder.
    """
    return [path.name for path in (folder / "cache").rglob("*") if path.is_file() and path.suffix == ".tmp"]


def _await(condition: Callable[[], bool], otherwise: str | Callable[[], str]) -> None:
    deadline = time.monotonic() + _SEEN_SECONDS
    while not condition():
        assert time.monotonic() < deadline, otherwise if isinstance(otherwise, str) else otherwise()
        time.sleep(0.005)
