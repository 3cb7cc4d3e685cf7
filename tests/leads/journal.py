"""What pushes of distributions leave behind, without an org."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sfsync.leads.record import record
from sfsync.model import Change, Ref
from sfsync.plan.plan import Plan
from sfsync.push.journal import Entry, Journal
from sfsync.push.select import Line
from sfsync.warehouse import Warehouse


def assignment(
    lead: str, owner: str, before: str, reason: str = "POOL", *, pool: str | None = None, turn: int = 0
) -> Change:
    """A line of a plan; in a pool its member's turn, as of a rotation."""
    because = {"rule": f"ASSIGN-{reason}", "kind": "reassign", "detail": ""}
    pooled = {"pool": pool, "turn": turn, "state": {"last": owner}} if pool else {}
    values = ({"OwnerId": before, "SystemModstamp": None}, {"OwnerId": owner})
    return Change("update", Ref("Lead", lead), *values, ({**because, **pooled},))


def plan(*changes: Change, made_at: datetime) -> Plan:
    return Plan("00D000000000001EAA", "https://acme.my.salesforce.com", False, made_at, changes)


def pushed(warehouse: Warehouse, plan: Plan, at: datetime, became: Mapping[str, str] | None = None) -> int:
    """Journal a push of the plan; became: status of a lead's line, "applied" where none is given. Returns how many
    assignments are new."""
    statuses = became or {}
    journal = Journal(warehouse, plan, "plan.jsonl", at)
    journal.open()
    journal.write(
        Entry(Line(seq, change), statuses.get(change.ref.id, "applied"), "", "", change.before, change.after, at, at)
        for seq, change in enumerate(plan.changes, start=1)
        if statuses.get(change.ref.id) != "left out"
    )
    journal.close("done")
    with warehouse.write() as con:
        return record(con, warehouse, plan)
