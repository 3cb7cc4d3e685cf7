"""The rows of Period: an org's fiscal months, quarters and years, as its fiscal year settings give them."""

from __future__ import annotations

from calendar import month_name
from datetime import date, datetime, timedelta
from typing import Any

from sfsync.practice.store import Row, Store

YEARS = 2
"""The fiscal year of today, and the next."""
MONTHS = {"Year": 12, "Quarter": 3, "Month": 1}


def write_periods(store: Store, stamp: datetime) -> None:
    """Replace all Period rows by those that follow from the Organization's fiscal year start."""
    [(month, named_by_start)] = store.fetch(
        'SELECT "FiscalYearStartMonth", "UsesStartDateAsFiscalYearName" FROM "Organization"'
    )
    rows = periods(stamp.date(), int(month or 1), bool(named_by_start))
    with store.transaction():
        store.execute('DELETE FROM "Period"')
        ids = store.new_ids("Period", len(rows))
        store.insert("Period", [{"Id": i, "SystemModstamp": stamp, **r} for i, r in zip(ids, rows, strict=True)])


def periods(today: date, start_month: int, named_by_start: bool) -> list[Row]:
    """Years, then quarters, then months, each by day; without Ids.

    A fiscal year has the name of the year in which it ends, unless named_by_start. Source: Period and Organization in
    the Object Reference.
    """
    first = today.year if today.month >= start_month else today.year - 1
    rows = []
    for kind, length in MONTHS.items():
        for number in range(YEARS * 12 // length):
            start = _add_months(date(first, start_month, 1), number * length)
            year = first + number * length // 12 + (start_month > 1 and not named_by_start)
            rows.append(_row(kind, start, _add_months(start, length) - timedelta(days=1), number, year))
    return rows


def _row(kind: str, start: date, end: date, number: int, year: int) -> dict[str, Any]:
    in_year = number % (12 // MONTHS[kind]) + 1
    name = {"Year": "", "Quarter": f"Q{in_year} ", "Month": f"{month_name[start.month]} "}[kind]
    return {
        **{"Type": kind, "StartDate": start, "EndDate": end, "Number": None if kind == "Year" else in_year},
        **{"IsForecastPeriod": kind == "Month", "FullyQualifiedLabel": f"{name}FY {year}"},
    }


def _add_months(day: date, months: int) -> date:
    months += day.year * 12 + day.month - 1
    return date(months // 12, months % 12 + 1, 1)
