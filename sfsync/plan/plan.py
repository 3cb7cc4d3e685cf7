"""Plan: what shall be written to one org, in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sfsync.model import Change, Op, Ref
from sfsync.plan.codec import digest

OPS: tuple[Op, ...] = ("merge", "update", "convert", "create", "delete")
SOBJECTS = ("Account", "Contact", "Opportunity", "Lead")


@dataclass(frozen=True)
class Refused:
    """A write the plan leaves out, or would be stopped for."""

    guard: str
    """GUARD-01 …, CONFLICT (two fixes disagree), GONE (the record is no longer live)."""
    ref: Ref
    """`id` is "" when the whole object is meant."""
    reason: str


@dataclass(frozen=True)
class Plan:
    org_id: str
    instance_url: str
    is_sandbox: bool
    made_at: datetime
    changes: tuple[Change, ...]
    """In push order, see `ordered`; values in wire form (`plan.values`)."""
    refused: tuple[Refused, ...] = field(default=(), compare=False)
    """What was left out when planning, and why. Not part of the file."""
    pending_merges: int = field(default=0, compare=False)
    """Clusters decided "merge". Their masters' blank fields are filled by this plan; merging itself is not written."""

    @property
    def digest(self) -> str:
        """sha256 over every change, decisions left out: a review does not change it, an edit does."""
        return digest(self.changes)

    @property
    def counts(self) -> dict[str, int]:
        """Changes per operation, all five named."""
        found = Counter(change.op for change in self.changes)
        return {op: found[op] for op in ("update", "merge", "convert", "create", "delete")}

    def as_json(self, file: str | Path | None = None) -> dict[str, Any]:
        return {
            "plan": None if file is None else str(file),
            "digest": self.digest,
            "changes": self.counts,
            "refused": [
                {"guard": r.guard, "sobject": r.ref.sobject, "id": r.ref.id, "reason": r.reason} for r in self.refused
            ],
            "pending_merges": self.pending_merges,
        }


def ordered(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Merges, updates, converts, creates, deletes; each Account, Contact, Opportunity, Lead, others; then by Id."""
    return tuple(sorted(changes, key=_place))


def object_order(sobject: str) -> tuple[int, str]:
    return (SOBJECTS.index(sobject) if sobject in SOBJECTS else len(SOBJECTS), sobject)


def _place(change: Change) -> tuple[int, tuple[int, str], str, Sequence[str]]:
    return (
        OPS.index(change.op),
        object_order(change.ref.sobject),
        change.ref.id,
        sorted(map(str, change.after.items())),
    )
