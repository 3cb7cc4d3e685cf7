"""What a verification found, as values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sfsync.model import Value
from sfsync.moments import iso

LISTED = 10_000
"""At most so many Ids, and so many cells, are listed per object and kind; the rest is counted."""


@dataclass(frozen=True)
class Difference:
    """One cell. Values are the user's data: for stdout, never for a log."""

    id: str
    field: str
    org: Value
    mirror: Value
    why: str
    """missed: the org's stamp is newer than ours. unstamped: the org changed the cell without moving a stamp."""


@dataclass
class ObjectProof:
    """What is known of one sObject after the comparison."""

    sobject: str
    until: datetime | None = None
    """The mirror's cursor: what changed in the org from here on is no difference."""
    org: int | None = None
    """Live rows the org had when the mirror was last brought up, as far as can be told now."""
    mirror: int | None = None
    """Live rows of the mirror, those left out that changed in the org since."""
    org_deleted: int | None = None
    """Deleted rows the org still shows; None for objects whose deleted rows nobody sees."""
    mirror_deleted: int | None = None
    changed_since: int = 0
    """Rows created, changed, deleted or purged in the org since `until`."""
    compared: str = "counts"
    """counts, buckets (the Ids of the time ranges whose counts differ) or ids (every Id)."""
    sampled: int = 0
    """Rows whose every cell was compared."""
    missing: list[str] = field(default_factory=list)
    """Ids that the org shows and the mirror lacks, or holds as deleted."""
    extra: list[str] = field(default_factory=list)
    """Ids that are live in the mirror and deleted or gone in the org."""
    different: list[Difference] = field(default_factory=list)
    formulas: list[Difference] = field(default_factory=list)
    """Sampled cells of formulas and unstamped fields that have aged: they change without a stamp and are refreshed on
    their own schedule."""
    unlisted: int = 0
    """Differences found beyond those listed."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Extra Id → deleted, merged, purged or not_visible."""
    reread: int = 0
    """Rows read again from the org by the repair."""
    tombstoned: int = 0
    repaired: bool = False
    """Every difference listed was mended, and the counts taken afterwards agree."""
    error: str | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def differs(self) -> bool:
        return bool(self.missing or self.extra or self.different or self.unlisted)

    @property
    def ok(self) -> bool:
        """Equal as far as was compared, at once or after the repair."""
        return self.error is None and (self.repaired or not self.differs)

    def take(self, missing: Iterable[str], extra: Iterable[str], different: Iterable[Difference]) -> None:
        """Add what one comparison found; each Id or cell once."""
        self._extend(self.missing, missing)
        self._extend(self.extra, extra)
        self._extend(self.different, different)

    def _extend(self, known: list[Any], found: Iterable[Any]) -> None:
        seen = set(known)
        for item in found:
            if item in seen:
                continue
            seen.add(item)
            if len(known) < LISTED:
                known.append(item)
            else:
                self.unlisted += 1

    def as_json(self) -> dict[str, Any]:
        cells = [{"id": d.id, "field": d.field, "org": d.org, "mirror": d.mirror, "why": d.why} for d in self.different]
        aged = [{"id": d.id, "field": d.field, "org": d.org, "mirror": d.mirror} for d in self.formulas]
        return {
            "sobject": self.sobject,
            "org": self.org,
            "mirror": self.mirror,
            "missing": self.missing,
            "extra": self.extra,
            "different": cells,
            "ok": self.ok,
            "until": iso(self.until) if self.until else None,
            "org_deleted": self.org_deleted,
            "mirror_deleted": self.mirror_deleted,
            "changed_since": self.changed_since,
            "compared": self.compared,
            "sampled": self.sampled,
            "formulas": aged,
            "unlisted": self.unlisted,
            "reasons": self.reasons,
            "reread": self.reread,
            "tombstoned": self.tombstoned,
            "repaired": self.repaired,
            "error": self.error,
            "notes": self.notes,
        }


@dataclass
class VerifyResult:
    objects: list[ObjectProof]

    @property
    def exit_code(self) -> int:
        """0 equal, or made equal; 3 different; 1 when an object could not be compared."""
        if any(o.error for o in self.objects):
            return 1
        return 0 if all(o.ok for o in self.objects) else 3

    def as_json(self) -> dict[str, Any]:
        """`{"objects": [{"sobject", "org", "mirror", "missing", "extra", "different", "ok", …}]}`."""
        return {"objects": [o.as_json() for o in self.objects]}

    def summary(self) -> dict[str, Any]:
        """Counts only: what may be kept in sfsync.runs and in logs."""
        rows = [
            {
                "sobject": o.sobject,
                "ok": o.ok,
                "missing": len(o.missing),
                "extra": len(o.extra),
                "different": len(o.different),
                "unlisted": o.unlisted,
                "sampled": o.sampled,
                "reread": o.reread,
                "tombstoned": o.tombstoned,
            }
            for o in self.objects
        ]
        return {"objects": rows}
