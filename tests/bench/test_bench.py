"""
`python -m bench` measures every row of ours, after it has compared the answers.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from bench import reads, specimen
from bench.clock import Effort, nanoseconds
from bench.peer import Reading
from bench.plot import svg
from bench.report import Report
from bench.rows import ROWS, WEB
from bench.table import cell, markdown

for _needed in ("fastapi", "flask", "django"):
    pytest.importorskip(_needed)

ROOT = Path(__file__).parents[2]
#: Rows that no answer can be compared for: yardsticks, and what is weighed or counted.
UNASKED = {
    *("dict", "y", "threads", "import", "modules", "client_import", "client_modules", "memory", "memory_read"),
    *("memory_dict", "load", "loads", "pause", "pause_loads", "pause_idle"),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    folder = tmp_path_factory.mktemp("bench")
    command = [sys.executable, "-m", "bench", "--quick", "--no-peers", "--out", folder, "--json", folder / "f.json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    (report,) = json.loads((folder / "f.json").read_text())
    return report, folder


@pytest.mark.parametrize("row", [row.name for row in ROWS])
def test_every_row_has_a_figure(run: tuple[dict[str, Any], Path], row: str) -> None:
    """Each row has a figure of ours, above nothing unless it is the difference of two as large as each other."""
    report, _ = run
    assert report["absent"] == {}
    assert report["figures"][row] > (-1000 if row in {each.name for each in WEB} else 0)


@pytest.mark.parametrize("row", [row.name for row in ROWS if row.name not in UNASKED])
def test_answers_are_compared_before_they_are_timed(run: tuple[dict[str, Any], Path], row: str) -> None:
    """No read has a figure whose answers were not compared with the specimen's."""
    report, _ = run
    assert (row in report["figures"]) == (report["checked"].get(row, 0) > 0)


def test_table_and_picture_are_written(run: tuple[dict[str, Any], Path]) -> None:
    """The table has a line for each row, with its aim; the picture is well-formed and has our marks."""
    report, folder = run
    text = (folder / "results.md").read_text()
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(lines) == len(ROWS) + 2
    assert "| plain boolean | ≤ 1.5 y | " in text
    picture = (folder / "results.svg").read_text()
    ET.fromstring(picture)
    assert "prefers-color-scheme: dark" in picture
    drawn = [row for row in ROWS if row.unit in ("ns", "µs", "ms") and row.name in report["figures"]]
    assert picture.count('<circle class="ours"') == len(drawn) + 1, "one for each row, and one in the key"


class Wrong:
    """
    A library whose one answer is not the specimen's.
    """

    distribution = "wrong"
    imports = ("pass", "pass")
    bulk = None

    def __init__(self, statement: str) -> None:
        self.statement = statement

    def asking(self, who: object) -> dict[str, Any]:
        return {"key": specimen.WHO["hit"]["targeting_key"], "who": who}

    def readings(self) -> dict[str, Reading | str]:
        return {self.statement.partition(":")[0]: Reading(self.statement.partition(":")[2])}

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    "statement",
    ["boolean:False", "boolean:1", "string:'the 2. theme'", "targeted:True", "rollout:True", "rollout:False", "all:{}"],
)
def test_wrong_answer_is_not_timed(statement: str) -> None:
    """Where a peer answers otherwise, even by type, or its rollout is no half, it gets no figure, and that is said."""
    report = Report("wrong")
    reads.measure(Wrong(statement), report, Effort(1, 0.0001, 1))
    row = statement.partition(":")[0]
    assert report.absent[row].startswith("answers otherwise: ")
    assert set(report.figures) == {"dict", "y"}


def test_right_answer_is_timed() -> None:
    """Where a peer answers as it must, it gets a figure for that row."""
    report = Report("right")
    reads.measure(Wrong("boolean:True"), report, Effort(1, 0.0001, 1))
    assert (report.absent, report.checked) == ({}, {"boolean": 1})
    assert set(report.figures) == {"dict", "y", "boolean", "threads"}


def test_specimen_is_a_hundred_flags() -> None:
    """There are 100 flags, the same in both of flagcore's formats but for the hierarchy."""
    native, flagd = specimen.native()["flags"], specimen.flagd()["flags"]
    assert len(native) == 100
    assert set(native) - set(flagd) == {"layered"}


def test_large_document_changes_as_a_whole() -> None:
    """Between two revisions every value differs; 10,000 flags of 400 bytes are 4 MB."""
    for flag_bytes in (0, 400):
        one, other = (specimen.large(100, revision, flag_bytes=flag_bytes) for revision in (0, 1))
        assert all(one[key] != other[key] for key in one)
    assert len(json.dumps(specimen.large(10_000, 0, flag_bytes=400))) == pytest.approx(4e6, rel=0.03)


def test_time_is_that_of_the_statement() -> None:
    """A statement that does a thing a hundred times takes many times as long as one that does it once."""
    names = {"numbers": list(range(10)), "many": list(range(1000))}
    taken = nanoseconds({"one": Reading("sum(numbers)", names), "all": Reading("sum(many)", names)}, Effort(3, 0.002))
    assert taken["all"] > 5 * taken["one"] > 0


def test_cell_says_figure_unit_and_ratio() -> None:
    """Reads are given in nanoseconds and in y, all else against flagcore's figure."""
    ours = Report("flagcore", "1", figures={"y": 40.0, "boolean": 60.0, "flask": 4.0})
    peer = Report("foff", "2", figures={"y": 50.0, "boolean": 500.0, "flask": 10.0})
    rows = {row.name: row for row in ROWS}
    assert cell(rows["boolean"], ours) == "60.0 ns · 1.50 y"
    assert cell(rows["boolean"], peer) == "500 ns · 10.0 y"
    assert cell(rows["logic"], ours) == "\u2013"
    table = markdown([ours, peer, Report("gone", absent={"": "it could not be installed"})])
    assert "| 4.00 µs | 10.0 µs · 2.50 \u00d7 |" in table
    assert "- gone: it could not be installed" in table


def test_picture_marks_each_peer_once() -> None:
    """A peer is a letter in each of its rows and once in the key; a yardstick is drawn once."""
    reports = [
        Report("flagcore", figures={"y": 40.0, "boolean": 50.0}),
        Report("soasap", figures={"y": 41.0, "boolean": 51.0}),
    ]
    picture = svg(reports, "1 < 2 & so on")
    ET.fromstring(picture)
    assert picture.count(">S</text>") == 2
