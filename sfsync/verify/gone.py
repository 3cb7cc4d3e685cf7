"""A second look at rows the org seems to lack: still there, deleted, purged, merged, or only hidden from this user."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sfsync.errors import OrgError
from sfsync.salesforce.org import Deleted, Org
from sfsync.salesforce.replies import when
from sfsync.salesforce.soql import in_list
from sfsync.verify.scope import Scope, soql

AT_ONCE = 200
"""Ids in one query: some 6 KB of address, well inside Salesforce's 16 KB."""
LOG_DAYS = 14
"""Salesforce keeps the log of deletions for 15 days at most. Source: REST API guide, Get Deleted."""


@dataclass
class Judged:
    """Extra rows by what became of them."""

    reasons: dict[str, str] = field(default_factory=dict)
    """Id → deleted, merged, purged or not_visible: real differences."""
    since: list[str] = field(default_factory=list)
    """Deleted in the org after the mirror was brought up: no difference."""
    there: list[str] = field(default_factory=list)
    """Live in the org after all, at the second look."""


def chunks(ids: Sequence[str], size: int = AT_ONCE) -> Iterator[Sequence[str]]:
    for first in range(0, len(ids), size):
        yield ids[first : first + size]


def look(org: Org, scope: Scope, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The rows this user can see, deleted ones too: Id → Id, stamp, IsDeleted, MasterRecordId as there are."""
    names = ["Id", *([scope.stamp] if scope.stamp else [])]
    names += [name for name in ("IsDeleted", "MasterRecordId") if name in scope.types]
    found: dict[str, dict[str, Any]] = {}
    for some in chunks(ids):
        query = soql(", ".join(names), scope.sobject, [f"Id IN {in_list(some)}"])
        found |= {str(r["Id"]): r for r in org.query(query, all_rows=scope.has_deleted)}
    return found


def judge(org: Org, scope: Scope, ids: Sequence[str]) -> Judged:
    """Look again at live rows of the mirror that the org did not show as live."""
    judged = Judged()
    if not ids:
        return judged
    seen = look(org, scope, ids)
    log = deletion_log(org, scope)
    for id in ids:
        row = seen.get(id)
        if row is None:
            judged.reasons[id] = _why_gone(id, log)
        elif not row.get("IsDeleted"):
            judged.there.append(id)
        elif _deleted_since(scope, row, log):
            judged.since.append(id)
        else:
            judged.reasons[id] = "merged" if row.get("MasterRecordId") else "deleted"
    return judged


def deletion_log(org: Org, scope: Scope) -> Deleted | None:
    """What getDeleted tells of the last days; None where the object keeps no log."""
    now = org.server_time()
    # The log is kept by the minute: a window ending now would leave out the minute that runs.
    windows = [(now - timedelta(days=LOG_DAYS), now + timedelta(minutes=1)), (now - timedelta(days=LOG_DAYS), now)]
    for start, end in [*windows, (scope.until - timedelta(minutes=1), now)]:
        try:
            return org.deleted(scope.sobject, start, end)
        except OrgError as err:
            if err.code != "INVALID_REPLICATION_DATE":
                if err.status in (400, 403, 404):
                    return None
                raise
    return None


def _why_gone(id: str, log: Deleted | None) -> str:
    """A row that is in no query and in no log of deletions was not deleted: this user may no longer see it."""
    if log is None or id in log.ids:
        return "purged"
    return "not_visible"


def _deleted_since(scope: Scope, row: Mapping[str, Any], log: Deleted | None) -> bool:
    """Whether a deleted row was deleted after the cursor. History rows keep their stamp, so the log must say."""
    stamp = _stamp(scope, row)
    if scope.tracked_deletes and stamp is not None:
        return stamp >= scope.until
    deleted = log.ids.get(str(row["Id"])) if log else None
    return deleted is not None and deleted >= scope.until


def _stamp(scope: Scope, row: Mapping[str, Any]) -> datetime | None:
    value = row.get(scope.stamp) if scope.stamp else None
    return when(str(value)) if value else None
