"""What PostgreSQL's planner knows about our tables: told at once when much of one has changed.

Autovacuum would tell it within a minute or two, and not at all where it is switched off. Until then a table that was
just filled counts as one of a few pages, and joins upon it take plans that are several times slower.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import sqlalchemy as sa

LEAST, SHARE = 50, 0.1
"""Rows, and part of the table, beyond which its statistics are out of date: the bounds autovacuum has by default."""

_MUCH_CHANGED = f"""
    SELECT x.schemaname || '.' || quote_ident(x.relname)
    FROM pg_catalog.pg_stat_xact_user_tables x JOIN pg_catalog.pg_class c ON c.oid = x.relid
    WHERE x.schemaname IN ('salesforce', 'sfsync')
    AND x.n_tup_ins + x.n_tup_upd + x.n_tup_del > {LEAST} + {SHARE} * greatest(c.reltuples, 0)
    ORDER BY 1
"""


def much_changed(con: sa.Connection) -> list[str]:
    """Tables of which this transaction has changed a good part. Ask just before the commit.

    Small changes that add up are autovacuum's: it counts them, and has the time.
    """
    return list(con.exec_driver_sql(_MUCH_CHANGED).scalars())


def analyse(con: sa.Connection, tables: Sequence[str]) -> None:
    """Refresh the planner's statistics, each table in a transaction of its own; after the commit.

    Readers and writers go on meanwhile; a table that is being vacuumed or altered is left to autovacuum. Nothing is
    raised: what was committed stays committed, and a lost connection is noticed by the next statement.
    """
    with suppress(sa.exc.DBAPIError):
        for table in tables:
            con.exec_driver_sql(f"ANALYZE (SKIP_LOCKED) {table}")
            con.commit()
