"""
All figures that are times as one picture, in SVG, for light and dark: a line a row, a mark a peer, a logarithmic axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import log10

from bench.peer import OURS
from bench.report import Report
from bench.rows import ROWS, Row

__all__ = ["svg"]

_NANOSECONDS = {"ns": 1.0, "µs": 1e3, "ms": 1e6}
#: The axis: 10 ns to 1 s.
_DECADES = (1, 9)
_LEFT, _WIDTH, _RIGHT, _TOP, _LINE = 400, 640, 20, 70, 26
#: Characters of a row's title that there is room for.
_TITLE = 54
#: Across a peer's mark.
_MARK = 12
_TICKS = {1: "10 ns", 2: "100 ns", 3: "1 µs", 4: "10 µs", 5: "100 µs", 6: "1 ms", 7: "10 ms", 8: "100 ms", 9: "1 s"}
_LETTERS = {
    "soasap": "S",
    "foff": "F",
    "furagu": "U",
    "launchdarkly": "L",
    "unleash": "N",
    "growthbook": "G",
    "flagd_core": "D",
    "openfeature": "O",
    "configcat": "C",
}
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.small { font-size: 11px } .ours { fill: #0969da } .mark { fill: #57606a } .mark text, .letter { fill: #fff;
font-size: 9px; font-weight: 600; text-anchor: middle } .grid { stroke: #d0d7de } .middle { text-anchor: middle }
.end { text-anchor: end } .title { font-size: 16px; font-weight: 600 } .value { fill: #0969da; font-size: 11px }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .ours { fill: #58a6ff } .mark { fill: #8b949e }
.letter { fill: #0d1117 } .grid { stroke: #30363d } .value { fill: #58a6ff } }
"""


def svg(reports: Sequence[Report], subtitle: str) -> str:
    """
    The picture. It has no background of its own.
    """
    rows = [row for row in ROWS if row.unit in _NANOSECONDS and any(row.name in report.figures for report in reports)]
    height = _TOP + _LINE * len(rows) + 60
    width = _LEFT + _WIDTH + _RIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        f"<title>flagcore beside its peers</title><style>{_STYLE}</style>",
        '<text class="title" x="16" y="26">flagcore beside its peers: time, further left is quicker</text>',
        f'<text class="small" x="16" y="44">{escape(subtitle)}</text>',
        *_axis(height),
        *(part for number, row in enumerate(rows) for part in _row(row, reports, _TOP + _LINE * number + _LINE / 2)),
        *_key(reports, height - 14),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _x(nanoseconds: float) -> float:
    low, high = _DECADES
    place = (log10(max(nanoseconds, 10.0)) - low) / (high - low)
    return round(_LEFT + _WIDTH * min(place, 1.0), 1)


def _axis(height: int) -> list[str]:
    parts = []
    for decade, text in _TICKS.items():
        x = _x(10.0**decade)
        parts.append(f'<line class="grid" x1="{x}" x2="{x}" y1="{_TOP}" y2="{height - 60}"/>')
        parts.append(f'<text class="small middle" x="{x}" y="{_TOP - 8}">{text}</text>')
    return parts


def _row(row: Row, reports: Sequence[Report], y: float) -> list[str]:
    title = row.title.replace("`", "")
    if title.startswith("yardstick"):
        reports = reports[:1]  # each process has its own, all in one place
    title = title if len(title) <= _TITLE else f"{title[: _TITLE - 1]}…"
    parts = [f'<text class="end" x="{_LEFT - 14}" y="{y + 4}">{escape(title)}</text>']
    marks = [
        (_x(report.figures[row.name] * _NANOSECONDS[row.unit]), report)
        for report in reports
        if row.name in report.figures
    ]
    # Peers from right to left, on the first of three lanes where none is in the way; ours last, on top.
    lanes = dict.fromkeys((0, -6, 6), float("inf"))
    own = next((x for x, report in marks if report.name == OURS), float("inf"))
    for x, report in sorted((each for each in marks if each[1].name != OURS), key=lambda each: -each[0]):
        free = [lane for lane, taken in lanes.items() if taken - x >= _MARK and (lane or abs(own - x) >= _MARK)]
        lift = free[0] if free else max(lanes, key=lambda lane: lanes[lane])
        lanes[lift] = x
        hint = escape(f"{report.name}: {report.figures[row.name]:,.3g} {row.unit}")
        letter = _LETTERS[report.name]
        parts.append(f'<g><title>{hint}</title><circle class="mark" cx="{x}" cy="{y + lift}" r="{_MARK / 2}"/>')
        parts.append(f'<text class="letter" x="{x}" y="{y + lift + 3}">{letter}</text></g>')
    for x, report in (each for each in marks if each[1].name == OURS):
        figure = f"{report.figures[row.name]:,.3g} {row.unit}"
        parts.append(f'<g><title>{OURS}: {figure}</title><circle class="ours" cx="{x}" cy="{y}" r="7"/></g>')
    return parts


def _key(reports: Sequence[Report], y: float) -> list[str]:
    parts = [f'<circle class="ours" cx="24" cy="{y - 4}" r="7"/><text x="38" y="{y}">{OURS}</text>']
    x = 120
    for report in reports:
        if report.name != OURS and report.figures:
            parts.append(f'<circle class="mark" cx="{x}" cy="{y - 4}" r="6"/>')
            parts.append(f'<text class="letter" x="{x}" y="{y - 1}">{_LETTERS[report.name]}</text>')
            parts.append(f'<text class="small" x="{x + 10}" y="{y}">{report.name.replace("_", "-")}</text>')
            x += 24 + 7 * len(report.name)
    return parts
