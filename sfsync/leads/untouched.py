"""Leads that a plan gave to somebody who has not been in touch since: they may go to the next one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from sfsync.insight.leaddata import ACTIVE
from sfsync.insight.sla import sla_hours
from sfsync.insight.source import Source
from sfsync.insight.touch import active_on, attempts, left_out

REASON = "UNTOUCHED"
READ = ("Lead", "Task")
"""Touches are known up to the pull of these."""


@dataclass(frozen=True, slots=True)
class Untouched:
    since: datetime
    """When it was given to its present owner, UTC."""
    had: frozenset[str]
    """Everybody a plan gave it to, the present owner among them."""


def untouched(source: Source, reps: Collection[str], most: int) -> Mapping[str, Untouched]:
    """Lead's Id → since when, for active leads nobody tried to reach within the response SLA after a pushed plan.

    They still belong to the rep the plan gave them to, and went on for this reason fewer than `most` times. What
    happened after the last pull is not known: the hours end with it. Empty when the mirror keeps no tasks.
    """
    seen = known_until(source)
    if seen is None or not reps or most < 1 or not source.has("sfsync.assignments"):
        return {}
    rows = source.stream(
        _sql(source),
        terminal=source.terminal_statuses,
        reps=sorted(reps),
        most=most,
        seen=seen.isoformat(),
    )
    had = cache(lambda listed: frozenset(listed.split(",")))
    return {r.id: Untouched(r.since.astimezone(UTC), had(r.had)) for r in rows}


def known_until(source: Source) -> datetime | None:
    """Up to when the mirror knows who was in touch with a lead; None when it keeps no tasks."""
    if not source.has("Task", "WhoId", "IsClosed") or not source.has("sfsync.cursors"):
        return None
    found = source.rows(
        "SELECT c.until AS seen FROM sfsync.cursors c WHERE c.sobject IN (cfg('read'))", read=list(READ)
    )
    return min(r.seen for r in found).astimezone(UTC) if len(found) == len(READ) else None


def _sql(source: Source) -> str:
    activity = active_on(source, "Lead", "l")
    given = (
        "SELECT a.id, a.owner, a.assigned_at, "
        "ROW_NUMBER() OVER (PARTITION BY a.id ORDER BY a.push_id DESC) AS place, "
        f"SUM(CASE WHEN a.reason = '{REASON}' THEN 1 ELSE 0 END) OVER (PARTITION BY a.id) AS moves, "
        "STRING_AGG(a.owner, ',') OVER (PARTITION BY a.id) AS had FROM sfsync.assignments a"
    )
    return (
        f"SELECT g.id, g.assigned_at AS since, g.had FROM ({given}) g JOIN live.Lead l ON l.Id = g.id "
        f"{left_out(source, 'Lead', 'l')} "
        "WHERE g.place = 1 AND g.moves < :most AND l.OwnerId = g.owner AND l.OwnerId IN (cfg('reps')) "
        f"AND hours_between(g.assigned_at, CAST(:seen AS timestamp with time zone)) > {sla_hours(source, 'l')} "
        f"AND {ACTIVE} AND ({activity} IS NULL OR {activity} < local_date(g.assigned_at)) "
        f"AND NOT EXISTS (SELECT 1 FROM ({attempts(source)}) t WHERE t.id = g.id AND t.at >= g.assigned_at)"
    )
