"""
`python -m bench`: measure flagcore and its peers, and write the table and the picture.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path

from platformdirs import user_cache_path

from bench import machine
from bench.environment import python_of
from bench.peer import NAMES, OURS, NotHere
from bench.plot import svg
from bench.report import Report
from bench.table import markdown

_ROOT = Path(__file__).parents[1]
#: A peer's rows take about half a minute.
_TIMEOUT_SECONDS = 600

_HEAD = """# What flags cost

{date}. {machine}. Medians of {repeats} rounds. `y` is a method that returns `self._d.get(key, default)`, measured in
the same process as the figures beside it; `×` is against flagcore's own figure. How to read it: [README.md](README.md).
{quick}
![The times as a picture](results.svg)

"""


def main() -> None:
    """
    Measure one after the other, so that nobody is disturbed, and write what came of it.
    """
    given = _arguments()
    names = [OURS] if given.no_peers else [name for name in NAMES if not given.only or name in (OURS, *given.only)]
    reports = [_report(name, given) for name in names]
    text = _page(reports, quick=given.quick)
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "results.md").write_text(text, encoding="utf-8")
    (given.out / "results.svg").write_text(svg(reports, _subtitle()), encoding="utf-8")
    if given.json is not None:
        given.json.write_text(json.dumps([asdict(each) for each in reports], indent=1), encoding="utf-8")
    print(text)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure flagcore beside its peers.")
    parser.add_argument("--quick", action="store_true", help="few and short rounds: shows that it works, no more")
    parser.add_argument("--no-peers", action="store_true", help="flagcore and the yardsticks only; needs no network")
    parser.add_argument("--only", nargs="*", default=[], choices=NAMES, help="these peers only")
    parser.add_argument("--cache", type=Path, default=user_cache_path("flagcore-bench"), help="the peers' environments")
    parser.add_argument("--out", type=Path, default=_ROOT / "bench", help="folder for results.md and results.svg")
    parser.add_argument("--json", type=Path, help="a file for the figures themselves")
    return parser.parse_args()


def _report(name: str, given: argparse.Namespace) -> Report:
    try:
        python = sys.executable if name == OURS else python_of(name, given.cache)
    except NotHere as error:
        return Report(name, absent={"": str(error)})
    print(f"{name} …", file=sys.stderr, flush=True)
    command = [python, "-m", "bench.measure", name, *(["--quick"] if given.quick else [])]
    try:
        done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return Report(name, absent={"": f"took more than {_TIMEOUT_SECONDS} s"})
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        return Report(name, absent={"": f"failed: {done.stderr.strip().splitlines()[-1]}"})
    return Report.loaded(done.stdout.splitlines()[-1])


def _subtitle() -> str:
    return f"{datetime.now(timezone.utc):%Y-%m-%d}. {machine.kind()}"


def _page(reports: list[Report], *, quick: bool) -> str:
    from bench.measure import FULL, QUICK

    warning = "\n**A quick run: the figures say little.**\n" if quick else ""
    head = _HEAD.format(
        date=f"{datetime.now(timezone.utc):%Y-%m-%d}",
        machine=machine.kind(),
        repeats=(QUICK if quick else FULL).repeats,
        quick=warning,
    )
    notes = Path(__file__).with_name("notes.md").read_text(encoding="utf-8")
    return head + markdown(reports) + "\n\n" + notes


if __name__ == "__main__":
    main()
