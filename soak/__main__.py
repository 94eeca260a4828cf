"""
`python -m soak --minutes 10`: run it, print the table, and end with 1 if a promise was broken.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path

from flagcore.testing import FaultyServer
from soak.document import document
from soak.load import Load
from soak.processes import WORKERS, Readers, WebServer
from soak.report import Row, markdown, of_load, of_memory, of_readers
from soak.watch import Watch
from soak.weather import Weather

#: Seconds that the last change may take to come everywhere: a stream that went silent is given up after 30.
_SETTLE_SECONDS = 60.0

_PAGE = """# Soak

{date}, {machine}: {minutes:g} minutes, {flags:,} flags ({mib:.1f} MiB of JSON), {changes} changes, {faults} faults of
{kinds} kinds. Written by `python -m soak --minutes {minutes:g} --out docs/soak.md` (`nox -s soak`).

{table}

{told}"""

_TOLD = """The flag service is `flagcore.testing.FaultyServer`. It changes every second, and every few seconds it fails
for one to six, in each of its ways in turn but 401 and 403, which end a feed for good. Eight reader threads follow it
by a stream, a FastAPI application under uvicorn likewise, and a Flask application under gunicorn (`--preload`,
{workers} workers) by polling once a second.

- Three flags change together: a plain one, one with rules, one with variants. Whoever reads them apart, with a sleep or
  an `await` between two reads of one view, must see one revision.
- In the process of the reader threads every lock and every audit hook of Python listens while a view is made and read.
- The readers time blocks of reads, and right after each block as much work's worth of look-ups in a dict by a method:
  by the wall, less the thread's own processor time. What the interpreter's thread switching and the machine keep from
  running, they keep both.
- Memory is the resident set from a third of the run on, with glibc's mmap threshold held at 128 KiB, so that what is
  freed counts as freed. Its slope is that of the floor; the most is what the largest answers (24 MB without a line end,
  a gzip bomb) take for a moment.
- What is left at the end is what `/proc` shows of flagcore's threads, of sockets to the flag service and of the cache's
  files once the client is closed, and of tasks once the lifespan is over.
"""


def main() -> None:
    """
    Run it.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))  # and so end what was started
    given = _arguments()
    weather, rows = _run(given)
    table = markdown(rows)
    print(table)
    print(f"{weather.revision} revisions; faults: {dict(sorted(weather.faults.items()))}")
    if given.out is not None:
        page = _PAGE.format(
            date=datetime.now(timezone.utc).date(),
            machine=_machine(),
            minutes=given.minutes,
            flags=given.flags,
            mib=len(document(1, given.flags)) / 2**20,
            changes=weather.revision - 1,
            faults=weather.faults.total(),
            kinds=len(weather.faults),
            table=table,
            told=_TOLD.format(workers=WORKERS),
        )
        given.out.write_text(page, encoding="utf-8")
    sys.exit(not all(row.is_kept for row in rows))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m soak", description="Readers and web applications in bad weather.")
    parser.add_argument("--minutes", type=float, default=10.0, help="how long it runs, beside starting and settling")
    parser.add_argument("--flags", type=int, default=5000, help="how many flags the document has")
    parser.add_argument("--share", action="store_true", help="processes that read the same share a connection")
    parser.add_argument("--seed", type=int, default=1, help="of the faults' order and lengths")
    parser.add_argument("--out", type=Path, default=None, help="where the page with the figures goes")
    return parser.parse_args()


def _run(given: argparse.Namespace) -> tuple[Weather, list[Row]]:
    with ExitStack() as stack:
        server = stack.enter_context(FaultyServer(document(1, given.flags)))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="flagcore-soak-")))
        environment = {**_environment(server, folder), "SOAK_FLAGS": str(given.flags)}
        environment["SOAK_SHARE"] = "yes" if given.share else "no"
        readers = Readers(environment, folder)
        stack.callback(readers.kill)
        servers = [WebServer(name, environment, folder) for name in ("uvicorn", "gunicorn")]
        for each in servers:
            stack.callback(each.kill)
        loads = [Load(each.url) for each in servers]
        for load in loads:
            stack.callback(load.stop)
            load.start()
        weather = Weather(server, given.flags, given.seed)
        stack.callback(weather.stop)
        weather.start()
        watch = Watch(lambda: {readers.name: readers.pids(), **{each.name: each.pids() for each in servers}})
        stack.callback(watch.stop)
        time.sleep(given.minutes * 60)
        watch.stop()
        return weather, [*_settled(weather, readers, servers, loads), *_memory(watch), *_ends(servers, folder)]


def _environment(server: FaultyServer, folder: Path) -> dict[str, str]:
    for name in ("cache", "ends"):
        (folder / name).mkdir(mode=0o700)
    return {
        "SOAK_URL": server.url,
        "SOAK_STREAM_URL": server.stream_url,
        "SOAK_PORT": str(server.port),
        "SOAK_CACHE": str(folder / "cache"),
        "SOAK_ENDS": str(folder / "ends"),
        # glibc raises it after each large block that is freed, and then keeps the next ones: what is measured here is
        # what is held, not what the allocator keeps in store.
        "MALLOC_MMAP_THRESHOLD_": str(128 * 1024),
    }


def _settled(weather: Weather, readers: Readers, servers: list[WebServer], loads: list[Load]) -> list[Row]:
    revision, begun = weather.settle(), time.monotonic()
    rows = of_readers(readers.finish(revision))
    for server, load in zip(servers, loads, strict=True):
        count = len(server.pids())
        has_come = load.awaited(revision, count, max(1.0, begun + _SETTLE_SECONDS - time.monotonic()))
        rows += of_load(server.name, load, count, time.monotonic() - begun if has_come else None)
    for load in loads:
        load.stop()
    return rows


def _memory(watch: Watch) -> list[Row]:
    counts = {name: sum(other == name for other, _ in watch.series) for name, _ in watch.series}
    numbers = dict.fromkeys(counts, 0)
    rows = []
    for (name, _), series in watch.series.items():
        numbers[name] += 1
        rows.append(of_memory(f"{name} {numbers[name]}" if counts[name] > 1 else name, series))
    return rows


def _ends(servers: list[WebServer], folder: Path) -> list[Row]:
    expected = sum(len(server.pids()) for server in servers)
    seconds = max(server.stop() for server in servers)
    ends = [json.loads(path.read_text(encoding="utf-8")) for path in (folder / "ends").iterdir()]
    left = [what for end in ends for what in end]
    left += [path.name for path in (folder / "cache").iterdir() if path.suffix == ".tmp"]
    figure = "; ".join(left) or f"nothing, in {len(ends)} of {expected} processes, gone within {seconds:.1f} s"
    return [Row("the web servers: no thread, task, socket or file is left", figure, not left and len(ends) == expected)]


def _machine() -> str:
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[1]
    return f"CPython {platform.python_version()} on {platform.system()}, {cores} cores, load average {load:.0f}"


if __name__ == "__main__":
    main()
