"""Plan: what shall be written to one org, in order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from sfsync.model import Change, Op, Ref
from sfsync.plan.codec import Seal, seal_of

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
    changes: Collection[Change]
    """In push order, see `ordered`; values in wire form (`plan.values`). A tuple, or read from the file each time."""
    refused: tuple[Refused, ...] = field(default=(), compare=False)
    """What was left out when planning, and why. Not part of the file."""

    @property
    def org(self) -> str:
        """For people: which org this is, and of what kind (GUARD-15)."""
        return f"{'sandbox' if self.is_sandbox else 'production'} org {self.org_id} at {self.instance_url}"

    @property
    def digest(self) -> str:
        """sha256 over every change, decisions left out: a review does not change it, an edit does."""
        return self._seal.digest

    @property
    def counts(self) -> dict[str, int]:
        """Changes per operation, all five named."""
        return {op: self._seal.counts[op] for op in ("update", "merge", "convert", "create", "delete")}

    @cached_property
    def _seal(self) -> Seal:
        known: Seal | None = getattr(self.changes, "seal", None)
        return known or seal_of(self.changes)

    def as_json(self, file: str | Path | None = None) -> dict[str, Any]:
        return {
            "plan": None if file is None else str(file),
            "digest": self.digest,
            "changes": self.counts,
            "refused": [
                {"guard": r.guard, "sobject": r.ref.sobject, "id": r.ref.id, "reason": r.reason} for r in self.refused
            ],
        }


class Each(Collection[Change]):
    """The changes of a plan, each passed through a function that keeps all but its decision when it is read."""

    def __init__(self, changes: Collection[Change], decide: Callable[[Change], Change]):
        self._changes, self._decide = changes, decide
        self.seal: Seal | None = getattr(changes, "seal", None)

    def __len__(self) -> int:
        return len(self._changes)

    def __iter__(self) -> Iterator[Change]:
        return map(self._decide, self._changes)

    def __contains__(self, change: object) -> bool:
        return any(change == c for c in self)


def ordered(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Merges, updates, converts, creates, deletes; each Account, Contact, Opportunity, Lead, others; then by Id.

    Of the conversions those into a contact come first, then those into an account.
    """
    return tuple(sorted(changes, key=_place))


def object_order(sobject: str) -> tuple[int, str]:
    return (SOBJECTS.index(sobject) if sobject in SOBJECTS else len(SOBJECTS), sobject)


def _place(change: Change) -> tuple[int, tuple[bool, ...], tuple[int, str], str, Sequence[str]]:
    return (
        OPS.index(change.op),
        (not change.after.get("contact"), not change.after.get("account")) if change.op == "convert" else (),
        object_order(change.ref.sobject),
        change.ref.id,
        sorted(map(str, change.after.items())),
    )
