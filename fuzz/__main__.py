"""
`python -m fuzz [TARGET …] --minutes N`: run targets one after the other, and say what came of it.

Each runs in a process of its own. The input that broke a promise is printed, and lies in the folder that `--out` names.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

from fuzz.targets import NAMES

_ROOT = Path(__file__).parents[1]

#: Characters of its report that are shown of a finding: the traceback's end, and the input.
_SHOWN = 4000

#: Seconds that a run may take beyond its minutes, to start and to end.
_SPARE_SECONDS = 120


def main() -> None:
    """
    Run what was asked for; ends with 1 if a promise was broken.
    """
    given = _arguments()
    given.out.mkdir(parents=True, exist_ok=True)
    rows = [_row(name, given.minutes, given.out) for name in given.targets or NAMES]
    print("| target | inputs | a second | peak MiB | outcome |\n|---|---:|---:|---:|---|")
    print("\n".join(rows))
    sys.exit(any("held" not in row for row in rows))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description="Look for inputs that break a promise.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", choices=[[], *NAMES], help=", ".join(NAMES))
    parser.add_argument("--minutes", type=float, default=10.0, help="how long each target runs")
    parser.add_argument("--out", type=Path, default=_ROOT / ".fuzz", help="where an input that broke a promise goes")
    return parser.parse_args()


def _row(name: str, minutes: float, out: Path) -> str:
    target = [name, str(round(minutes * 60)), str(out / f"{name}-")]
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-m", "fuzz.guided", *target],
        cwd=_ROOT,
        stderr=subprocess.PIPE,  # libFuzzer's own words; what it says of a finding is shown
        text=True,
        errors="replace",
        timeout=minutes * 60 + _SPARE_SECONDS,
        check=False,
    )
    if ended.returncode:
        print(ended.stderr[-_SHOWN:], file=sys.stderr)
    figures = dict(re.findall(r"stat::(\w+):\s+(\d+)", ended.stderr))
    shown = (figures.get(each, "?") for each in ("number_of_executed_units", "average_exec_per_sec", "peak_rss_mb"))
    return f"| {name} | {' | '.join(shown)} | {'broken' if ended.returncode else 'held'} |"


if __name__ == "__main__":
    main()
