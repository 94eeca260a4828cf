"""
What a library weighs before it does anything: its import, and 10,000 flags in memory.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tracemalloc
from statistics import median

from bench import specimen
from bench.clock import Effort
from bench.peer import Peer
from bench.report import Report

__all__ = ["measure"]

_IMPORT = """
import sys, time
before, begun = len(sys.modules), time.perf_counter()
{}
print(time.perf_counter() - begun, len(sys.modules) - before)
"""
_MIB = 2**20


def measure(peer: Peer, report: Report, effort: Effort) -> None:
    """
    Add what it weighs to `report`.
    """
    for prefix, statement in zip(("", "client_"), peer.imports, strict=True):
        # -I: neither the folder nor the environment adds a path. The first run fills the caches and is thrown away.
        command = [sys.executable, "-I", "-c", _IMPORT.format(statement)]
        runs = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(effort.repeats + 1)]
        found = [run.stdout.split() for run in runs[1:]]
        report.figures[f"{prefix}import"] = median(float(each[0]) for each in found) * 1e3
        report.figures[f"{prefix}modules"] = median(int(each[1]) for each in found)
    if peer.bulk is None:
        return
    bulk = peer.bulk
    document = bulk.document(specimen.large(effort.bulk, 0))
    keys = list(specimen.large(effort.bulk, 0))
    bulk.load(bulk.document({"flag": True}))  # what a first load imports is no flag's memory
    gc.collect()
    tracemalloc.start()
    try:
        reader = bulk.load(document)
        gc.collect()
        report.figures["memory"] = tracemalloc.get_traced_memory()[0] / _MIB
        for key in keys:
            bulk.read(reader, key)
        gc.collect()
        report.figures["memory_read"] = tracemalloc.get_traced_memory()[0] / _MIB
        report.figures["memory_dict"] = _plain(effort)
    finally:
        tracemalloc.stop()


def _plain(effort: Effort) -> float:
    text = json.dumps(specimen.large(effort.bulk, 0))
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    kept = json.loads(text)
    taken = tracemalloc.get_traced_memory()[0] - before
    del kept
    return taken / _MIB
