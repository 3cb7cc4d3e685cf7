"""Names as Salesforce spells them. PostgreSQL folds names that are not quoted, and ours never are."""

from __future__ import annotations

import sqlalchemy as sa

from sfsync.warehouse import dialect, tables


def of_table(con: sa.Connection, sobject: str) -> dict[str, str]:
    """Folded name → field, of one sObject; empty when it was never described here."""
    f = tables.fields.c
    return _folded(con, sa.select(f.field).where(sa.func.lower(f.sobject) == sobject.lower()))


def of_all(con: sa.Connection) -> dict[str, str]:
    """Folded name → field, of all sObjects; of two spellings of a name the more common one."""
    f = tables.fields.c
    return _folded(con, sa.select(f.field).group_by(f.field).order_by(sa.func.count(), f.field))


def _folded(con: sa.Connection, fields: sa.Select[tuple[str]]) -> dict[str, str]:
    if not dialect.of(con).columns(con, "sfsync", "fields"):
        return {}
    return {str(name).lower(): str(name) for name in con.execute(fields).scalars()}
