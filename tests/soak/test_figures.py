"""
What a soak would say if a promise were broken. The soak itself is `python -m soak`, two minutes of it in `.ci/run`.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from flagcore import FlagClient, MemorySource
from soak.census import Holding, holding, left, opened
from soak.document import TWINS, document, keys
from soak.load import Load
from soak.readers import Findings
from soak.report import markdown, of_load, of_memory, of_readers
from soak.watch import Series

ROOT = Path(__file__).parents[2]

OVERHEARING = """
import threading, time
from soak import overhearing
overhearing.listen()
lock, again = threading.Lock(), threading.RLock()
with lock, again, open(__file__):
    assert overhearing.heard == []
overhearing.reading.add(threading.get_ident())
sum(range(9))
assert overhearing.heard == []
{reach}
overhearing.reading.clear()
print(len(overhearing.heard))
"""


def series(*holdings: Holding) -> Series:
    made = Series()
    for number, each in enumerate(holdings):
        made.add(2.0 * number, each)
    return made


@pytest.mark.parametrize(
    ("reach", "times"),
    [
        ("lock.acquire()", 1),
        ("with lock: pass", 1),
        ("with again: again.acquire()", 2),
        ("threading.Condition().notify_all", 0),
        ("with threading.Condition(): pass", 1),
        ("open(__file__).close()", 1),
        ("compile('1', '', 'eval')", 0),
    ],
)
def test_what_a_reading_thread_reaches_for_is_heard(tmp_path: Path, reach: str, times: int) -> None:
    """Locks and files; what it computes is not."""
    script = tmp_path / "script.py"
    script.write_text(OVERHEARING.format(reach=reach))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=True)
    assert int(ended.stdout) == times


def test_a_leak_is_no_flat_memory() -> None:
    """A tenth of a MiB with each look is told from a large answer now and then."""
    peaks = [Holding(60.0 + (40 if number % 7 == 0 else 0), 5, 9) for number in range(300)]
    leaking = [Holding(60.0 + number / 10, 5, 9) for number in range(300)]
    flat = of_memory("it", series(*peaks))
    assert flat.is_kept
    assert "+0.00 MiB a minute, at most 100" in flat.figure
    leak = of_memory("it", series(*leaking))
    assert not leak.is_kept
    assert "+3.0" in leak.figure
    assert not of_memory("it", series(*[Holding(60.0, number // 40, 9) for number in range(300)])).is_kept
    assert not of_memory("it", series(*[Holding(60.0, 5, number // 40) for number in range(300)])).is_kept


@pytest.mark.parametrize(
    "broken",
    [
        {"raised": ["KeyError('x')"]},
        {"torn": 1},
        {"defaults": 1},
        {"heard": ["a lock at client.py:7"]},
        {"stalls": 50},
        {"is_settled": False},
        {"left": ["thread flagcore-disk"]},
    ],
)
def test_each_broken_promise_of_the_readers_has_its_row(broken: dict[str, Any]) -> None:
    """One fault, one row that says no."""
    found = {**asdict(Findings(reads=9, revisions=3, is_settled=True)), **broken}
    assert [row.is_kept for row in of_readers(found)].count(False) == 1
    assert "**no**" in markdown(of_readers(found))
    assert all(row.is_kept for row in of_readers(asdict(Findings(is_settled=True))))


def test_each_broken_promise_of_a_server_has_its_row() -> None:
    """A page that failed, one that showed two states, a process that stayed behind."""
    load = Load("http://127.0.0.1:1/")
    assert all(row.is_kept for row in of_load("it", load, 4, 0.5))
    load.failures.append("500")
    load.torn.append("[1, 2]")
    assert not any(row.is_kept for row in of_load("it", load, 4, None))


def test_the_twins_change_together_and_all_flags_are_there() -> None:
    """Three flags say the revision; the document is as large as was asked for."""
    source = MemorySource(document(1, 100).decode())
    client = FlagClient(source, cache_dir=None)
    context = {"targeting_key": "u", "plan": "pro", "country": "NL", "seats": 5}
    for revision in (1, 2, 9):
        source.update(document(revision, 100).decode())
        flags = client.flags(context)
        assert {flags.get_int(key) for key in TWINS} == {revision}
    assert set(client.snapshot) == {*TWINS, *keys(100)}
    assert len(client.snapshot) == 100


def test_the_census_counts_this_process(tmp_path: Path) -> None:
    """Its memory, threads and descriptors; a file of the cache and a connection that are still open."""
    held = holding(os.getpid())
    assert held.resident_mib > 5
    assert held.threads >= 1
    with (tmp_path / "cached").open("w"):
        assert holding(os.getpid()).descriptors == held.descriptors + 1
        assert left(1, str(tmp_path)) == [f"file {tmp_path / 'cached'}"]
    assert left(1, str(tmp_path)) == []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(listener.getsockname()):
            assert left(port, str(tmp_path)) == [f"socket to port {port}"]
            assert left(port, str(tmp_path), opened()) == []
        assert left(port, str(tmp_path)) == []
