"""People's own SQL: one statement that reads."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
import sqlglot
from sqlglot import exp

from sfsync.errors import InputError
from sfsync.warehouse import Warehouse


def run_query(warehouse: Warehouse, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """(names of the columns, rows) of one SELECT. Raises InputError for anything else."""
    statement = _one_query(sql, warehouse.dialect)
    with warehouse.read() as con:
        try:
            names, rows = warehouse.select(con, statement)
            return names, list(rows)
        except sa.exc.DBAPIError as err:
            raise InputError(f"the database refuses this SQL: {str(err.orig).strip()}") from None


def _one_query(sql: str, dialect: str) -> str:
    """The statement, if it is one and only reads: a second one could end the read-only transaction."""
    if not sql.strip():
        raise InputError('no SQL given. Try: sfsync query "select Status, count(*) from live.Lead group by Status"')
    try:
        found = [s for s in sqlglot.parse(sql, dialect="postgres" if dialect == "postgresql" else dialect) if s]
    except sqlglot.errors.SqlglotError as err:
        problem = err.errors[0] if isinstance(err, sqlglot.ParseError) and err.errors else {}
        where = f" near {problem['highlight']!r}" if problem.get("highlight") else ""
        raise InputError(f"not SQL{where}: {problem.get('description') or 'it cannot be read'}.") from None
    if len(found) != 1 or not isinstance(found[0], (exp.Query, exp.Describe, exp.Summarize, exp.Show)):
        raise InputError("`query` runs one SELECT; nothing else, and no second statement.")
    return sql.strip().rstrip(";")
