"""
The rows: what is measured, in what unit, and what flagcore means to reach.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["BULK", "READS", "ROWS", "STREAM", "WEB", "WEIGHT", "YARDSTICKS", "Row"]


@dataclass(frozen=True)
class Row:
    """
    One line of the table.

    Attributes:
        name: what the figures are kept under.
        title: what the table says.
        unit: ns, µs, ms, MiB, ratio or count.
        aim: what flagcore means to reach, in words; empty where it set itself nothing.
    """

    name: str
    title: str
    unit: str
    aim: str = ""


def _read(name: str, title: str, limit: float | None = None) -> Row:
    return Row(name, title, "ns", f"≤ {limit:g} y" if limit else "")


YARDSTICKS: Final = (
    _read("dict", "yardstick: a bare `dict.get`"),
    _read("y", "yardstick y: a method that returns `self._d.get(key, default)`"),
)
READS: Final = (
    _read("boolean", "plain boolean", 1.5),
    _read("string", "plain string"),
    Row("json", "plain JSON: a small object, a copy", "ns", "≤ 0.5 × soasap"),
    _read("targeted", "two-clause targeting rule, context at hand", 6),
    _read("built", "the same, context built in the call", 15),
    _read("again", "the same flag read again in one view", 1.6),
    _read("rollout", "50 % rollout, context at hand", 8),
    _read("deepest", "three-level hierarchy, deepest hit", 8),
    _read("default", "three-level hierarchy, default", 8),
    _read("path", "three-level hierarchy by a path of ids, deepest hit"),
    _read("logic", "JsonLogic rule, context at hand", 10),
    Row("all", "all 100 flags of a context", "µs"),
    Row("compile", "compiling a two-clause rule, at the flag's first read", "µs"),
    Row("threads", "8 threads' reads a second against one thread's", "ratio", "≥ 0.95"),
)
WEIGHT: Final = (
    Row("import", "importing the package, over bare Python", "ms", "≤ 20 ms"),
    Row("modules", "modules that this adds", "count", "≤ 80"),
    Row("client_import", "importing what makes a client that follows a service", "ms"),
    Row("client_modules", "modules that this adds", "count"),
    Row("memory_dict", "yardstick: 10,000 booleans in a plain dictionary, traced memory", "MiB"),
    Row("memory", "10,000 plain flags, traced memory", "MiB", "≤ 1.3 MiB"),
    Row("memory_read", "the same after each was read once", "MiB"),
)
BULK: Final = (
    Row("load", "load 10,000 plain flags, from bytes to the first answer", "ms"),
    Row("swap", "swap 10,000 plain flags for others", "ms"),
    Row("loads", "yardstick: one `json.loads` of the 4 MB document", "ms"),
    Row("swap_large", "swap a 4 MB document of 10,000 flags", "ms"),
    Row("pause", "longest gap that a spinning reader sees meanwhile", "ms", "≤ 10 ms"),
    Row("pause_loads", "yardstick: the same gap beside one `json.loads`", "ms"),
    Row("pause_idle", "yardstick: the same gap beside a thread that does nothing", "ms"),
)
WEB: Final = (
    Row("fastapi_depends", "yardstick: an empty async `Depends`, added to a FastAPI request", "µs"),
    Row("fastapi_floor", "yardstick: an ASGI middleware and a `Depends` that takes the connection, both empty", "µs"),
    Row("fastapi", "FastAPI request: middleware and one read add", "µs", "≤ 1.35 × `Depends`"),
    Row("flask", "Flask request: binding and one read add", "µs", "≤ 4 µs"),
    Row("django", "Django request: middleware and one read add", "µs", "≤ 4 µs"),
)
STREAM: Final = (Row("visible", "change on the server → visible, stream, idle process", "ms", "≤ 1 ms"),)
ROWS: Final = (*YARDSTICKS, *READS, *WEIGHT, *BULK, *WEB, *STREAM)
