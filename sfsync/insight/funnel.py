"""The lead funnel: what became of the leads of a period (cohort), and what happened in it (events)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sfsync.errors import InputError, nearest
from sfsync.insight.fiscal import Period
from sfsync.insight.leaddata import first_campaign, owner_at_creation
from sfsync.insight.source import Source
from sfsync.insight.table import CENT, Spread, Table, counted, make, percent, rounded

DIMENSIONS = ("source", "campaign", "owner", "record-type", "month")
SUMS = ("leads", "converted", "with_opportunity", "won", "lost")


def cohort(source: Source, period: Period, *, by: str = "source") -> Table:
    """Leads created in the period, followed to as_of: a row per value of `by`, then `all`.

    Deleted leads and losers of merges are not counted; the survivor counts once. Conversion without an opportunity is a
    success, in a column of its own. By campaign, a lead counts in the one it responded to first, else joined first.
    Facts: conversion to opportunity, opportunity win rate, days to convert. A period younger than 90 % of conversions
    take is marked immature. Raises InputError for another `by`, or when its objects are not in the mirror.
    """
    if by not in DIMENSIONS:
        raise InputError(f'the funnel by "{by}" is not offered.{nearest(by, DIMENSIONS)}')
    source.need("Lead", "CreatedDate", "IsConverted", "ConvertedDate", "ConvertedOpportunityId")
    found = _cohort_rows(source, period, by)
    rows = [_rates(_label(source, by, value), sums) for value, sums in found]
    every = {name: sum(sums[name] for _, sums in found) for name in SUMS}
    rows.append(_rates("all", every))
    cycles, negative = _days_to_convert(source, period)
    mature = mature_after(source)
    young = mature is not None and period.end + timedelta(days=mature) > source.as_of
    return make(
        f"Lead funnel, created in {period.label}",
        ("line", *SUMS, "lead_to_conversion_percent", "lead_to_opportunity_percent", "lead_to_won_percent"),
        rows,
        facts={
            "conversion_to_opportunity_percent": percent(every["with_opportunity"], every["converted"]),
            "opportunity_win_rate_percent": percent(every["won"], every["won"] + every["lost"]),
            "days_to_convert_median": cycles.median,
            "days_to_convert_mean": None if cycles.mean is None else rounded(cycles.mean, CENT),
            "immature": young,
        },
        notes=[
            f"immature: nine of ten conversions take up to {mature} days" if young else None,
            counted(negative, "lead was converted before it was created: not in the days to convert (LEAD-CONV-005)",
                    "leads were converted before they were created: not in the days to convert (LEAD-CONV-005)"),
        ],
        parameters={**source.common, "period": period.label, "from": period.start, "to": period.end, "by": by},
    )  # fmt: skip


def events(source: Source, periods: Sequence[Period]) -> Table:
    """Leads created, leads converted and opportunities won in each period. Counts of different leads: no rates."""
    source.need("Lead", "CreatedDate", "IsConverted", "ConvertedDate")
    found = {
        "created": _by_day(source, "live.Lead x", "local_date(x.CreatedDate)", "TRUE", periods),
        "converted": _by_day(source, "live.Lead x", "x.ConvertedDate", "x.IsConverted IS TRUE", periods),
    }
    if source.has("Opportunity", "IsWon", "CloseDate"):
        found["won"] = _by_day(source, "live.Opportunity x", "x.CloseDate", "x.IsWon IS TRUE", periods)
    rows = [
        {"period": p.label, **{name: sum(n for day, n in days.items() if day in p) for name, days in found.items()}}
        for p in periods
    ]
    return make(
        "Leads created, leads converted, opportunities won",
        ("period", "created", "converted", "won"),
        rows,
        parameters=source.common,
    )


def _inside(day: str) -> str:
    return f"{day} BETWEEN CAST(:start AS DATE) AND CAST(:end AS DATE)"


_CREATED = _inside("local_date(l.CreatedDate)")
_CONVERTED = "(l.IsConverted IS TRUE AND (l.ConvertedDate IS NULL OR l.ConvertedDate <= as_of()))"


def _by_day(source: Source, table: str, day: str, where: str, periods: Sequence[Period]) -> dict[date, int]:
    """Records x of the table per day, from the first to the last day of the periods."""
    rows = source.rows(
        f"SELECT {day} AS day, COUNT(*) AS n FROM {table} WHERE {where} AND {_inside(day)} "
        f"AND {source.owned('x.OwnerId')} GROUP BY 1",
        start=min(p.start for p in periods),
        end=max(p.end for p in periods),
        owners=list(source.settings.owners),
    )
    return {r.day: int(r.n) for r in rows}


def _cohort_rows(source: Source, period: Period, by: str) -> list[tuple[Any, dict[str, int]]]:
    value, join = _dimension(source, by)
    opportunity, won, lost = "", "FALSE", "FALSE"
    if source.has("Opportunity", "IsWon", "IsClosed"):
        opportunity = "LEFT JOIN live.Opportunity o ON o.Id = l.ConvertedOpportunityId"
        won, lost = "o.IsWon IS TRUE", "o.IsClosed IS TRUE AND o.IsWon IS NOT TRUE"
    rows = source.rows(
        f"SELECT {value} AS value, COUNT(*) AS leads, SUM(CASE WHEN {_CONVERTED} THEN 1 ELSE 0 END) AS converted, "
        f"SUM(CASE WHEN {_CONVERTED} AND l.ConvertedOpportunityId IS NOT NULL THEN 1 ELSE 0 END) AS with_opportunity, "
        f"SUM(CASE WHEN {_CONVERTED} AND {won} THEN 1 ELSE 0 END) AS won, "
        f"SUM(CASE WHEN {_CONVERTED} AND {lost} THEN 1 ELSE 0 END) AS lost "
        f"FROM live.Lead l {opportunity} {join} WHERE {_CREATED} AND {source.owned('l.OwnerId')} GROUP BY 1",
        start=period.start,
        end=period.end,
        owners=list(source.settings.owners),
    )
    ordered = sorted(rows, key=lambda r: (-int(r.leads), str(r.value)) if by != "month" else (r.value, ""))
    return [(r.value, {name: int(getattr(r, name) or 0) for name in SUMS}) for r in ordered]


def _dimension(source: Source, by: str) -> tuple[str, str]:
    """(SQL of the value for a lead `l`, the JOIN it takes)."""
    if by == "campaign":
        return first_campaign(source)
    if by == "owner":
        return "COALESCE(first.owner, l.OwnerId)", f"LEFT JOIN ({owner_at_creation(source)}) first ON first.id = l.Id"
    day = "local_date(l.CreatedDate)"
    return {
        "source": f"NULLIF(TRIM({source.column('Lead', 'l', 'LeadSource', 'text')}), '')",
        "record-type": source.column("Lead", "l", "RecordTypeId", "text"),
        "month": f"CAST(EXTRACT(YEAR FROM {day}) * 100 + EXTRACT(MONTH FROM {day}) AS INTEGER)",
    }[by], ""


def _label(source: Source, by: str, value: Any) -> str:
    if value is None or value == "":
        return "(none)"
    if by == "month":
        return f"{int(value) // 100}-{int(value) % 100:02}"
    return source.users.get(value, value) if by == "owner" else str(value)


def _rates(line: str, sums: dict[str, int]) -> dict[str, Any]:
    return {
        "line": line,
        **sums,
        "lead_to_conversion_percent": percent(sums["converted"], sums["leads"]),
        "lead_to_opportunity_percent": percent(sums["with_opportunity"], sums["leads"]),
        "lead_to_won_percent": percent(sums["won"], sums["leads"]),
    }


def _days_to_convert(source: Source, period: Period) -> tuple[Spread, int]:
    rows = source.rows(
        "SELECT days_between(local_date(l.CreatedDate), l.ConvertedDate) AS days, COUNT(*) AS n FROM live.Lead l "
        f"WHERE {_CONVERTED} AND l.ConvertedDate IS NOT NULL AND {_CREATED} AND {source.owned('l.OwnerId')} GROUP BY 1",
        start=period.start,
        end=period.end,
        owners=list(source.settings.owners),
    )
    cycles = Spread((int(r.days), int(r.n)) for r in rows if r.days >= 0)
    return cycles, sum(int(r.n) for r in rows if r.days < 0)


def mature_after(source: Source) -> int | None:
    """Days within which nine of ten conversions happened, over all leads."""
    rows = source.rows(
        "SELECT days_between(local_date(l.CreatedDate), l.ConvertedDate) AS days, COUNT(*) AS n FROM live.Lead l "
        f"WHERE {_CONVERTED} AND l.ConvertedDate >= local_date(l.CreatedDate) GROUP BY 1"
    )
    found = Spread((int(r.days), int(r.n)) for r in rows).percentile(90)
    return None if found is None else int(found)
