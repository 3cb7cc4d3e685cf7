"""What every part of a plan in the making looks at and adds to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from sfsync.model import Change, Ref
from sfsync.plan.fixes import Fixes
from sfsync.plan.guards import Guards, volume
from sfsync.plan.mirror import count_live
from sfsync.plan.plan import Refused
from sfsync.plan.proposal import Proposal
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
    """Also the fixes of all open findings, and what the clusters decided "merge" ask for."""


@dataclass
class Drafting:
    con: sa.Connection
    warehouse: Warehouse
    wanted: Wanted
    refused: list[Refused] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    """Changes per sObject."""

    @property
    def fixes(self) -> Fixes:
        return Fixes(self.con, self.warehouse, self.wanted.now, self.refused.append)

    def refuse(self, guard: str, ref: Ref, reason: str) -> None:
        self.refused.append(Refused(guard, ref, reason))

    def gone(self, ref: Ref) -> None:
        self.refuse("GONE", ref, "the record is not in the mirror, or was deleted; run `sfsync check` again")

    def counted(self, change: Change) -> Change:
        self.counts[change.ref.sobject] += 1
        return change

    def brake(self) -> None:
        """GUARD-12, once all changes are made."""
        guards = self.wanted.guards
        for sobject, count in sorted(self.counts.items()):
            reason = volume(
                sobject, count, count_live(self.con, self.warehouse, sobject), guards.max_rows, guards.max_share
            )
            if reason:
                self.refuse("GUARD-12", Ref(sobject, ""), f"{reason}. Refuse some lines, or push with --allow-large")
