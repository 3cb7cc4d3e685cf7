"""Answers of queries: what was true at the moment of the query, handed out page by page."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import duckdb

from sfsync.practice.shaping import Children, Shape, Values
from sfsync.practice.soql.model import Compiled
from sfsync.practice.store import Store

_IN_MEMORY = 2000
"""Longer results are kept in a temporary table, which DuckDB can put on disk."""


class QueryResult:
    """The records of one REST query. `kind` is "rows", "count" (only `total` matters) or "aggregate"."""

    def __init__(self, store: Store, query: Compiled, version: float):
        self.kind = query.kind
        store.close_with_store(self)
        self._lock = threading.Lock()
        self._shape = Shape(query, version)
        self._rows: list[Values] | None = None
        self._cursor: duckdb.DuckDBPyConnection | None = None
        self._children: dict[str, dict[str, list[Values]]] = {}
        if store.in_transaction:
            with store.reading() as connection:
                self._rows = connection.execute(query.sql, query.params).fetchall()
                self._fetch_children(connection, query)
        else:
            self._snapshot(store.cursor(), query)
        self.total: int = self._count(query)

    def _snapshot(self, cursor: duckdb.DuckDBPyConnection, query: Compiled) -> None:
        """Read everything in one transaction, so that a later write changes no page."""
        try:
            cursor.execute("BEGIN TRANSACTION")
            rows: list[Values] = cursor.execute(query.sql, query.params).fetchmany(_IN_MEMORY + 1)
            if len(rows) <= _IN_MEMORY:
                self._rows = rows
            else:
                cursor.execute(f"CREATE TEMP TABLE answer AS {query.sql}", query.params)
                self._cursor = cursor
            self._fetch_children(cursor, query)
            cursor.execute("COMMIT")
        except BaseException:
            cursor.close()
            raise
        if self._cursor is None:
            cursor.close()

    def _fetch_children(self, connection: duckdb.DuckDBPyConnection, query: Compiled) -> None:
        for child in query.children:
            if self._rows is not None:
                ids = [row[query.id_index or 0] for row in self._rows]
            else:
                described = connection.execute("SELECT * FROM answer LIMIT 0").description or []
                column = str(described[query.id_index or 0][0]).replace('"', '""')
                ids = [i for (i,) in connection.execute(f'SELECT "{column}" FROM answer').fetchall()]
            sql, params = child.bind(ids)
            by_parent = self._children.setdefault(child.label, {})
            for row in connection.execute(sql, params).fetchall():
                by_parent.setdefault(row[child.parent_index], []).append(row)

    def _count(self, query: Compiled) -> int:
        if self._rows is None:
            assert self._cursor is not None
            found = self._cursor.execute("SELECT count(*) FROM answer").fetchone()
            return int(found[0]) if found else 0
        return int(self._rows[0][0]) if query.kind == "count" else len(self._rows)

    def records(self, offset: int, limit: int) -> list[dict[str, Any]]:
        """JSON records from `offset` on, at most `limit`: parents nested, subqueries as {totalSize, done, records}."""
        if self.kind == "count":
            return []
        children: Children = self._children
        return self._shape.records(self._page(offset, offset + limit), children)

    def _page(self, start: int, end: int) -> list[Values]:
        if self._rows is not None:
            return self._rows[start:end]
        with self._lock:
            if self._cursor is None:
                raise ValueError("the query's result is closed")
            sql = "SELECT * FROM answer WHERE rowid >= $1 AND rowid < $2 ORDER BY rowid"
            page: list[Values] = self._cursor.execute(sql, [start, end]).fetchall()
            return page

    def close(self) -> None:
        with self._lock:
            self._rows = self._rows and []
            if self._cursor is not None:
                self._cursor.close()
                self._cursor = None


class BulkResult:
    """The rows of one Bulk query. `columns` are the CSV's header, `total` its number of rows."""

    def __init__(self, store: Store, query: Compiled, *, alphabetical: bool = False):
        self.sobject = query.sobject
        store.close_with_store(self)
        order = list(range(len(query.columns)))
        if alphabetical:
            order.sort(key=lambda i: query.columns[i].label)
        self.columns = [query.columns[i].label for i in order]
        self._lock = threading.Lock()
        self._cursor: duckdb.DuckDBPyConnection | None = store.cursor()
        names = ", ".join(f"c{i}" for i in range(len(query.columns)))
        self._select = [_csv_value(f"c{i}", query.columns[i].type, query.columns[i].label) for i in order]
        try:
            self._cursor.execute(f"CREATE TEMP TABLE answer AS SELECT * FROM ({query.sql}) q({names})", query.params)
            found = self._cursor.execute("SELECT count(*) FROM answer").fetchone()
        except BaseException:
            self._cursor.close()
            raise
        self.total: int = int(found[0]) if found else 0

    def write_csv(
        self,
        path: Path,
        offset: int,
        limit: int,
        *,
        delimiter: str = ",",
        line_ending: str = "\n",
        leave_out: int = 0,
    ) -> int:
        """Write a header and the rows from `offset` on, at most `limit`, every field quoted. Returns how many rows.

        leave_out: so many of the last columns are missing.

        Empty is null, datetimes end in `.000Z`, decimals have all their digits and no exponent.
        """
        ending = {"\n": "\\n", "\r\n": "\\r\\n"}[line_ending]
        target = str(path).replace("'", "''")
        columns = ", ".join(self._select[: len(self._select) - leave_out])
        with self._lock:
            if self._cursor is None:
                raise ValueError("the query's result is closed")
            page = f"rowid >= {int(offset)} AND rowid < {int(offset + limit)}"
            wrote = self._cursor.execute(
                f"COPY (SELECT {columns} FROM answer WHERE {page}) TO '{target}' (FORMAT csv, HEADER,"
                " FORCE_QUOTE *, QUOTE '\"', ESCAPE '\"',"
                f" DELIMITER '{delimiter}', NEW_LINE '{ending}')"
            ).fetchone()
        return int(wrote[0]) if wrote else 0

    def close(self) -> None:
        with self._lock:
            if self._cursor is not None:
                self._cursor.close()
                self._cursor = None


def _csv_value(column: str, kind: str, label: str) -> str:
    text = {
        "datetime": f"strftime({column}, '%Y-%m-%dT%H:%M:%S.000Z')",
        "time": f"strftime(DATE '2000-01-01' + {column}, '%H:%M:%S.000Z')",
    }.get(kind, f"CAST({column} AS VARCHAR)")
    quoted = label.replace('"', '""')
    return f"coalesce({text}, '') AS \"{quoted}\""
