"""Proposals → guards → Plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from sfsync.errors import WrongOrg
from sfsync.model import Change, Confidence, Ref, Value
from sfsync.plan.fill import fills
from sfsync.plan.fixes import proposals
from sfsync.plan.guards import NEEDS, Guards, World, check_field, check_record, volume
from sfsync.plan.mirror import Fields, active_users, count_live, read_fields, read_rows
from sfsync.plan.plan import Plan, Refused, object_order, ordered
from sfsync.plan.proposal import Proposal
from sfsync.plan.values import Wire, canonical, same
from sfsync.salesforce.ids import to18
from sfsync.warehouse import Warehouse


def build(
    warehouse: Warehouse,
    *,
    org_id: str,
    instance_url: str,
    is_sandbox: bool,
    now: datetime,
    guards: Guards | None = None,
) -> Plan:
    """The plan that applies the fixes of all open findings and fills the masters of clusters decided "merge".

    All fixes of one record become one Change with a reason each; a fix is taken whole or not at all. What is already
    so in the mirror is left out silently; what a guard or a disagreement keeps out stands in `Plan.refused`. Nothing
    is written anywhere. now: aware UTC. Raises WrongOrg when the warehouse mirrors another org.
    """
    guards = guards or Guards()
    with warehouse.read() as con:
        _same_org(warehouse.meta(con), org_id, is_sandbox)
        wanted, refused = proposals(con, warehouse, now)
        filled, pending = fills(con, warehouse)
        changes: list[Change] = []
        for sobject, group in groupby(sorted([*wanted, *filled], key=_place), key=lambda p: p.ref.sobject):
            made, out = _of_object(con, warehouse, sobject, list(group), guards)
            changes += made
            refused += out
        refused += _volume(con, warehouse, changes, guards)
    return Plan(
        org_id=to18(org_id),
        instance_url=instance_url,
        is_sandbox=is_sandbox,
        made_at=now.replace(microsecond=0),
        changes=ordered(changes),
        refused=tuple(sorted(refused, key=lambda r: (object_order(r.ref.sobject), r.ref.id, r.guard, r.reason))),
        pending_merges=pending,
    )


def combine(world: World, wanted: Sequence[Proposal]) -> tuple[Change | None, list[Refused]]:
    """The one Change of one record out of everything proposed for it, and what was kept out."""
    against = check_record(world)
    if against:
        return None, [Refused(against[0], world.ref, against[1])]
    open_ones = [p for p in (_spelt(world, p) for p in wanted) if _differs(world, p)]
    refused = _conflicts(world, open_ones)
    out = {name for name, _ in refused}
    for proposal in open_ones:
        for name, value in proposal.after.items():
            found = None if name in out else check_field(world, name, value)
            if found:
                out.add(name)
                refused.append((name, Refused(found[0], world.ref, found[1])))
    kept = [p for p in open_ones if out.isdisjoint(p.after)]
    return (_change(world, kept) if kept else None), [r for _, r in refused]


def _of_object(
    con: sa.Connection, warehouse: Warehouse, sobject: str, wanted: Sequence[Proposal], guards: Guards
) -> tuple[list[Change], list[Refused]]:
    fields = read_fields(con, warehouse, sobject)
    touched = {name for p in wanted for name in p.after}
    names = {*touched, "SystemModstamp", *NEEDS.get(sobject, ())}
    rows = read_rows(con, warehouse, sobject, {p.ref.id for p in wanted}, names)
    users = active_users(con, warehouse) if "ownerid" in {n.casefold() for n in touched} else None
    changes: list[Change] = []
    refused: list[Refused] = []
    for ref, group in groupby(wanted, key=lambda p: p.ref):
        row = rows.get(ref.id)
        if row is None:
            refused.append(
                Refused("GONE", ref, "the record is not in the mirror, or was deleted; run `sfsync check` again")
            )
            continue
        change, out = combine(World(ref, fields, row.values, guards, users), list(group))
        refused += out
        changes += [change] if change else []
    return changes, refused


def _spelt(world: World, proposal: Proposal) -> Proposal:
    """The proposal with the fields' names as Salesforce spells them."""
    names = {name: info.name if (info := world.info(name)) else name for name in proposal.after}
    return replace(proposal, after={names[name]: value for name, value in proposal.after.items()})


def _differs(world: World, proposal: Proposal) -> bool:
    return not all(
        name in world.row and _same(world.fields, name, value, world.row[name])
        for name, value in proposal.after.items()
    )


def _conflicts(world: World, wanted: Iterable[Proposal]) -> list[tuple[str, Refused]]:
    """(field, why) for fields that two proposals would set to different values."""
    values: dict[str, dict[object, Mapping[str, Any]]] = {}
    for proposal in wanted:
        for name, value in proposal.after.items():
            values.setdefault(name, {}).setdefault(_canonical(world.fields, name, value), proposal.because)
    return [
        (name, Refused("CONFLICT", world.ref, f"{' and '.join(map(_reason, found.values()))} disagree on {name}"))
        for name, found in values.items()
        if len(found) > 1
    ]


def _change(world: World, kept: Sequence[Proposal]) -> Change:
    after: dict[str, Wire] = {}
    for proposal in kept:
        after |= proposal.after
    after = {n: v for n, v in sorted(after.items()) if not _same(world.fields, n, v, world.row.get(n))}
    before = {name: world.row.get(name) for name in sorted([*after, "SystemModstamp"])}
    confidence: Confidence = "auto" if all(p.confidence == "auto" for p in kept) else "assisted"
    because = [p.because for i, p in enumerate(kept) if p.because not in [k.because for k in kept[:i]]]
    return Change("update", world.ref, before, after, tuple(because), confidence)


def _volume(con: sa.Connection, warehouse: Warehouse, changes: Iterable[Change], guards: Guards) -> list[Refused]:
    found = []
    for sobject, n in sorted(Counter(c.ref.sobject for c in changes).items()):
        reason = volume(sobject, n, count_live(con, warehouse, sobject), guards.max_rows, guards.max_share)
        if reason:
            found.append(
                Refused("GUARD-12", Ref(sobject, ""), f"{reason}. Refuse some lines, or push with --allow-large")
            )
    return found


def _same_org(meta: Mapping[str, str], org_id: str, is_sandbox: bool) -> None:
    mirrored = meta.get("org_id")
    if mirrored and to18(mirrored) != to18(org_id):
        raise WrongOrg(f"the warehouse mirrors org {mirrored}, not {org_id}. Plan against its own org, or pull anew.")
    flag = meta.get("is_sandbox")
    if flag and (flag == "true") != is_sandbox:
        kind = "a sandbox" if flag == "true" else "production"
        raise WrongOrg(f"the warehouse was pulled from {kind} and org {org_id} says otherwise. Pull again (GUARD-15).")


def _place(proposal: Proposal) -> tuple[tuple[int, str], str]:
    return object_order(proposal.ref.sobject), proposal.ref.id


def _reason(because: Mapping[str, Any]) -> str:
    return str(because["rule"]) if "rule" in because else f"cluster {because.get('cluster')}"


def _canonical(fields: Fields, name: str, value: Wire) -> object:
    info = fields.get(name.casefold())
    return canonical(value, info.type, info.scale) if info else value


def _same(fields: Fields, name: str, a: Value, b: Value) -> bool:
    info = fields.get(name.casefold())
    return same(a, b, info.type if info else None, info.scale if info else None)
