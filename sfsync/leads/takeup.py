"""What became of the leads that pushed plans gave to somebody: by which reason, how soon, and were they taken up?"""

from __future__ import annotations

from sfsync.errors import InputError, nearest
from sfsync.insight.fiscal import Period
from sfsync.insight.sla import sla_hours, told
from sfsync.insight.source import Source
from sfsync.insight.table import Table, counted, make, percent
from sfsync.insight.touch import attempts
from sfsync.leads.ladder import LADDER
from sfsync.leads.owners import owner_changes
from sfsync.leads.tally import Tallies, Tally
from sfsync.leads.untouched import known_until

LINES = ("reason", "owner", "pool")
STATES = ("accepted", "late", "silent", "passed_on", "pending", "converted_untouched", "unknown")
JUDGED = ("accepted", "late", "silent", "passed_on")
TRIAGE = "triage"
IN_PERIOD = "local_date(COALESCE(a.assigned_at, p.started_at)) BETWEEN CAST(:start AS DATE) AND CAST(:end AS DATE)"
"""Of an assignment `a` and its push `p`: when the lead was given away, or found so."""


def take_up(source: Source, period: Period, *, by: str = "reason") -> Table:
    """Leads that plans gave away in the period, by reason, owner or pool, then `all`; a lead given twice counts twice.

    Hours are those from a lead's creation to its first assignment. `accepted`: its new owner's first attempt to get in
    touch came within the response SLA; `late`: after it; `silent`: not at all; `passed_on`: it changed hands before;
    `pending`: there is time left; `converted_untouched`: no attempt was logged. accepted_percent is of the first four.
    What fell back to triage waits for nobody in particular and is in none of them. Fact: the share that fell back.
    """
    if by not in LINES:
        raise InputError(f'measures by "{by}" are not offered.{nearest(by, LINES)}')
    source.need("Lead", "CreatedDate", "OwnerId", "IsConverted")
    seen = known_until(source)
    found, gone = Tallies(), 0
    if source.has("sfsync.assignments"):
        values = {"start": period.start, "end": period.end}
        gone = int(source.rows(_gone_sql(), **values)[0].n)
        moment = (seen or source.clock.now).isoformat()
        for r in source.stream(_sql(source, by), **values, seen=moment, known=1 if seen else 0):
            found[r.value].add(r.state, r.hours if r.place == 1 else None)
    whole = found.whole()
    ordered = sorted(found.items(), key=lambda x: (_place(x[0]) if by == "reason" else -x[1].states.total(), str(x[0])))
    lines = [(_name(source, by, value), tally) for value, tally in ordered]
    return make(
        f"Leads given out in {period.label}",
        ("line", "leads", "share_percent", "median_hours", "p90_hours", *STATES, "accepted_percent"),
        [_row(line, tally, whole) for line, tally in [*lines, ("all", whole)]],
        facts={"fallback_percent": percent(whole.states[TRIAGE], whole.states.total())},
        notes=[
            None if whole.states else "no plan that was pushed gave a lead to anybody",
            "who was in touch is not known: Task is not in the mirror" if whole.states and seen is None else None,
            counted(gone, "lead given out was deleted or merged since", "leads given out were deleted or merged since"),
        ],
        parameters={**source.common, "period": period.label, "from": period.start, "to": period.end, "by": by,
                    **told(source.settings), "known_until": seen},
    )  # fmt: skip


def _row(line: str, tally: Tally, whole: Tally) -> dict[str, object]:
    judged = sum(tally.states[state] for state in JUDGED)
    return {
        "line": line,
        **tally.row(STATES),
        "share_percent": percent(tally.states.total(), whole.states.total()),
        "accepted_percent": percent(tally.states["accepted"], judged),
    }


def _name(source: Source, by: str, value: str | None) -> str:
    if value is None:
        return "(none)"
    return source.users.get(value, value) if by == "owner" else value


def _place(reason: str | None) -> int:
    return LADDER.index(reason) if reason in LADDER else len(LADDER)


def _gone_sql() -> str:
    return (
        "SELECT COUNT(*) AS n FROM sfsync.assignments a JOIN sfsync.pushes p ON p.push_id = a.push_id "
        f"LEFT JOIN live.Lead l ON l.Id = a.id WHERE l.Id IS NULL AND {IN_PERIOD}"
    )


def _sql(source: Source, by: str) -> str:
    """A row per assignment: value, place (of the lead's assignments), hours (from creation), state."""
    given = (
        "SELECT a.id, a.reason, a.pool, a.owner, a.push_id, a.assigned_at, ROW_NUMBER() OVER "
        "(PARTITION BY a.id ORDER BY a.push_id) AS place FROM sfsync.assignments a"
    )
    first_attempt = (
        f"SELECT a.id, a.push_id, MIN(t.at) AS at FROM sfsync.assignments a JOIN ({attempts(source)}) t "
        "ON t.id = a.id AND t.owner = a.owner WHERE t.at >= a.assigned_at GROUP BY a.id, a.push_id"
    )
    left = (
        f"SELECT a.id, a.push_id, MIN(c.at) AS at FROM sfsync.assignments a JOIN ({owner_changes(source)}) c "
        "ON c.id = a.id WHERE c.at > a.assigned_at AND c.owner <> a.owner GROUP BY a.id, a.push_id"
    )
    seen, sla = "CAST(:seen AS timestamp with time zone)", sla_hours(source, "l")
    state = (
        f"CASE WHEN a.reason = 'FALLBACK' THEN '{TRIAGE}' "
        "WHEN a.assigned_at IS NULL OR :known = 0 THEN 'unknown' "
        f"WHEN hours_between(a.assigned_at, t.at) <= {sla} THEN 'accepted' WHEN t.at IS NOT NULL THEN 'late' "
        f"WHEN hours_between(a.assigned_at, c.at) <= {sla} THEN 'passed_on' "
        "WHEN l.IsConverted IS TRUE THEN 'converted_untouched' "
        # It has another owner, and nothing says since when; before the next pull the mirror cannot know the new one.
        f"WHEN c.at IS NULL AND l.OwnerId <> a.owner AND {seen} > a.assigned_at THEN 'unknown' "
        f"WHEN hours_between(a.assigned_at, {seen}) > {sla} THEN 'silent' ELSE 'pending' END"
    )
    return (
        f"SELECT a.{by} AS value, a.place, hours_between(l.CreatedDate, a.assigned_at) AS hours, {state} AS state "
        f"FROM ({given}) a JOIN sfsync.pushes p ON p.push_id = a.push_id JOIN live.Lead l ON l.Id = a.id "
        f"LEFT JOIN ({first_attempt}) t ON t.id = a.id AND t.push_id = a.push_id "
        f"LEFT JOIN ({left}) c ON c.id = a.id AND c.push_id = a.push_id WHERE {IN_PERIOD}"
    )
