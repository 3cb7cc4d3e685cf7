"""The report of a mirror whose rules were checked, and what reading the same tables once takes."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sfsync.report import report as make
from sfsync.rules import check, load_rules
from sfsync.warehouse import Warehouse

READ = (
    "live.Lead",
    "live.LeadHistory",
    "live.Account",
    "live.Contact",
    "live.Opportunity",
    "live.OpportunityHistory",
    "live.Task",
    "sfsync.findings",
    "sfsync.opportunity_snapshot",
)
"""The tables of more than a few rows that a report reads."""


def findings(url: str) -> dict[str, Any]:
    """Evaluate all rules and keep what they find, as the command does."""
    now = datetime.now(UTC)
    warehouse = Warehouse(url)
    try:
        check(warehouse, load_rules(), as_of=now.date(), now=now, run_id=f"{now:%Y%m%dT%H%M%S}000Z-b")
        with warehouse.read() as con:
            return {"findings": con.exec_driver_sql("SELECT count(*) FROM sfsync.findings").scalar_one()}
    finally:
        warehouse.close()


def report(url: str, out: str) -> dict[str, Any]:
    """Write the whole report as a page: seconds, and how many rows lie in the files beside it."""
    now = datetime.now(UTC)
    warehouse = Warehouse(url)
    try:
        started = time.perf_counter()
        made = make(warehouse, rules=load_rules(), now=now, as_of=now.date(), out=Path(out))
        seconds = time.perf_counter() - started
    finally:
        warehouse.close()
    if made.failed:
        raise SystemExit(f"parts of the report broke: {', '.join(made.failed)}")
    totals = (table.total or 0 for table in made.tables().values() if table.file)
    return {"seconds": seconds, "rows_beside": sum(totals)}


def scan(url: str) -> dict[str, Any]:
    """The largest value of every column of the same tables, as text: every cell is read once, none is kept."""
    warehouse = Warehouse(url)
    try:
        with warehouse.read() as con:
            started = time.perf_counter()
            for table in READ:
                if columns := list(warehouse.columns(con, table)):
                    largest = ", ".join(f"max(CAST({name} AS TEXT))" for name in columns)
                    con.exec_driver_sql(f"SELECT {largest} FROM {table}").one()
            return {"seconds": time.perf_counter() - started}
    finally:
        warehouse.close()
