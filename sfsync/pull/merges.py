"""After a merge: what pointed at the loser is read again, because its new parent may come without a new stamp."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from sfsync.pull.staging import Staging, write_page
from sfsync.pull.window import Window
from sfsync.salesforce.org import Org
from sfsync.salesforce.soql import in_list, select
from sfsync.warehouse import Warehouse, mirror, tables
from sfsync.warehouse.mirror import Page
from sfsync.warehouse.schema import column

AT_ONCE = 200
"""Ids in one query: some 6 KB, well inside what a request may hold."""


def reread_children(
    org: Org, warehouse: Warehouse, windows: Sequence[Window], staging: Staging, run_id: str, now: datetime
) -> dict[str, int]:
    """Read again every mirrored row whose lookup names a record merged away in this run; sObject → rows read.

    The mirror then says what the org says: Salesforce moves the children of a merge, but does not promise a new
    SystemModstamp for each. Cursors stay where they are.
    """
    read: dict[str, int] = {}
    for w in windows:
        if w.full:
            continue
        ids = _pointing_at_losers(warehouse, w, run_id)
        if not ids:
            continue
        pages = _pages(org, w, ids, staging.besides(w.sobject))
        batch = mirror.Batch(
            sobject=w.sobject,
            pages=pages,
            run_id=run_id,
            now=now,
            until=now,
            watermark=w.watermark,
            track=w.mapping.track,
            keeps_cursor=True,
        )
        with warehouse.write() as con:
            read[w.sobject] = mirror.take_in(con, batch).read
    staging.clear()
    return read


def _pointing_at_losers(warehouse: Warehouse, w: Window, run_id: str) -> list[str]:
    ids: set[str] = set()
    with warehouse.read() as con:
        merged = sa.select(tables.redirects.c.sobject).where(tables.redirects.c.run_id == run_id).distinct()
        parents = set(con.execute(merged).scalars())
        f = tables.fields.c
        lookups = con.execute(
            sa.select(f.field, f.reference_to).where(f.sobject == w.sobject, f.reference_to.is_not(None))
        )
        for name, refers in lookups.all() if parents else []:
            if name != "MasterRecordId" and parents & set(json.loads(refers)):
                ids |= set(
                    con.execute(
                        sa.text(
                            f"SELECT c.Id FROM salesforce.{w.sobject} c JOIN sfsync.redirects r "
                            f"ON r.loser = c.{column(name)} WHERE r.run_id = :run_id"
                        ),
                        {"run_id": run_id},
                    ).scalars()
                )
    return sorted(ids)


def _pages(org: Org, w: Window, ids: Sequence[str], staging: Staging) -> list[Page]:
    staging.folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    pages = []
    for number, first in enumerate(range(0, len(ids), AT_ONCE)):
        soql = select(w.sobject, list(w.fields), f"Id IN {in_list(ids[first : first + AT_ONCE])}")
        path = staging.path(number)
        pages.append(Page(path, write_page(path, w.fields, org.query(soql, all_rows=w.all_rows)), w.fields))
    return pages
