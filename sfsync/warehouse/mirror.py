"""Staged CSV pages → the mirror, in one transaction: all of it or none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import text

from sfsync.errors import IncompleteRead, WarehouseError
from sfsync.warehouse import dialect, redirects, schema, tables
from sfsync.warehouse.page import Page
from sfsync.warehouse.schema import column

__all__ = ["Batch", "Loaded", "Misfit", "Page", "take_in"]


class Misfit(WarehouseError):
    """A page holds what its columns cannot: it is damaged, or the org's describe does not tell the truth."""


@dataclass(frozen=True)
class Batch:
    """All pages of one sObject of one pull, and what is needed to take them in."""

    sobject: str
    pages: Iterable[Page]
    """May be walked through more than once. On a first pull it may wait for the next page to arrive."""
    run_id: str
    now: datetime
    until: datetime
    watermark: str | None
    start: datetime | None = None
    full: bool = False
    """The pages hold every row of the object."""
    whole: bool = False
    """Besides, rows that are no longer among them are gone."""
    track: tuple[str, ...] = ()
    refresh: Sequence[Page] = ()
    """Pages of Id and some fields, for every row of the object: values that changed, or came, without a stamp."""
    refreshed: datetime | None = None
    """The org's clock before all formula fields were read by the refresh; None when they were not among its fields."""
    keeps_cursor: bool = False
    """The rows came out of turn: the next pull begins where it would have begun without them."""


@dataclass(frozen=True)
class Loaded:
    """What a batch changed, counted in the database."""

    read: int
    inserted: int
    updated: int
    deleted: int
    late: int
    late_seconds: int
    rows: int
    """In the mirror afterwards, deleted ones included."""
    refreshed: int = 0
    """Rows in which a refreshed field had another value."""
    merged: int = 0
    """Rows of the mirror that were merged away since: what pointed at them is to be read again."""


def take_in(con: sa.Connection, batch: Batch) -> Loaded:
    """Upsert the pages by Id, keep history, follow merges, move the cursor. Inside the caller's transaction.

    A first fill has nothing that pointed at its merged-away rows; what an increment merges away opens
    redirects.MERGES_OPEN.

    Raises IncompleteRead when a page holds another number of rows than promised, and Misfit for a value its column
    cannot hold; the caller's transaction then rolls back, so nothing has moved.
    """
    types = schema.types(con, batch.sobject)
    columns = _columns_of(batch.sobject, batch.pages, types)
    target = f"salesforce.{batch.sobject}"
    try:
        first = con.execute(sa.select(tables.cursors.c.until).where(tables.cursors.c.sobject == batch.sobject)).first()
        if first is None:
            loaded = _fill(con, batch, columns, target)
        else:
            loaded = _upsert(con, batch, columns, target)
            loaded = replace(loaded, refreshed=_refresh(con, batch, types, target))
    except sa.exc.DBAPIError as err:
        sql = dialect.of(con)
        if err.orig is None or sql.trouble(err.orig) is not None:
            raise
        raise Misfit(f"{batch.sobject}: {sql.misfit(err.orig, columns)}. Nothing was changed.") from None
    dialect.of(con).check_ids(con, batch.sobject)
    if batch.keeps_cursor:
        con.execute(sa.update(tables.cursors).where(tables.cursors.c.sobject == batch.sobject).values(rows=loaded.rows))
    else:
        _move_cursor(con, batch, loaded)
    return loaded


def _fill(con: sa.Connection, batch: Batch, columns: Mapping[str, str], target: str) -> Loaded:
    """The first pages of an object go straight in: no staging table, nothing to compare with."""
    pages = _Alike(batch.sobject, batch.pages)
    read = dialect.of(con).fill(con, target, columns, pages, _reason(columns), batch.now)
    _check_count(con, batch, columns, read, list(pages))
    _keep_newest(con, target, [*columns, *schema.OWN_COLUMNS], batch.watermark)
    if "MasterRecordId" in columns:
        redirects.follow_merges(con, batch.sobject, target, batch.run_id)
    rows, deleted = con.exec_driver_sql(f"SELECT count(*), {_deleted_count(columns)} FROM {target}").one()
    return Loaded(read, rows, 0, deleted, 0, 0, rows)


def _upsert(con: sa.Connection, batch: Batch, columns: Mapping[str, str], target: str) -> Loaded:
    stage = "sfsync_stage"
    pages = list(_Alike(batch.sobject, batch.pages))
    read = dialect.of(con).stage(con, stage, columns, pages)
    _check_count(con, batch, columns, read, pages)
    _keep_newest(con, stage, list(columns), batch.watermark)
    counts = _count_changes(con, batch, columns, target, stage)
    _keep_history(con, batch, columns, target, stage)
    merged = redirects.follow_merges(con, batch.sobject, stage, batch.run_id) if "MasterRecordId" in columns else 0
    if merged:
        redirects.open_merges(con, batch.run_id)
    frozen = [n for n in schema.types(con, batch.sobject) if n not in columns]
    _keep_frozen(con, target, stage, frozen)
    con.exec_driver_sql(f"DELETE FROM {target} WHERE Id IN (SELECT Id FROM {stage})")
    gone = 0
    if batch.whole:
        gone = con.exec_driver_sql(
            f"UPDATE {target} SET _deleted_reason = 'purged', _pulled_at = {_moment(batch.now)} "
            "WHERE _deleted_reason IS NULL"
        ).rowcount
    names = ", ".join(column(n) for n in columns)
    con.exec_driver_sql(
        f"INSERT INTO {target} ({names}, _deleted_reason, _pulled_at) "
        f"SELECT {names}, {_reason(columns)}, {_moment(batch.now)} FROM {stage}"
    )
    _put_frozen_back(con, target, frozen)
    con.exec_driver_sql(f"DROP TABLE {stage}")
    rows = int(con.exec_driver_sql(f"SELECT count(*) FROM {target}").scalar_one())
    return Loaded(
        read=read,
        inserted=counts["inserted"],
        updated=counts["updated"],
        deleted=counts["deleted"] + max(gone, 0),
        late=counts["late"],
        late_seconds=counts["late_seconds"],
        rows=rows,
        merged=merged,
    )


def _keep_frozen(con: sa.Connection, target: str, stage: str, frozen: Sequence[str]) -> None:
    """Set aside the values of fields the org no longer shows: a new form of the row does not bring them."""
    if frozen:
        names = ", ".join(f"m.{column(n)}" for n in frozen)
        con.exec_driver_sql(
            f"CREATE TEMP TABLE sfsync_frozen AS SELECT m.Id, {names} FROM {target} m "
            f"WHERE m.Id IN (SELECT Id FROM {stage})"
        )


def _put_frozen_back(con: sa.Connection, target: str, frozen: Sequence[str]) -> None:
    if frozen:
        values = ", ".join(f"{column(n)} = f.{column(n)}" for n in frozen)
        con.exec_driver_sql(f"UPDATE {target} SET {values} FROM sfsync_frozen AS f WHERE f.Id = {target}.Id")
        con.exec_driver_sql("DROP TABLE sfsync_frozen")


def _refresh(con: sa.Connection, batch: Batch, types: Mapping[str, str], target: str) -> int:
    """Set the refreshed fields of rows that have another value in them; stamps and history stay as they are."""
    if not batch.refresh:
        return 0
    stage = "sfsync_refresh"
    every = [*types, *schema.OWN_COLUMNS]
    columns = _columns_of(batch.sobject, batch.refresh, types)
    read = dialect.of(con).stage(con, stage, columns, batch.refresh)
    _check_count(con, batch, columns, read, batch.refresh)
    fields = [n for n in columns if n != "Id"]
    values = ", ".join(f"{'r' if n in fields else 'm'}.{column(n)} AS {column(n)}" for n in every)
    differs = " OR ".join(f"m.{column(n)} IS DISTINCT FROM r.{column(n)}" for n in fields)
    # Whole rows: the values that an UPDATE sets stay in DuckDB's memory until the transaction ends.
    con.exec_driver_sql(
        f"CREATE TEMP TABLE sfsync_refreshed AS SELECT {values} FROM {target} m JOIN {stage} r ON r.Id = m.Id "
        f"WHERE {differs}"
    )
    con.exec_driver_sql(f"DELETE FROM {target} WHERE Id IN (SELECT Id FROM sfsync_refreshed)")
    names = ", ".join(column(n) for n in every)
    con.exec_driver_sql(f"INSERT INTO {target} ({names}) SELECT {names} FROM sfsync_refreshed")
    changed = con.exec_driver_sql("SELECT count(*) FROM sfsync_refreshed").scalar_one()
    con.exec_driver_sql("DROP TABLE sfsync_refreshed")
    con.exec_driver_sql(f"DROP TABLE {stage}")
    return int(changed)


def _columns_of(sobject: str, pages: Iterable[Page], types: Mapping[str, str]) -> dict[str, str]:
    """Column → type in the order of the pages' header; all columns when there is no page."""
    first = next(iter(_Alike(sobject, pages)), None)
    if first is None:
        return dict(types)
    folded = {name.casefold(): name for name in types}
    return {folded[name.casefold()]: types[folded[name.casefold()]] for name in first.columns}


class _Alike:
    """Pages that have a file, all with the same header. Raises IncompleteRead at one with another."""

    def __init__(self, sobject: str, pages: Iterable[Page]):
        self._sobject = sobject
        self._pages = pages

    def __iter__(self) -> Iterator[Page]:
        header: tuple[str, ...] | None = None
        for page in self._pages:
            if header not in (None, page.columns):
                raise IncompleteRead(f"{self._sobject}: pages with different columns arrived. Nothing was changed.")
            header = page.columns
            if page.rows or page.path.exists():
                yield page


def _moment(at: datetime) -> str:
    return f"TIMESTAMP WITH TIME ZONE '{at.isoformat()}'"


def _reason(columns: Mapping[str, str]) -> str:
    if "IsDeleted" not in columns:
        return "NULL"
    merged = "WHEN MasterRecordId IS NOT NULL THEN 'merged' " if "MasterRecordId" in columns else ""
    return f"CASE WHEN IsDeleted IS NOT TRUE THEN NULL {merged}ELSE 'deleted' END"


def _deleted_count(columns: Mapping[str, str]) -> str:
    return "count(*) FILTER (WHERE IsDeleted)" if "IsDeleted" in columns else "0"


def _check_count(
    con: sa.Connection, batch: Batch, columns: Mapping[str, str], read: int, pages: Sequence[Page]
) -> None:
    promised = sum(page.rows for page in pages)
    if read == promised:
        return
    for page in pages:
        found = dialect.of(con).count_rows(con, page, columns)
        if found != page.rows:
            raise IncompleteRead(
                f"{batch.sobject}: a page with {page.rows} promised rows holds {found}. Nothing was changed."
            )
    raise IncompleteRead(f"{batch.sobject}: {promised} rows promised, {read} arrived. Nothing was changed.")


def _keep_newest(con: sa.Connection, table: str, columns: Sequence[str], watermark: str | None) -> None:
    """A row that changed while pages were read may be in two of them."""
    if not con.exec_driver_sql(f"SELECT count(Id) - count(DISTINCT Id) FROM {table}").scalar_one():
        return
    names = ", ".join(column(n) for n in columns)
    order = f"{watermark} DESC NULLS LAST" if watermark else "Id"
    con.exec_driver_sql(
        f"CREATE TEMP TABLE sfsync_twice AS SELECT {names} FROM ("
        f"SELECT *, row_number() OVER (PARTITION BY Id ORDER BY {order}) AS sfsync_rank, "
        f"count(*) OVER (PARTITION BY Id) AS sfsync_times FROM {table} WHERE Id IS NOT NULL"
        ") AS ranked WHERE sfsync_rank = 1 AND sfsync_times > 1"
    )
    con.exec_driver_sql(f"DELETE FROM {table} WHERE Id IN (SELECT Id FROM sfsync_twice)")
    con.exec_driver_sql(f"INSERT INTO {table} ({names}) SELECT {names} FROM sfsync_twice")
    con.exec_driver_sql("DROP TABLE sfsync_twice")


def _count_changes(
    con: sa.Connection, batch: Batch, columns: Mapping[str, str], target: str, stage: str
) -> dict[str, int]:
    mark = batch.watermark
    if mark:
        changed = f"s.{mark} IS DISTINCT FROM m.{mark}"
    else:
        changed = " OR ".join(f"s.{column(n)} IS DISTINCT FROM m.{column(n)}" for n in columns)
    if "IsDeleted" in columns:
        deleted = "s.IsDeleted IS TRUE AND m.IsDeleted IS NOT TRUE"
    else:
        deleted = "FALSE"
    late = f"s.{mark} < :cursor AND (m.Id IS NULL OR m.{mark} < s.{mark})" if mark else "FALSE"
    cursor = con.execute(sa.select(tables.cursors.c.until).where(tables.cursors.c.sobject == batch.sobject)).scalar()
    lag = f"max(CAST(:cursor AS TIMESTAMP WITH TIME ZONE) - s.{mark}) FILTER (WHERE {late})" if mark else "NULL"
    row = con.execute(
        text(
            f"SELECT count(*) FILTER (WHERE m.Id IS NULL), count(*) FILTER (WHERE m.Id IS NOT NULL AND ({changed})), "
            f"count(*) FILTER (WHERE {deleted}), count(*) FILTER (WHERE {late}), {lag} "
            f"FROM {stage} s LEFT JOIN {target} m ON m.Id = s.Id"
        ),
        {"cursor": cursor} if mark else {},
    ).one()
    # After a change of the mapping old rows are read again on purpose: that is not lateness.
    late_rows = 0 if batch.full else int(row[3])
    seconds = int(row[4].total_seconds()) if row[4] is not None and late_rows else 0
    return {
        "inserted": int(row[0]),
        "updated": int(row[1]),
        "deleted": int(row[2]),
        "late": late_rows,
        "late_seconds": seconds,
    }


def _keep_history(con: sa.Connection, batch: Batch, columns: Mapping[str, str], target: str, stage: str) -> None:
    folded = {name.casefold(): name for name in columns}
    for wanted in batch.track:
        name = folded.get(wanted.casefold())
        if name is None or batch.watermark is None:
            continue
        con.execute(
            text(
                "INSERT INTO sfsync.history (sobject, id, field, old, new, changed_at, run_id) "
                f"SELECT :sobject, s.Id, :field, CAST(m.{column(name)} AS TEXT), CAST(s.{column(name)} AS TEXT), "
                f"s.{batch.watermark}, :run_id FROM {stage} s JOIN {target} m ON m.Id = s.Id "
                f"WHERE s.{column(name)} IS DISTINCT FROM m.{column(name)}"
            ),
            {"sobject": batch.sobject, "field": name, "run_id": batch.run_id},
        )


def _move_cursor(con: sa.Connection, batch: Batch, loaded: Loaded) -> None:
    table = tables.cursors
    old = con.execute(sa.select(table).where(table.c.sobject == batch.sobject)).first()
    row: dict[str, Any] = {
        "sobject": batch.sobject,
        "until": batch.until,
        "watermark": batch.watermark,
        "start": batch.start,
        "rows": loaded.rows,
        "full_at": batch.now if batch.full or old is None else old.full_at,
        "late_rows": loaded.late,
        "late_seconds": loaded.late_seconds,
        "run_id": batch.run_id,
        "formulas_at": batch.until if batch.full or old is None else batch.refreshed or old.formulas_at,
        # A full read upserts; only a first one, and one that also drops what is gone, leaves nothing behind.
        "reconciled_at": batch.until if batch.whole or old is None else old.reconciled_at,
        "deletions_at": None if old is None else old.deletions_at,
    }
    con.execute(sa.delete(table).where(table.c.sobject == batch.sobject))
    con.execute(sa.insert(table).values(row))
