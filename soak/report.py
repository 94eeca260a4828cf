"""
What a soak came to: rows of what was promised, what was seen, and whether it was kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from soak.load import Load
from soak.readers import THREADS
from soak.watch import Series
from soak.yardstick import STALL_MS

__all__ = ["Row", "markdown", "of_load", "of_memory", "of_readers"]

#: By how much a process may be larger in the last third of its time than in the first: a share, or so many MiB. One
#: more document kept for each change would be a hundred times as much.
_GROWTH = 0.05
_SLACK_MIB = 4.0

#: By how many its threads and descriptors may: a connection more or less, as the weather has it. One left by each fault
#: would be a hundred.
_SLACK_COUNT = 2

#: How many more blocks of reads than of plain look-ups may be held up, of as many; and how many whatever the share.
_MORE_STALLS = 2
_FEW = 20


@dataclass(frozen=True)
class Row:
    """
    One promise.
    """

    promise: str
    figure: str
    is_kept: bool


def of_readers(found: dict[str, Any]) -> list[Row]:
    """
    What the reader threads saw.
    """
    who = f"{THREADS} reader threads"
    stalls, yardstick = found["stalls"], found["yardstick_stalls"]
    longest, yard = found["longest_ms"], found["yardstick_longest_ms"]
    return [
        Row(f"{who}: no read raises", _of(found["raised"], f"0 of {found['reads']:,}"), not found["raised"]),
        Row(
            f"{who}: none sees two states",
            f"{found['torn']} times, in {found['revisions']} revisions seen",
            not found["torn"],
        ),
        Row(f"{who}: none falls back to its default", str(found["defaults"]), not found["defaults"]),
        Row(
            f"{who}: no read takes a lock, opens, sends, sleeps or starts anything",
            _of(found["heard"], "nothing heard"),
            not found["heard"],
        ),
        Row(
            f"{who}: kept waiting for {STALL_MS} ms no more often than look-ups in a dict",
            f"{stalls} : {yardstick}; 99.9 % within {found['p999_ms']:.1f} : {found['yardstick_p999_ms']:.1f} ms, "
            f"the longest {longest:.0f} : {yard:.0f} ms",
            stalls <= _MORE_STALLS * yardstick + _FEW,
        ),
        Row(
            f"{who}: the last change comes",
            f"{found['settle_seconds']:.1f} s after the last fault",
            found["is_settled"],
        ),
        Row(f"{who}: nothing is left at the end", _of(found["left"], "nothing"), not found["left"]),
    ]


def of_load(name: str, load: Load, processes: int, settled: float | None) -> list[Row]:
    """
    What a web server answered; `settled` is the seconds until every process had the last change, None for never.
    """
    who = f"{name}, {processes} process{'es' * (processes > 1)}"
    asked = sum(load.answers.values())
    return [
        Row(f"{who}: every page is answered", _of(load.failures, f"{asked:,} of {asked:,}"), not load.failures),
        Row(f"{who}: no request sees two states", _of(load.torn, f"0 of {asked:,}"), not load.torn),
        Row(
            f"{who}: the last change comes, everywhere",
            "never" if settled is None else f"{settled:.1f} s after the last fault",
            settled is not None,
        ),
    ]


def of_memory(name: str, series: Series) -> Row:
    """
    Whether one process stays as it is.
    """
    grown = series.growth
    figure = (
        f"{series.resident_mib:.0f} MiB, {series.slope_mib:+.2f} MiB a minute, at most {series.peak_mib:.0f}; "
        f"{grown.threads:+d} threads, {grown.descriptors:+d} descriptors"
    )
    is_flat = grown.resident_mib <= max(_SLACK_MIB, series.resident_mib * _GROWTH)
    return Row(f"{name}: memory flat", figure, is_flat and max(grown.threads, grown.descriptors) <= _SLACK_COUNT)


def markdown(rows: list[Row]) -> str:
    """
    The rows as a table.
    """
    lines = [f"| {each.promise} | {each.figure} | {'yes' if each.is_kept else '**no**'} |" for each in rows]
    return "\n".join(["| promise | seen | kept |", "|---|---|---|", *lines])


def _of(faults: list[str], otherwise: str) -> str:
    return "; ".join(faults).replace("|", "\\|")[:600] if faults else otherwise
