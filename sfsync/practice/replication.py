"""getUpdated and getDeleted: what changed in a window of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sfsync.practice.errors import ApiError
from sfsync.practice.removal import BIN_DAYS
from sfsync.practice.schema import SObject
from sfsync.practice.shaping import json_value
from sfsync.practice.store import Store

UPDATED_DAYS = 30
MOST_IDS = 600_000
_MINUTE = timedelta(minutes=1)
_show = json_value("datetime")


def updated(store: Store, obj: SObject, start: datetime, end: datetime, now: datetime) -> dict[str, Any]:
    """{"ids", "latestDateCovered"}: live records stamped in [start, end), both rounded down to the minute.

    All datetimes are aware. Raises ApiError INVALID_REPLICATION_DATE, EXCEEDED_ID_LIMIT.
    """
    since, until = _window(obj, start, end, now, UPDATED_DAYS)
    stamp = next(n for n in ("SystemModstamp", "LastModifiedDate", "CreatedDate") if n in obj.fields)
    live = 'AND NOT "IsDeleted"' if "IsDeleted" in obj.fields else ""
    sql = f'SELECT "Id" FROM "{obj.name}" WHERE "{stamp}" >= $1 AND "{stamp}" < $2 {live} ORDER BY "{stamp}", "Id"'
    ids = [i for (i,) in store.fetch(sql, [since, until])]
    _limit(len(ids))
    return {"ids": ids, "latestDateCovered": _show(_covered(until, now))}


def deleted(
    store: Store, obj: SObject, start: datetime, end: datetime, now: datetime, born: datetime
) -> dict[str, Any]:
    """{"deletedRecords": [{"id", "deletedDate"}], "earliestDateAvailable", "latestDateCovered"}, purged ones included.

    The log reaches back 15 days, or to the org's birth. Raises ApiError INVALID_REPLICATION_DATE, EXCEEDED_ID_LIMIT.
    """
    since, until = _window(obj, start, end, now, BIN_DAYS)
    earliest = max(_naive(now) - timedelta(days=BIN_DAYS), born)
    sql = "SELECT id, deleted FROM practice_deleted WHERE sobject = $1 AND deleted >= $2 AND deleted < $3"
    found = store.fetch(f"{sql} ORDER BY deleted, id", [obj.name, since, until])
    _limit(len(found))
    return {
        "deletedRecords": [{"id": i, "deletedDate": _show(at)} for i, at in found],
        "earliestDateAvailable": _show(earliest.replace(second=0, microsecond=0)),
        "latestDateCovered": _show(_covered(until, now)),
    }


def _window(obj: SObject, start: datetime, end: datetime, now: datetime, days: int) -> tuple[datetime, datetime]:
    if not obj.replicateable:
        raise ApiError(400, "INVALID_TYPE_FOR_OPERATION", f"entity type {obj.name} does not support replication")
    since, until = (_naive(moment).replace(second=0, microsecond=0) for moment in (start, end))
    if until - since < _MINUTE:
        raise _bad_date("endDate must be at least one minute after startDate")
    if since < (_naive(now) - timedelta(days=days)).replace(second=0, microsecond=0):
        raise _bad_date(f"startDate is more than {days} days ago")
    return since, until


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _covered(until: datetime, now: datetime) -> datetime:
    return min(until, _naive(now).replace(second=0, microsecond=0))


def _bad_date(message: str) -> ApiError:
    return ApiError(400, "INVALID_REPLICATION_DATE", message)


def _limit(count: int) -> None:
    if count > MOST_IDS:
        raise ApiError(400, "EXCEEDED_ID_LIMIT", f"exceeded id limit of {MOST_IDS}: use a shorter window")
