"""
How soon a change on the server is visible in a process that holds its stream and does nothing else.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from statistics import median

from bench.clock import Effort
from bench.loopback import Loopback
from bench.peer import OURS
from bench.report import Report

__all__ = ["PEERS", "measure"]

#: Those whose stream speaks to a server that can be had here.
PEERS = (OURS, "soasap")
_LOOK_SECONDS = 20e-6
#: soasap reads 4,096 bytes at a time, and sees nothing before.
_PADDING = 8192


def measure(report: Report, effort: Effort) -> None:
    """
    Add the time from the server's write to the first read that sees it, the median of several.
    """
    server = Loopback(b'{"turn": 0}', _PADDING if report.name == "soasap" else 0)
    try:
        read, close = _follow(report.name, server.url)
        _await(lambda: read() == 0)
        taken = []
        for turn in range(1, 1 + 3 * effort.repeats):
            time.sleep(0.02)
            begun = time.perf_counter()
            server.send(b'{"turn": %d}' % turn)
            _await(lambda: read() == turn)  # noqa: B023 - called before the next turn
            taken.append(time.perf_counter() - begun)
        report.figures["visible"] = median(taken) * 1e3
        report.checked["visible"] = len(taken)
        close()
    finally:
        server.close()


def _follow(name: str, url: str) -> tuple[Callable[[], float], Callable[[], object]]:
    if name == "soasap":
        from soasap import create_soasap_client

        theirs = create_soasap_client(api_key="k", base_url=url, preload=True, cache_directory=tempfile.mkdtemp())
        return lambda: theirs.get_number("turn", -1), lambda: None
    from flagcore import FlagClient, SoasapSource

    client = FlagClient(SoasapSource("k", url), cache_dir=None)
    client.start(5.0)
    return lambda: client.get_number("turn", -1), client.close


def _await(condition: Callable[[], bool], timeout_seconds: float = 10.0) -> None:
    end = time.perf_counter() + timeout_seconds
    while not condition():
        assert time.perf_counter() < end, f"waited {timeout_seconds} s in vain for a change"
        time.sleep(_LOOK_SECONDS)
