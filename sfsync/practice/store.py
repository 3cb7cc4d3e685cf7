"""The org's tables in DuckDB: one per sObject, read and written set-wise."""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import duckdb

from sfsync.practice.ids import SQL_MACROS, make_id, number_of
from sfsync.practice.schema import Field, Schema

Row = dict[str, Any]
"""A stored record: every stored field by name. Datetimes are naive UTC in whole seconds."""

_BOOKS = (
    "CREATE TABLE IF NOT EXISTS practice_meta (key VARCHAR, value VARCHAR)",
    "CREATE TABLE IF NOT EXISTS practice_deleted (sobject VARCHAR, id VARCHAR, deleted TIMESTAMP, root VARCHAR)",
    "CREATE TABLE IF NOT EXISTS practice_cleared (sobject VARCHAR, id VARCHAR, field VARCHAR, parent VARCHAR)",
)


class Closeable(Protocol):
    def close(self) -> None: ...


class Store:
    """Tables of one org. Writes happen inside `transaction()`; reads anywhere, each through its own cursor."""

    def __init__(self, database: str | Path | None, schema: Schema):
        self.schema = schema
        self.lock = threading.RLock()
        self._spill = Path(tempfile.gettempdir()) / f"sfsync-practice-{id(self):x}-{threading.get_ident():x}"
        config: dict[str, Any] = {"threads": 2, "memory_limit": "1GB", "temp_directory": str(self._spill)}
        self._connection = duckdb.connect(str(database) if database else ":memory:", config=config)
        self._open: weakref.WeakSet[Closeable] = weakref.WeakSet()
        self._depth = 0
        self._writer_thread: int | None = None
        self._numbers: dict[str, int] = {}
        # DuckDB believes that a program without a file of its own is somebody at a prompt, and would draw it for them.
        self._connection.execute("SET enable_progress_bar = false")
        self._refuse_strangers(database)
        for statement in (*_BOOKS, *SQL_MACROS):
            self._connection.execute(statement)

    def _refuse_strangers(self, database: str | Path | None) -> None:
        """A mirror's file named by mistake would get the org's tables beside its own."""
        found = self._connection.execute(
            "SELECT count(*), count(*) FILTER (table_name = 'practice_meta') FROM duckdb_tables()"
        ).fetchone()
        if found and found[0] and not found[1]:
            self._connection.close()
            raise ValueError(f"{database} holds other tables than a practice org's")

    def close_with_store(self, result: Closeable) -> None:
        """A result somebody forgets to close would keep the database file locked."""
        self._open.add(result)

    def close(self) -> None:
        with self.lock:
            for result in list(self._open):
                result.close()
            self._connection.close()
        shutil.rmtree(self._spill, ignore_errors=True)

    # -- connections ---------------------------------------------------------------------------------------------

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own to the org's database. The caller closes it."""
        return self._connection.cursor()

    @property
    def in_transaction(self) -> bool:
        """This thread has writes that others do not see yet."""
        return self._depth > 0 and self._writer_thread == threading.get_ident()

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection to read with: inside a transaction of this thread it sees that transaction's writes."""
        if self.in_transaction:
            yield self._connection
            return
        cursor = self.cursor()
        try:
            yield cursor
        finally:
            cursor.close()

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """All or nothing: an exception undoes every write made inside. Nested ones join the outer one."""
        with self.lock:
            outermost = self._depth == 0
            if outermost:
                self._connection.execute("BEGIN TRANSACTION")
                self._writer_thread = threading.get_ident()
            self._depth += 1
            try:
                yield self._connection
            except BaseException:
                if outermost:
                    self._connection.execute("ROLLBACK")
                raise
            else:
                if outermost:
                    self._connection.execute("COMMIT")
            finally:
                self._depth -= 1

    # -- tables --------------------------------------------------------------------------------------------------

    def create_tables(self) -> None:
        """Make the tables that are not there, and learn which Ids are taken."""
        with self.transaction() as connection:
            for name in self.schema.sobjects:
                columns = ", ".join(_column(f) for f in self.schema.full(name).stored_fields)
                connection.execute(f'CREATE TABLE IF NOT EXISTS "{name}" ({columns})')
            latest = [f"""SELECT '{name}', max("Id") FROM "{name}\"""" for name in self.schema.sobjects]
            latest.append("SELECT sobject, max(id) FROM practice_deleted GROUP BY 1")
            for sobject, last in connection.execute(" UNION ALL ".join(latest)).fetchall():
                self._learn(self.schema.full(sobject).prefix, last)

    def learn_numbers(self, sobject: str) -> None:
        """Let new Ids begin above every Id of the table."""
        with self.reading() as connection:
            found = connection.execute(f'SELECT max("Id") FROM "{sobject}"').fetchone()
        self._learn(self.schema.full(sobject).prefix, found[0] if found else None)

    def _learn(self, prefix: str, last: str | None) -> None:
        number = number_of(last) if last else None
        self._numbers[prefix] = max(self._numbers.get(prefix, 1), (number or 0) + 1)

    def new_ids(self, sobject: str, count: int) -> list[str]:
        prefix = self.schema.full(sobject).prefix
        with self.lock:
            first = self._numbers.get(prefix, 1)
            self._numbers[prefix] = first + count
        return [make_id(prefix, number) for number in range(first, first + count)]

    def add_column(self, sobject: str, field: Field, value_sql: str | None) -> None:
        with self.transaction() as connection:
            if field.stored:
                connection.execute(f'ALTER TABLE "{sobject}" ADD COLUMN {_column(field)}')
                if value_sql:
                    connection.execute(f'UPDATE "{sobject}" SET "{field.name}" = ({value_sql})')

    def drop_column(self, sobject: str, field: Field) -> None:
        if field.stored:
            with self.transaction() as connection:
                connection.execute(f'ALTER TABLE "{sobject}" DROP COLUMN "{field.name}"')

    # -- rows ----------------------------------------------------------------------------------------------------

    def rows(self, sobject: str, ids: Iterable[str]) -> dict[str, Row]:
        """The stored rows of these Ids, deleted ones included, by Id."""
        wanted = sorted(set(ids))
        return (
            {row["Id"]: row for row in self.select(sobject, '"Id" IN (SELECT unnest($1))', [wanted])} if wanted else {}
        )

    def select(self, sobject: str, where: str = "true", params: Sequence[Any] = ()) -> list[Row]:
        """Whole stored rows. `where` is SQL over quoted columns with `$1` ... bound to `params`."""
        names = [f.name for f in self.schema.full(sobject).stored_fields]
        columns = ", ".join(f'"{n}"' for n in names)
        found = self.fetch(f'SELECT {columns} FROM "{sobject}" WHERE {where}', params)
        return [dict(zip(names, values, strict=True)) for values in found]

    def fetch(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self.reading() as connection:
            return connection.execute(sql, list(params)).fetchall()

    def execute(self, sql: str, params: Sequence[Any] = ()) -> None:
        """One writing statement, in a transaction of its own unless one is open."""
        with self.transaction() as connection:
            connection.execute(sql, list(params))

    def insert(self, sobject: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows; a column which no row has gets its default (false, or NULL)."""
        if rows:
            names = sorted({name for row in rows for name in row})
            self.execute(f'INSERT INTO "{sobject}" BY NAME {self._source(sobject, names)}', [_as_json(rows)])

    def update(self, sobject: str, rows: Sequence[Mapping[str, Any]], columns: Iterable[str]) -> None:
        """Set `columns` of the rows with these Ids."""
        names = sorted(set(columns) - {"Id"})
        if rows and names:
            assignments = ", ".join(f'"{n}" = source."{n}"' for n in names)
            source = self._source(sobject, ["Id", *names])
            given = [{n: row.get(n) for n in ("Id", *names)} for row in rows]
            self.execute(
                f'UPDATE "{sobject}" SET {assignments} FROM ({source}) source WHERE "{sobject}"."Id" = source."Id"',
                [_as_json(given)],
            )

    def _source(self, sobject: str, names: Iterable[str]) -> str:
        """A SELECT of `$1`, a list of JSON texts, as typed columns. One text a row: one big text is quadratic."""
        known = self.schema.full(sobject).fields
        types = json.dumps({n: known[n].column_type for n in names})
        return f"SELECT unnest(from_json(line, '{types}')) FROM (SELECT unnest($1::VARCHAR[])::JSON AS line)"

    # -- small facts ---------------------------------------------------------------------------------------------

    def meta(self, key: str) -> str | None:
        found = self.fetch("SELECT value FROM practice_meta WHERE key = $1", [key])
        return found[0][0] if found else None

    def set_meta(self, key: str, value: str) -> None:
        with self.transaction():
            self.execute("DELETE FROM practice_meta WHERE key = $1", [key])
            self.execute("INSERT INTO practice_meta VALUES ($1, $2)", [key, value])


def _column(field: Field) -> str:
    default = " DEFAULT false" if field.type == "boolean" else ""
    return f'"{field.name}" {field.column_type}{default}'


def _as_json(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    return [json.dumps(row, default=_text) for row in rows]


def _text(value: Any) -> str:
    return value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)
