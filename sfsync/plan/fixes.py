"""Open findings that carry a fix → proposals."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from sfsync.model import Ref
from sfsync.moments import local_day
from sfsync.plan.plan import Refused
from sfsync.plan.proposal import Proposal
from sfsync.plan.values import loads, to_wire
from sfsync.rules.waivers import waived_sql
from sfsync.warehouse import Warehouse


def proposals(con: sa.Connection, warehouse: Warehouse, now: datetime) -> tuple[list[Proposal], list[Refused]]:
    """The fixes of all open findings, by sObject, Id and rule.

    Left out are `manual` ones, which are advice for people, and those of findings waived at the moment `now`. A fix
    that cannot be read is refused, it does not stop the plan: it may come from a rule of the user's own.
    """
    if not warehouse.has_table(con, "sfsync.findings"):
        return [], []
    waived, values = "", {}
    if warehouse.has_table(con, "sfsync.waivers"):
        waived = f" AND NOT {waived_sql()}"
        values = {"today": local_day(now, warehouse.meta(con).get("time_zone", "UTC"))}
    rows = con.execute(
        sa.text(
            "SELECT f.sobject, f.id, f.rule, f.kind, f.fix FROM sfsync.findings f "
            f"WHERE f.resolved_at IS NULL AND f.fix IS NOT NULL{waived} ORDER BY f.sobject, f.id, f.rule, f.kind"
        ),
        values,
    )
    found: list[Proposal] = []
    refused: list[Refused] = []
    for sobject, id, rule, kind, fix in rows:
        ref = Ref(sobject, id)
        try:
            proposal = _proposal(ref, rule, kind, fix)
        except (ValueError, TypeError, KeyError, AttributeError):
            refused.append(Refused("FIX", ref, f"the fix of {rule} is not readable; run `sfsync check` again"))
            continue
        if proposal.confidence != "manual" and proposal.after:
            found.append(proposal)
    return found, refused


def _proposal(ref: Ref, rule: str, kind: str | None, fix: str) -> Proposal:
    data = loads(fix)
    confidence = data["confidence"]
    if confidence not in ("auto", "assisted", "manual"):
        raise ValueError(confidence)
    because = {"rule": rule, "kind": kind} if kind else {"rule": rule}
    after = {str(name): to_wire(value) for name, value in (data.get("after") or {}).items()}
    return Proposal(ref, after, because, confidence)
