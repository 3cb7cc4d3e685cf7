"""Date literals, and the edges of fiscal periods and time zones."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfsync.practice.soql import Options
from sfsync.practice.soql.literals import date_range, parse_datetime, to_utc

WEDNESDAY = datetime(2026, 3, 18, 14, 30, tzinfo=UTC)
UNITS = ["DAYS", "WEEKS", "MONTHS", "QUARTERS", "YEARS", "FISCAL_QUARTERS", "FISCAL_YEARS"]


@pytest.mark.parametrize(
    ("literal", "first", "end"),
    [
        ("TODAY", "2026-03-18", "2026-03-19"),
        ("YESTERDAY", "2026-03-17", "2026-03-18"),
        ("tomorrow", "2026-03-19", "2026-03-20"),
        ("THIS_WEEK", "2026-03-15", "2026-03-22"),
        ("LAST_WEEK", "2026-03-08", "2026-03-15"),
        ("NEXT_WEEK", "2026-03-22", "2026-03-29"),
        ("THIS_MONTH", "2026-03-01", "2026-04-01"),
        ("LAST_MONTH", "2026-02-01", "2026-03-01"),
        ("NEXT_MONTH", "2026-04-01", "2026-05-01"),
        ("LAST_90_DAYS", "2025-12-18", "2026-03-19"),
        ("NEXT_90_DAYS", "2026-03-19", "2026-06-17"),
        ("LAST_N_DAYS:1", "2026-03-17", "2026-03-19"),
        ("NEXT_N_DAYS:3", "2026-03-19", "2026-03-22"),
        ("N_DAYS_AGO:3", "2026-03-15", "2026-03-16"),
        ("LAST_N_WEEKS:2", "2026-03-01", "2026-03-15"),
        ("NEXT_N_WEEKS:2", "2026-03-22", "2026-04-05"),
        ("N_WEEKS_AGO:1", "2026-03-08", "2026-03-15"),
        ("LAST_N_MONTHS:3", "2025-12-01", "2026-03-01"),
        ("NEXT_N_MONTHS:10", "2026-04-01", "2027-02-01"),
        ("N_MONTHS_AGO:3", "2025-12-01", "2026-01-01"),
        ("THIS_QUARTER", "2026-01-01", "2026-04-01"),
        ("LAST_QUARTER", "2025-10-01", "2026-01-01"),
        ("NEXT_QUARTER", "2026-04-01", "2026-07-01"),
        ("LAST_N_QUARTERS:2", "2025-07-01", "2026-01-01"),
        ("NEXT_N_QUARTERS:2", "2026-04-01", "2026-10-01"),
        ("N_QUARTERS_AGO:1", "2025-10-01", "2026-01-01"),
        ("THIS_YEAR", "2026-01-01", "2027-01-01"),
        ("LAST_YEAR", "2025-01-01", "2026-01-01"),
        ("NEXT_YEAR", "2027-01-01", "2028-01-01"),
        ("LAST_N_YEARS:2", "2024-01-01", "2026-01-01"),
        ("NEXT_N_YEARS:1", "2027-01-01", "2028-01-01"),
        ("N_YEARS_AGO:2", "2024-01-01", "2025-01-01"),
        ("THIS_FISCAL_QUARTER", "2026-02-01", "2026-05-01"),
        ("LAST_FISCAL_QUARTER", "2025-11-01", "2026-02-01"),
        ("NEXT_FISCAL_QUARTER", "2026-05-01", "2026-08-01"),
        ("LAST_N_FISCAL_QUARTERS:2", "2025-08-01", "2026-02-01"),
        ("N_FISCAL_QUARTERS_AGO:1", "2025-11-01", "2026-02-01"),
        ("THIS_FISCAL_YEAR", "2026-02-01", "2027-02-01"),
        ("LAST_FISCAL_YEAR", "2025-02-01", "2026-02-01"),
        ("NEXT_FISCAL_YEAR", "2027-02-01", "2028-02-01"),
        ("NEXT_N_FISCAL_YEARS:2", "2027-02-01", "2029-02-01"),
        ("N_FISCAL_YEARS_AGO:1", "2025-02-01", "2026-02-01"),
    ],
)
def test_date_literals(literal: str, first: str, end: str) -> None:
    found = date_range(literal, Options(now=WEDNESDAY, fiscal_start_month=2))
    assert found == (date.fromisoformat(first), date.fromisoformat(end))


@pytest.mark.parametrize("word", ["NOW", "THIS_DAY", "LAST_N_DAYS", "LAST_WEEK:2", "N_DAYS_AGO", "DAY"])
def test_words_that_are_no_date_literals(word: str) -> None:
    assert date_range(word, Options(now=WEDNESDAY)) is None


def test_today_is_the_users() -> None:
    late = datetime(2026, 3, 18, 23, 30, tzinfo=UTC)
    assert date_range("TODAY", Options(now=late, timezone="Asia/Tokyo")) == (date(2026, 3, 19), date(2026, 3, 20))
    assert to_utc(date(2026, 3, 19), "Asia/Tokyo") == datetime(2026, 3, 18, 15)


def test_a_day_of_changing_clocks_has_23_hours() -> None:
    zone = "America/New_York"
    assert to_utc(date(2026, 3, 9), zone) - to_utc(date(2026, 3, 8), zone) == timedelta(hours=23)


@given(
    st.sampled_from(UNITS),
    st.integers(1, 40),
    st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC)),
    st.integers(1, 12),
)
def test_periods_follow_each_other_without_gap(unit: str, count: int, now: datetime, month: int) -> None:
    """Any "n ago" ends where "n - 1 ago" begins, and LAST_N is made of them."""
    options = Options(now=now, fiscal_start_month=month)
    spans = [date_range(f"N_{unit}_AGO:{n}", options) for n in range(count + 1)]
    last = date_range(f"LAST_N_{unit}:{count}", options)
    following = date_range(f"NEXT_N_{unit}:{count}", options)
    assert last is not None
    assert following is not None
    for later, earlier in pairwise(spans):
        assert later is not None
        assert earlier is not None
        assert earlier[0] < earlier[1] == later[0]
    first, current = spans[-1], spans[0]
    assert first is not None
    assert current is not None
    assert last == (first[0], current[1] if unit == "DAYS" else current[0])
    assert following[0] == current[1]
    assert current[0] <= now.date() < current[1]


@given(st.datetimes(datetime(1700, 1, 2), datetime(4000, 12, 30)), st.integers(-12 * 60, 14 * 60))
def test_a_moment_reads_the_same_in_any_offset(moment: datetime, minutes: int) -> None:
    moment = moment.replace(microsecond=0)
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    local = moment + timedelta(minutes=minutes)
    assert parse_datetime(f"{local.isoformat()}{sign}{hours:02}:{rest:02}") == moment
    assert parse_datetime(f"{moment.isoformat()}.000Z") == moment
