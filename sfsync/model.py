"""The values that flow between the stages. All are frozen; datetimes are aware and in UTC; Ids have 18 characters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

Value = str | int | Decimal | bool | date | datetime | None
Record = Mapping[str, Value]
"""Keys are API names as Salesforce spells them."""

Severity = Literal["error", "warning", "info"]
Confidence = Literal["auto", "assisted", "manual"]
Op = Literal["update", "merge", "convert", "create", "delete"]
Status = Literal["applied", "already", "stale", "refused", "failed", "unknown"]
STATUSES: tuple[Status, ...] = ("applied", "already", "stale", "refused", "failed", "unknown")


@dataclass(frozen=True, order=True)
class Ref:
    """Which record."""

    sobject: str
    id: str


@dataclass(frozen=True)
class Finding:
    """One offence against one rule. Identity: rule + sobject + id + kind."""

    rule: str
    kind: str
    """Which case of the rule, "" when it has only one."""
    ref: Ref
    severity: Severity
    message: str
    fix: Change | None = None


@dataclass(frozen=True)
class Match:
    """Two records compared. `left` is the smaller Id."""

    left: Ref
    right: Ref
    score: float
    """0..1; 1 means an identifier is equal and nothing contradicts."""
    levels: Mapping[str, str] = field(default_factory=dict)
    """Comparison → the level reached, as {"email": "equal", "name": "close"}."""


@dataclass(frozen=True)
class Cluster:
    """Records that are one real thing. `id` is the smallest record Id; `refs` are sorted, `master` is one of them."""

    id: str
    refs: Sequence[Ref]
    master: Ref
    decision: Literal["merge", "review"]
    matches: Sequence[Match] = ()

    @property
    def score(self) -> float:
        return min((m.score for m in self.matches), default=0.0)


@dataclass(frozen=True)
class Change:
    """One proposed write: what was there when we planned, what shall be there, and why."""

    op: Op
    ref: Ref
    """The record updated, deleted or converted; of a merge its master; of a create Ref(sobject, "")."""
    before: Mapping[str, Value] = field(default_factory=dict)
    """The touched fields and SystemModstamp as the mirror had them when planning."""
    after: Mapping[str, Value] = field(default_factory=dict)
    because: Sequence[Mapping[str, Any]] = ()
    """[{"rule": code, …} or {"cluster": id, …}], at least one."""
    confidence: Confidence = "assisted"
    losers: Sequence[str] = ()
    decision: Literal["accepted", "refused"] | None = None
    effects: Mapping[str, Value] = field(default_factory=dict)
    """What Salesforce sets by itself when `after` is written, as the forecast category with a stage. Never sent."""


@dataclass(frozen=True)
class Outcome:
    """What became of one Change. `code` is Salesforce's statusCode or our guard's, "" when applied."""

    change: Change
    status: Status
    code: str = ""
    message: str = ""
