"""Open leads per rep: as they are, and as they would be without what plans gave away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from sfsync.insight.fiscal import Period
from sfsync.insight.leaddata import ACTIVE
from sfsync.insight.source import Source
from sfsync.insight.table import CENT, Table, make, rounded
from sfsync.leads.model import Assigning
from sfsync.leads.takeup import IN_PERIOD


def balance(source: Source, period: Period, rules: Assigning) -> Table:
    """Active leads per active rep after what plans gave away in the period, and before it; then `waiting`, then `all`.

    `after` is the mirror's, with what was pushed since the last pull; `before` the same leads with whom they would be
    had no plan given them away: what came, closed or moved by hand meanwhile is in both. `waiting` are those of
    queues, inactive and intake users and others who take no leads. Facts, of before and after: what the busiest rep
    has as a multiple of the mean of reps with leads, and reps above `lead_cap` (OWN-004 flags both at once).
    """
    source.need("Lead", "OwnerId", "Status", "IsConverted")
    source.need("User", "IsActive")
    reps = _reps(source, rules)
    moves: Counter[tuple[str | None, str | None]] = Counter()
    rows = source.rows(_sql(source), terminal=source.terminal_statuses, start=period.start, end=period.end)
    for r in rows:
        moves[_who(r.before, reps), _who(r.after, reps)] += int(r.n)
    before, after, given, taken = (Counter[str | None]() for _ in range(4))
    for (old, new), n in moves.items():
        before[old] += n
        after[new] += n
        if old != new:
            given[new] += n
            taken[old] += n

    def row(line: str, who: Iterable[str | None]) -> dict[str, Any]:
        people = list(who)
        counts = {"before": before, "given": given, "taken": taken, "after": after}
        return {"line": line, **{name: sum(c[p] for p in people) for name, c in counts.items()}}

    busy = sorted({*before, *after} - {None}, key=lambda id: (-after[id], source.users.get(id or "", id or "")))
    return make(
        f"Load per rep, before and after what was given out in {period.label}",
        ("line", "before", "given", "taken", "after"),
        [
            *(row(source.users.get(id or "", id or ""), [id]) for id in busy),
            row("waiting", [None]),
            row("all", [*busy, None]),
        ],
        facts={
            "busiest_to_mean": {"before": _busiest(before), "after": _busiest(after)},
            "above_cap": {"before": _above(before, rules.lead_cap), "after": _above(after, rules.lead_cap)},
        },
        parameters={**source.common, "period": period.label, "from": period.start, "to": period.end,
                    "lead_cap": rules.lead_cap},
    )  # fmt: skip


def _who(owner: str | None, reps: frozenset[str]) -> str | None:
    return owner if owner in reps else None


def _reps(source: Source, rules: Assigning) -> frozenset[str]:
    found = source.rows("SELECT u.Id AS id FROM live.User u WHERE u.IsActive IS TRUE")
    return frozenset(u.id for u in found) - set(rules.intake_users) - set(rules.not_reps)


def _busiest(load: Mapping[str | None, int]) -> Decimal | None:
    counts = [n for rep, n in load.items() if rep is not None and n]
    return rounded(Decimal(max(counts) * len(counts)) / sum(counts), CENT) if counts else None


def _above(load: Mapping[str | None, int], cap: int) -> int:
    return sum(n > cap for rep, n in load.items() if rep is not None)


def _sql(source: Source) -> str:
    """before, after (owners) and n, of active leads."""
    if not source.has("sfsync.assignments"):
        return (
            "SELECT l.OwnerId AS before, l.OwnerId AS after, COUNT(*) AS n FROM live.Lead l "
            f"WHERE {ACTIVE} GROUP BY l.OwnerId"
        )
    given = (
        "SELECT a.id, a.from_owner, a.owner, a.assigned_at, "
        "ROW_NUMBER() OVER (PARTITION BY a.id ORDER BY a.push_id) AS nth, "
        "ROW_NUMBER() OVER (PARTITION BY a.id ORDER BY a.push_id DESC) AS from_end "
        f"FROM sfsync.assignments a JOIN sfsync.pushes p ON p.push_id = a.push_id WHERE {IN_PERIOD}"
    )
    pulled = source.column("Lead", "l", "_pulled_at", "timestamp with time zone")
    after = f"CASE WHEN l.OwnerId = b.from_owner AND {pulled} < b.assigned_at THEN b.owner ELSE l.OwnerId END"
    return (
        "SELECT CASE WHEN x.owner = x.given_to THEN x.given_by ELSE x.owner END AS before, x.owner AS after, "
        f"COUNT(*) AS n FROM (SELECT {after} AS owner, b.owner AS given_to, f.from_owner AS given_by FROM live.Lead l "
        f"LEFT JOIN (SELECT g.id, g.from_owner FROM ({given}) g WHERE g.nth = 1) f ON f.id = l.Id "
        f"LEFT JOIN (SELECT g.id, g.from_owner, g.owner, g.assigned_at FROM ({given}) g WHERE g.from_end = 1) b "
        f"ON b.id = l.Id WHERE {ACTIVE}) x GROUP BY 1, 2"
    )
