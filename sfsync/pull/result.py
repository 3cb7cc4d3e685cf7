"""What a pull came to, as values."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

from sfsync.errors import SfsyncError
from sfsync.moments import iso


@dataclass
class ObjectResult:
    """What one sObject's pull came to; numbers are counted in the warehouse after the commit."""

    sobject: str
    api: Literal["rest", "bulk"] = "rest"
    read: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    late: int = 0
    late_seconds: int = 0
    rows: int = 0
    complete: bool = False
    full: bool = False
    until: datetime | None = None
    refreshed: int = 0
    """Rows that got another value in a new field or a formula, without a stamp."""
    reconciled: bool = False
    """Every Id was compared with the org in this run, and what differed was mended."""
    warnings: list[str] = field(default_factory=list)
    error: str | None = None


@dataclass
class PullResult:
    objects: list[ObjectResult]
    stopped: SfsyncError | None = None
    """What ended the run early: the quota floor, or a login that can't be renewed."""
    left_out: list[str] = field(default_factory=list)
    """Optional sObjects the org does not offer to this user."""
    unlogged: set[str] = field(default_factory=set)
    """sObjects whose deletions the org's log does not tell in full: only comparing all Ids shows what is gone."""

    @property
    def exit_code(self) -> int:
        if self.stopped is not None:
            return self.stopped.exit_code
        return 0 if all(o.complete for o in self.objects) else 1

    def as_json(self) -> dict[str, Any]:
        rows = [{**asdict(o), "until": iso(o.until) if o.until else None} for o in self.objects]
        return {"objects": rows, "left_out": self.left_out, **({"error": str(self.stopped)} if self.stopped else {})}
