"""How old active leads are, how long they stay in each status, and how many stand where."""

from __future__ import annotations

from typing import Any

from sfsync.insight.fiscal import Period
from sfsync.insight.leaddata import ACTIVE, StatusChanges
from sfsync.insight.source import Source
from sfsync.insight.table import Spread, Table, counted, make, percent, tenth

BUCKETS = ((0, 7), (8, 30), (31, 90), (91, None))


def ageing(source: Source, *, by: str = "status") -> Table:
    """Active leads by days since creation: a row per status (or owner, or source), then `all`; a column per bucket."""
    source.need("Lead", "CreatedDate", "Status", "IsConverted")
    fields = {"status": "Status", "owner": "OwnerId", "source": "LeadSource"}
    value = source.column("Lead", "l", fields.get(by, "Status"), "text")
    rows = source.rows(
        f"SELECT {value} AS value, days_between(local_date(l.CreatedDate), as_of()) AS days, COUNT(*) AS n "
        f"FROM live.Lead l WHERE {ACTIVE} AND local_date(l.CreatedDate) <= as_of() AND {source.owned('l.OwnerId')} "
        "GROUP BY 1, 2",
        terminal=source.terminal_statuses,
        owners=list(source.settings.owners),
    )
    order = _status_order(source) if by == "status" else {}
    spreads: dict[Any, Spread] = {}
    for r in rows:
        spreads.setdefault(r.value, Spread()).add(int(r.days), int(r.n))
    values = sorted(spreads, key=lambda v: (order.get(v, 10**6), v is None, v or ""))
    lines = [{"line": source.users.get(v, v) if v else "(none)", **_ages(spreads[v])} for v in values]
    lines.append({"line": "all", **_ages(Spread((int(r.days), int(r.n)) for r in rows))})
    return make(
        "Age of active leads",
        ("line", "leads", *map(_bucket, BUCKETS), "median_days", "oldest_days"),
        lines,
        notes=[_terminal_note(source)],
        parameters={**source.common, "by": by},
    )


def time_in_status(source: Source, *, lead: str | None = None) -> Table:
    """Days leads spent in each status; of one lead when its Id is given.

    A lead was in its first status from creation, until its conversion or as_of in its last; terminal and converted
    statuses have no duration. `lower_bound_unknown` counts stays that began before changes were tracked: they are at
    least so long in another status, or not at all. Raises InputError for a lead that is not there.
    """
    source.need("Lead", "CreatedDate", "Status", "IsConverted", "ConvertedDate")
    lead = source.record("Lead", lead) if lead else None
    changes = StatusChanges(source)
    rows = source.rows(
        f"SELECT x.status, x.days, x.unknown, COUNT(*) AS n, SUM(x.stays) AS stays "
        f"FROM ({_sums(source, changes, lead)}) x GROUP BY 1, 2, 3",
        terminal=source.terminal_statuses,
        converted=_converted_statuses(source),
        owners=list(source.settings.owners),
        tracked=str(changes.tracked_from or source.as_of),
        **({"lead": lead} if lead else {}),
    )
    order = _status_order(source)
    lines: list[dict[str, Any]] = []
    for status in sorted({r.status for r in rows}, key=lambda s: (order.get(s, 10**6), s or "")):
        of = [r for r in rows if r.status == status]
        days = Spread((int(r.days), int(r.n)) for r in of)
        lines.append(
            {
                "status": status or "(none)",
                "leads": days.n,
                "stays": sum(int(r.stays) for r in of),
                "days": int(days.sum),
                "median_days": tenth(days.median),
                "mean_days": tenth(days.mean),
                "lower_bound_unknown": sum(int(r.unknown) * int(r.n) for r in of),
            }
        )
    unknown = sum(line["lower_bound_unknown"] for line in lines)
    return make(
        "Time in status" + (f" of {lead}" if lead else ""),
        ("status", "leads", "stays", "days", "median_days", "mean_days", "lower_bound_unknown"),
        lines,
        notes=[
            changes.note,
            counted(unknown, "first stay began before tracking: lower bound unknown",
                    "first stays began before tracking: lower bound unknown"),
        ],
        parameters=source.common,
    )  # fmt: skip


def status_funnel(source: Source, period: Period) -> Table:
    """Active leads per status in the order of the lead process, then those that ended or converted in the period."""
    source.need("Lead", "CreatedDate", "Status", "IsConverted", "ConvertedDate")
    changes = StatusChanges(source)
    given = {"terminal": source.terminal_statuses, "owners": list(source.settings.owners)}
    active = source.rows(
        f"SELECT l.Status AS status, COUNT(*) AS n FROM live.Lead l WHERE {ACTIVE} AND {source.owned('l.OwnerId')} "
        "GROUP BY l.Status",
        **given,
    )
    ended = source.rows(
        "SELECT l.IsConverted IS TRUE AS converted, COUNT(*) AS n FROM live.Lead l "
        f"LEFT JOIN (SELECT c.id, MAX(c.day) AS since FROM ({changes.sql}) c GROUP BY c.id) s ON s.id = l.Id "
        "WHERE CASE WHEN l.IsConverted IS TRUE THEN l.ConvertedDate "
        "ELSE COALESCE(s.since, local_date(l.CreatedDate)) END BETWEEN CAST(:start AS DATE) AND CAST(:end AS DATE) "
        f"AND (l.IsConverted IS TRUE OR l.Status IN (cfg('terminal'))) AND {source.owned('l.OwnerId')} GROUP BY 1",
        start=period.start,
        end=period.end,
        **given,
    )
    order = _status_order(source)
    total = sum(int(r.n) for r in active)
    lines: list[dict[str, Any]] = [
        {"line": "active", "status": r.status, "leads": int(r.n), "share_percent": percent(int(r.n), total)}
        for r in sorted(active, key=lambda r: (order.get(r.status, 10**6), r.status or ""))
    ]
    found = {bool(r.converted): int(r.n) for r in ended}
    lines.append({"line": "terminal", "leads": found.get(False, 0)})
    lines.append({"line": "converted", "leads": found.get(True, 0)})
    return make(
        f"Leads by status; ended in {period.label}",
        ("line", "status", "leads", "share_percent"),
        lines,
        notes=[changes.note, _terminal_note(source)],
        parameters={**source.common, "period": period.label, "from": period.start, "to": period.end},
    )


def _sums(source: Source, changes: StatusChanges, lead: str | None) -> str:
    """Days per lead and status; unknown: 1 when the lead's first stay began before tracking."""
    end = "CASE WHEN l.IsConverted IS TRUE AND l.ConvertedDate <= as_of() THEN l.ConvertedDate ELSE as_of() END"
    one = "l.Id = :lead" if lead else "TRUE"
    leads = (
        "SELECT l.Id AS id, l.Status AS status, local_date(l.CreatedDate) AS created, "
        f"{end} AS last_day FROM live.Lead l WHERE {one} AND {source.owned('l.OwnerId')}"
    )
    ordered = (
        "SELECT c.id, c.day, c.old, c.new, LEAD(c.day) OVER w AS next_day, ROW_NUMBER() OVER w AS place "
        f"FROM ({changes.sql}) c WINDOW w AS (PARTITION BY c.id ORDER BY c.at, c.row_id)"
    )
    first = (
        "SELECT l.id, COALESCE(c.old, l.status) AS status, l.created AS first_day, "
        "LEAST(COALESCE(c.day, l.last_day), l.last_day) AS last_day, "
        "CASE WHEN l.created < CAST(:tracked AS DATE) THEN 1 ELSE 0 END AS unknown "
        f"FROM ({leads}) l LEFT JOIN ({ordered}) c ON c.id = l.id AND c.place = 1"
    )
    later = (
        "SELECT l.id, c.new AS status, c.day AS first_day, LEAST(COALESCE(c.next_day, l.last_day), l.last_day) AS "
        f"last_day, 0 AS unknown FROM ({leads}) l JOIN ({ordered}) c ON c.id = l.id WHERE c.day <= l.last_day"
    )
    return (
        "SELECT s.id, s.status, SUM(days_between(s.first_day, s.last_day)) AS days, COUNT(*) AS stays, "
        f"MAX(s.unknown) AS unknown FROM ({first} UNION ALL {later}) s WHERE s.last_day >= s.first_day AND "
        "(s.status IS NULL OR s.status NOT IN (cfg('terminal'))) "
        "AND (s.status IS NULL OR s.status NOT IN (cfg('converted'))) GROUP BY s.id, s.status"
    )


def _converted_statuses(source: Source) -> list[str]:
    if not source.has("LeadStatus", "ApiName", "IsConverted"):
        return []
    found = source.rows("SELECT s.ApiName AS name FROM live.LeadStatus s WHERE s.IsConverted IS TRUE")
    return [r.name for r in found if r.name]


def _status_order(source: Source) -> dict[str, int]:
    if not source.has("LeadStatus", "ApiName", "SortOrder"):
        return {}
    found = source.rows("SELECT s.ApiName AS name, s.SortOrder AS sort FROM live.LeadStatus s")
    return {r.name: int(r.sort or 0) for r in found if r.name}


def _terminal_note(source: Source) -> str | None:
    if source.settings.closed_unconverted_statuses is not None:
        return None
    known = _status_order(source)
    taken = [name for name in source.terminal_statuses if not known or name in known]
    return "terminal statuses taken to be: " + (", ".join(taken) or "none; name them if there are any")


def _ages(days: Spread) -> dict[str, Any]:
    found: dict[str, Any] = {"leads": days.n, "median_days": tenth(days.median), "oldest_days": days.largest}
    for low, high in BUCKETS:
        found[_bucket((low, high))] = days.between(low, high)
    return found


def _bucket(bucket: tuple[int, int | None]) -> str:
    low, high = bucket
    return f"over_{low - 1}" if high is None else f"{low}-{high}"
