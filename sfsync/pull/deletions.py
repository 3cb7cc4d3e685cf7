"""Rows that left the org without a trace in any query: deleted and emptied from the bin between two pulls.

Salesforce keeps a log of deletions, purged rows among them, for some days. It is asked for along with the increments,
in the same composites. The log only raises a suspicion: the Ids it names and the mirror still holds as live, once the
increment is taken in, are read again. Rows that come are taken as they are, deleted, merged or brought back; a row that
is in the log and in no query any more has been purged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from sfsync.pull.byid import read_by_id
from sfsync.pull.staging import Staging
from sfsync.pull.window import Window
from sfsync.salesforce.org import Deleted, Org, deleted_path
from sfsync.salesforce.query import Ask, BatchResult
from sfsync.warehouse import Warehouse, mirror, tables
from sfsync.warehouse.sweep import live, mark_gone, open_follow

OVERLAP = timedelta(minutes=10)
"""Looked at once more: the log is kept by the minute, and an Id that was dealt with is no suspect again."""
MOST = 5000
"""Suspects that are read again by Id. For more of them comparing all Ids is cheaper, and asks before it marks many."""
NO_LOG = ("INVALID_REPLICATION_DATE", "EXCEEDED_ID_LIMIT")
"""The log does not reach back so far, as after somebody emptied the whole bin; or it holds too much for one answer."""


@dataclass(frozen=True)
class Log:
    """What the org's log of deletions answered for one sObject."""

    deleted: Deleted | None = None
    """None: it does not cover the time since the last look."""


def ask(window: Window, until: datetime) -> Ask | None:
    """The question to the log; None for an object without one, and when it was asked a moment ago."""
    if window.deletions_since is None or until - window.deletions_since < timedelta():
        return None
    return Ask(deleted_path(window.sobject, window.deletions_since - OVERLAP, until))


def read(window: Window, answer: BatchResult) -> Log | None:
    """None for an answer nothing follows from; such a log is asked again by the next pull."""
    if not answer.ok:
        return Log() if answer.error is not None and answer.error.code in NO_LOG else None
    try:
        found = Deleted.of(answer.body)
    except (KeyError, TypeError, ValueError):
        return None
    since = window.deletions_since
    return Log(found) if since is not None and found.earliest_available <= since else Log()


def suspects(con: sa.Connection, sobject: str, log: Deleted) -> list[str]:
    """Ids the log names and the mirror holds as live. Without any, the log is dealt with.

    Inside the caller's transaction.
    """
    found = live(con, sobject, sorted(log.ids))
    if not found:
        _dealt_with(con, sobject, log)
    return found


def look_again(
    org: Org,
    warehouse: Warehouse,
    window: Window,
    ids: Sequence[str],
    log: Deleted,
    staging: Staging,
    run_id: str,
    now: datetime,
) -> int:
    """Read the suspects again, and mark those that are nowhere as purged. Returns how many rows turned out to be gone.

    One transaction. Raises OrgError and IncompleteRead before anything is marked; the log is then asked again.
    """
    staging.begin()
    found = read_by_id(org, window.sobject, window.fields, ids, staging.folder, all_rows=window.all_rows)

    def settle(con: sa.Connection) -> int:
        if found.seen:
            mirror.take_in(con, found.batch(window, run_id, now))
        mark_gone(con, window.sobject, [id for id in ids if id not in found.seen], "purged", now)
        open_follow(con)
        _dealt_with(con, window.sobject, log)
        return len(ids) - len(live(con, window.sobject, ids))

    gone = warehouse.attempt(settle)
    staging.clear()
    return gone


def _dealt_with(con: sa.Connection, sobject: str, log: Deleted) -> None:
    c = tables.cursors.c
    con.execute(
        sa.update(tables.cursors)
        .where(c.sobject == sobject, sa.or_(c.deletions_at.is_(None), c.deletions_at < log.latest_covered))
        .values(deletions_at=log.latest_covered)
    )
