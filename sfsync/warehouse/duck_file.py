"""A DuckDB file: locked by whoever writes it, so it is open only while it is read or written."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import NullPool, StaticPool

from sfsync.errors import Locked, TooLittleMemory, WarehouseError
from sfsync.warehouse import duck
from sfsync.warehouse.dialect import OnWait, Remark
from sfsync.warehouse.draft import Draft
from sfsync.warehouse.file_lock import run_lock

BESIDE = "sfsync_draft"
"""What a draft's file is called in SQL."""
DRAFT_MEMORY = "180MB"
"""What a draft may take, and then what keeping its results may: tables and joins go to disk before that."""


class DuckFile:
    """See dialect.Store. Without a file it is a database in memory, which lives until `close`."""

    def __init__(self, url: sa.URL, wait: float, on_wait: OnWait | None):
        self.file = None if url.database in (None, "", ":memory:") else Path(str(url.database))
        self.wait = wait
        self.on_wait = on_wait
        self._memory: sa.Engine | None = None

    @property
    def name(self) -> str:
        return str(self.file or "the database in memory")

    def exists(self) -> bool:
        return self.file is None or self.file.exists()

    def close(self) -> None:
        if self._memory is not None:
            self._memory.dispose()
            self._memory = None

    @contextmanager
    def reading(self, beside: Path | None = None) -> Iterator[sa.Connection]:
        """beside: another file, to be written."""
        if not self.exists():
            raise WarehouseError(f"{self.file}: there is no warehouse yet. Run `sfsync pull` first.")
        with self._connect(read_only=True) as con:
            if beside is not None:
                con.exec_driver_sql(f"SET memory_limit = '{DRAFT_MEMORY}'")
                # a draft that is interrupted is thrown away: no log of its changes is kept
                options = "READ_WRITE, RECOVERY_MODE no_wal_writes"
                con.exec_driver_sql(f"ATTACH {duck.quote(str(beside))} AS {BESIDE} ({options})")
            if self.file is not None:
                con.exec_driver_sql("SET enable_external_access = false")
            yield con

    @contextmanager
    def writing(self, room: int = 1) -> Iterator[sa.Connection]:
        with self._connect(read_only=False) as con:
            con.info[duck.ROOM_AGAIN] = room
            try:
                with con.begin(), _stopping(con):
                    yield con
            except sa.exc.DBAPIError as err:
                if err.orig is None or (says := duck.trouble(err.orig)) is None:
                    raise
                error = TooLittleMemory if duck.out_of_memory(err.orig) else WarehouseError
                raise error(f"{self.name}: {says}") from err
        if self.file is not None:
            os.chmod(self.file, 0o600)

    @contextmanager
    def drafting(self, write: Callable[[], AbstractContextManager[sa.Connection]]) -> Iterator[Draft]:
        if self.file is None:
            with ExitStack() as reading:
                con = reading.enter_context(self.reading())
                yield Draft(con, own=True, write=lambda more: _after(reading, write, more))
            return
        with tempfile.TemporaryDirectory(prefix=f".{self.file.name}-", dir=self.file.parent) as folder:
            beside = Path(folder) / "draft"
            with ExitStack() as reading:
                con = reading.enter_context(self.reading(beside))
                yield Draft(con, place=f"{BESIDE}.", own=True, write=lambda more: _after(reading, write, more, beside))

    def remarks(self) -> list[Remark]:
        return []

    def running(self, command: str) -> AbstractContextManager[None]:
        return run_lock(self.file, command)

    # -- inside

    @contextmanager
    def _connect(self, *, read_only: bool) -> Iterator[sa.Connection]:
        engine = self._engine(read_only)
        con = self._open(engine)
        try:
            con.exec_driver_sql("SET TimeZone = 'UTC'")
            # It would be drawn in the middle of a command's output.
            con.exec_driver_sql("SET enable_progress_bar = false")
            con.commit()
            with _stopping(con):
                yield con
        finally:
            con.close()
            if engine is not self._memory:
                engine.dispose()

    def _engine(self, read_only: bool) -> sa.Engine:
        config = _settings(self.file)
        if self.file is None:
            if self._memory is None:
                self._memory = sa.create_engine(
                    "duckdb:///:memory:",
                    poolclass=StaticPool,
                    connect_args={"config": config},
                    hide_parameters=True,
                )
            return self._memory
        arguments: dict[str, Any] = {"config": config, "read_only": read_only}
        return sa.create_engine(
            f"duckdb:///{self.file}", poolclass=NullPool, connect_args=arguments, hide_parameters=True
        )

    def _open(self, engine: sa.Engine) -> sa.Connection:
        deadline = time.monotonic() + self.wait
        told = False
        while True:
            try:
                return engine.connect()
            except sa.exc.DBAPIError as err:
                holder = _holder(str(err.orig))
                if holder is None:
                    raise WarehouseError(_open_problem(self.file, str(err.orig))) from err
                if time.monotonic() >= deadline:
                    raise Locked(
                        f"{self.file} is in use by {holder}. Waited {self.wait:.0f} s; try again when it has ended."
                    ) from err
                if self.on_wait and not told:
                    self.on_wait(f"waiting for {holder}, which has {self.file} open")
                    told = True
                time.sleep(0.1)


@contextmanager
def _after(
    reading: ExitStack,
    write: Callable[[], AbstractContextManager[sa.Connection]],
    more: bool,
    beside: Path | None = None,
) -> Iterator[sa.Connection]:
    """Writing, once the file is no longer open for reading. more: with all the memory that may be taken in the end."""
    reading.close()
    with write() as con:
        if beside is not None:
            memory = f"{duck.most_memory():.0f}MB" if more else DRAFT_MEMORY
            con.exec_driver_sql(f"SET memory_limit = '{memory}'")
            con.exec_driver_sql(f"ATTACH {duck.quote(str(beside))} AS {BESIDE} (READ_ONLY)")
        yield con


@contextmanager
def _stopping(con: sa.Connection) -> Iterator[None]:
    """After Ctrl-C DuckDB goes on with its statement, and a rollback would wait for the end: tell it to stop."""
    try:
        yield
    except BaseException:
        con.connection.driver_connection.interrupt()  # type: ignore[union-attr]
        raise


def _settings(file: Path | None) -> dict[str, Any]:
    """Small memory and a place to spill: the file may be far larger than the machine's memory."""
    config: dict[str, Any] = {"memory_limit": "512MB", "preserve_insertion_order": False}
    if file is not None:
        config["temp_directory"] = f"{file}.tmp"
    return config


def _holder(message: str) -> str | None:
    """Who has the file open, out of DuckDB's message; None when the message is about something else."""
    if "Could not set lock on file" not in message:
        return None
    match = re.search(r"held in (.+?) \(PID (\d+)\)", message)
    return f"process {match[2]} ({Path(match[1]).name})" if match else "another process"


def _open_problem(file: Path | None, message: str) -> str:
    if "not a valid DuckDB database file" in message:
        return f"{file} is not a DuckDB database. Name another file in `warehouse:`, or move this one away."
    if "No such file or directory" in message or "Cannot open file" in message:
        return f"{file} cannot be opened. Does its folder exist, and may you write there?"
    return f"{file} cannot be opened: {message.splitlines()[0]}"
