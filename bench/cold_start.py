"""
What a start costs while the flag service is down: `python -m bench.cold_start [--rounds 15]`.

Two questions. How long does it take from nothing to the first correct read, which the disk cache answers, and how much
of that would importing an HTTP client have taken? And does an application start any later because the service can't be
reached? Each figure is of processes of their own, taken in turns: their median, and the least of them, to which what
else the machine was doing added least.
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from statistics import median
from typing import NamedTuple

from bench import machine
from bench.loopback import Loopback

__all__ = ["Taken", "first_read", "starts"]

_DOCUMENT = json.dumps({"flags": {f"flag-{number}": {"value": number} for number in range(100)}}).encode()

_HTTPX = """
import time
begun = time.perf_counter()
import httpx
print(time.perf_counter() - begun)
"""

_FIRST_READ = """
import sys, time
begun = time.perf_counter()
from flagcore import FlagClient, HTTPSource
client = FlagClient(HTTPSource(sys.argv[1], "native"), cache_dir=sys.argv[2])
client.start(float(sys.argv[3]))
value = client.get_int("flag-7")
print(time.perf_counter() - begun, flush=True)
assert value == 7, client.details("flag-7", 0)
client.close()
"""

_START = """
import asyncio, sys, time
{imports}
from flagcore import FlagClient, HTTPSource
begun = time.perf_counter()
client = FlagClient(HTTPSource(sys.argv[1], "native"), cache_dir=None)
{start}
"""

_LIFESPAN = """
async def start(app):
    async with app.router.lifespan_context(app):
        print(time.perf_counter() - begun, flush=True)
asyncio.run(start({app}))
"""

_SAY = "print(time.perf_counter() - begun, flush=True); client.close()"

#: {adapter: what starts an application of its with `wait_seconds` 0, and says how long that took}.
STARTS: Mapping[str, str] = {
    "Starlette": _START.format(
        imports="from starlette.applications import Starlette\nfrom flagcore_starlette import lifespan",
        start=_LIFESPAN.format(app="Starlette(lifespan=lifespan(client))"),
    ),
    "FastAPI": _START.format(
        imports="from fastapi import FastAPI\nfrom flagcore_fastapi import lifespan",
        start=_LIFESPAN.format(app="FastAPI(lifespan=lifespan(client))"),
    ),
    "Flask": _START.format(
        imports="from flask import Flask\nfrom flagcore_flask import FlagsExtension",
        start=f"FlagsExtension(Flask('shop'), client); {_SAY}",
    ),
    "Django": _START.format(
        imports="import django\nfrom django.conf import settings",
        start=f"""
settings.configure(INSTALLED_APPS=["flagcore_django"], FLAGS={{"SOURCE": lambda: client}})
django.setup(); {_SAY}
""",
    ),
}


class Taken(NamedTuple):
    """
    What several processes took, in milliseconds.
    """

    median: float
    least: float


def first_read(rounds: int) -> dict[str, Taken]:
    """
    The time to `import httpx`, and to the first correct read with nobody listening, in new processes.
    """
    with tempfile.TemporaryDirectory() as folder:
        server = Loopback(_DOCUMENT)
        url = f"{server.url}/flags"
        _seconds(_FIRST_READ, url, folder, "10")  # fills the cache
        server.close()
        return _taken(
            {
                "import httpx": lambda: _seconds(_HTTPX),
                "first read": lambda: _seconds(_FIRST_READ, url, folder, "0"),
            },
            rounds,
        )


def starts(adapter: str, rounds: int) -> dict[str, Taken]:
    """
    The time that an application's start takes with a server that answers, with none, and with one that never does.
    """
    with ExitStack() as stack:
        server = Loopback(_DOCUMENT)
        stack.callback(server.close)
        ports = {"refused": stack.enter_context(_closed_port()), "silent": stack.enter_context(_silent_port())}
        urls = {"reachable": server.url, **{name: f"http://127.0.0.1:{port}" for name, port in ports.items()}}
        code = STARTS[adapter]
        return _taken({name: partial(_seconds, code, f"{url}/flags") for name, url in urls.items()}, rounds)


def _taken(calls: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, Taken]:
    # In turns, so that what else the machine does falls on all alike. The first of several rounds fills caches.
    taken = [{name: call() for name, call in calls.items()} for _ in range(rounds)]
    taken = taken[1:] or taken
    columns = {name: [each[name] * 1e3 for each in taken] for name in calls}
    return {name: Taken(median(column), min(column)) for name, column in columns.items()}


def _seconds(code: str, *arguments: str) -> float:
    # -I: neither the folder nor the environment adds a path.
    command = [sys.executable, "-I", "-c", code, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=60, check=True)
    return float(done.stdout)


@contextmanager
def _closed_port() -> Iterator[int]:
    # Bound and not listening: every connection is refused, and nobody else gets the port meanwhile.
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@contextmanager
def _silent_port() -> Iterator[int]:
    # Accepts by its backlog, and says nothing.
    with socket.create_server(("127.0.0.1", 0)) as held:
        yield held.getsockname()[1]


def main() -> None:
    """
    Measure, and print a table.
    """
    parser = argparse.ArgumentParser(prog="python -m bench.cold_start", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="processes for each figure; the first doesn't count")
    rounds = parser.parse_args().rounds
    print(f"{machine.kind()}; {rounds} processes each: the median, and the least\n")
    found = first_read(rounds)
    print("| first correct read, from disk, the server down | ms |\n|---|---:|")
    for name, taken in found.items():
        print(f"| {name} | {taken.median:.0f}, {taken.least:.0f} |")
    beyond = [ours - theirs for ours, theirs in zip(found["first read"], found["import httpx"], strict=True)]
    print(f"| beyond it | {beyond[0]:+.0f}, {beyond[1]:+.0f} |\n")
    print("| start with `wait_seconds` 0, ms | reachable | refused | silent |\n|---|---:|---:|---:|")
    for adapter in STARTS:
        cells = " | ".join(f"{taken.median:.0f}, {taken.least:.0f}" for taken in starts(adapter, rounds).values())
        print(f"| {adapter} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
