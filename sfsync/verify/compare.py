"""Compare Ids, stamps and deletion flags that the org gave with the mirror, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from sfsync.verify.result import LISTED, Difference
from sfsync.verify.scope import Scope
from sfsync.verify.sweep import load
from sfsync.warehouse import Warehouse
from sfsync.warehouse.page import Page


@dataclass
class Compared:
    """The first LISTED of each kind by Id, and how many there were besides."""

    missing: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    different: list[Difference] = field(default_factory=list)
    unlisted: int = 0


def fields(scope: Scope) -> list[str]:
    """What a sweep asks for, so that it can be compared here."""
    return ["Id", *([scope.stamp] if scope.stamp else []), *(["IsDeleted"] if scope.has_deleted else [])]


def compare(warehouse: Warehouse, scope: Scope, pages: Sequence[Page], within: str | None) -> Compared:
    """Hold swept pages against the mirror.

    within: SQL on `m` naming the mirror's rows that the pages should hold all of ("TRUE" for a whole object); None when
    the pages hold some rows only, so that nothing can be concluded from an Id they lack.
    """
    found = Compared()
    with warehouse.write() as con:
        load(con, "sfsync_seen", scope, pages, fields(scope))
        found.missing = _ids(con, found, _missing(scope))
        if within is not None:
            found.extra = _ids(con, found, _extra(scope, within))
        if scope.stamp:
            found.different = _stale(con, found, scope)
    return found


def _untouched(scope: Scope) -> str:
    if not scope.stamp:
        return "TRUE"
    low = f" AND o.{scope.stamp} >= {_moment(scope.start)}" if scope.start and scope.watermark else ""
    return f"o.{scope.stamp} < {_moment(scope.until)}{low}"


def _missing(scope: Scope) -> str:
    held_as_deleted = f"(NOT {scope.alive('m')}" + (" AND o.IsDeleted IS NOT TRUE)" if scope.has_deleted else ")")
    return (
        f"SELECT o.Id FROM sfsync_seen o LEFT JOIN salesforce.{scope.sobject} m ON m.Id = o.Id "
        f"WHERE {_untouched(scope)} AND (m.Id IS NULL OR {held_as_deleted})"
    )


def _extra(scope: Scope, within: str) -> str:
    deleted = f" OR (o.IsDeleted IS TRUE AND {_untouched(scope)})" if scope.has_deleted else ""
    return (
        f"SELECT m.Id FROM salesforce.{scope.sobject} m LEFT JOIN sfsync_seen o ON o.Id = m.Id "
        f"WHERE {scope.alive('m')} AND {within} AND (o.Id IS NULL{deleted})"
    )


def _stale(con: sa.Connection, found: Compared, scope: Scope) -> list[Difference]:
    """Rows on both sides whose stamps differ: the mirror missed a change."""
    same_state = f"{scope.alive('m')} = (o.IsDeleted IS NOT TRUE)" if scope.has_deleted else scope.alive("m")
    sql = (
        f"FROM sfsync_seen o JOIN salesforce.{scope.sobject} m ON m.Id = o.Id "
        f"WHERE {_untouched(scope)} AND {same_state} AND m.{scope.stamp} IS DISTINCT FROM o.{scope.stamp}"
    )
    columns = f"m.Id, o.{scope.stamp}, m.{scope.stamp}"
    rows = con.exec_driver_sql(f"SELECT {columns} {sql} ORDER BY m.Id LIMIT {LISTED}").all()
    if len(rows) == LISTED:
        found.unlisted += int(con.exec_driver_sql(f"SELECT count(*) {sql}").scalar_one()) - LISTED
    return [Difference(row[0], str(scope.stamp), row[1], row[2], "missed") for row in rows]


def _ids(con: sa.Connection, found: Compared, sql: str) -> list[str]:
    ids = [str(row[0]) for row in con.exec_driver_sql(f"{sql} ORDER BY 1 LIMIT {LISTED}")]
    if len(ids) == LISTED:
        found.unlisted += int(con.exec_driver_sql(f"SELECT count(*) FROM ({sql}) x").scalar_one()) - LISTED
    return ids


def _moment(at: object) -> str:
    return f"TIMESTAMP WITH TIME ZONE '{at}'"
