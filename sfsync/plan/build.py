"""Proposals → guards → Plan."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from sfsync.errors import WrongOrg
from sfsync.model import Change, Confidence, Ref, Value
from sfsync.plan.effects import effects
from sfsync.plan.facts import read_facts
from sfsync.plan.file import write_stream
from sfsync.plan.fill import Fills
from sfsync.plan.fixes import Fixes
from sfsync.plan.guards import Guards, World, check_field, check_record, needs, volume
from sfsync.plan.mirror import CHUNK, Fields, batched, count_live, read_rows
from sfsync.plan.plan import Plan, Refused, object_order
from sfsync.plan.proposal import Proposal
from sfsync.plan.values import Wire, canonical, same
from sfsync.salesforce.ids import to18
from sfsync.warehouse import Warehouse


@dataclass(frozen=True)
class Wanted:
    """What a plan shall hold, and for which org."""

    org_id: str
    instance_url: str
    is_sandbox: bool
    now: datetime
    """Aware, UTC."""
    guards: Guards = field(default_factory=Guards)
    owners: Sequence[Proposal] = ()
    """New owners of records of one sObject, by Id, as `sfsync.leads` proposes them; they go before what a rule would do
    about the same owner."""
    findings: bool = True
    """Also the fixes of all open findings, and the blanks of masters of clusters decided "merge"."""


@dataclass
class Drafting:
    """A plan in the making: go through `changes` once, then see what was left out."""

    con: sa.Connection
    warehouse: Warehouse
    wanted: Wanted
    refused: list[Refused] = field(default_factory=list)
    pending_merges: int = 0

    def changes(self) -> Iterator[Change]:
        """In push order, a few thousand records at a time."""
        fixes, fills = Fixes(self.con, self.warehouse, self.wanted.now), Fills(self.con, self.warehouse)
        clusters = fills.counts() if self.wanted.findings else {}
        self.pending_merges = sum(clusters.values())
        given = {p.ref.sobject for p in self.wanted.owners[:1]}
        sobjects = {
            *clusters,
            *(fixes.sobjects() if self.wanted.findings else ()),
            *given,
        }
        for sobject in sorted(sobjects, key=object_order):
            wanted = [iter(self.wanted.owners if sobject in given else ())]
            if self.wanted.findings:
                wanted += [fixes.of(sobject, self.refused.append), fills.of(sobject)]
            yield from self._of_object(sobject, heapq.merge(*wanted, key=_id))

    def _of_object(self, sobject: str, wanted: Iterable[Proposal]) -> Iterator[Change]:
        facts = read_facts(self.con, self.warehouse, sobject)
        by_record = (list(group) for _, group in groupby(wanted, key=_id))
        count = 0
        for some in batched(by_record, CHUNK):
            names = {name for group in some for p in group for name in p.after}
            ids = [group[0].ref.id for group in some]
            rows = read_rows(self.con, self.warehouse, sobject, ids, {*names, "SystemModstamp", *needs(sobject)})
            for group in some:
                ref = group[0].ref
                row = rows.get(ref.id)
                if row is None:
                    gone = "the record is not in the mirror, or was deleted; run `sfsync check` again"
                    self.refused.append(Refused("GONE", ref, gone))
                    continue
                change, out = combine(World(ref, facts, row.values, self.wanted.guards), group)
                self.refused += out
                if change is not None:
                    count += 1
                    yield change
        self._brake(sobject, count)

    def _brake(self, sobject: str, count: int) -> None:
        live = count_live(self.con, self.warehouse, sobject)
        reason = volume(sobject, count, live, self.wanted.guards.max_rows, self.wanted.guards.max_share)
        if reason:
            text = f"{reason}. Refuse some lines, or push with --allow-large"
            self.refused.append(Refused("GUARD-12", Ref(sobject, ""), text))


def build(warehouse: Warehouse, wanted: Wanted) -> Plan:
    """The plan that applies everything wanted.

    All fixes of one record become one Change with a reason each; a fix is taken whole or not at all. What is already
    so in the mirror is left out silently; what a guard or a disagreement keeps out stands in `Plan.refused`. Nothing
    is written anywhere. Raises WrongOrg when the warehouse mirrors another org.
    """
    with _drafting(warehouse, wanted) as drafting:
        changes = tuple(drafting.changes())
        return _with_refused(replace(_head(wanted), changes=changes), drafting)


def build_file(warehouse: Warehouse, wanted: Wanted, path: str | Path, *, con: sa.Connection | None = None) -> Plan:
    """The same, written to a plan file as it is made: a plan of any size takes little memory.

    con: read by this connection. The plan returned reads its changes from the file. Raises PlanError when the file
    cannot be written.
    """
    with _drafting(warehouse, wanted, con) as drafting:
        written = write_stream(_head(wanted), drafting.changes(), path)
        return _with_refused(written, drafting)


@contextmanager
def _drafting(warehouse: Warehouse, wanted: Wanted, con: sa.Connection | None = None) -> Iterator[Drafting]:
    with nullcontext(con) if con is not None else warehouse.read() as reading:
        _same_org(warehouse.meta(reading), wanted.org_id, wanted.is_sandbox)
        yield Drafting(reading, warehouse, wanted)


def _head(wanted: Wanted) -> Plan:
    return Plan(to18(wanted.org_id), wanted.instance_url, wanted.is_sandbox, wanted.now.replace(microsecond=0), ())


def _with_refused(plan: Plan, drafting: Drafting) -> Plan:
    refused = sorted(drafting.refused, key=lambda r: (object_order(r.ref.sobject), r.ref.id, r.guard, r.reason))
    return replace(plan, refused=tuple(refused), pending_merges=drafting.pending_merges)


def combine(world: World, wanted: Sequence[Proposal]) -> tuple[Change | None, list[Refused]]:
    """The one Change of one record out of everything proposed for it, and what was kept out."""
    open_ones = [p for p in (_spelt(world, p) for p in _one_owner(wanted)) if _differs(world, p)]
    if not open_ones:
        return None, []
    row, world = world.row, _as_typed(world, open_ones)
    refused = _conflicts(world, open_ones)
    out = {name for name, _ in refused}
    for proposal in open_ones:
        for name, value in proposal.after.items():
            found = None if name in out else check_field(world, name, value)
            if found:
                out.add(name)
                refused.append((name, Refused(found[0], world.ref, found[1])))
    kept = [p for p in open_ones if out.isdisjoint(p.after)]
    if not kept:
        return None, [r for _, r in refused]
    against = check_record(world, {name: value for p in kept for name, value in p.after.items()})
    if against:  # then the rest of what was refused is of no use to anybody
        return None, [Refused(against[0], world.ref, against[1])]
    return _change(world, row, kept), [r for _, r in refused]


def _one_owner(wanted: Sequence[Proposal]) -> list[Proposal]:
    """Where the distribution of leads gives a lead to somebody, no rule does."""
    if not any(p.distributes for p in wanted):
        return list(wanted)
    return [p for p in wanted if p.distributes or "ownerid" not in {n.casefold() for n in p.after}]


def _as_typed(world: World, wanted: Iterable[Proposal]) -> World:
    """The record with the record type it will have: its picklists are those of that type."""
    types = {str(value): value for p in wanted for name, value in p.after.items() if name == "RecordTypeId"}
    if len(types) != 1:
        return world
    return replace(world, row={**world.row, "RecordTypeId": next(iter(types.values()))})


def _spelt(world: World, proposal: Proposal) -> Proposal:
    """The proposal with the fields' names as Salesforce spells them."""
    names = {name: info.name if (info := world.info(name)) else name for name in proposal.after}
    return replace(proposal, after={names[name]: value for name, value in proposal.after.items()})


def _differs(world: World, proposal: Proposal) -> bool:
    return not all(
        name in world.row and _same(world.facts.fields, name, value, world.row[name])
        for name, value in proposal.after.items()
    )


def _conflicts(world: World, wanted: Iterable[Proposal]) -> list[tuple[str, Refused]]:
    """(field, why) for fields that two proposals would set to different values."""
    values: dict[str, dict[object, Mapping[str, Any]]] = {}
    for proposal in wanted:
        for name, value in proposal.after.items():
            values.setdefault(name, {}).setdefault(_canonical(world.facts.fields, name, value), proposal.because)
    return [
        (name, Refused("CONFLICT", world.ref, f"{' and '.join(map(_reason, found.values()))} disagree on {name}"))
        for name, found in values.items()
        if len(found) > 1
    ]


def _change(world: World, row: Mapping[str, Value], kept: Sequence[Proposal]) -> Change:
    after: dict[str, Wire] = {}
    for proposal in kept:
        after |= proposal.after
    after = {n: v for n, v in sorted(after.items()) if not _same(world.facts.fields, n, v, row.get(n))}
    follows = effects(world, after)
    before = {name: row.get(name) for name in sorted({*after, *follows, "SystemModstamp"})}
    confidence: Confidence = "auto" if all(p.confidence == "auto" for p in kept) else "assisted"
    because = [p.because for i, p in enumerate(kept) if p.because not in [k.because for k in kept[:i]]]
    return Change("update", world.ref, before, after, tuple(because), confidence, effects=follows)


def _same_org(meta: Mapping[str, str], org_id: str, is_sandbox: bool) -> None:
    mirrored = meta.get("org_id")
    if mirrored and to18(mirrored) != to18(org_id):
        raise WrongOrg(f"the warehouse mirrors org {mirrored}, not {org_id}. Plan against its own org, or pull anew.")
    flag = meta.get("is_sandbox")
    if flag and (flag == "true") != is_sandbox:
        kind = "a sandbox" if flag == "true" else "production"
        raise WrongOrg(f"the warehouse was pulled from {kind} and org {org_id} says otherwise. Pull again (GUARD-15).")


def _id(proposal: Proposal) -> str:
    return proposal.ref.id


def _reason(because: Mapping[str, Any]) -> str:
    return str(because["rule"]) if "rule" in because else f"cluster {because.get('cluster')}"


def _canonical(fields: Fields, name: str, value: Wire) -> object:
    info = fields.get(name.casefold())
    return canonical(value, info.type, info.scale) if info else value


def _same(fields: Fields, name: str, a: Value, b: Value) -> bool:
    info = fields.get(name.casefold())
    return same(a, b, info.type if info else None, info.scale if info else None)
