"""What differs between databases. Each has one module for its SQL and one for its connections; all else is shared.

Everything that is not in these two interfaces is written once, in SQL that every database reads alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import sqlalchemy as sa

from sfsync.errors import WarehouseError
from sfsync.model import Value
from sfsync.warehouse.draft import Draft
from sfsync.warehouse.page import Page

if TYPE_CHECKING:
    from sfsync.warehouse.door import Warehouse

OnWait = Callable[[str], None]


class Dialect(Protocol):
    """The SQL of one database, working inside the caller's transaction. Implemented by a module."""

    def declared(self, kind: str, described: str) -> str:
        """A column's type as CREATE TABLE wants it. described: the field's describe type."""

    def schemas(self, con: sa.Connection) -> set[str]:
        """Names of the schemas there are."""

    def columns(self, con: sa.Connection, schema: str, table: str) -> list[tuple[str, str]]:
        """(name as the database keeps it, type) in order; empty when there is no such table. Case is ignored."""

    def names(self, con: sa.Connection, result: sa.CursorResult[Any]) -> list[str]:
        """Names of a result's columns, Salesforce's fields spelt as Salesforce spells them."""

    def retype(self, con: sa.Connection, sobject: str, column: str, kind: str) -> None:
        """Change a column of salesforce.<sobject> to a wider type; live.<sobject> stays, with who may read it."""

    def make_room(self, con: sa.Connection, columns: int) -> None:
        """Before many rows of so many columns are written: hold what this process keeps in memory to what that needs.

        For the rest of the transaction.
        """

    def read_whole(self, con: sa.Connection) -> None:
        """Have statements read whole tables rather than look rows up one by one, until the connection is closed."""

    def stage(self, con: sa.Connection, name: str, columns: Mapping[str, str], pages: Sequence[Page]) -> int:
        """Make the temporary table `name` of all rows of the pages; returns how many. Quoted empty cells are NULL.

        columns: name → type, in the order of the pages' header.
        """

    def fill(
        self,
        con: sa.Connection,
        target: str,
        columns: Mapping[str, str],
        pages: Iterable[Page],
        reason: str,
        now: datetime,
    ) -> int:
        """Append all rows of the pages to an empty table of the mirror, the fastest way; returns how many.

        Pages are taken as they come, and may be walked through a second time.

        reason: expression over the row for _deleted_reason. now: becomes _pulled_at.
        """

    def count_rows(self, con: sa.Connection, page: Page, columns: Mapping[str, str]) -> int:
        """Rows in one page."""

    def insert_rows(
        self, con: sa.Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Value]]
    ) -> int:
        """Insert many rows set-wise; None is NULL, "" stays "". Rows are consumed first. Returns how many."""

    def check_ids(self, con: sa.Connection, sobject: str) -> None:
        """Make sure that each Id of salesforce.<sobject> is there once. Raises WarehouseError."""

    def trouble(self, err: BaseException) -> str | None:
        """What is wrong with the database itself (gone, full, refusing), in words; None when it is the statement."""

    def misfit(self, err: BaseException, columns: Iterable[str]) -> str:
        """Why data was refused, without showing any of it; names one of `columns` where the database tells."""


@dataclass(frozen=True)
class Remark:
    """What an administrator would want said about the database, and what to do ("" when all is well)."""

    what: str
    found: str
    advice: str = ""
    broken: bool = False
    """A pull would fail."""


class Store(Protocol):
    """How one database is reached, and who may use it at a time."""

    @property
    def name(self) -> str:
        """For messages; without a password."""

    @property
    def file(self) -> Path | None:
        """The warehouse's file, where it is one."""

    def exists(self) -> bool:
        """Whether there is a warehouse. Raises WarehouseError when that cannot be found out."""

    def reading(self) -> AbstractContextManager[sa.Connection]:
        """See Warehouse.read."""

    def writing(self, room: int = 1) -> AbstractContextManager[sa.Connection]:
        """One transaction, committed when the block ends; one writer at a time. Raises Locked and TooLittleMemory.

        room: the multiple of the usual memory that a load may take.
        """

    def drafting(self, write: Callable[[], AbstractContextManager[sa.Connection]]) -> AbstractContextManager[Draft]:
        """See Warehouse.draft. write: Warehouse.write."""

    def running(self, command: str) -> AbstractContextManager[None]:
        """Hold the lock of a whole run. Raises Locked, naming who holds it."""

    def remarks(self) -> list[Remark]:
        """See Warehouse.remarks."""

    def close(self) -> None: ...


def of(con: sa.Connection | Warehouse) -> Dialect:
    """The SQL of the database at the other end."""
    name = con.dialect if isinstance(con.dialect, str) else con.dialect.name
    if name == "postgresql":
        from sfsync.warehouse import postgres

        return postgres
    from sfsync.warehouse import duck

    return duck


def store(url: str, wait: float, on_wait: OnWait | None) -> tuple[str, Store]:
    """(the dialect's name, its Store). Nothing is opened yet. Raises WarehouseError for a URL we cannot use."""
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise WarehouseError(f"the warehouse is not a database URL; write it as {KNOWN}.") from None
    backend = parsed.get_backend_name()
    if backend == "duckdb":
        from sfsync.warehouse.duck_file import DuckFile

        return backend, DuckFile(parsed, wait, on_wait)
    if backend == "postgresql":
        from sfsync.warehouse.postgres_server import PostgresServer

        return backend, PostgresServer(parsed, wait, on_wait)
    raise WarehouseError(f'warehouse "{backend}" is not supported; use {KNOWN}.')


KNOWN = "duckdb:///FILE or postgresql+psycopg://USER@HOST/DATABASE"
