"""How opportunities move through the stages: time spent in each, and how many reach the next."""

from __future__ import annotations

from typing import Any, Literal

from sfsync.insight.deals import Deals
from sfsync.insight.fiscal import Period
from sfsync.insight.source import Source
from sfsync.insight.table import Spread, Table, counted, make, percent, tenth

BENCHMARK_MONTHS_DAYS = 548
"""Eighteen months."""
MIN_PASSAGES = 20
NO_HISTORY = "without OpportunityHistory only the present stage is known"


def time_in_stage(source: Source, *, opportunity: str | None = None) -> Table:
    """Days spent in each stage. Of one opportunity when its Id is given; else over all, with the benchmark.

    A stay begins with the OpportunityHistory row that brings the stage and ends with the next that changes it; returns
    add up; the stay that is still on ends at as_of; closed stages have no duration. `benchmark_days` is the median over
    deals won in the last eighteen months, None below twenty of them. Raises InputError for an Id that is not there.
    """
    source.need("OpportunityHistory", "OpportunityId", "StageName", "CreatedDate")
    deals = Deals(source)
    return _of_one(deals, source.record("Opportunity", opportunity)) if opportunity else _of_all(deals)


def stage_conversion(source: Source, period: Period, *, cohort: Literal["created", "closed"] = "created") -> Table:
    """How many of the opportunities created (or closed) in the period reached each stage, and the step to the next.

    An opportunity reached a stage if it ever was in it or a later one, or was won. Only active open stages are steps;
    the last row is `won`. `to_next_percent` of the last row is the overall rate.
    """
    deals = Deals(source)
    steps = [stage for stage in deals.stages if stage.is_active and not stage.is_closed]
    reached, still_open = [0] * len(steps), 0
    won = 0
    for row in deals.select(_reached_sql(deals, cohort), **_ranks(steps), start=period.start, end=period.end):
        top = len(steps) if row.won else int(row.top or 0)
        for k in range(top):
            reached[k] += int(row.n)
        won += int(row.n) if row.won else 0
        still_open += 0 if row.closed else int(row.n)
    counts = [*reached, won]
    rows: list[dict[str, Any]] = [
        {"stage": stage.name, "reached": counts[k], "to_next_percent": percent(counts[k + 1], counts[k])}
        for k, stage in enumerate(steps)
    ]
    overall = percent(won, counts[0])
    rows.append({"stage": "won", "reached": won, "overall_percent": overall})
    return make(
        f"Stage conversion, {cohort} in {period.label}",
        ("stage", "reached", "to_next_percent", "overall_percent"),
        rows,
        facts={"still_open": still_open, "overall_percent": overall},
        notes=[
            f"still open: {still_open}" if still_open else None,
            None if source.has("OpportunityHistory", "StageName") else NO_HISTORY,
        ],
        parameters={**source.common, "period": period.label, "from": period.start, "to": period.end, "cohort": cohort},
    )  # fmt: skip


def _sums_sql(extra: str = "TRUE") -> str:
    """A SELECT of id, stage, days, stays and still_on (0 or 1) up to as_of; extra: on the history h.

    The days of a stay are those from each of its rows to the next, so one pass over the history tells all of it.
    """
    return (
        "SELECT s.id, s.stage, SUM(days_between(s.day, COALESCE(s.next_day, as_of()))) AS days, "
        "SUM(CASE WHEN s.before IS NULL OR s.before <> s.stage THEN 1 ELSE 0 END) AS stays, "
        "MAX(CASE WHEN s.next_day IS NULL THEN 1 ELSE 0 END) AS still_on FROM ("
        "SELECT h.id, h.stage, h.day, LAG(h.stage) OVER w AS before, LEAD(h.day) OVER w AS next_day FROM ("
        "SELECT h.OpportunityId AS id, h.Id AS row_id, h.StageName AS stage, h.CreatedDate AS at, "
        "local_date(h.CreatedDate) AS day FROM live.OpportunityHistory h) h WHERE h.day <= as_of() "
        f"AND {extra} WINDOW w AS (PARTITION BY h.id ORDER BY h.at, h.row_id)) s "
        "WHERE s.stage NOT IN (cfg('closed_stages')) GROUP BY s.id, s.stage"
    )


def _of_one(deals: Deals, id: str) -> Table:
    rows = deals.select(_sums_sql("h.id = :id"), id=id)
    lines: list[dict[str, Any]] = [
        {"stage": r.stage, "days": int(r.days), "stays": int(r.stays), "still_on": bool(r.still_on)}
        for r in sorted(rows, key=lambda r: deals.order(r.stage))
    ]
    lines.append({"stage": "total", "days": sum(line["days"] for line in lines)})
    return make(f"Time in stage of {id}", ("stage", "days", "stays", "still_on"), lines, parameters=deals.source.common)


def _of_all(deals: Deals) -> Table:
    source = deals.source
    recent = "f.IsWon IS TRUE AND days_between(f.CloseDate, as_of()) BETWEEN 0 AND :window"
    found = deals.select(
        f"SELECT x.stage, x.days, {recent} AS recent_win, COUNT(*) AS n, SUM(x.stays) AS stays, "
        f"SUM(x.still_on) AS still_on FROM ({_sums_sql()}) x JOIN live.Opportunity f ON f.Id = x.id "
        f"WHERE {source.owned('f.OwnerId')} GROUP BY 1, 2, 3",
        window=BENCHMARK_MONTHS_DAYS,
    )
    rows = []
    for stage in sorted({r.stage for r in found}, key=deals.order):
        of_stage = [r for r in found if r.stage == stage]
        days = Spread((int(r.days), int(r.n)) for r in of_stage)
        won = Spread((int(r.days), int(r.n)) for r in of_stage if r.recent_win)
        rows.append(
            {
                "stage": stage,
                "opportunities": days.n,
                "stays": sum(int(r.stays) for r in of_stage),
                "still_on": sum(int(r.still_on) for r in of_stage),
                "median_days": tenth(days.median),
                "mean_days": tenth(days.mean),
                "won": won.n,
                "benchmark_days": tenth(won.median) if won.n >= MIN_PASSAGES else None,
            }
        )
    thin = sum(row["benchmark_days"] is None for row in rows)
    return make(
        "Time in stage",
        ("stage", "opportunities", "stays", "still_on", "median_days", "mean_days", "won", "benchmark_days"),
        rows,
        notes=[counted(thin, f"stage has fewer than {MIN_PASSAGES} recent wins: no benchmark",
                       f"stages have fewer than {MIN_PASSAGES} recent wins: no benchmark")],
        parameters={**source.common, "benchmark_window_days": BENCHMARK_MONTHS_DAYS},
    )  # fmt: skip


def _ranks(steps: list[Any]) -> dict[str, Any]:
    return {"ranks": {name: str(k + 1) for k, stage in enumerate(steps) for name in {stage.name, stage.label}}}


def _reached_sql(deals: Deals, cohort: str) -> str:
    source = deals.source
    been = "SELECT o.Id AS id, o.StageName AS stage FROM live.Opportunity o"
    if source.has("OpportunityHistory", "OpportunityId", "StageName"):
        been += (
            " UNION ALL SELECT h.OpportunityId AS id, h.StageName AS stage FROM live.OpportunityHistory h "
            "WHERE local_date(h.CreatedDate) <= as_of()"
        )
    day = "local_date(o.CreatedDate)" if cohort == "created" else "o.CloseDate"
    closed = " AND o.IsClosed IS TRUE" if cohort == "closed" else ""
    return (
        "SELECT t.top, o.IsWon IS TRUE AS won, o.IsClosed IS TRUE AS closed, COUNT(*) AS n FROM live.Opportunity o "
        "LEFT JOIN (SELECT b.id, MAX(CAST(r.value AS INTEGER)) AS top "
        f"FROM ({been}) b JOIN cfg('ranks') r ON r.key = b.stage GROUP BY b.id) t ON t.id = o.Id "
        f"WHERE {day} BETWEEN CAST(:start AS DATE) AND CAST(:end AS DATE){closed} AND {source.owned('o.OwnerId')} "
        "GROUP BY 1, 2, 3"
    )
