"""Answers of queries: what was true at the moment of the query, handed out page by page."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import duckdb

from sfsync.practice.shaping import Children, Shape, Values
from sfsync.practice.soql.model import Compiled
from sfsync.practice.store import Store

_IN_MEMORY = 2000
"""Longer results are kept in a temporary table, which DuckDB can put on disk."""
_PIECE = 5000
"""Rows in memory while a page is written."""
_NEVER_QUOTED = frozenset("id reference boolean int double currency percent date".split())
"""Types whose texts hold no quotation mark."""


class QueryResult:
    """The records of one REST query. `kind` is "rows", "count" (only `total` matters) or "aggregate"."""

    def __init__(self, store: Store, query: Compiled, version: float):
        self.kind = query.kind
        self.columns = query.columns
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
    """The rows of one Bulk query, kept as lines of CSV. `columns` are its header, `total` its number of rows.

    Every field is quoted. Empty is null, datetimes end in `.000Z`, decimals have all their digits and no exponent.
    """

    def __init__(
        self, store: Store, query: Compiled, *, alphabetical: bool = False, delimiter: str = ",", newline: str = "\n"
    ):
        self.sobject = query.sobject
        store.close_with_store(self)
        order = list(range(len(query.columns)))
        if alphabetical:
            order.sort(key=lambda i: query.columns[i].label)
        self.columns = [query.columns[i].label for i in order]
        self.header = (delimiter.join(f'"{label}"' for label in self.columns) + newline).encode()
        self._lock = threading.Lock()
        self._cursor: duckdb.DuckDBPyConnection | None = store.cursor()
        names = ", ".join(f"c{i}" for i in range(len(query.columns)))
        values = f""", '"{delimiter}"', """.join(_csv_value(f"c{i}", query.columns[i].type) for i in order)
        # DuckDB's own CSV writer takes three times as long for rows of many quoted columns.
        line = f"""encode(concat('"', {values}, '"{newline}'))"""
        try:
            self._cursor.execute(
                f"CREATE TEMP TABLE answer AS SELECT {line} AS line FROM ({query.sql}) q({names})", query.params
            )
            found = self._cursor.execute("SELECT count(*) FROM answer").fetchone()
        except BaseException:
            self._cursor.close()
            raise
        self.total: int = int(found[0]) if found else 0

    def csv(self, offset: int, limit: int) -> Iterator[bytes]:
        """The header, then the rows from `offset` on, at most `limit`, in pieces of whole rows."""
        yield self.header
        end = min(offset + limit, self.total)
        for start in range(offset, end, _PIECE):
            yield self._lines(start, min(start + _PIECE, end))

    def _lines(self, start: int, end: int) -> bytes:
        with self._lock:
            if self._cursor is None:
                raise ValueError("the query's result is closed")
            found = self._cursor.execute(f"SELECT line FROM answer WHERE rowid >= {start:d} AND rowid < {end:d}")
            return b"".join(line for (line,) in found.fetchall())

    def close(self) -> None:
        with self._lock:
            if self._cursor is not None:
                self._cursor.close()
                self._cursor = None


def _csv_value(column: str, kind: str) -> str:
    """SQL: the text between the quotes; NULL is left out by concat()."""
    if kind == "datetime":
        return f"strftime({column}, '%Y-%m-%dT%H:%M:%S.000Z')"
    if kind == "time":
        return f"strftime(DATE '2000-01-01' + {column}, '%H:%M:%S.000Z')"
    text = f"CAST({column} AS VARCHAR)"
    if kind in _NEVER_QUOTED:
        return text
    return f"""CASE WHEN contains({text}, '"') THEN replace({text}, '"', '""') ELSE {text} END"""
