from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfsync.errors import InputError
from sfsync.insight.fiscal import KINDS, Fiscal, Period
from sfsync.warehouse import Warehouse
from tests.insight.world import TODAY, fill, source


@pytest.mark.parametrize(
    ("start", "by_start", "day", "year", "quarter", "month", "first", "last"),
    [
        (1, False, "2026-03-15", 2026, 1, 3, "2026-01-01", "2026-03-31"),
        (2, False, "2026-01-31", 2026, 4, 12, "2025-11-01", "2026-01-31"),
        (2, False, "2026-02-01", 2027, 1, 1, "2026-02-01", "2026-04-30"),
        (2, True, "2026-02-01", 2026, 1, 1, "2026-02-01", "2026-04-30"),
        (2, False, "2026-12-31", 2027, 4, 11, "2026-11-01", "2027-01-31"),
        (4, False, "2026-03-15", 2026, 4, 12, "2026-01-01", "2026-03-31"),
        (4, True, "2026-12-31", 2026, 3, 9, "2026-10-01", "2026-12-31"),
        (10, False, "2026-12-31", 2027, 1, 3, "2026-10-01", "2026-12-31"),
        (2, False, "2024-02-29", 2025, 1, 1, "2024-02-01", "2024-04-30"),
    ],
)
def test_fiscal_calendar(
    start: int, by_start: bool, day: str, year: int, quarter: int, month: int, first: str, last: str
) -> None:
    fiscal, at = Fiscal(start, by_start), date.fromisoformat(day)
    assert (fiscal.year(at), fiscal.quarter(at), fiscal.month(at)) == (year, quarter, month)
    period = fiscal.period("quarter", at)
    assert (str(period.start), str(period.end), period.label) == (first, last, f"Q{quarter} FY{year}")


@given(st.integers(1, 12), st.booleans(), st.dates(date(1990, 1, 1), date(2099, 12, 31)))
def test_periods_of_each_kind_tile_the_calendar(start: int, by_start: bool, day: date) -> None:
    fiscal = Fiscal(start, by_start)
    for kind in KINDS:
        period = fiscal.period(kind, day)
        assert day in period
        assert fiscal.period(kind, period.end + timedelta(days=1)).start == period.end + timedelta(days=1)
        assert fiscal.parse(period.label, day) == period
    year = fiscal.period("year", day)
    for kind in ("month", "quarter"):
        parts = fiscal.split(year, kind)
        assert (parts[0].start, parts[-1].end) == (year.start, year.end)
        assert sum(p.days for p in parts) == year.days


def test_periods_people_write() -> None:
    fiscal = Fiscal(2)
    day = date(2026, 3, 15)
    assert str(fiscal.parse("last-quarter", day).start) == "2025-11-01"
    assert str(fiscal.parse("next-year", day).start) == "2027-02-01"
    assert fiscal.parse("this-calendar-quarter", day).label == "Q1 CY2026"
    assert fiscal.parse("CY2026", day) == Period(date(2026, 1, 1), date(2026, 12, 31), "CY2026", "year")
    assert fiscal.parse("fy2027q1", day).label == "Q1 FY2027"
    assert fiscal.parse("2026-02-03..2026-02-04", day).days == 2
    for wrong in ("soon", "2026-13", "Q5 FY2026", "2026-02-30..2026-03-01", "q1 fy2027 q1"):
        with pytest.raises(InputError, match="is not a period"):
            fiscal.parse(wrong, day)
    with pytest.raises(InputError, match="ends before it begins"):
        fiscal.parse("2026-03-02..2026-03-01", day)


def test_custom_fiscal_years_are_refused_without_their_periods(warehouse: Warehouse) -> None:
    fill(warehouse, "Organization", {"Id": "1", "FiscalYearStartMonth": 1})
    with source(warehouse, custom_fiscal_years=True) as opened, pytest.raises(InputError, match="custom fiscal years"):
        _ = opened.fiscal


def test_custom_fiscal_years_come_from_their_periods(warehouse: Warehouse) -> None:
    """A 4-4-5 calendar."""
    rows = [
        ("Year", date(2025, 12, 29), date(2026, 12, 27), "FY 2026"),
        ("Quarter", date(2025, 12, 29), date(2026, 3, 29), "Q1 FY 2026"),
        ("Quarter", date(2026, 3, 30), date(2026, 6, 28), "Q2 FY 2026"),
    ]
    fill(
        warehouse,
        "Period",
        *({"Id": str(i), "Type": t, "StartDate": a, "EndDate": b, "FullyQualifiedLabel": label}
          for i, (t, a, b, label) in enumerate(rows)),
    )  # fmt: skip
    with source(warehouse) as opened:
        assert opened.fiscal.parse("this-quarter", TODAY).end == date(2026, 3, 29)
        assert opened.fiscal.parse("Q2 FY2026", TODAY).start == date(2026, 3, 30)
        with pytest.raises(InputError, match="has no month"):
            opened.fiscal.parse("this-month", TODAY)


def test_a_first_month_asked_for_goes_before_the_org_s_own_periods(warehouse: Warehouse) -> None:
    fill(warehouse, "Organization", {"Id": "1", "FiscalYearStartMonth": 2})
    fill(
        warehouse,
        "Period",
        {"Id": "1", "Type": "Year", "StartDate": date(2026, 2, 1), "EndDate": date(2027, 1, 31)},
        {"Id": "2", "Type": "Quarter", "StartDate": date(2026, 2, 1), "EndDate": date(2026, 4, 30)},
    )
    with source(warehouse) as opened:
        assert opened.fiscal.parse("this-quarter", TODAY).label == "Q1 FY2027"
    with source(warehouse, fiscal_start_month=7) as opened:
        period = opened.fiscal.parse("this-quarter", TODAY)
    assert (period.label, period.start, period.end) == ("Q3 FY2026", date(2026, 1, 1), date(2026, 3, 31))
