"""Open findings that carry a fix → proposals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from sfsync.model import Ref
from sfsync.moments import local_day
from sfsync.plan.mirror import by_id
from sfsync.plan.plan import Refused
from sfsync.plan.proposal import Proposal
from sfsync.plan.values import loads, to_wire
from sfsync.rules.waivers import waived_sql
from sfsync.warehouse import Warehouse


@dataclass
class Fixes:
    """The fixes of all open findings.

    Left out are `manual` ones, which are advice for people, and those of findings waived at the moment `now`.
    """

    con: sa.Connection
    warehouse: Warehouse
    now: datetime

    def sobjects(self) -> list[str]:
        """Those that have any."""
        if not self.warehouse.has_table(self.con, "sfsync.findings"):
            return []
        where, values = self._open()
        query = sa.text(f"SELECT DISTINCT f.sobject FROM sfsync.findings f WHERE {where}")
        return list(self.con.execute(query, values).scalars())

    def of(self, sobject: str, refuse: Callable[[Refused], None]) -> Iterator[Proposal]:
        """By Id, rule and kind.

        A fix that cannot be read is refused, it does not stop the plan: it may come from a rule of the user's own.
        """
        where, values = self._open()
        sql = (
            f"SELECT f.id, f.rule, f.kind, f.fix FROM sfsync.findings f WHERE {where} AND f.sobject = :sobject "
            'AND f.id COLLATE "C" > :after ORDER BY f.id COLLATE "C", f.rule COLLATE "C", f.kind COLLATE "C" '
            "LIMIT :size"
        )
        for id, rule, kind, fix in by_id(self.con, sql, {**values, "sobject": sobject}):
            ref = Ref(sobject, id)
            try:
                proposal = _proposal(ref, rule, kind, fix)
            except (ValueError, TypeError, KeyError, AttributeError):
                refuse(Refused("FIX", ref, f"the fix of {rule} is not readable; run `sfsync check` again"))
                continue
            if proposal.confidence != "manual" and proposal.after:
                yield proposal

    def _open(self) -> tuple[str, dict[str, Any]]:
        where = "f.resolved_at IS NULL AND f.fix IS NOT NULL"
        if not self.warehouse.has_table(self.con, "sfsync.waivers"):
            return where, {}
        today = local_day(self.now, self.warehouse.meta(self.con).get("time_zone", "UTC"))
        return f"{where} AND NOT {waived_sql()}", {"today": today}


def _proposal(ref: Ref, rule: str, kind: str | None, fix: str) -> Proposal:
    data = loads(fix)
    confidence = data["confidence"]
    if confidence not in ("auto", "assisted", "manual"):
        raise ValueError(confidence)
    because = {"rule": rule, "kind": kind} if kind else {"rule": rule}
    after = {str(name): to_wire(value) for name, value in (data.get("after") or {}).items()}
    return Proposal(ref, after, because, confidence)
