"""Where merged-away records went, and whether what pointed at them has been read again."""

from __future__ import annotations

import sqlalchemy as sa

from sfsync.warehouse import tables

MERGES_OPEN = "merges_open"
"""Key in sfsync.meta, there from the commit of a merge until what pointed at its losers was read again."""


def follow_merges(con: sa.Connection, sobject: str, source: str, run_id: str) -> int:
    """Keep a redirect for each merged-away row of the table `source`, drop those of rows that were brought back.

    Returns how many are new.
    """
    named = {"sobject": sobject}
    con.execute(
        sa.text(
            "DELETE FROM sfsync.redirects WHERE sobject = :sobject AND EXISTS (SELECT 1 FROM "
            f"{source} s WHERE s.Id = sfsync.redirects.loser "
            "AND s.MasterRecordId IS DISTINCT FROM sfsync.redirects.survivor)"
        ),
        named,
    )
    added = con.execute(
        sa.text(
            "INSERT INTO sfsync.redirects (sobject, loser, survivor, run_id) "
            f"SELECT :sobject, s.Id, s.MasterRecordId, :run_id FROM {source} s WHERE s.MasterRecordId IS NOT NULL "
            "AND NOT EXISTS (SELECT 1 FROM sfsync.redirects r WHERE r.sobject = :sobject AND r.loser = s.Id)"
        ),
        {**named, "run_id": run_id},
    )
    return max(added.rowcount, 0)


def open_merges(con: sa.Connection, run_id: str) -> None:
    """What points at the losers must be read again: in the redirects' own transaction, so no crash forgets it."""
    close_merges(con)
    con.execute(sa.insert(tables.meta).values(key=MERGES_OPEN, value=run_id))


def close_merges(con: sa.Connection) -> None:
    con.execute(sa.delete(tables.meta).where(tables.meta.c.key == MERGES_OPEN))
