"""Assignments → a Plan of their own, through the guards every write passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sfsync.insight.source import Source
from sfsync.leads.assign import Assignment, proposals
from sfsync.model import Change, Ref
from sfsync.plan.build import combine
from sfsync.plan.guards import NEEDS, Guards, World, volume
from sfsync.plan.mirror import active_users, count_live, read_fields, read_rows
from sfsync.plan.plan import Plan, Refused, ordered
from sfsync.salesforce.ids import to18


def plan_assignments(
    source: Source, assignments: Sequence[Assignment], meta: Mapping[str, str], guards: Guards | None = None
) -> Plan:
    """The plan that gives the leads to their new owners; what a guard keeps out stands in its `refused`.

    meta: org_id, instance_url and is_sandbox, as the warehouse keeps them. Nothing is written anywhere.
    """
    guards = guards or Guards()
    con, warehouse = source.con, source.warehouse
    wanted = {p.ref.id: p for p in proposals(assignments)}
    fields = read_fields(con, warehouse, "Lead")
    rows = read_rows(con, warehouse, "Lead", wanted.keys(), {"OwnerId", "SystemModstamp", *NEEDS["Lead"]})
    users = active_users(con, warehouse)
    made: list[Change] = []
    refused: list[Refused] = []
    for id, proposal in sorted(wanted.items()):
        change, out = combine(World(Ref("Lead", id), fields, rows[id].values, guards, users), [proposal])
        refused += out
        made += [change] if change else []
    reason = volume("Lead", len(made), count_live(con, warehouse, "Lead"), guards.max_rows, guards.max_share)
    if reason:
        refused.append(Refused("GUARD-12", Ref("Lead", ""), f"{reason}. Refuse some lines, or push with --allow-large"))
    return Plan(
        org_id=to18(meta["org_id"]),
        instance_url=meta["instance_url"],
        is_sandbox=meta["is_sandbox"] == "true",
        made_at=source.clock.now.replace(microsecond=0),
        changes=ordered(made),
        refused=tuple(refused),
    )
