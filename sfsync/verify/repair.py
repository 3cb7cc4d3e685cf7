"""Mend what a verification found: read the rows again from the org, and mark as gone what is proven gone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from sfsync.pull.byid import read_by_id
from sfsync.salesforce.org import Org
from sfsync.verify.result import ObjectProof
from sfsync.verify.scope import Scope
from sfsync.warehouse import Warehouse, mirror
from sfsync.warehouse.sweep import mark_gone

MOST_SHARE = 5.0
"""Percent of an object's live rows that one repair marks as gone without being told to."""
MOST_ROWS = 1000
GONE = ("purged", "not_visible")


def repair(
    org: Org,
    warehouse: Warehouse,
    scope: Scope,
    proof: ObjectProof,
    describe: dict[str, Any],
    *,
    folder: Path,
    run_id: str,
    now: datetime,
    allow_large: bool,
) -> None:
    """Bring the listed rows of one object up to the org, in one transaction; the cursor stays where it was.

    Missing, different and deleted rows are read again, deleted ones included, and taken in as a pull would. Rows the
    second look did not find are marked as gone with their reason, unless these are too many: then none is marked and
    `proof.notes` says so. `proof` is updated.
    """
    kept = {f["name"] for f in scope.mapping.keep(describe)}
    fields = [name for name in scope.types if name in kept]
    gone = [id for id in proof.extra if proof.reasons.get(id) in GONE]
    again = sorted({*proof.missing, *(d.id for d in proof.different), *(set(proof.extra) - set(gone))})
    pages = read_by_id(org, scope.sobject, fields, again, folder, all_rows=scope.has_deleted).pages
    gone = _within_cap(proof, gone, allow_large)
    batch = mirror.Batch(
        sobject=scope.sobject,
        pages=pages,
        run_id=run_id,
        now=now,
        until=scope.until,
        watermark=scope.watermark,
        start=scope.start,
        track=scope.mapping.track,
        keeps_cursor=True,
    )

    def mend(con: sa.Connection) -> tuple[int, int]:
        reread = mirror.take_in(con, batch).read if pages else 0
        marked = 0
        for reason in GONE:
            ids = [id for id in gone if proof.reasons[id] == reason]
            marked += mark_gone(con, scope.sobject, ids, reason, now)
        return reread, marked

    proof.reread, proof.tombstoned = warehouse.attempt(mend)


def _within_cap(proof: ObjectProof, gone: Sequence[str], allow_large: bool) -> list[str]:
    """All of them, or none. One row is always within it: 5 % of a small object is less than one."""
    live = proof.mirror or 0
    many = len(gone) > MOST_ROWS or (len(gone) > 1 and len(gone) * 100 > live * MOST_SHARE)
    if many and not allow_large:
        proof.notes.append(
            f"{len(gone):,} of {live:,} rows are gone from the org or hidden from this user; more than "
            f"{MOST_SHARE:.0f} % or {MOST_ROWS:,} rows are not marked without --allow-large. Check the user's rights."
        )
        return []
    return list(gone)
