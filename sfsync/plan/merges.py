"""Records that are one real thing → merges: of the clusters decided "merge", and of the rules that propose some.

Salesforce's merge copies nothing from the losers, not even into blank fields: a line says every value the master takes
over from them. It takes up to three records at a time: a larger group becomes several lines with the same master.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import sqlalchemy as sa

from sfsync.dedupe.block import candidates_of
from sfsync.dedupe.store import told_apart
from sfsync.dedupe.survive import master
from sfsync.model import Change, Confidence, Ref
from sfsync.plan.drafting import Drafting
from sfsync.plan.facts import Facts, read_facts
from sfsync.plan.fill import CLUSTERS, STAMPS, fill, fillable
from sfsync.plan.guards import World, check_field, check_record, needs, not_mergeable
from sfsync.plan.mirror import Row, batched, chunks, read_rows
from sfsync.plan.plan import object_order
from sfsync.plan.values import Wire

LOSERS = 2
"""At most so many are merged into the master by one call. Source: SOAP API Developer Guide, merge()."""


@dataclass(frozen=True)
class Group:
    """Records to become one."""

    sobject: str
    ids: frozenset[str]
    because: tuple[Mapping[str, Any], ...]
    confidence: Confidence = "assisted"
    master: str = ""

    @property
    def ref(self) -> Ref:
        """What the group goes by before it has a master."""
        return Ref(self.sobject, self.master or min(self.ids))


def merges(drafting: Drafting) -> Iterator[Change]:
    """By sObject, then by the master's Id."""
    clustered = _clusters(drafting)
    for sobject in sorted({*clustered, *drafting.fixes.sobjects("merge")}, key=object_order):
        groups = _together(drafting, sobject, chain(clustered.get(sobject, ()), _ruled(drafting, sobject)))
        with_master = sorted(_with_masters(drafting, sobject, groups), key=lambda group: group.master)
        facts = read_facts(drafting.con, drafting.warehouse, sobject)
        for some in batched(with_master, CLUSTERS):
            yield from _lines(drafting, facts, sobject, some)


def _clusters(drafting: Drafting) -> dict[str, list[Group]]:
    """sObject → what `sfsync dedupe` decided to merge, by cluster."""
    if not drafting.warehouse.has_table(drafting.con, "sfsync.clusters"):
        return {}
    rows = drafting.con.execute(
        sa.text("SELECT sobject, cluster, id, master FROM sfsync.clusters WHERE decision = 'merge' ORDER BY 1, 2, 3")
    ).all()
    members: dict[tuple[str, str], list[str]] = {}
    masters = {}
    for sobject, cluster, id, is_master in rows:
        members.setdefault((sobject, cluster), []).append(id)
        if is_master:
            masters[sobject, cluster] = id
    found: dict[str, list[Group]] = {}
    for (sobject, cluster), ids in members.items():
        chosen = masters.get((sobject, cluster), "")
        found.setdefault(sobject, []).append(Group(sobject, frozenset(ids), ({"cluster": cluster},), master=chosen))
    return found


def _ruled(drafting: Drafting, sobject: str) -> Iterator[Group]:
    for found in drafting.fixes.others("merge", sobject):
        ids = frozenset({found.ref.id, *map(str, found.fix.get("records") or ())})
        if len(ids) > 1:
            yield Group(sobject, ids, (found.because,), found.confidence)


def _together(drafting: Drafting, sobject: str, proposed: Iterable[Group]) -> list[Group]:
    """Each record in one group: one that an earlier group holds whole becomes a reason of that.

    One that only overlaps is refused, and so is one with two records a person called different.
    """
    groups: list[Group] = []
    place: dict[str, int] = {}
    told = told_apart(drafting.con, drafting.warehouse, sobject)
    for group in proposed:
        apart = told(group.ids)
        there = {place[id] for id in group.ids if id in place}
        if apart:
            drafting.refuse("GUARD-07", group.ref, f"a person decided that {' and '.join(apart)} are different")
        elif not there:
            place |= dict.fromkeys(group.ids, len(groups))
            groups.append(group)
        elif len(there) == 1 and group.ids <= groups[at := there.pop()].ids:
            held = groups[at]
            groups[at] = replace(held, because=(*held.because, *(b for b in group.because if b not in held.because)))
        else:
            some = f"{_reason(group)} would merge {len(group.ids)} records, some of which another line merges"
            drafting.refuse("CONFLICT", group.ref, f"{some}; do that first, then check and plan again")
    return groups


def _with_masters(drafting: Drafting, sobject: str, groups: Sequence[Group]) -> Iterator[Group]:
    columns = drafting.warehouse.columns(drafting.con, f"live.{sobject}")
    normalised = drafting.warehouse.has_table(drafting.con, f"sfsync.norm_{sobject}")
    yield from (group for group in groups if group.master)
    for some in chunks([group for group in groups if not group.master], CLUSTERS):
        ids = sorted({id for group in some for id in group.ids})
        people = candidates_of(drafting.con, drafting.warehouse, sobject, columns, ids) if normalised else {}
        for group in some:
            there = [people[id] for id in group.ids if id in people]
            yield replace(group, master=master(there).id if there else min(group.ids))


def _lines(drafting: Drafting, facts: Facts, sobject: str, groups: Sequence[Group]) -> Iterator[Change]:
    names = {*fillable(facts.fields), *STAMPS, *needs(sobject), "IsConverted", "IsPersonAccount"}
    ids = {id for group in groups for id in group.ids}
    rows = read_rows(drafting.con, drafting.warehouse, sobject, ids, names)
    for group in groups:
        if gone := sorted(group.ids - rows.keys()):
            drafting.gone(Ref(sobject, gone[0]))
            continue
        others = [rows[id] for id in sorted(group.ids - {group.master})]
        world = World(Ref(sobject, group.master), facts, rows[group.master].values, drafting.wanted.guards)
        after = _taken_over(world, group, rows[group.master], others)
        reason = not_mergeable(sobject, [world.row, *(row.values for row in others)])
        against = ("GUARD-07", reason) if reason else check_record(world, after) or _lost(world, after)
        if against:
            drafting.refuse(against[0], world.ref, against[1])
            continue
        yield from _calls(world, group, after, [row.ref.id for row in others])


def _taken_over(world: World, group: Group, row: Row, others: Sequence[Row]) -> dict[str, Wire]:
    after: dict[str, Wire] = {}
    for proposal in fill(min(group.ids), row, others, world.facts.fields):
        after |= proposal.after
    return dict(sorted(after.items()))


def _lost(world: World, after: Mapping[str, Wire]) -> tuple[str, str] | None:
    """Why a loser's value cannot be kept: then the merge would lose it."""
    for name, value in after.items():
        if found := check_field(world, name, value):
            return found[0], f"the merge would lose {name} of a record merged away: {found[1]}"
    return None


def _calls(world: World, group: Group, after: Mapping[str, Wire], losers: Sequence[str]) -> Iterator[Change]:
    """The master takes over everything with the first call."""
    for i, some in enumerate(chunks(losers, LOSERS)):
        taken = after if i == 0 else {}
        before = {name: world.row.get(name) for name in sorted({*taken, "SystemModstamp"})}
        yield Change("merge", world.ref, before, taken, group.because, group.confidence, tuple(some))


def _reason(group: Group) -> str:
    return str(group.because[0].get("rule") or f"cluster {group.because[0].get('cluster')}")
