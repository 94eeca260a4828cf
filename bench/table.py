"""
All figures as one Markdown table: a line a row, a column a peer.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.report import Report
from bench.rows import ROWS, Row

__all__ = ["cell", "markdown"]

_NOTHING = "–"


def markdown(reports: Sequence[Report]) -> str:
    """
    The table, ours first, and beneath it why a cell is empty where there is something to say.
    """
    shown = [report for report in reports if report.figures]
    heads = ["row", "aim", *(f"{report.name.replace('_', '-')} {report.version}" for report in shown)]
    lines = [heads, ["---", "---", *("---:" for _ in shown)]]
    lines += [_line(row, shown) for row in ROWS if any(row.name in report.figures for report in shown) or row.aim]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    reasons = [
        f"- {report.name.replace('_', '-')}{f', {row}' if row else ''}: {reason}"
        for report in reports
        for row, reason in report.absent.items()
    ]
    return "\n\n".join([table, *(["Without a figure:\n\n" + "\n".join(reasons)] if reasons else [])])


def _line(row: Row, reports: Sequence[Report]) -> list[str]:
    cells = [cell(row, report) for report in reports]
    if row.unit != "ns" and len(cells) > 1:
        # Against ours, where y says nothing: the second line of a cell.
        ours = reports[0].figures.get(row.name)
        cells[1:] = [
            _times(each, report.figures.get(row.name), ours)
            for each, report in zip(cells[1:], reports[1:], strict=True)
        ]
    return [row.title, row.aim or _NOTHING, *cells]


def _times(text: str, figure: float | None, ours: float | None) -> str:
    return f"{text} · {_short(figure / ours)} ×" if figure is not None and ours else text


def cell(row: Row, report: Report) -> str:
    """
    One figure with its unit and, for reads, its ratio to y of the same process.
    """
    figure = report.figures.get(row.name)
    if figure is None:
        return _NOTHING
    if row.unit == "count":
        return f"{figure:.0f}"
    if row.unit == "ratio":
        return f"{figure:.2f}"
    text = f"{_short(figure)} {row.unit}"
    if row.unit == "ns":
        text += f" · {_short(figure / report.figures['y'])} y"
    if row.name in ("fastapi", "fastapi_floor") and "fastapi_depends" in report.figures:
        text += f" · {figure / report.figures['fastapi_depends']:.2f} × `Depends`"
    return text


def _short(figure: float) -> str:
    if figure >= 1000:
        return f"{figure:,.0f}"
    return f"{figure:.0f}" if figure >= 100 else f"{figure:.1f}" if figure >= 10 else f"{figure:.2f}"
