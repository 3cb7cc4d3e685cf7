"""Periods: fiscal months, quarters and years, and their calendar variants. All are closed intervals of days."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

from sfsync.errors import InputError

Kind = Literal["month", "quarter", "year", "range"]
KINDS: tuple[Kind, ...] = ("month", "quarter", "year")
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
EXAMPLES = '"this-quarter", "last-month", "FY2027", "Q1 FY2027", "2026-03", "Q1 CY2026", "2026-01-01..2026-03-31"'


@dataclass(frozen=True, order=True)
class Period:
    """From `start` to `end`, both included."""

    start: date
    end: date
    label: str = ""
    kind: Kind = "range"

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.start <= day <= self.end

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1


@dataclass(frozen=True)
class Fiscal:
    """The org's fiscal year.

    Source: Organization.FiscalYearStartMonth and UsesStartDateAsFiscalYearName in the Salesforce Object Reference.
    """

    start_month: int = 1
    named_by_start: bool = False
    """Whether a year that runs over New Year has the name of the year it begins in, not of the one it ends in."""
    custom: Sequence[Period] = ()
    """The org's own months, quarters and years, when they don't follow the calendar's months."""

    def year(self, day: date) -> int:
        start_year = day.year if day.month >= self.start_month else day.year - 1
        return start_year if self.start_month == 1 or self.named_by_start else start_year + 1

    def month(self, day: date) -> int:
        """1 to 12, within the fiscal year."""
        return (day.month - self.start_month) % 12 + 1

    def quarter(self, day: date) -> int:
        """1 to 4, within the fiscal year."""
        return (self.month(day) - 1) // 3 + 1

    def period(self, kind: Kind, day: date) -> Period:
        """The period of that kind the day lies in. Raises InputError when a custom fiscal year does not cover it."""
        if self.custom:
            found = next((p for p in self.custom if p.kind == kind and day in p), None)
            if found is None:
                raise InputError(
                    f"the org's own fiscal calendar has no {kind} with {day} in it. Pull Period again, or give the "
                    "period as two days, as 2026-01-01..2026-03-31."
                )
            return found
        length = _MONTHS[kind]
        start = _add_months(day.replace(day=1), -((self.month(day) - 1) % length))
        return Period(start, _add_months(start, length) - timedelta(days=1), self._label(kind, start), kind)

    def split(self, period: Period, kind: Kind) -> list[Period]:
        """The periods of that kind inside the period; at its edges they are cut to fit."""
        found, day = [], period.start
        while day <= period.end:
            part = self.period(kind, day)
            found.append(replace(part, start=max(part.start, period.start), end=min(part.end, period.end)))
            day = part.end + timedelta(days=1)
        return found

    def before(self, period: Period, count: int) -> list[Period]:
        """The `count` periods of the same kind before it, oldest first, then the period itself."""
        found = [period]
        for _ in range(count):
            found.insert(0, self.period(period.kind, found[0].start - timedelta(days=1)))
        return found

    def parse(self, text: str, today: date) -> Period:
        """The period a user means. Fiscal unless it says CY (calendar year). Raises InputError with examples."""
        given = text.strip().lower()
        found = self._relative(given, today) or self._named(given) or _range(given)
        if found is None:
            raise InputError(f'"{text}" is not a period. Examples: {EXAMPLES}.')
        return found

    def _relative(self, text: str, today: date) -> Period | None:
        match = re.fullmatch(r"(this|last|next)[- ](calendar[- ])?(month|quarter|year)", text)
        if not match:
            return None
        calendar_ = Fiscal() if match[2] else self
        kind = next(k for k in KINDS if k == match[3])
        found = calendar_.period(kind, today)
        if match[1] == "last":
            found = calendar_.period(kind, found.start - timedelta(days=1))
        if match[1] == "next":
            found = calendar_.period(kind, found.end + timedelta(days=1))
        return _calendar(found) if match[2] else found

    def _named(self, text: str) -> Period | None:
        if match := re.fullmatch(r"(\d{4})-(\d{2})", text):
            if not 1 <= int(match[2]) <= 12:
                return None
            return Fiscal().period("month", date(int(match[1]), int(match[2]), 1))
        match = re.fullmatch(r"(?:q([1-4])[ -]?)?(fy|cy)[ -]?(\d{4})(?:[ -]?q([1-4]))?", text)
        if not match or (match[1] and match[4]):
            return None
        quarter, calendar_ = int(match[1] or match[4] or 0), Fiscal() if match[2] == "cy" else self
        found = calendar_._year_named(int(match[3]))
        if quarter:
            parts = calendar_._quarters(found)
            if quarter > len(parts):
                return None
            found = parts[quarter - 1]
        return _calendar(found) if match[2] == "cy" else found

    def _quarters(self, year: Period) -> list[Period]:
        if self.custom:
            return [p for p in self.custom if p.kind == "quarter" and p.start in year]
        return self.split(year, "quarter")

    def _year_named(self, name: int) -> Period:
        if self.custom:
            found = next((p for p in self.custom if p.kind == "year" and str(name) in p.label), None)
            if found is None:
                raise InputError(f"the org's own fiscal calendar has no year {name}. Pull Period again.")
            return found
        start_year = name if self.start_month == 1 or self.named_by_start else name - 1
        return self.period("year", date(start_year, self.start_month, 1))

    def _label(self, kind: Kind, start: date) -> str:
        if kind == "month":
            return f"{start:%Y-%m}"
        year = f"FY{self.year(start)}"
        return year if kind == "year" else f"Q{self.quarter(start)} {year}"


def _calendar(period: Period) -> Period:
    return replace(period, label=period.label.replace("FY", "CY"))


def _range(text: str) -> Period | None:
    match = re.fullmatch(r"(\d{4}-\d{2}-\d{2})\s*(?:\.\.|to)\s*(\d{4}-\d{2}-\d{2})", text)
    if not match:
        return None
    try:
        start, end = (date.fromisoformat(part) for part in match.groups())
    except ValueError:
        return None
    if end < start:
        raise InputError(f"the period {start}..{end} ends before it begins.")
    return Period(start, end, f"{start}..{end}", "range")


def _add_months(first: date, months: int) -> date:
    index = first.year * 12 + first.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)
