"""Read a query's rows into counted page files, and load them into a temporary table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from sfsync.errors import IncompleteRead, OrgError
from sfsync.pull.staging import write_page
from sfsync.salesforce.org import Org
from sfsync.verify.scope import Scope, soql
from sfsync.warehouse import dialect
from sfsync.warehouse.page import Page

REST_ROWS = 10_000
"""Up to five REST pages: about what a Bulk job costs in requests."""
PAGE_ROWS = 200_000
"""Rows of a Bulk page: an Id, a stamp and a flag make some 60 bytes."""


def sweep(
    org: Org, scope: Scope, fields: Sequence[str], conditions: Sequence[str], folder: Path, expected: int
) -> list[Page]:
    """Every row that meets the conditions, deleted ones included, as page files in a new `folder`.

    Raises IncompleteRead unless as many rows arrived as Salesforce promised.
    """
    folder.mkdir(parents=True, mode=0o700)
    query = soql(", ".join(fields), scope.sobject, conditions)
    if expected > REST_ROWS and scope.mapping.api != "rest":
        try:
            return _by_bulk(org, scope, query, fields, folder)
        except OrgError as err:
            if err.code not in ("INVALIDENTITY", "FeatureNotEnabled", "FEATURENOTENABLED"):
                raise
    pages = []
    for number, page in enumerate(org.query_pages(query, all_rows=scope.has_deleted)):
        path = folder / f"{number:06d}.csv"
        pages.append(Page(path, write_page(path, fields, page.records), tuple(fields)))
    return pages


def _by_bulk(org: Org, scope: Scope, query: str, fields: Sequence[str], folder: Path) -> list[Page]:
    job = org.bulk_query(query, all_rows=scope.has_deleted)
    info = job.wait()
    pages = []
    for number, ref in enumerate(job.pages(PAGE_ROWS)):
        path = folder / f"{number:06d}.csv"
        fetched = job.fetch(ref, path)
        if {c.casefold() for c in fetched.columns} != {f.casefold() for f in fields}:
            raise IncompleteRead(f"{scope.sobject}: Bulk job {job.id} answered other columns than asked. Try again.")
        pages.append(Page(path, fetched.rows, tuple(fetched.columns)))
    promised = sum(page.rows for page in pages)
    if promised != info.records:
        raise IncompleteRead(f"{scope.sobject}: Bulk job {job.id} reports {info.records} rows, its pages {promised}.")
    job.delete()
    return pages


def load(con: sa.Connection, table: str, scope: Scope, pages: Sequence[Page], fields: Sequence[str]) -> int:
    """A temporary table of the pages, columns named as `fields`. Returns its rows. Raises IncompleteRead.

    The connection must be one of `Warehouse.write()`: a reading one sees no files.
    """
    headers = {page.columns for page in pages} or {tuple(fields)}
    if len(headers) > 1:
        raise IncompleteRead(f"{scope.sobject}: pages with different columns arrived. Nothing was concluded.")
    names = {name.casefold(): name for name in fields}
    columns = {names[c.casefold()]: scope.types.get(names[c.casefold()], "TEXT") for c in headers.pop()}
    rows = dialect.of(con).stage(con, table, columns, pages)
    promised = sum(page.rows for page in pages)
    if rows != promised:
        raise IncompleteRead(f"{scope.sobject}: {promised} rows were promised, {rows} arrived. Nothing was concluded.")
    return rows
