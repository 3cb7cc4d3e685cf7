"""What a push did, in numbers that add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sfsync.errors import SfsyncError
from sfsync.model import STATUSES, Outcome

FINE = ("applied", "already")


@dataclass(frozen=True)
class PushResult:
    push_id: str
    """Names the push in sfsync.pushes and sfsync.outcomes; "" when there was nothing to push."""
    results: tuple[Outcome, ...] = ()
    """One per line pushed, in the plan's order."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Lines nobody allowed: "refused" by a person, "assisted" or "manual" and undecided, or undecided and a "merge",
    "convert", "create" or "delete", which are not pushed. They have no outcome."""

    @property
    def outcomes(self) -> dict[str, int]:
        """Lines per status, all six named."""
        found = Counter(o.status for o in self.results)
        return {status: found[status] for status in STATUSES}

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """Everything that is not as the plan wants it now: stale, refused, failed, unknown."""
        return tuple(o for o in self.results if o.status not in FINE)

    def as_json(self) -> dict[str, Any]:
        return {
            "push_id": self.push_id,
            "outcomes": self.outcomes,
            "failures": [
                {
                    "sobject": o.change.ref.sobject,
                    "id": o.change.ref.id,
                    "status": o.status,
                    "code": o.code,
                    "message": o.message,
                }
                for o in self.failures
            ],
            "left_out": dict(self.left_out),
        }


def add_up(expected: Sequence[int], results: Mapping[int, Outcome]) -> None:
    """Raise unless exactly the lines sent out have come back, each with one status."""
    missing = sorted(set(expected) - set(results))
    extra = sorted(set(results) - set(expected))
    if missing or extra or any(o.status not in STATUSES for o in results.values()):
        raise SfsyncError(
            f"the push lost count: {len(missing)} lines without an outcome (first: {missing[:3]}), "
            f"{len(extra)} outcomes without a line. Look at sfsync.outcomes before pushing "
            "again, and please report this."
        )
