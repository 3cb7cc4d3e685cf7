"""What the mirror must change without a new row from the org: children that die and revive with their parents."""

from __future__ import annotations

import sqlalchemy as sa


def follow_parent(con: sa.Connection, child: str, field: str, parent: str) -> int:
    """Delete and undelete rows of `child` with the `parent` row their `field` names; returns how many changed.

    For history objects: Salesforce deletes their rows with the record, without moving a stamp that an increment sees.
    """
    return con.exec_driver_sql(
        f"UPDATE salesforce.{child} SET IsDeleted = p.IsDeleted, _deleted_reason = p._deleted_reason "
        f"FROM salesforce.{parent} AS p WHERE p.Id = salesforce.{child}.{field} "
        f"AND p.IsDeleted IS DISTINCT FROM salesforce.{child}.IsDeleted"
    ).rowcount
