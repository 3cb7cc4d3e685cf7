"""The SQL that is particular to DuckDB: loading CSV files with its own reader."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from sfsync.errors import WarehouseError
from sfsync.model import Value
from sfsync.warehouse.cells import write_rows
from sfsync.warehouse.page import Page
from sfsync.warehouse.schema import column

MAX_LINE = 4_000_000
"""Bytes of one CSV record. Salesforce caps a record at 400,000 characters, at most four bytes each, quotes doubled."""

BUFFER = 2 * MAX_LINE
"""Bytes the reader takes at a time, per thread. Its own choice, 16 lines of that size, does not fit a small memory."""
LOAD_MEMORY = 80.0, 40.0, 0.7
"""Megabytes a load may take: at least; and in all, with so much for each column. Measured with one thread and DuckDB
1.5: a table of 250 columns needs 200, one of 800 needs 600. A second thread takes as much again and is no faster, as
pages arrive more slowly than one thread loads them.
"""
MOST_MEMORY = 0.6
"""Share of the machine's memory that a load or a rule may take in the end."""
ROOM_AGAIN = "sfsync_room_again"
"""In a connection's info: the multiple of a load's memory."""
_ROOM = "sfsync_load_memory"
MOMENT = "TIMESTAMP WITH TIME ZONE"
"""The one type whose values DuckDB's CSV reader takes for NULL, without a word, when it cannot read them (1.5)."""


def declared(kind: str, described: str) -> str:
    return kind


def schemas(con: sa.Connection) -> set[str]:
    return set(con.exec_driver_sql("SELECT schema_name FROM information_schema.schemata").scalars())


def columns(con: sa.Connection, schema: str, table: str) -> list[tuple[str, str]]:
    rows = con.execute(
        sa.text(
            "SELECT column_name, data_type FROM information_schema.columns "
            "WHERE lower(table_schema) = lower(:schema) AND lower(table_name) = lower(:table) "
            "ORDER BY ordinal_position"
        ),
        {"schema": schema, "table": table},
    )
    return [(row[0], row[1]) for row in rows]


def names(con: sa.Connection, result: sa.CursorResult[Any]) -> list[str]:
    return list(result.keys())


def retype(con: sa.Connection, sobject: str, column: str, kind: str) -> None:
    con.exec_driver_sql(f"ALTER TABLE salesforce.{sobject} ALTER COLUMN {column} TYPE {kind}")


def make_room(con: sa.Connection, columns: int) -> None:
    """Little memory for a narrow object, enough for a wide one; until the file is closed. Memory databases keep theirs.

    Inside one transaction it only grows: what was loaded before is still held. An attempt after one that had too little
    gets its multiple, up to MOST_MEMORY: DuckDB works on 2,048 rows at a time, and these may be of long texts.
    """
    if con.engine.url.database in (None, "", ":memory:"):
        return
    least, base, each = LOAD_MEMORY
    wanted = max(least, base + each * columns)
    wanted = max(wanted, min(wanted * con.info.get(ROOM_AGAIN, 1), most_memory()))
    if wanted > con.info.get(_ROOM, 0.0):
        con.exec_driver_sql(f"SET threads = 1; SET memory_limit = '{wanted:.0f}MB'")
        con.info[_ROOM] = wanted


def read_whole(con: sa.Connection) -> None:
    """It always does."""


def stage(con: sa.Connection, name: str, columns: Mapping[str, str], pages: Sequence[Page]) -> int:
    make_room(con, len(columns))
    con.exec_driver_sql(f"DROP TABLE IF EXISTS {name}")
    if not pages:
        typed = ", ".join(f"{column(n)} {t}" for n, t in columns.items())
        con.exec_driver_sql(f"CREATE TEMP TABLE {name} ({typed})")
        return 0
    con.exec_driver_sql(f"CREATE TEMP TABLE {name} AS SELECT * FROM {read_csv(_files(pages), columns)}")
    return int(con.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one())


def fill(
    con: sa.Connection, target: str, columns: Mapping[str, str], pages: Iterable[Page], reason: str, now: datetime
) -> int:
    make_room(con, len(columns))
    names = ", ".join(column(n) for n in columns)
    for page in pages:  # one by one: the next may still be on its way
        con.exec_driver_sql(
            f"INSERT INTO {target} ({names}, _deleted_reason, _pulled_at) "
            f"SELECT {names}, {reason}, TIMESTAMP WITH TIME ZONE '{now.isoformat()}' "
            f"FROM {read_csv([page.path], columns)}"
        )
    return int(con.exec_driver_sql(f"SELECT count(*) FROM {target}").scalar_one())


def count_rows(con: sa.Connection, page: Page, columns: Mapping[str, str]) -> int:
    return int(con.exec_driver_sql(f"SELECT count(*) FROM {read_csv([page.path], columns)}").scalar_one())


def insert_rows(con: sa.Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> int:
    file = con.engine.url.database
    folder = None if file in (None, "", ":memory:") else Path(str(file)).parent
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="", suffix=".csv", dir=folder, delete=False) as out:
        path = Path(out.name)
        try:
            count = write_rows(out, columns, rows)
        except BaseException:
            path.unlink()
            raise
    try:
        if count:
            _insert_file(con, table, columns, path)
    finally:
        os.unlink(path)
    return count


def check_ids(con: sa.Connection, sobject: str) -> None:
    twice, missing = con.exec_driver_sql(
        f"SELECT count(Id) - count(DISTINCT Id), count(*) - count(Id) FROM salesforce.{sobject}"
    ).one()
    if twice or missing:
        raise WarehouseError(
            f"{sobject}: {twice} Ids arrived twice and {missing} rows without one. Nothing was changed."
        )


def trouble(err: BaseException) -> str | None:
    message = str(err)
    if "No space left on device" in message:
        return "the disk of the warehouse is full. Nothing was committed; make room and run again."
    if out_of_memory(err):
        return "DuckDB ran out of the memory it may use, and could not spill to disk. Nothing was committed."
    return None


def out_of_memory(err: BaseException) -> bool:
    """Whether more memory might help."""
    return "Out of Memory Error" in str(err) or "failed to pin block" in str(err)


def misfit(err: BaseException, columns: Iterable[str]) -> str:
    """DuckDB quotes the offending value, which may be personal; only the column's name is passed on."""
    message = str(err)
    found = re.search(r'[Cc]olumn (?:with name )?"([^"]+)"', message) or re.search(r"column (\w+)", message)
    where = f' of column "{found[1]}"' if found else ""
    kind = message.split(":", 1)[0].strip()
    return f"a value{where} does not fit its type ({kind})"


def read_csv(files: Sequence[Path], columns: Mapping[str, str], *, quoted_nulls: bool = True) -> str:
    """A table expression over CSV files with a header row, every column with its type given, nothing guessed.

    quoted_nulls: whether "" is NULL (Salesforce writes null and empty text alike) or an empty text.
    """
    listed = ", ".join(quote(str(f)) for f in files)
    typed = ", ".join(
        f"{quote(name)}: {quote('VARCHAR' if kind == MOMENT else kind)}" for name, kind in columns.items()
    )
    reader = (
        f"read_csv([{listed}], columns = {{{typed}}}, auto_detect = false, header = true, delim = ',', "
        f"quote = '\"', escape = '\"', nullstr = '', allow_quoted_nulls = {str(quoted_nulls).lower()}, "
        f"max_line_size = {MAX_LINE}, buffer_size = {BUFFER}, strict_mode = true)"
    )
    return f"(SELECT {', '.join(_cast(column(n), k) for n, k in columns.items())} FROM {reader}) AS pages"


def _cast(name: str, kind: str) -> str:
    if kind != MOMENT:
        return name
    wrong = quote(f'column "{name}" holds no moment')
    read = f"coalesce(TRY_CAST({name} AS {MOMENT}), CASE WHEN {name} IS NOT NULL THEN error({wrong}) END)"
    return f"{read} AS {name}"


def quote(text: str) -> str:
    """A SQL string literal, for the places where DuckDB takes no parameter: file names and reader options."""
    return "'" + text.replace("'", "''") + "'"


def most_memory() -> float:
    """Megabytes that may be taken in the end, where less was too little."""
    return MOST_MEMORY * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1_000_000


def _files(pages: Sequence[Page]) -> list[Path]:
    return [page.path for page in pages]


def _insert_file(con: sa.Connection, table: str, wanted: Sequence[str], file: Path) -> None:
    schema, _, name = table.partition(".")
    types = {found.casefold(): kind for found, kind in columns(con, schema, name)}
    typed = {c: types[c.casefold()] for c in wanted}
    names = ", ".join(wanted)
    con.exec_driver_sql(
        f"INSERT INTO {table} ({names}) SELECT {names} FROM {read_csv([file], typed, quoted_nulls=False)}"
    )
