"""Count both sides: the org by COUNT() in a few batched requests, the mirror in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from sfsync.salesforce.org import Org
from sfsync.salesforce.soql import path
from sfsync.verify.scope import Scope, soql
from sfsync.verify.sweep import load, sweep
from sfsync.warehouse import Warehouse
from sfsync.warehouse.page import Page


@dataclass
class OrgCount:
    """Untouched live and deleted rows of the org, and the Ids of the touched ones as page files."""

    live: int = 0
    deleted: int | None = None
    changed: int = 0
    pages: list[Page] = field(default_factory=list)
    error: str | None = None


def count_org(org: Org, found: Sequence[Scope], folder: Path) -> list[OrgCount]:
    """One OrgCount per scope, in order: two or three requests each, sent 25 to a call."""
    asked: list[tuple[int, str, str]] = []
    for i, scope in enumerate(found):
        live = scope.untouched(*(["IsDeleted = FALSE"] if scope.has_deleted else []))
        asked.append((i, "live", _path(scope, live)))
        if scope.has_deleted:
            asked.append((i, "deleted", _path(scope, scope.untouched("IsDeleted = TRUE"))))
        if scope.stamp:
            asked.append((i, "changed", _path(scope, scope.touched())))
    counts = [OrgCount() for _ in found]
    for (i, key, _), reply in zip(asked, org.batch_get([p for _, _, p in asked]), strict=True):
        if problem := reply.error:
            counts[i].error = f"the org could not count it: {problem.code or reply.status}. Verify it again later."
        else:
            setattr(counts[i], key, int(reply.body["totalSize"]))
    for scope, count in zip(found, counts, strict=True):
        if count.changed and count.error is None:
            count.pages = sweep(org, scope, ["Id"], scope.touched(), folder / scope.sobject / "changed", count.changed)
            count.changed = sum(page.rows for page in count.pages)
    return counts


def count_mirror(warehouse: Warehouse, found: Sequence[Scope], org: Sequence[OrgCount]) -> list[tuple[int, int]]:
    """Live and deleted rows of the mirror, those that changed in the org since left out."""
    counts = []
    with warehouse.write() if any(o.pages for o in org) else warehouse.read() as con:
        for scope, there in zip(found, org, strict=True):
            counts.append(_rows(con, scope, leave_out(con, scope, there.pages)))
    return counts


def leave_out(con: sa.Connection, scope: Scope, changed: Sequence[Page]) -> str:
    """SQL: the row `m` is none of those that changed in the org since."""
    if not changed:
        return "TRUE"
    load(con, "sfsync_changed", scope, changed, ["Id"])
    return "NOT EXISTS (SELECT 1 FROM sfsync_changed c WHERE c.Id = m.Id)"


def _rows(con: sa.Connection, scope: Scope, kept: str) -> tuple[int, int]:
    alive = scope.alive("m")
    row = con.exec_driver_sql(
        f"SELECT count(*) FILTER (WHERE {alive}), count(*) FILTER (WHERE NOT {alive}) "
        f"FROM salesforce.{scope.sobject} m WHERE {kept}"
    ).one()
    return int(row[0]), int(row[1])


def _path(scope: Scope, conditions: Sequence[str]) -> str:
    return path(soql("COUNT()", scope.sobject, conditions), all_rows=scope.has_deleted)
