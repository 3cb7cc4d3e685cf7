"""What the mirror must change without a new row from the org: rows that are gone, and children of rows that went."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from sfsync.warehouse import tables

AT_ONCE = 1000
"""Ids in one statement."""
FOLLOW_OPEN = "follow_open"
"""Key in sfsync.meta, there from the commit of changed rows until children have followed their parents."""


def live(con: sa.Connection, sobject: str, ids: Sequence[str]) -> list[str]:
    """Those of the Ids that the mirror holds as live, in their order."""
    found: set[str] = set()
    for some in _some(ids):
        statement = sa.text(f"SELECT Id FROM salesforce.{sobject} WHERE _deleted_reason IS NULL AND Id IN :ids")
        found |= set(con.execute(statement.bindparams(_listed(some))).scalars())
    return [id for id in ids if id in found]


def mark_gone(con: sa.Connection, sobject: str, ids: Sequence[str], reason: str, now: datetime) -> int:
    """Give live rows the reason why they are gone; returns how many. Values stay; a later row revives them."""
    marked = 0
    for some in _some(ids):
        statement = sa.text(
            f"UPDATE salesforce.{sobject} SET _deleted_reason = :reason, _pulled_at = :now "
            "WHERE _deleted_reason IS NULL AND Id IN :ids"
        )
        marked += con.execute(statement.bindparams(_listed(some)), {"reason": reason, "now": now}).rowcount
    return marked


def open_follow(con: sa.Connection) -> None:
    """Children may have to follow the rows that just came: in these rows' transaction, so no crash forgets it."""
    close_follow(con)
    con.execute(sa.insert(tables.meta).values(key=FOLLOW_OPEN, value="1"))


def close_follow(con: sa.Connection) -> None:
    con.execute(sa.delete(tables.meta).where(tables.meta.c.key == FOLLOW_OPEN))


def follow_parent(con: sa.Connection, child: str, field: str, parent: str) -> int:
    """Delete and undelete rows of `child` with the `parent` row their `field` names; returns how many changed.

    For history objects: Salesforce deletes their rows with the record, without moving a stamp that an increment sees.
    """
    here, above = f"salesforce.{child}", f"salesforce.{parent}"
    binned = con.exec_driver_sql(
        f"UPDATE {here} SET IsDeleted = p.IsDeleted, _deleted_reason = p._deleted_reason "
        f"FROM {above} AS p WHERE p.Id = {here}.{field} AND p.IsDeleted IS DISTINCT FROM {here}.IsDeleted"
    ).rowcount
    purged = con.exec_driver_sql(
        f"UPDATE {here} SET _deleted_reason = p._deleted_reason "
        f"FROM {above} AS p WHERE p.Id = {here}.{field} AND p._deleted_reason = 'purged' "
        f"AND {here}._deleted_reason IS NULL"
    ).rowcount
    return max(binned, 0) + max(purged, 0)


def _some(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[first : first + AT_ONCE] for first in range(0, len(ids), AT_ONCE)]


def _listed(ids: Sequence[str]) -> sa.BindParameter[str]:
    return sa.bindparam("ids", list(ids), sa.Text, expanding=True)
