"""The SQL that is particular to PostgreSQL: loading CSV files with COPY, keys, and names it folds."""

from __future__ import annotations

import codecs
import io
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import IO, Any

import psycopg
import sqlalchemy as sa

from sfsync.errors import WarehouseError
from sfsync.model import Value
from sfsync.warehouse import spelling
from sfsync.warehouse.cells import write_rows
from sfsync.warehouse.page import Page
from sfsync.warehouse.schema import column

CHUNK = 64 * 1024
"""Bytes per message of a COPY."""
SPOOL = 8 * 1024 * 1024
"""Bytes of our own rows held in memory before they go to a temporary file."""


def declared(kind: str, described: str) -> str:
    """Ids are compared and sorted byte by byte, whatever the database's locale: as DuckDB and Python do, and faster."""
    return f'{kind} COLLATE "C"' if described in ("id", "reference") else kind


def schemas(con: sa.Connection) -> set[str]:
    return set(con.exec_driver_sql("SELECT nspname FROM pg_catalog.pg_namespace").scalars())


def columns(con: sa.Connection, schema: str, table: str) -> list[tuple[str, str]]:
    rows = con.execute(
        sa.text(
            "SELECT a.attname, upper(format_type(a.atttypid, a.atttypmod)) FROM pg_catalog.pg_attribute a "
            "JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = :schema AND c.relname = :table AND c.relkind IN ('r', 'v', 'm', 'p', 'f') "
            "AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
        ),
        {"schema": schema.lower(), "table": table.lower()},
    )
    return [(row[0], row[1]) for row in rows]


def names(con: sa.Connection, result: sa.CursorResult[Any]) -> list[str]:
    """The server tells which table a column is from, through subqueries too. One without a table, as of a UNION,
    is taken for the field of its name.
    """
    folded = list(result.keys())
    origins = _origins(result, len(folded))
    mirrored = sa.text(
        "SELECT c.oid, c.relname, n.nspname IN ('salesforce', 'live') FROM pg_catalog.pg_class c "
        "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ANY(:oids)"
    )
    known: dict[int, dict[str, str]] = {0: spelling.of_all(con)}
    for oid, table, of_ours in con.execute(mirrored, {"oids": sorted(set(origins))}):
        known[oid] = spelling.of_table(con, table) if of_ours else {}
    return [known.get(oid, {}).get(name, name) for oid, name in zip(origins, folded, strict=True)]


def _origins(result: sa.CursorResult[Any], columns: int) -> list[int]:
    told = getattr(result.cursor, "pgresult", None)
    return [told.ftable(i) if told is not None else 0 for i in range(columns)]


def retype(con: sa.Connection, sobject: str, column: str, kind: str) -> None:
    """A column that a view shows cannot be altered: the view goes, and comes back as it was."""
    view = f"live.{sobject}"
    if others := con.execute(sa.text(_DEPENDENTS), {"view": view}).scalars().all():
        raise WarehouseError(
            f"{sobject}.{column} must become {kind}, but other views are built on {view}: "
            f"{', '.join(sorted(others))}. Drop them, pull, and create them anew. Nothing was changed."
        )
    definition = con.execute(sa.text("SELECT pg_get_viewdef(to_regclass(:view))"), {"view": view}).scalar()
    grants = con.execute(sa.text(_GRANTS), {"view": view}).all()
    con.exec_driver_sql(f"DROP VIEW IF EXISTS {view}")
    con.exec_driver_sql(f"ALTER TABLE salesforce.{sobject} ALTER COLUMN {column} TYPE {kind}")
    if definition:
        con.exec_driver_sql(f"CREATE VIEW {view} AS {definition}")
        for privilege, role in grants:
            con.exec_driver_sql(f"GRANT {privilege} ON {view} TO {role}")


def make_room(con: sa.Connection, columns: int) -> None:
    pass  # the server's memory is its administrator's


def read_whole(con: sa.Connection) -> None:
    """It takes the deals of a past day for a single one, and would work out those of another day anew for each of them:
    minutes where joining both at once takes seconds.
    """
    con.exec_driver_sql("SET enable_nestloop = off")
    con.commit()  # a rollback would take it back


def stage(con: sa.Connection, name: str, columns: Mapping[str, str], pages: Sequence[Page]) -> int:
    con.exec_driver_sql(f"DROP TABLE IF EXISTS {name}")
    typed = ", ".join(f"{column(n)} {t}" for n, t in columns.items())
    con.exec_driver_sql(f"CREATE TEMP TABLE {name} ({typed}) ON COMMIT DROP")
    return _copy_pages(con, name, columns, pages)


def fill(
    con: sa.Connection, target: str, columns: Mapping[str, str], pages: Iterable[Page], reason: str, now: datetime
) -> int:
    """Straight into the table: _pulled_at as the default of the moment, _deleted_reason for the few rows that have one.

    COPY computes nothing; a staging table, copied again, takes up to a third longer.
    """
    con.exec_driver_sql(
        f"ALTER TABLE {target} ALTER COLUMN _pulled_at SET DEFAULT TIMESTAMP WITH TIME ZONE '{now.isoformat()}'"
    )
    count = _copy_pages(con, target, columns, pages)
    con.exec_driver_sql(f"ALTER TABLE {target} ALTER COLUMN _pulled_at DROP DEFAULT")
    if reason != "NULL":
        con.exec_driver_sql(f"UPDATE {target} SET _deleted_reason = {reason} WHERE ({reason}) IS NOT NULL")
    return count


def count_rows(con: sa.Connection, page: Page, columns: Mapping[str, str]) -> int:
    return stage(con, "sfsync_counted", dict.fromkeys(columns, "TEXT"), [page])


def insert_rows(con: sa.Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> int:
    with tempfile.SpooledTemporaryFile(max_size=SPOOL) as spool:
        text = io.TextIOWrapper(spool, encoding="utf-8", newline="", write_through=True)
        count = write_rows(text, columns, rows)
        text.detach()
        spool.seek(0)
        try:
            _copy(con, f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT csv, HEADER true)", _chunks(spool))
        except sa.exc.DBAPIError as err:
            if err.orig is None or trouble(err.orig) is not None:
                raise
            raise WarehouseError(f"{table}: {misfit(err.orig, columns)}. Nothing was changed.") from None
    return count


def check_ids(con: sa.Connection, sobject: str) -> None:
    """The primary key, made after the first load, says so from then on."""
    table = f"salesforce.{sobject}"
    there = sa.text("SELECT 1 FROM pg_catalog.pg_index WHERE indrelid = to_regclass(:table) AND indisprimary")
    if con.execute(there, {"table": table}).first():
        return
    twice, missing = con.exec_driver_sql(
        f"SELECT count(Id) - count(DISTINCT Id), count(*) - count(Id) FROM {table}"
    ).one()
    if twice or missing:
        raise WarehouseError(
            f"{sobject}: {twice} Ids arrived twice and {missing} rows without one. Nothing was changed."
        )
    con.exec_driver_sql(f"ALTER TABLE {table} ADD PRIMARY KEY (Id)")


def trouble(err: BaseException) -> str | None:
    if not isinstance(err, psycopg.Error):
        return None
    state = err.sqlstate or ""
    primary = (err.diag.message_primary or str(err)).strip().splitlines()[0] if str(err) else "no reason given"
    if state[:2] == "08" or state in ("57P01", "57P02", "57P03") or _lost(err):
        return f"the connection was lost ({primary}). Nothing was committed; run again."
    if state == "53100":
        return f"the server's disk is full ({primary}). Nothing was committed; make room and run again."
    if state[:2] == "53":
        return f"the server is short of something ({primary}). Nothing was committed; run again later."
    if state == "42501":
        return f"this user lacks a right: {primary}. Ask the owner to grant it."
    if state in ("40001", "40P01", "57014"):
        return f"the server ended the transaction ({primary}). Nothing was committed; run again."
    return None


def misfit(err: BaseException, columns: Iterable[str]) -> str:
    """PostgreSQL shows the offending value and line, which may be personal; its class and the column are passed on."""
    if not isinstance(err, psycopg.Error):
        return "the database refuses the data"
    name = _column(err, columns)
    where = f' of column "{name}"' if name else ""
    if err.sqlstate == "22P04":
        return f"a page is damaged{where and ' at a value' + where}: it is no CSV with the columns that were asked for"
    if err.sqlstate == "54000":
        return f"a row is wider than PostgreSQL stores; leave fields out of the mapping ({type(err).__name__})"
    return f"a value{where} does not fit its type ({type(err).__name__})"


# -- inside

_DEPENDENTS = """
    SELECT DISTINCT d.relnamespace::regnamespace || '.' || d.relname
    FROM pg_catalog.pg_depend p JOIN pg_catalog.pg_rewrite r ON r.oid = p.objid
    JOIN pg_catalog.pg_class d ON d.oid = r.ev_class
    WHERE p.refobjid = to_regclass(:view) AND d.oid <> p.refobjid
"""
"""Views that read another. Source: the PostgreSQL manual on pg_depend and pg_rewrite."""

_GRANTS = """
    SELECT a.privilege_type, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END
    FROM pg_catalog.pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a
    WHERE c.oid = to_regclass(:view) AND a.grantee <> c.relowner
"""


def _copy_pages(con: sa.Connection, table: str, columns: Mapping[str, str], pages: Iterable[Page]) -> int:
    """Whole numbers may come as "12.0" or "1.2E1", which BIGINT does not read: then they take the way by NUMERIC."""
    try:
        with con.begin_nested():
            return sum(_copy_page(con, table, columns, page) for page in pages)
    except sa.exc.DBAPIError as err:
        if not _whole_number(err.orig, columns):
            raise
    loose = {name: "NUMERIC" if kind == "BIGINT" else kind for name, kind in columns.items()}
    typed = ", ".join(f"{column(n)} {t}" for n, t in loose.items())
    con.exec_driver_sql("DROP TABLE IF EXISTS sfsync_loose")
    con.exec_driver_sql(f"CREATE TEMP TABLE sfsync_loose ({typed}) ON COMMIT DROP")
    count = sum(_copy_page(con, "sfsync_loose", loose, page) for page in pages)
    names = ", ".join(column(n) for n in columns)
    con.exec_driver_sql(f"INSERT INTO {table} ({names}) SELECT {names} FROM sfsync_loose")
    con.exec_driver_sql("DROP TABLE sfsync_loose")
    return count


def _copy_page(con: sa.Connection, table: str, columns: Mapping[str, str], page: Page) -> int:
    names = ", ".join(column(n) for n in columns)
    with page.path.open("rb") as file:
        sql = f"COPY {table} ({names}) FROM STDIN (FORMAT csv, HEADER true, FORCE_NULL ({names}))"
        return _copy(con, sql, _chunks(file))


def _copy(con: sa.Connection, sql: str, chunks: Iterable[bytes]) -> int:
    """Stream bytes into a COPY; returns the rows that arrived. Errors are those of SQLAlchemy, as of any statement."""
    driver = con.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    with driver.cursor() as cursor:
        try:
            with cursor.copy(sql) as copy:
                for chunk in chunks:
                    copy.write(chunk)
        except psycopg.Error as err:
            raise sa.exc.DBAPIError("COPY", None, err) from err
        return cursor.rowcount


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    first = file.read(CHUNK)
    # COPY would take a byte order mark for a part of the header, and of a quote behind it
    yield first.removeprefix(codecs.BOM_UTF8)
    while chunk := file.read(CHUNK):
        yield chunk


def _whole_number(err: BaseException | None, columns: Mapping[str, str]) -> bool:
    if not isinstance(err, psycopg.errors.InvalidTextRepresentation):
        return False
    name = _column(err, columns)
    return name is not None and columns[name] == "BIGINT"


def _column(err: psycopg.Error, columns: Iterable[str]) -> str | None:
    """The column a COPY stopped at, as we spell it."""
    found = re.search(r", column (\w+)", err.diag.context or "")
    name = err.diag.column_name or (found[1] if found else "")
    return next((c for c in columns if c.casefold() == name.casefold()), None)


def _lost(err: psycopg.Error) -> bool:
    return isinstance(err, psycopg.OperationalError) and err.sqlstate is None
