"""What a pull would cost, from counts and describes alone.

Calls follow the route that the pull itself would take. Bytes are those of the CSV that is staged and loaded: for each
row the sum over its fields of width x fill + 3 (two quotes and a comma). Widths are typical ones by describe type,
never more than the field's length; a field that may be empty is taken as filled in three rows of ten. The wire carries
about a sixth of it, gzipped. Seconds are calls x CALL_SECONDS + rows / BULK_ROWS_A_SECOND for the job to run + bytes /
BYTES_A_SECOND. These rates are guesses for an ordinary org over an ordinary line; they are stated with the result.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from sfsync.config import PullConfig, QuotaConfig
from sfsync.mapping import ObjectMapping
from sfsync.pull.stage import PAGE_ROWS
from sfsync.pull.survey import Survey, survey
from sfsync.pull.window import REST_ROWS, Window, route
from sfsync.salesforce.quota import Quota
from sfsync.salesforce.soql import path

if TYPE_CHECKING:
    from sfsync.salesforce.org import Org
    from sfsync.warehouse import Warehouse

CALL_SECONDS = 0.3
BULK_ROWS_A_SECOND = 5_000
BYTES_A_SECOND = 4_000_000
FILL = 0.3
FIRST_POLL, POLL_GROWTH, LAST_POLL = 0.2, 1.5, 10.0
WIDTHS: Mapping[str, int] = {
    "id": 18, "reference": 18, "datetime": 28, "date": 10, "time": 13, "boolean": 5, "int": 4, "long": 6, "double": 8,
    "currency": 9, "percent": 4, "picklist": 12, "multipicklist": 20, "email": 24, "phone": 15, "url": 30, "string": 18,
    "textarea": 120, "combobox": 15, "encryptedstring": 15, "anyType": 15,
}  # fmt: skip


@dataclass(frozen=True)
class Estimate:
    """One sObject's read."""

    sobject: str
    api: Literal["rest", "bulk"]
    rows: int | None
    """In the window, deleted ones included; None where the org would not count them."""
    calls: int
    """API requests for its rows; 0 where the first look brings them along."""
    bytes: int
    """Of CSV, staged and loaded; about a sixth of it travels."""
    seconds: float
    why: str
    """Why the object is read in full; "" for an increment."""


@dataclass(frozen=True)
class Cost:
    """A whole pull, and whether today's quota lets it run."""

    objects: list[Estimate]
    looked: int
    """Requests for describes and counts, before anything is read."""
    used: int | None
    limit: int | None
    """The org's API requests in the last 24 hours; None where it does not say."""
    floor: int
    """Requests kept for others (quota.floor)."""
    per_run: int | None

    @property
    def calls(self) -> int:
        return sum(e.calls for e in self.objects) + self.looked

    @property
    def bytes(self) -> int:
        return sum(e.bytes for e in self.objects)

    @property
    def seconds(self) -> float:
        return round(sum(e.seconds for e in self.objects), 1)

    @property
    def fits(self) -> bool:
        """Whether the pull would end above the floor and below quota.per_run."""
        if self.per_run is not None and self.calls > self.per_run:
            return False
        if self.used is None or self.limit is None:
            return True
        return self.limit - self.used - self.calls >= self.floor

    def as_json(self) -> dict[str, Any]:
        return {
            "objects": [asdict(e) for e in self.objects],
            "looked": self.looked,
            "total": {"calls": self.calls, "bytes": self.bytes, "seconds": self.seconds},
            "quota": {"used": self.used, "limit": self.limit, "floor": self.floor, "per_run": self.per_run},
            "fits": self.fits,
            "rates": {"seconds_a_call": CALL_SECONDS, "bytes_a_second": BYTES_A_SECOND},
        }


def dry_run(
    org: Org,
    warehouse: Warehouse,
    mappings: Sequence[ObjectMapping],
    config: PullConfig,
    quota: QuotaConfig,
    *,
    full: bool = False,
    asked: Collection[str] = (),
) -> Cost:
    """What `pull` with the same arguments would cost now.

    Asks what a pull asks first: describes, counts, and the rows of increments that are likely small. Nothing of it is
    kept. Raises WrongOrg, MappingError, AuthError and OrgError as the pull would.
    """
    before = org.usage.calls
    found = survey(org, warehouse, mappings, config, full=full, asked=asked)
    floor = Quota(quota.floor_percent, quota.floor_calls, quota.per_run)
    return estimate(org, found, config.api, floor, looked=org.usage.calls - before)


def estimate(org: Org, found: Survey, api: str, quota: Quota, *, looked: int) -> Cost:
    """The cost of reading what a survey found. Spends a count for each object the survey could not count.

    api: auto, rest or bulk, as `pull.api`. looked: calls the survey took, as a pull would spend them again.
    """
    look = found.look
    counts = {**count_windows(org, [w for w in look.windows if w.sobject not in look.counts]), **look.counts}
    objects = [_estimate(w, counts.get(w.sobject), api, w.sobject in look.first) for w in look.windows]
    usage = org.usage
    floor = quota.floor(usage.limit) if usage.limit is not None else 0
    return Cost(objects, looked, usage.used, usage.limit, floor, quota.per_run)


def count_windows(org: Org, windows: Sequence[Window]) -> dict[str, int]:
    """Rows in each window, one request each, 25 to a call; an object that cannot be counted is left out."""
    paths = [path(w.count_soql, all_rows=w.all_rows) for w in windows]
    replies = org.batch_get(paths) if paths else []
    return {w.sobject: int(r.body["totalSize"]) for w, r in zip(windows, replies, strict=True) if r.ok}


def row_bytes(described: Sequence[Mapping[str, Any]]) -> int:
    """A typical row of these fields as CSV; see the module's first lines for the formula."""
    total = 0.0
    for field in described:
        width = WIDTHS.get(field["type"], 15)
        length = int(field.get("length") or 0)
        if length and field["type"] in ("string", "textarea", "email", "phone", "url", "picklist", "combobox"):
            width = min(width, length)
        fill = FILL if field.get("nillable", True) and field["type"] != "boolean" else 1.0
        total += width * fill + 3
    return math.ceil(total)


def _estimate(window: Window, rows: int | None, api: str, came_along: bool) -> Estimate:
    chosen = route(window, api, rows)
    known = rows or 0
    size = known * row_bytes(window.described)
    working = 0.0
    if chosen == "rest":
        calls = max(1, math.ceil(known / REST_ROWS)) - came_along
    else:
        working = known / BULK_ROWS_A_SECOND
        calls = 1 + _polls(working) + max(1, math.ceil(known / PAGE_ROWS))
    seconds = calls * CALL_SECONDS + working + size / BYTES_A_SECOND
    return Estimate(window.sobject, chosen, rows, calls, size, round(seconds, 1), window.why)


def _polls(seconds: float) -> int:
    """How often a job of so many seconds is asked whether it is done: soon at first, then every ten seconds."""
    polls, pause, waited = 1, FIRST_POLL, 0.0
    while waited < seconds:
        waited += pause
        pause = min(pause * POLL_GROWTH, LAST_POLL)
        polls += 1
    return polls
