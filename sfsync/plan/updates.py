"""Proposals → guards → one update per record."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from sfsync.model import Change, Confidence, Value
from sfsync.plan.drafting import Drafting
from sfsync.plan.effects import effects
from sfsync.plan.facts import read_facts
from sfsync.plan.fill import Fills
from sfsync.plan.guards import World, check_field, check_record, needs
from sfsync.plan.mirror import CHUNK, Fields, batched, read_rows
from sfsync.plan.plan import Refused, object_order
from sfsync.plan.proposal import Proposal
from sfsync.plan.values import Wire, canonical, same


def updates(drafting: Drafting) -> Iterator[Change]:
    """In push order, a few thousand records at a time."""
    wanted, fixes, fills = drafting.wanted, drafting.fixes, Fills(drafting.con, drafting.warehouse)
    given = {p.ref.sobject for p in wanted.owners[:1]}
    found = {*fills.counts(), *fixes.sobjects()} if wanted.findings else set()
    for sobject in sorted({*found, *given}, key=object_order):
        proposed = [iter(wanted.owners if sobject in given else ())]
        if wanted.findings:
            proposed += [fixes.of(sobject), fills.of(sobject)]
        yield from _of_object(drafting, sobject, heapq.merge(*proposed, key=_id))


def _of_object(drafting: Drafting, sobject: str, wanted: Iterable[Proposal]) -> Iterator[Change]:
    con, warehouse = drafting.con, drafting.warehouse
    facts = read_facts(con, warehouse, sobject)
    by_record = (list(group) for _, group in groupby(wanted, key=_id))
    for some in batched(by_record, CHUNK):
        names = {name for group in some for p in group for name in p.after}
        ids = [group[0].ref.id for group in some]
        rows = read_rows(con, warehouse, sobject, ids, {*names, "SystemModstamp", *needs(sobject)})
        for group in some:
            ref = group[0].ref
            row = rows.get(ref.id)
            if row is None:
                drafting.gone(ref)
                continue
            change, out = combine(World(ref, facts, row.values, drafting.wanted.guards), group)
            drafting.refused += out
            if change is not None:
                yield change


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
