"""
By how much a process grows when it meets a fault: a process of its own, with one client and nothing else.

    python -m tests.faults.growth URL STREAM_URL SHAPE ATTEMPTS     # says its peak; again after a line and the attempts
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from flagcore import FlagClient, Status
from flagcore.testing import Fault, FaultyServer
from tests.faults.expectations import expected
from tests.faults.subject import Pace, document, source_of

#: Short waits, so that it is tried several times; a time-out that lets the largest body come.
_PACE = Pace(poll_seconds=0.2, timeout_seconds=10.0, silence_seconds=2.0, heartbeat_seconds=0.1, retry_after_seconds=1)

#: Attempts that fail after which it is enough, by what the client then is; seconds for one that does not fail.
_ATTEMPTS = {Status.STALE: 2, Status.FATAL: 1, Status.READY: 0}
_SECONDS = 1.0


def grown_mib(fault: Fault, shape: str) -> float:
    """
    MiB by which the peak of a process's memory grows from before the fault until after some attempts at it.
    """
    with FaultyServer(document(1), heartbeat_seconds=_PACE.heartbeat_seconds) as server:
        attempts = _ATTEMPTS[expected(fault, shape).warm]
        command = [sys.executable, "-m", "tests.faults.growth", server.url, server.stream_url, shape, str(attempts)]
        with subprocess.Popen(
            command, cwd=Path(__file__).parents[2], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            before = float(child.stdout.readline())
            server.fault(fault)
            after = float(child.communicate("now\n")[0])
    return after - before


def main(url: str, stream_url: str, shape: str, attempts: str) -> None:
    """
    Follow the service; say the peak before the fault, and after it.
    """
    errors: list[object] = []
    with FlagClient(source_of(url, stream_url, shape, _PACE), cache_dir=None, on_error=errors.append) as client:
        client.wait_ready(10)
        _say_peak()
        sys.stdin.readline()
        end = time.monotonic() + _SECONDS
        while len(errors) < int(attempts) or (not int(attempts) and time.monotonic() < end):
            time.sleep(0.02)
        _say_peak()


def _say_peak() -> None:
    sys.stdout.write(f"{_peak_mib()}\n")
    sys.stdout.flush()


def _peak_mib() -> float:
    # Not getrusage: on Linux its peak begins with that of the process it was forked from.
    status = Path("/proc/self/status")
    if status.exists():
        kib = next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(kib) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


if __name__ == "__main__":
    main(*sys.argv[1:])
