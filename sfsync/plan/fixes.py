"""Open findings that carry a fix, for the plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from sfsync.model import Confidence, Op, Ref
from sfsync.moments import local_day
from sfsync.plan.mirror import by_id
from sfsync.plan.plan import Refused
from sfsync.plan.proposal import Proposal
from sfsync.plan.values import loads, to_wire
from sfsync.rules.fixes import OTHER
from sfsync.rules.rule import CONFIDENCES
from sfsync.rules.waivers import waived_sql
from sfsync.warehouse import Warehouse


@dataclass(frozen=True)
class Other:
    """The fix of one finding that is no update."""

    ref: Ref
    """The record the finding is about."""
    because: Mapping[str, Any]
    confidence: Confidence
    fix: Mapping[str, Any]
    """As `sfsync.rules.fixes` writes it."""


@dataclass
class Fixes:
    """The fixes of all open findings.

    Left out are `manual` ones, which are advice for people, and those of findings waived at the moment `now`. One that
    cannot be read is refused, it does not stop the plan: it may come from a rule of the user's own.
    """

    con: sa.Connection
    warehouse: Warehouse
    now: datetime
    refuse: Callable[[Refused], None]

    def sobjects(self, op: Op = "update") -> list[str]:
        """Those with findings whose fix does this."""
        if not self.warehouse.has_table(self.con, "sfsync.findings"):
            return []
        where, values = self._open(op)
        query = sa.text(f"SELECT DISTINCT f.sobject FROM sfsync.findings f WHERE {where} ORDER BY 1")
        return list(self.con.execute(query, values).scalars())

    def of(self, sobject: str) -> Iterator[Proposal]:
        """The updates, by Id, rule and kind."""
        for found in self.others("update", sobject):
            try:
                after = {str(name): to_wire(value) for name, value in (found.fix.get("after") or {}).items()}
            except (ValueError, TypeError, AttributeError):
                self._unreadable(found.ref, found.because["rule"])
                continue
            if after:
                yield Proposal(found.ref, after, found.because, found.confidence)

    def others(self, op: Op, sobject: str) -> Iterator[Other]:
        """The fixes that do this about records of the sObject, by Id, rule and kind."""
        where, values = self._open(op)
        sql = (
            f"SELECT f.id, f.rule, f.kind, f.fix FROM sfsync.findings f WHERE {where} AND f.sobject = :sobject "
            'AND f.id COLLATE "C" > :after ORDER BY f.id COLLATE "C", f.rule COLLATE "C", f.kind COLLATE "C" '
            "LIMIT :size"
        )
        for id, rule, kind, text in by_id(self.con, sql, {**values, "sobject": sobject}):
            ref = Ref(sobject, id)
            because = {"rule": rule, "kind": kind} if kind else {"rule": rule}
            try:
                fix = loads(text)
                confidence = fix["confidence"]
                known = confidence in CONFIDENCES and isinstance(fix.get("after") or {}, dict)
            except (ValueError, TypeError, KeyError, AttributeError):
                known = False
            if not known:
                self._unreadable(ref, rule)
            elif confidence != "manual":
                yield Other(ref, because, confidence, fix)

    def _unreadable(self, ref: Ref, rule: str) -> None:
        self.refuse(Refused("FIX", ref, f"the fix of {rule} is not readable; run `sfsync check` again"))

    def _open(self, op: Op) -> tuple[str, dict[str, Any]]:
        begins, same = (OTHER, "<>") if op == "update" else (f'{OTHER}{op}"', "=")
        where = f"f.resolved_at IS NULL AND f.fix IS NOT NULL AND left(f.fix, {len(begins)}) {same} :begins"
        if not self.warehouse.has_table(self.con, "sfsync.waivers"):
            return where, {"begins": begins}
        today = local_day(self.now, self.warehouse.meta(self.con).get("time_zone", "UTC"))
        return f"{where} AND NOT {waived_sql()}", {"begins": begins, "today": today}
