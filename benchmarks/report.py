"""Print tables that can be pasted into a document."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def median(values: Iterable[float]) -> float:
    return statistics.median(values)


def spread(values: Sequence[float]) -> str:
    """The median, and from where to where: "4.1 (3.9-5.0)"."""
    middle = f"{median(values):.2f}"
    return f"{middle} ({min(values):.2f}-{max(values):.2f})" if len(values) > 1 else middle


def table(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """A Markdown table; columns are those of the first row."""
    print(f"\n### {title}\n")
    if not rows:
        print("(nothing)")
        return
    names = list(rows[0])
    cells = [[_text(row.get(name, "")) for name in names] for row in rows]
    widths = [max(len(name), *(len(line[i]) for line in cells)) for i, name in enumerate(names)]
    for line in [names, ["-" * w for w in widths], *cells]:
        print("| " + " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) + " |", flush=True)


def goal(what: str, value: float, limit: float, *, at_most: bool = True) -> None:
    """One line: a goal, the figure, and whether it is met."""
    met = value <= limit if at_most else value >= limit
    wanted = f"{'at most' if at_most else 'at least'} {limit:,g}"
    print(f"{'met    ' if met else 'NOT met'}  {what}: {value:,.2f} (goal: {wanted})")


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) < 100 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
