"""Deciding on a plan's lines, and reading them. Pure: plans in, plans or text out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any, Literal

from sfsync.model import Change
from sfsync.plan.plan import Each, Plan
from sfsync.plan.values import dumps

Decision = Literal["accepted", "refused"]


def accept(
    plan: Plan,
    *,
    sobjects: Collection[str] = (),
    ids: Collection[str] = (),
    rules: Collection[str] = (),
    fields: Collection[str] = (),
    confidences: Collection[str] = (),
    ops: Collection[str] = (),
) -> Plan:
    """The plan with every line accepted that meets all filters given; no filter takes all.

    rules: rule codes, or cluster Ids. fields: the line writes at least one of them. ops: update, merge … A line
    that was refused before stays so unless its Id is named.
    """
    return _decide(plan, "accepted", sobjects, ids, rules, fields, confidences, ops)


def refuse(
    plan: Plan,
    *,
    sobjects: Collection[str] = (),
    ids: Collection[str] = (),
    rules: Collection[str] = (),
    fields: Collection[str] = (),
    confidences: Collection[str] = (),
    ops: Collection[str] = (),
) -> Plan:
    """Like `accept`, the other way. A line that was accepted before is refused too: the careful answer wins."""
    return _decide(plan, "refused", sobjects, ids, rules, fields, confidences, ops)


def summary(plan: Plan) -> dict[str, Any]:
    """Counts: total, by op, sobject, confidence, decision ("undecided" when none), reason and field; sorted keys."""
    names = ("op", "sobject", "confidence", "decision", "because", "field")
    counted: dict[str, Counter[str]] = {name: Counter() for name in names}
    for c in plan.changes:
        counted["op"][c.op] += 1
        counted["sobject"][c.ref.sobject] += 1
        counted["confidence"][c.confidence] += 1
        counted["decision"][c.decision or "undecided"] += 1
        counted["because"].update(_reasons(c))
        counted["field"].update(f"{c.ref.sobject}.{name}" for name in c.after)
    return {"total": len(plan.changes), **{name: dict(sorted(found.items())) for name, found in counted.items()}}


def diff_lines(plan: Plan) -> Iterator[str]:
    """The plan for a person to read: a line per change, then one per field, old → new, as JSON values."""
    for change in plan.changes:
        decided = f", {change.decision}" if change.decision else ""
        reasons = ", ".join(_reasons(change))
        into = f" ← {', '.join(change.losers)}" if change.losers else ""
        record = change.ref.id or f"for {', '.join(sorted({str(b.get('for', '')) for b in change.because}))}"
        yield f"{change.op} {change.ref.sobject} {record}{into} ({change.confidence}{decided}) because {reasons}"
        for name, value in change.after.items():
            old = f"{dumps(change.before[name])} → " if name in change.before else ""
            yield f"    {name}: {old}{dumps(value)}"
        for name, value in change.effects.items():
            old = f"{dumps(change.before[name])} → " if name in change.before else ""
            yield f"    {name}: {old}{dumps(value)} (set by Salesforce)"


def _decide(
    plan: Plan,
    decision: Decision,
    sobjects: Collection[str],
    ids: Collection[str],
    rules: Collection[str],
    fields: Collection[str],
    confidences: Collection[str],
    ops: Collection[str],
) -> Plan:
    short = {id[:15] for id in ids}

    def meant(change: Change) -> bool:
        if decision == "accepted" and change.decision == "refused" and not short:
            return False
        return (
            (not sobjects or change.ref.sobject.casefold() in {s.casefold() for s in sobjects})
            and (not short or not short.isdisjoint(_ids(change)))
            and (not rules or not set(rules).isdisjoint(str(v) for b in change.because for v in b.values()))
            and (not fields or not {f.casefold() for f in fields}.isdisjoint(f.casefold() for f in change.after))
            and (not confidences or change.confidence in confidences)
            and (not ops or change.op in ops)
        )

    def decided(change: Change) -> Change:
        return replace(change, decision=decision) if meant(change) else change

    found = Each(plan.changes, decided)
    return replace(plan, changes=tuple(found) if isinstance(plan.changes, tuple) else found)


def _ids(change: Change) -> set[str]:
    """The records a line is about, in 15 characters."""
    meant = (str(b["for"]) for b in change.because if "for" in b)
    return {id[:15] for id in (change.ref.id, *change.losers, *meant)} - {""}


def _reasons(change: Change) -> list[str]:
    """Rule codes, and what else asked for it ("cluster", "push")."""
    return list(dict.fromkeys(str(b["rule"]) if "rule" in b else next(iter(sorted(b))) for b in change.because))
