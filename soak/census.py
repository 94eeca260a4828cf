"""
What a process holds: memory, threads, sockets and files, as Linux tells it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

__all__ = ["Holding", "holding", "left", "opened"]


class Holding(NamedTuple):
    """
    What a process holds at one moment.
    """

    resident_mib: float
    threads: int
    descriptors: int


def holding(pid: int) -> Holding:
    """
    What the process `pid` holds. I/O: reads /proc.

    Raises:
        OSError: it has ended.
    """
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return Holding(
        int(fields["VmRSS"].split()[0]) / 1024, int(fields["Threads"]), len(list(Path(f"/proc/{pid}/fd").iterdir()))
    )


def left(port: int, folder: str, inherited: Collection[int] = ()) -> list[str]:
    """
    What flagcore has left behind in this process: its threads, its sockets to the flag service at `port`, its files in
    the cache's `folder`, but for the `inherited` ones of `opened`. I/O: reads /proc.
    """
    found = [f"thread {each.name}" for each in threading.enumerate() if each.name.startswith("flagcore")]
    sockets = _sockets_to(port)
    for inode, path in opened().items():
        if inode in inherited:
            continue
        if path.startswith("socket:") and inode in sockets:
            found.append(f"socket to port {port}")
        elif path.startswith(folder):
            found.append(f"file {path}")
    return found


def opened() -> dict[int, str]:
    """
    What this process has open: {inode: path}. A file that is renamed stays the same. I/O: reads /proc.
    """
    found = {}
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the one that the folder is listed by
            path = os.readlink(descriptor)  # noqa: PTH115 - it is no path, mostly
            found[descriptor.stat().st_ino] = path
    return found


def _sockets_to(port: int) -> set[int]:
    """
    The inodes of this machine's TCP sockets whose far end is `port`.
    """
    lines = Path("/proc/self/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    rows = [line.split() for line in lines]
    return {int(row[9]) for row in rows if int(row[2].rpartition(":")[2], 16) == port}
