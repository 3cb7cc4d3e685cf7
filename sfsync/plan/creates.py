"""Records that are missing → new ones: a task, a contact role, a contact."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from sfsync.model import Change, Confidence, Ref
from sfsync.plan.drafting import Drafting
from sfsync.plan.facts import Facts, read_facts
from sfsync.plan.fixes import Other
from sfsync.plan.guards import World, check_new
from sfsync.plan.plan import object_order
from sfsync.plan.values import Wire, dumps, to_wire


def creates(drafting: Drafting) -> Iterator[Change]:
    """By the object and the Id of the record the finding is about, which each reason names as `for`.

    What two rules want alike for one record is created once.
    """
    facts: dict[str, Facts] = {}
    for sobject in sorted(drafting.fixes.sobjects("create"), key=object_order):
        for ref, group in groupby(drafting.fixes.others("create", sobject), key=lambda found: found.ref):
            for alike in _alike(list(group)):
                made = str(alike[0].fix["sobject"])
                if made not in facts:
                    facts[made] = read_facts(drafting.con, drafting.warehouse, made)
                change = _change(drafting, facts[made], made, ref, alike)
                if change:
                    yield change


def _alike(found: Sequence[Other]) -> list[list[Other]]:
    """Those that would create the same, together."""
    by_record: dict[str, list[Other]] = {}
    for other in found:
        by_record.setdefault(dumps([other.fix["sobject"], other.fix["after"]]), []).append(other)
    return list(by_record.values())


def _change(drafting: Drafting, facts: Facts, sobject: str, about: Ref, alike: Sequence[Other]) -> Change | None:
    world = World(Ref(sobject, ""), facts, {}, drafting.wanted.guards)
    after: dict[str, Wire] = {}
    for name, value in sorted(alike[0].fix["after"].items()):
        info = world.info(name)
        after[info.name if info else name] = to_wire(value)
    against = next((found for name, value in after.items() if (found := check_new(world, name, value))), None)
    if against:
        drafting.refuse(against[0], about, f"a new {sobject}: {against[1]}")
        return None
    because = tuple({**other.because, "for": about.id} for other in alike)
    confidence: Confidence = "auto" if all(other.confidence == "auto" for other in alike) else "assisted"
    return Change("create", world.ref, {}, after, because, confidence)
