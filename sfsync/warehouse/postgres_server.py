"""A database on a PostgreSQL server: many readers, one writer, one run."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from sfsync.errors import Locked, WarehouseError
from sfsync.warehouse import postgres, postgres_health
from sfsync.warehouse.dialect import OnWait, Remark
from sfsync.warehouse.draft import Draft
from sfsync.warehouse.postgres_stats import analyse, much_changed

LOCKS = 0x73667379
"""Our class of advisory locks ("sfsy"). They belong to one database, and a database mirrors one org."""
WRITER, RUN = 1, 2
SESSION = (
    "SET TIME ZONE 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = 'postgres'; SET client_min_messages = error; "
    # a dedupe thinks for minutes inside one reading transaction, a load writes for as long
    "SET idle_in_transaction_session_timeout = 0; SET statement_timeout = 0; "
    # our SQL names many columns and values: compiling it took up to twenty times as long as running it
    "SET jit = off"
)
_TRY = "pg_try_advisory_{scope}lock({classid}, {objid})"


class PostgresServer:
    """See dialect.Store."""

    file = None

    def __init__(self, url: sa.URL, wait: float, on_wait: OnWait | None):
        self.url = url.set(drivername="postgresql+psycopg")
        self.wait = wait
        self.on_wait = on_wait
        self._seen = False
        self._reader: sa.Engine | None = None
        self._writer: sa.Engine | None = None

    @property
    def name(self) -> str:
        host = self.url.host or str(self.url.query.get("host") or "this machine")
        return f"PostgreSQL database {self.url.database} at {host}:{self.url.port or 5432}"

    def exists(self) -> bool:
        if not self._seen:
            with self._connection(self._reading_engine()) as con:
                self._seen = _has_warehouse(con)
        return self._seen

    def close(self) -> None:
        for engine in (self._reader, self._writer):
            if engine is not None:
                engine.dispose()
        self._reader = self._writer = None

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        with self._connection(self._reading_engine()) as con, self._in_words():
            if not self._seen:
                self._seen = _has_warehouse(con)
                con.rollback()
            if not self._seen:
                raise WarehouseError(f"{self.name}: there is no warehouse yet. Run `sfsync pull` first.")
            yield con

    @contextmanager
    def writing(self, room: int = 1) -> Iterator[sa.Connection]:
        with self._connection(self._writing_engine()) as con, self._in_words():
            with con.begin():
                if con.exec_driver_sql("SHOW transaction_read_only").scalar() == "on":
                    raise WarehouseError(f"{self.name} takes no changes: it is a standby, or this user may only read.")
                self._wait_for_writer(con)
                con.exec_driver_sql(f"SET LOCAL lock_timeout = {max(int(self.wait * 1000), 1)}")
                yield con
                _refuse_failed(con, self.name)
                stale = much_changed(con)
            self._seen = True
            analyse(con, stale)

    @contextmanager
    def drafting(self, write: Callable[[], AbstractContextManager[sa.Connection]]) -> Iterator[Draft]:
        with write() as con:
            yield Draft(con)

    @contextmanager
    def running(self, command: str) -> Iterator[None]:
        arguments = {**self._arguments(), "application_name": _who(f"sfsync {command}")}
        engine = self._engine({"isolation_level": "AUTOCOMMIT"}, arguments)
        with self._connection(engine) as con:
            with suppress(sa.exc.DBAPIError):  # PostgreSQL 14 and newer: a long run is idle here
                con.exec_driver_sql("SET idle_session_timeout = 0")
            if not con.exec_driver_sql(f"SELECT {_TRY.format(scope='', classid=LOCKS, objid=RUN)}").scalar():
                raise Locked(f"another run holds the lock: {_holder(con, RUN)}. Try again when it has ended.")
            yield

    def remarks(self) -> list[Remark]:
        with self._connection(self._reading_engine()) as con, self._in_words():
            return postgres_health.remarks(con)

    # -- inside

    def _reading_engine(self) -> sa.Engine:
        if self._reader is None:
            options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
            # A prepared statement is a single one: nothing slips in behind a semicolon and ends the transaction.
            self._reader = self._engine(options, {**self._arguments(), "prepare_threshold": 0})
        return self._reader

    def _writing_engine(self) -> sa.Engine:
        if self._writer is None:
            # Never prepared: a table of a passing shape gets made anew under the same name within one transaction, and
            # a plan kept from the first would refuse the second ("cached plan must not change result type").
            self._writer = self._engine({}, {**self._arguments(), "prepare_threshold": None})
        return self._writer

    def _arguments(self) -> dict[str, Any]:
        given = {"connect_timeout": 10, "application_name": _who("sfsync")}
        return {"client_encoding": "UTF8", **{k: v for k, v in given.items() if k not in self.url.query}}

    def _engine(self, options: dict[str, Any], arguments: dict[str, Any]) -> sa.Engine:
        engine = sa.create_engine(
            self.url,
            poolclass=NullPool,
            connect_args=arguments,
            execution_options=options,
            hide_parameters=True,
            use_native_hstore=False,
        )
        sa.event.listen(engine, "connect", _prepare_session)
        return engine

    @contextmanager
    def _connection(self, engine: sa.Engine) -> Iterator[sa.Connection]:
        try:
            con = engine.connect()
        except sa.exc.DBAPIError as err:
            raise WarehouseError(self._cannot_connect(str(err.orig))) from None
        try:
            self._check_encoding(con)
            yield con
        finally:
            with suppress(sa.exc.DBAPIError):  # of a connection that is lost already
                con.close()

    def _check_encoding(self, con: sa.Connection) -> None:
        driver = con.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        found = driver.info.parameter_status("server_encoding")
        if found != "UTF8":
            raise WarehouseError(
                f"{self.name} keeps text as {found}, which cannot hold every name. Make one that can: "
                "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0."
            )

    def _wait_for_writer(self, con: sa.Connection) -> None:
        deadline = time.monotonic() + self.wait
        told = False
        ask = f"SELECT {_TRY.format(scope='xact_', classid=LOCKS, objid=WRITER)}"
        while not con.exec_driver_sql(ask).scalar():
            holder = _holder(con, WRITER)
            if time.monotonic() >= deadline:
                raise Locked(
                    f"{self.name} is being written by {holder}. Waited {self.wait:.0f} s; try again when it has ended."
                )
            if self.on_wait and not told:
                self.on_wait(f"waiting for {holder}, which writes to {self.name}")
                told = True
            time.sleep(0.1)

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.DBAPIError as err:
            state = getattr(err.orig, "sqlstate", None)
            if state == "55P03":
                raise Locked(
                    f"{self.name}: a table is in use by another session. Waited {self.wait:.0f} s. Nothing was changed."
                ) from err
            if err.orig is None or (says := postgres.trouble(err.orig)) is None:
                raise
            raise WarehouseError(f"{self.name}: {says}") from err

    def _cannot_connect(self, message: str) -> str:
        reason = re.split(r"failed: (?:FATAL:\s*)?", message.strip().splitlines()[0])[-1]
        if re.search(r'database ".*" does not exist', reason):
            return f"there is no {self.name}. Create it: CREATE DATABASE {self.url.database} ENCODING 'UTF8'."
        user = f" as user {self.url.username}" if self.url.username else ""
        return f"cannot connect to {self.name}{user}: {reason}"


def _prepare_session(driver: Any, record: Any) -> None:
    driver.execute(SESSION, prepare=False)
    driver.commit()


def _refuse_failed(con: sa.Connection, name: str) -> None:
    """PostgreSQL takes the COMMIT of a transaction in which a statement failed for a ROLLBACK, without a word."""
    driver = con.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    if driver.info.transaction_status == psycopg.pq.TransactionStatus.INERROR:
        raise WarehouseError(f"{name}: a statement failed inside the transaction. Nothing was committed; run again.")


def _has_warehouse(con: sa.Connection) -> bool:
    return con.exec_driver_sql("SELECT to_regclass('sfsync.meta') IS NOT NULL").scalar() is True


def _who(what: str) -> str:
    """An application_name, which everybody on the server can see: what holds a lock is found out by it."""
    return f"{what}, process {os.getpid()} on {socket.gethostname()}"[:63]


def _holder(con: sa.Connection, lock: int) -> str:
    row = con.exec_driver_sql(
        "SELECT a.application_name, a.pid, a.backend_start FROM pg_catalog.pg_locks l "
        "JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid JOIN pg_catalog.pg_database d ON d.oid = l.database "
        f"WHERE l.locktype = 'advisory' AND l.granted AND l.classid = {LOCKS} AND l.objid = {lock} "
        "AND l.objsubid = 2 AND d.datname = current_database()"
    ).first()
    if row is None:
        return "a session that is just ending"
    since = f", since {row[2]:%Y-%m-%d %H:%M:%SZ}" if row[2] else ""
    return f"{row[0] or 'a session without a name'}{since} (server process {row[1]})"
