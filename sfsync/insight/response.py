"""How soon somebody got in touch with a new lead."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sfsync.errors import InputError
from sfsync.insight.fiscal import Period
from sfsync.insight.sla import sla_hours, told
from sfsync.insight.source import Source
from sfsync.insight.table import Table, counted, make, percent, tenth
from sfsync.insight.touch import attempts

NO_TASKS = "no tasks in the mirror: only call and e-mail times of Sales Engagement are known"
DIMENSIONS = {"source": "LeadSource", "owner": "OwnerId"}


def first_response(source: Source, period: Period, *, by: str = "source") -> Table:
    """Leads created in the period by source or owner, then `all`: hours until the first touch, share within the SLA.

    A touch is a completed task on the lead, or on the contact it became, at or after its creation, as `attempts` counts
    them: inbound calls, automatic replies and what the config leaves out are none. Elapsed hours, nights included. A
    lead without a touch counts as over the SLA once that has run out (`silent`), before it is `pending`; a
    converted one without a touch is counted apart and is in no share.
    """
    if by not in DIMENSIONS:
        raise InputError(f'first response by "{by}" is not offered; it is by source or owner.')
    source.need("Lead", "CreatedDate", "IsConverted")
    rows = source.rows(
        _sql(source, by),
        start=period.start,
        end=period.end,
        until=_until(source).isoformat(sep=" "),
        owners=list(source.settings.owners),
    )
    rows.sort(key=lambda r: (r.overall, r.value is None, r.value or ""))
    lines = [{"line": _label(source, r), **_measures(r)} for r in rows]
    if not any(r.overall for r in rows):
        lines.append({"line": "all", **_measures(None)})
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
                    **told(source.settings)},
    )  # fmt: skip


def _sql(source: Source, by: str) -> str:
    """A row per value and, with `overall` 1, one over all; middle and ninetieth ranks are picked by their places."""
    # place is among those with an answer: they come first
    ranked = (
        "SELECT d.*, ROW_NUMBER() OVER (PARTITION BY d.overall, d.value ORDER BY d.hours NULLS LAST) AS place, "
        "COUNT(d.hours) OVER (PARTITION BY d.overall, d.value) AS told FROM "
        "(SELECT f.*, 0 AS overall FROM found f UNION ALL "
        "SELECT CAST(NULL AS text), g.converted, g.hours, g.elapsed, g.sla, 1 FROM found g) d"
    )
    open_one = "r.hours IS NULL AND r.converted IS FALSE"
    return (
        f"WITH found AS ({_leads_sql(source, by)}) SELECT r.overall, r.value, COUNT(*) AS leads, "
        "COUNT(r.hours) AS responded, "
        "MIN(CASE WHEN 2 * r.place >= r.told THEN r.hours END) AS low, "
        "MAX(CASE WHEN 2 * r.place <= r.told + 2 THEN r.hours END) AS high, "
        "MIN(CASE WHEN 10 * r.place >= 9 * r.told THEN r.hours END) AS p90, "
        "SUM(CASE WHEN r.hours <= r.sla THEN 1 ELSE 0 END) AS within, "
        f"SUM(CASE WHEN {open_one} AND r.elapsed > r.sla THEN 1 ELSE 0 END) AS silent, "
        f"SUM(CASE WHEN {open_one} THEN 1 ELSE 0 END) AS untouched "
        f"FROM ({ranked}) r GROUP BY r.overall, r.value"
    )


def _leads_sql(source: Source, by: str) -> str:
    """A SELECT of value, converted, hours (null without an answer), elapsed and sla (hours) per lead of the period."""
    value = source.column("Lead", "l", DIMENSIONS[by], "text")
    until = "CAST(:until AS timestamp with time zone)"
    return (
        f"SELECT {value} AS value, l.IsConverted IS TRUE AS converted, "
        f"hours_between(l.CreatedDate, MIN(x.at)) AS hours, hours_between(l.CreatedDate, {until}) AS elapsed, "
        f"{sla_hours(source, 'l')} AS sla "
        f"FROM live.Lead l LEFT JOIN ({attempts(source)}) x "
        f"ON x.id = l.Id AND x.at >= l.CreatedDate AND x.at <= {until} "
        f"WHERE local_date(l.CreatedDate) BETWEEN CAST(:start AS DATE) AND CAST(:end AS DATE) "
        f"AND l.CreatedDate <= {until} AND {source.owned('l.OwnerId')} "
        "GROUP BY l.Id, 1, 2, l.CreatedDate, 5"
    )


def _label(source: Source, row: Any) -> str:
    if row.overall:
        return "all"
    return source.users.get(row.value, row.value) if row.value else "(none)"


def _measures(row: Any) -> dict[str, Any]:
    """row: as `_sql` selects it, None without a lead."""
    if row is None:
        counts = dict.fromkeys(("leads", "responded", "within_sla", "over_sla", "silent", "pending"), 0)
        return {**counts, "converted_untouched": 0}
    leads, responded, within, silent, untouched = (
        int(n) for n in (row.leads, row.responded, row.within, row.silent, row.untouched)
    )
    over = responded - within + silent
    low, high, p90 = (None if h is None else Decimal(str(h)) for h in (row.low, row.high, row.p90))
    return {
        "leads": leads,
        "responded": responded,
        "median_hours": None if low is None or high is None else tenth((low + high) / 2),
        "p90_hours": tenth(p90),
        "within_sla": within,
        "over_sla": over,
        "silent": silent,
        "pending": untouched - silent,
        "converted_untouched": leads - responded - untouched,
        "within_sla_percent": percent(within, within + over),
    }


def _until(source: Source) -> datetime:
    """The end of as_of in the org's time zone, or now when that is earlier."""
    return min(source.clock.now.astimezone(UTC), source.end_of(source.as_of))
