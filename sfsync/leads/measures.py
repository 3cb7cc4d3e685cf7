"""Does the distribution of leads work? How soon leads have an owner, who takes them up, how even the load is."""

from __future__ import annotations

from datetime import datetime

from sfsync.insight.fiscal import Period
from sfsync.insight.source import Source
from sfsync.insight.table import Table, make
from sfsync.leads.balance import balance
from sfsync.leads.model import Assigning
from sfsync.leads.owners import owner_changes, tracked_from
from sfsync.leads.takeup import take_up
from sfsync.leads.tally import Tallies

STATES = ("at_creation", "later", "waiting", "unknown")


def measures(source: Source, period: Period, rules: Assigning, *, by: str = "reason") -> list[Table]:
    """What became of the leads given out in the period, how long leads created in it waited, and the load per rep.

    by: lines of the first table: reason, owner or pool. Raises InputError when the mirror lacks what it takes.
    """
    return [
        take_up(source, period, by=by),
        time_to_assignment(source, period, rules),
        balance(source, period, rules),
    ]


def time_to_assignment(source: Source, period: Period, rules: Assigning) -> Table:
    """Leads created in the period by source, then `all`: hours until a person owned them who is no intake user.

    `at_creation`: a person did from the start (0 hours); `later`: from the first change of owner that is known;
    `waiting`: nobody does yet; `unknown`: a person does, and nothing tells since when. Hours are of the first two.
    """
    source.need("Lead", "CreatedDate", "OwnerId")
    tracked = tracked_from(source)
    found = Tallies()
    rows = source.stream(
        _sql(source),
        start=period.start,
        end=period.end,
        intake=[*rules.intake_users, ""],
        tracked=(tracked or source.clock.now).isoformat(),
    )
    for r in rows:
        found[r.value].add(r.state, {"at_creation": 0, "later": r.hours}.get(r.state))
    whole = found.whole()
    ordered = sorted(found.items(), key=lambda x: (-x[1].states.total(), str(x[0])))
    lines = [(value or "(none)", tally) for value, tally in ordered]
    return make(
        f"Time to assignment, leads created in {period.label}",
        ("line", "leads", "median_hours", "p90_hours", *STATES),
        [{"line": line, **tally.row(STATES)} for line, tally in [*lines, ("all", whole)]],
        notes=[_note(whole.states["unknown"], tracked)],
        parameters={**source.common, "period": period.label, "from": period.start, "to": period.end},
    )


def _note(unknown: int, tracked: datetime | None) -> str | None:
    if not unknown:
        return None
    if tracked is None:
        return "LeadHistory does not track Owner, or is not pulled: who was given a lead at creation cannot be told"
    return f"LeadHistory tells of owners from {tracked:%Y-%m-%d}: who was given a lead before cannot be told"


def _sql(source: Source) -> str:
    """A row per lead: value (its source), state, hours."""
    person = "{0} LIKE '005%' AND {0} NOT IN (cfg('intake'))"
    known = (
        f"SELECT x.id, MIN(CASE WHEN {person.format('x.owner')} THEN x.at END) AS at, "
        "MAX(CASE WHEN x.place = 1 THEN x.old END) AS origin FROM (SELECT c.id, c.at, c.old, c.owner, "
        "ROW_NUMBER() OVER (PARTITION BY c.id ORDER BY c.at, c.old) AS place "
        f"FROM ({owner_changes(source)}) c) x GROUP BY x.id"
    )
    first = "COALESCE(k.origin, l.OwnerId)"
    tracked = "l.CreatedDate >= CAST(:tracked AS timestamp with time zone)"
    state = (
        f"CASE WHEN {person.format(first)} THEN CASE WHEN {tracked} THEN 'at_creation' ELSE 'unknown' END "
        f"WHEN k.at IS NOT NULL THEN 'later' WHEN {person.format('l.OwnerId')} THEN 'unknown' ELSE 'waiting' END"
    )
    return (
        f"SELECT NULLIF(TRIM({source.column('Lead', 'l', 'LeadSource', 'text')}), '') AS value, {state} AS state, "
        f"hours_between(l.CreatedDate, k.at) AS hours FROM live.Lead l LEFT JOIN ({known}) k ON k.id = l.Id "
        "WHERE local_date(l.CreatedDate) BETWEEN CAST(:start AS DATE) AND CAST(:end AS DATE)"
    )
