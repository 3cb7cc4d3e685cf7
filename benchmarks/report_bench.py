"""The report of a whole org: pulled, checked, then written as a page with all its lists beside it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.databases import Database
from benchmarks.mirror import pull_all
from benchmarks.org import practice_org
from benchmarks.process import step
from benchmarks.report import goal, table

MOST_SECONDS, MOST_MB = 60, 1024


def measure(leads: int, stores: Sequence[Database], work: Path) -> dict[str, Any]:
    """Measure one size on every database and print it."""
    found: dict[str, Any] = {}
    with practice_org(leads, work) as org:
        for store in stores:
            with tempfile.TemporaryDirectory(prefix="report-", dir=work) as folder, store.fresh() as url:
                pull_all(org, url, Path(folder))
                findings = step("findings", url=url).said["findings"]
                found[store.name] = {"findings": findings, **of_mirror(url, Path(folder))}
    table(f"`sfsync report` of {leads:,} leads, findings checked before", [_row(n, f) for n, f in found.items()])
    for name, figures in found.items():
        if leads >= 1_000_000:
            goal(f"{name}: seconds of the report", figures["seconds"], MOST_SECONDS)
            goal(f"{name}: peak MB of the report", figures["peak"], MOST_MB)
    return {"leads": leads, **found}


def of_mirror(url: str, folder: Path) -> dict[str, Any]:
    """What a report of this mirror takes, beside reading each cell of the tables it reads once."""
    made = step("report", url=url, out=str(folder / "report.html"))
    scanned = step("scan", url=url)
    return {**made.said, "scan": scanned.said["seconds"], "peak": made.peak_mb}


def _row(name: str, figures: dict[str, Any]) -> dict[str, Any]:
    return {
        "on": name,
        "findings": figures["findings"],
        "rows in files": figures["rows_beside"],
        "seconds": figures["seconds"],
        "one full scan, seconds": figures["scan"],
        "x scan": figures["seconds"] / figures["scan"],
        "peak MB": figures["peak"],
    }
