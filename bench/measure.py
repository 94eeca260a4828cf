"""
One peer's figures, in a process of its own and in its own environment: `python -m bench.measure PEER [--quick]`.

The last line of its output is the report.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import logging
import platform

from bench import bulk, compiling, reads, stream, web, weight
from bench.clock import Effort
from bench.peer import NAMES, OURS, load
from bench.report import Report

__all__ = ["FULL", "QUICK", "measure"]

FULL = Effort()
#: Enough to see that every row works; its figures say little.
QUICK = Effort(repeats=3, batch_seconds=0.002, bulk=1_000)


def measure(name: str, effort: Effort) -> Report:
    """
    All that can be measured of a peer.
    """
    version = importlib.metadata.version(NAMES[name][0]) if name != OURS else _ours()
    report = Report(name, version, platform.python_version())
    peer = load(name)
    reads.measure(peer, report, effort)
    if name == OURS:
        compiling.measure(report, effort)
    weight.measure(peer, report, effort)
    bulk.measure(peer, report, effort)
    if name in stream.PEERS:
        stream.measure(report, effort)
    if name in web.PEERS:
        web.measure(report, effort)
    peer.close()
    return report


def _ours() -> str:
    from flagcore import __version__

    return __version__


def main() -> None:
    """
    Measure, and print the report.
    """
    parser = argparse.ArgumentParser(prog="python -m bench.measure")
    parser.add_argument("peer", choices=NAMES)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    print(measure(given.peer, QUICK if given.quick else FULL).dumped(), flush=True)


if __name__ == "__main__":
    main()
