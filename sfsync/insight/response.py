"""How soon somebody got in touch with a new lead."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sfsync.errors import InputError
from sfsync.insight.fiscal import Period
from sfsync.insight.source import Source
from sfsync.insight.table import Table, counted, make, median, percent, percentile, tenth

NO_TASKS = "no tasks in the mirror: only call and e-mail times of Sales Engagement are known"
DIMENSIONS = {"source": "LeadSource", "owner": "OwnerId"}


def first_response(source: Source, period: Period, *, by: str = "source") -> Table:
    """Leads created in the period by source or owner, then `all`: hours until the first touch, share within the SLA.

    A touch is a completed task on the lead, or on the contact it became, at or after its creation; inbound calls are
    none. Elapsed hours, nights included. A lead without a touch counts as over the SLA once that has run out
    (`silent`), before it is `pending`; a converted one without a touch is counted apart and is in no share.
    """
    if by not in DIMENSIONS:
        raise InputError(f'first response by "{by}" is not offered; it is by source or owner.')
    source.need("Lead", "CreatedDate", "IsConverted")
    sla = source.settings.response_sla_hours
    rows = source.rows(
        _sql(source, by),
        start=period.start,
        end=period.end,
        until=_until(source).isoformat(sep=" "),
        owners=list(source.settings.owners),
    )
    values = sorted({r.value for r in rows}, key=lambda v: (v is None, v or ""))
    lines = [
        {
            "line": source.users.get(v, v) if v else "(none)",
            **_measures([r for r in rows if r.value == v], sla),
        }
        for v in values
    ]
    lines.append({"line": "all", **_measures(rows, sla)})
    untold = lines[-1]["converted_untouched"]
    return make(
        f"First response, leads created in {period.label}",
        ("line", "leads", "responded", "median_hours", "p90_hours", "within_sla", "over_sla", "silent", "pending",
         "converted_untouched", "within_sla_percent"),
        lines,
        notes=[
            None if source.has("Task", "WhoId", "IsClosed") else NO_TASKS,
            counted(untold, "lead was converted without a logged touch", "leads were converted without a logged touch"),
        ],
        parameters={**source.common, "period": period.label, "from": period.start, "to": period.end, "by": by,
                    "response_sla_hours": sla},
    )  # fmt: skip


def _sql(source: Source, by: str) -> str:
    moment = "timestamp with time zone"
    touches = [
        f"SELECT l.Id AS id, {source.column('Lead', 'l', name, moment)} AS at FROM live.Lead l"
        for name in ("FirstCallDateTime", "FirstEmailDateTime")
        if source.has("Lead", name)
    ]
    if source.has("Task", "WhoId", "IsClosed"):
        done = source.column("Task", "t", "CompletedDateTime", moment)
        made = source.column("Task", "t", "CreatedDate", moment)
        inbound = source.column("Task", "t", "CallType", "text")
        tasks = (
            f"SELECT t.WhoId AS who, COALESCE({done}, {made}) AS at FROM live.Task t "
            f"WHERE t.IsClosed IS TRUE AND t.WhoId IS NOT NULL AND COALESCE({inbound}, '') <> 'Inbound'"
        )
        touches.append(f"SELECT t.who AS id, t.at FROM ({tasks}) t")
        contact = source.column("Lead", "l", "ConvertedContactId", "text")
        touches.append(f"SELECT l.Id AS id, t.at FROM live.Lead l JOIN ({tasks}) t ON t.who = {contact}")
    every = " UNION ALL ".join(touches) or f"SELECT CAST(NULL AS text) AS id, CAST(NULL AS {moment}) AS at WHERE 1 = 0"
    value = source.column("Lead", "l", DIMENSIONS[by], "text")
    until = f"CAST(:until AS {moment})"
    return (
        f"SELECT l.Id AS id, {value} AS value, l.IsConverted IS TRUE AS converted, "
        f"hours_between(l.CreatedDate, MIN(x.at)) AS hours, hours_between(l.CreatedDate, {until}) AS elapsed "
        f"FROM live.Lead l LEFT JOIN ({every}) x ON x.id = l.Id AND x.at >= l.CreatedDate AND x.at <= {until} "
        f"WHERE local_date(l.CreatedDate) BETWEEN CAST(:start AS DATE) AND CAST(:end AS DATE) "
        f"AND l.CreatedDate <= {until} AND {source.owned('l.OwnerId')} "
        "GROUP BY l.Id, 2, 3, l.CreatedDate"
    )


def _measures(rows: list[Any], sla: int) -> dict[str, Any]:
    hours = [Decimal(str(r.hours)) for r in rows if r.hours is not None]
    without = [r for r in rows if r.hours is None]
    open_ones = [r for r in without if not r.converted]
    silent = sum(r.elapsed > sla for r in open_ones)
    within = sum(h <= sla for h in hours)
    over = len(hours) - within + silent
    return {
        "leads": len(rows),
        "responded": len(hours),
        "median_hours": tenth(median(hours)),
        "p90_hours": tenth(percentile(hours, 90)),
        "within_sla": within,
        "over_sla": over,
        "silent": silent,
        "pending": len(open_ones) - silent,
        "converted_untouched": len(without) - len(open_ones),
        "within_sla_percent": percent(within, within + over),
    }


def _until(source: Source) -> datetime:
    """The end of as_of in the org's time zone, or now when that is earlier."""
    return min(source.clock.now.astimezone(UTC), source.end_of(source.as_of))
