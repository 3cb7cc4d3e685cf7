"""One line of the plan against the record as the org has it now. Pure.

Three values are compared field by field: what the plan saw (before), what it wants (after), what is there (now).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from sfsync.model import Change, Value
from sfsync.plan.facts import Facts
from sfsync.plan.guards import Guards, World, check_field, check_record
from sfsync.plan.mirror import Fields
from sfsync.plan.values import same

CHANGED = "CHANGED_IN_ORG"
TOUCHED = "TOUCHED_IN_ORG"
GONE = "ENTITY_IS_DELETED"


@dataclass(frozen=True)
class Verdict:
    status: Literal["write", "already", "stale", "refused"]
    code: str = ""
    message: str = ""
    after: Mapping[str, Value] = field(default_factory=dict)
    """What to send: the fields that are not as wanted yet."""


def judge(change: Change, now: Mapping[str, Value] | None, facts: Facts, guards: Guards | None = None) -> Verdict:
    """now: the record's touched fields and SystemModstamp, just read; None when it is deleted or cannot be seen."""
    fields = facts.fields
    if now is None:
        return Verdict("stale", GONE, "the record was deleted or merged since, or is hidden from this user")
    left = {n: v for n, v in change.after.items() if not _same(fields, n, v, now.get(n))}
    if not left:
        return Verdict("already")
    refused = guard(change, now, facts, left, guards or Guards())
    if refused:
        return Verdict("refused", *refused)
    edited = [n for n in left if not _same(fields, n, change.before.get(n), now.get(n))]
    if edited:
        return Verdict(
            "stale", CHANGED, f"{', '.join(sorted(edited))} changed in the org since the plan; left as it is"
        )
    # The stamp moves for any edit, also of fields this line does not touch, and only the line's own fields are sent, so
    # nothing can be overwritten. But a rule may have judged by the fields that moved. Whoever accepted the line judged
    # these values themselves; a line that nobody looked at is better planned anew from the record as it is now.
    moved = not same(change.before.get("SystemModstamp"), now.get("SystemModstamp"), "datetime")
    if moved and change.decision != "accepted":
        return Verdict(
            "stale", TOUCHED, "the record was edited since the plan; pull and plan again, or accept the line"
        )
    return Verdict("write", after=left)


def guard(
    change: Change, now: Mapping[str, Value], facts: Facts, after: Mapping[str, Value], guards: Guards
) -> tuple[str, str] | None:
    """(code, reason) of the first guard against writing `after`. A person who accepted a line allowed its blanks."""
    allowed = replace(guards, allow_blank_out=change.decision == "accepted")
    typed = {"RecordTypeId": after["RecordTypeId"]} if "RecordTypeId" in after else {}
    found = check_record(World(change.ref, facts, now, allowed), after)
    world = World(change.ref, facts, {**now, **typed}, allowed)
    for name, value in after.items():
        found = found or check_field(world, name, value)
    return found


def unreadable(change: Change, fields: Fields) -> tuple[str, str] | None:
    """(code, reason) when the line names a field the org does not show: asking for it would fail the others too."""
    unknown = [n for n in change.after if n.casefold() not in fields]
    if not unknown:
        return None
    return "GUARD-02", f"{unknown[0]} is not a field of {change.ref.sobject} this user can see"


def _same(fields: Fields, name: str, a: Value, b: Value) -> bool:
    info = fields.get(name.casefold())
    return same(a, b, info.type if info else None, info.scale if info else None)
