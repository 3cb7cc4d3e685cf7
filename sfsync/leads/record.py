"""sfsync.assignments: which leads pushed plans gave to whom, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from sfsync.model import Change, Value
from sfsync.plan.plan import Plan
from sfsync.warehouse import Warehouse

COLUMNS = (
    *("digest", "push_id", "id", "reason", "pool", "turn", "state"),
    *("from_owner", "owner", "assigned_at"),
)
PREFIX = "ASSIGN-"
"""Of the rule that a distribution names as its reason."""


def record(con: sa.Connection, warehouse: Warehouse, plan: Plan) -> int:
    """Keep what the journal says became of this plan's assignments; returns how many are new.

    Call it after every push, also one that failed half-way: what is kept already stays as it is. What was refused,
    stale or failed is no assignment.
    """
    done = _done(con, plan.digest)
    if not done:
        return 0
    known = set(
        con.execute(sa.text("SELECT id FROM sfsync.assignments WHERE digest = :d"), {"d": plan.digest}).scalars()
    )
    rows = [row for row in _rows(plan, done) if row[COLUMNS.index("id")] not in known]
    warehouse.load(con, "sfsync.assignments", COLUMNS, rows)
    return len(rows)


def _done(con: sa.Connection, digest: str) -> dict[int, tuple[str, datetime | None]]:
    """Line of the plan → the push that gave the lead away, and when; no time where it was found so."""
    rows = con.execute(
        sa.text(
            "SELECT o.seq, o.push_id, CASE WHEN o.status = 'applied' THEN o.requested_at END FROM sfsync.outcomes o "
            "JOIN sfsync.pushes p ON p.push_id = o.push_id WHERE p.digest = :digest AND o.sobject = 'Lead' "
            "AND o.op = 'update' AND o.status IN ('applied', 'already') AND o.after LIKE '%\"OwnerId\"%' "
            "ORDER BY o.seq, CASE WHEN o.status = 'applied' THEN 0 ELSE 1 END, o.push_id"
        ),
        {"digest": digest},
    )
    found: dict[int, tuple[str, datetime | None]] = {}
    for seq, push_id, at in rows:
        found.setdefault(seq, (push_id, at))
    return found


def _rows(plan: Plan, done: dict[int, tuple[str, datetime | None]]) -> Iterator[tuple[Value, ...]]:
    for seq, change in enumerate(plan.changes, start=1):
        reason = _reason(change) if seq in done else None
        if reason is not None:
            push_id, at = done[seq]
            state = json.dumps(reason["state"], sort_keys=True) if "pool" in reason else None
            step = str(reason["rule"]).removeprefix(PREFIX)
            pooled = (reason.get("pool"), reason.get("turn"), state)
            owners = (change.before.get("OwnerId"), change.after.get("OwnerId"))
            yield (plan.digest, push_id, change.ref.id, step, *pooled, *owners, at)


def _reason(change: Change) -> Any:
    return next((b for b in change.because if str(b.get("rule", "")).startswith(PREFIX)), None)
