"""Draft: results worked out beside the warehouse, then written in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TypeVar

import sqlalchemy as sa

from sfsync.errors import TooLittleMemory
from sfsync.warehouse import duck

Done = TypeVar("Done")


class Draft:
    """Tables of its own beside a warehouse that is only read; gone when the draft ends.

    `con` reads the warehouse and fills the draft's tables; the tables are private, whatever their names. Of those made
    by `create`, `finish` sees the ones whose name it was given by `kept`.
    """

    def __init__(
        self,
        con: sa.Connection,
        *,
        place: str = "",
        own: bool = False,
        write: Callable[[bool], AbstractContextManager[sa.Connection]] | None = None,
    ):
        self.con = con
        self._place = place
        self._own = own
        self._write = write
        self._postgres = con.dialect.name == "postgresql"

    def kept(self, table: str) -> str:
        """The name of a table that `finish` sees as well."""
        return f"{self._place}{table}"

    def create(self, table: str, columns: str) -> None:
        """Make an empty table, `columns` as in CREATE TABLE. One of that name goes."""
        self.drop(table)
        if "." in table:
            self.con.exec_driver_sql(f"CREATE TABLE {table} ({columns})")
        else:
            dropped = " ON COMMIT DROP" if self._postgres else ""
            self.con.exec_driver_sql(f"CREATE TEMP TABLE {table} ({columns}){dropped}")

    def fill(self, table: str, select: str) -> None:
        """Make a table of the rows of a SELECT, which may not change anything. One of that name goes.

        A big one that stays is better given a name by `kept`: it is on disk and compressed then, not in memory.
        """
        self.drop(table)
        if not self._postgres:
            self._execute(f"CREATE {'' if '.' in table else 'TEMP '}TABLE {table} AS {select}")
            return
        self._execute(f"CREATE TEMP TABLE {table} ON COMMIT DROP AS {select} WITH NO DATA")
        # until the savepoint of `attempt` ends; tables of the session may be filled all the same
        self.con.exec_driver_sql("SET TRANSACTION READ ONLY")
        self.add(table, select)

    def add(self, table: str, select: str) -> None:
        """Add the rows of a SELECT to a filled table."""
        self._execute(f"INSERT INTO {table} {select}")

    def analyse(self, table: str) -> None:
        """Let the planner know what was filled in."""
        if self._postgres:
            self._execute(f"ANALYZE {table}")

    def drop(self, table: str) -> None:
        self.con.exec_driver_sql(f"DROP TABLE IF EXISTS {table}")

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """What is done inside is undone when it raises, and the draft can go on. After `fill`, nothing can be made."""
        if self._postgres:
            with self.con.begin_nested():
                yield
            return
        try:
            yield
        except BaseException:
            if self._own:
                self.con.rollback()
            raise
        if self._own:
            self.con.commit()

    def lacked_memory(self, err: Exception) -> bool:
        """Whether a statement failed for want of memory that `relief` would give it."""
        orig = getattr(err, "orig", None)
        return not self._postgres and orig is not None and duck.out_of_memory(orig)

    @contextmanager
    def relief(self) -> Iterator[None]:
        """For what `lacked_memory`: inside there is as much as may be taken in the end."""
        usual = self.con.exec_driver_sql("SELECT current_setting('memory_limit')").scalar_one()
        self._limit_memory(f"{duck.most_memory():.0f}MB")
        try:
            yield
        finally:
            with suppress(sa.exc.DBAPIError):  # what stays may need more than the usual
                self._limit_memory(usual)

    def finish(self, work: Callable[[sa.Connection], Done]) -> Done:
        """What `work` returns, done in the warehouse's one writing transaction, at the draft's end: `con` is closed.

        Once more with more memory where there was too little. Raises as Warehouse.write does.
        """
        if self._write is None:
            return work(self.con)
        try:
            with self._write(False) as con:
                return work(con)
        except TooLittleMemory:
            with self._write(True) as con:
                return work(con)

    def _limit_memory(self, most: str) -> None:
        self.con.exec_driver_sql(f"SET memory_limit = '{most}'")

    def _execute(self, sql: str) -> None:
        self.con.exec_driver_sql(sql, execution_options={"no_parameters": True})
