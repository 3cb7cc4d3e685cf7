"""Warehouse: the only place that opens a database."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, TypeVar

import sqlalchemy as sa

from sfsync.errors import TooLittleMemory, WarehouseError
from sfsync.model import Value
from sfsync.warehouse import dialect, spelling, tables
from sfsync.warehouse.draft import Draft

FORMAT = "1"
Done = TypeVar("Done")


class Warehouse:
    """One database: schemas `salesforce` (the mirror), `live` (views without deleted rows), `sfsync` (our own tables).

    DuckDB: the file is locked by whoever writes it, so it is open only inside `read()` and `write()`; both wait up to
    `wait` seconds for another process and then raise Locked, naming it. PostgreSQL: readers wait for nobody, a writer
    waits likewise for another. `on_wait` is told once when waiting begins.
    """

    def __init__(self, url: str, *, wait: float = 60.0, on_wait: dialect.OnWait | None = None):
        self.url = url
        self.dialect, self._store = dialect.store(url, wait, on_wait)
        self.file = self._store.file
        self._lock = threading.RLock()
        self._ready = False
        self._current = False

    @property
    def name(self) -> str:
        """For messages: the file, or the database and its server; never a password."""
        return self._store.name

    @property
    def exists(self) -> bool:
        """Whether anything was ever written. Raises WarehouseError when the server cannot be reached."""
        return self._ready or self._store.exists()

    def close(self) -> None:
        self._store.close()

    @contextmanager
    def read(self, *, whole: bool = False) -> Iterator[sa.Connection]:
        """A connection that cannot change anything, nor reach files outside the warehouse.

        whole: for statements that go through whole tables, as an analysis does.
        On PostgreSQL each transaction sees the database as it was at its first statement, and a connection takes one
        statement at a time. Raises WarehouseError when there is no warehouse yet, Locked when another process keeps
        writing.
        """
        with self._lock, ExitStack() as stack:
            con = stack.enter_context(self._store.reading())
            if not self._current and tables.lacks_any(con):
                stack.close()
                with self.write():
                    pass  # brings what an earlier version made up to date
                con = stack.enter_context(self._store.reading())
            con.rollback()
            self._current = True
            if whole:
                dialect.of(con).read_whole(con)
            yield con

    @contextmanager
    def write(self, room: int = 1) -> Iterator[sa.Connection]:
        """One transaction: committed when the block ends, rolled back when it raises. Creates what is missing.

        room: the multiple of the usual memory that a load may take, see `attempt`.
        """
        with self._lock, self._store.writing(room) as con:
            if not self._ready:
                tables.create_all(con)
                self._check_format(con)
            yield con
        self._ready = self._current = True

    def attempt(self, work: Callable[[sa.Connection], Done]) -> Done:
        """What `work` returns, done in one transaction; from the start with more memory where there was too little.

        Long texts need it: how much is only known once the database is at it. Raises as `write` does, and
        TooLittleMemory at the end.
        """
        for room in (1, 4):
            try:
                with self.write(room) as con:
                    return work(con)
            except TooLittleMemory:
                continue
        with self.write(16) as con:
            return work(con)

    @contextmanager
    def draft(self) -> Iterator[Draft]:
        """Work something out while the warehouse is only read, then write it in one transaction: see Draft.

        Nobody who reads has to wait before that: a DuckDB file is open for writing only inside `Draft.finish`, and
        the draft is a file beside it. On PostgreSQL it is one transaction. Raises as `read` and `write` do.
        """
        with self._lock:
            if not self._current:
                with self.read():
                    pass
            with self._store.drafting(self.write) as draft:
                yield draft

    def run_lock(self, command: str) -> AbstractContextManager[None]:
        """One run at a time: hold the warehouse's lock for the block. Raises Locked, naming the run that holds it.

        The lock ends with the process, however it ends. A database in memory locks nothing.
        """
        return self._store.running(command)

    def remarks(self) -> list[dialect.Remark]:
        """What an administrator would want said about the database, before the first pull too; [] for a file.

        Raises WarehouseError when the database cannot be reached.
        """
        return self._store.remarks()

    def load(self, con: sa.Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> int:
        """Insert many rows set-wise, inside the caller's transaction; None is NULL, "" stays "". Returns how many."""
        return dialect.of(con).insert_rows(con, table, columns, rows)

    def has_table(self, con: sa.Connection, name: str) -> bool:
        """Whether `schema.name` exists, whatever the spelling of its letters."""
        schema, _, table = name.partition(".")
        return bool(dialect.of(con).columns(con, schema, table))

    def columns(self, con: sa.Connection, name: str) -> dict[str, str]:
        """Column → SQL type of `schema.name`, in order; empty when there is none.

        Columns of `salesforce` and `live` are spelt as Salesforce spells them, on every database.
        """
        schema, _, table = name.partition(".")
        found = dialect.of(con).columns(con, schema, table)
        if self.dialect == "postgresql" and schema.casefold() in ("salesforce", "live"):
            known = spelling.of_table(con, table)
            return {known.get(column, column): kind for column, kind in found}
        return dict(found)

    def rows(
        self, con: sa.Connection, sql: str, parameters: Mapping[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        """The rows of a SELECT by column name, in its order. Names and parameters as of `select`."""
        names, rows = self.select(con, sql, parameters)
        for row in rows:
            yield dict(zip(names, row, strict=True))

    def select(
        self, con: sa.Connection, sql: str, parameters: Mapping[str, Any] | None = None
    ) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
        """(names of the columns, rows) of SQL written by hand.

        Names of Salesforce's fields come in Salesforce's spelling, where the database tells or guesses the field.
        parameters: for `:name` in the SQL. Without them the SQL is taken as it is, colons and percent signs too.
        """
        if parameters:
            result = con.execute(sa.text(sql), parameters)
        else:
            result = con.exec_driver_sql(sql, execution_options={"no_parameters": True})
        return dialect.of(con).names(con, result), (tuple(row) for row in result)

    def meta(self, con: sa.Connection) -> dict[str, str]:
        """What this warehouse mirrors: org_id, instance_url, is_sandbox …; empty before the first pull."""
        if not self.has_table(con, "sfsync.meta"):
            return {}
        return {row.key: row.value for row in con.execute(sa.select(tables.meta.c.key, tables.meta.c.value))}

    def _check_format(self, con: sa.Connection) -> None:
        found = self.meta(con).get("format")
        if found is None:
            con.execute(sa.insert(tables.meta).values(key="format", value=FORMAT))
        elif found != FORMAT:
            raise WarehouseError(
                f"the warehouse was written by another version of sfsync (format {found}, this one knows {FORMAT}). "
                "Upgrade sfsync, or pull into a new file."
            )
