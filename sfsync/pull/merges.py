"""After a merge: what pointed at the loser is read again, because its new parent may come without a new stamp."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from functools import partial

import sqlalchemy as sa

from sfsync.pull.byid import read_by_id
from sfsync.pull.staging import Staging
from sfsync.pull.window import Window
from sfsync.salesforce.org import Org
from sfsync.warehouse import Warehouse, mirror, tables
from sfsync.warehouse.redirects import MERGES_OPEN, close_merges
from sfsync.warehouse.schema import column


def reread_children(
    org: Org, warehouse: Warehouse, windows: Sequence[Window], staging: Staging, run_id: str, now: datetime
) -> dict[str, int]:
    """Read again every mirrored row whose lookup names a merged-away record, if a merge was seen since the last time.

    Returns sObject → rows read. The mirror then says what the org says: Salesforce moves the children of a merge, but
    does not promise a new SystemModstamp for each. Cursors stay where they are.
    """
    waiting = _pointing_at_losers(warehouse, windows)
    if waiting is None:
        return {}
    read: dict[str, int] = {}
    merged = 0
    for w in windows:
        if not (ids := waiting.get(w.sobject)):
            continue
        place = staging.besides(w.sobject)
        place.begin()
        found = read_by_id(org, w.sobject, w.fields, ids, place.folder, all_rows=w.all_rows)
        batch = found.batch(w, run_id, now)
        loaded = warehouse.attempt(partial(mirror.take_in, batch=batch))
        read[w.sobject] = loaded.read
        merged += loaded.merged
    if not merged:  # a merge seen only now has children of its own: they are the next pull's
        with warehouse.write() as con:
            close_merges(con)
    staging.clear()
    return read


def _pointing_at_losers(warehouse: Warehouse, windows: Sequence[Window]) -> dict[str, list[str]] | None:
    """sObject → Ids of rows to read again; None when there is nothing to do."""
    with warehouse.read() as con:
        if MERGES_OPEN not in warehouse.meta(con):
            return None
        merged = set(con.execute(sa.select(tables.redirects.c.sobject).distinct()).scalars())
        return {w.sobject: _rows(con, w, merged) for w in windows if not w.full}


def _rows(con: sa.Connection, w: Window, merged: set[str]) -> list[str]:
    f = tables.fields.c
    shown = {name.casefold() for name in w.fields}
    lookups = con.execute(sa.select(f.field, f.reference_to).where(f.sobject == w.sobject, f.reference_to.is_not(None)))
    ids: set[str] = set()
    for name, refers in lookups.all():
        parents = sorted(merged & set(json.loads(refers)))
        if name == "MasterRecordId" or not parents or name.casefold() not in shown:
            continue
        listed = sa.bindparam("parents", parents, sa.Text, expanding=True)
        statement = sa.text(
            f"SELECT c.Id FROM salesforce.{w.sobject} c JOIN sfsync.redirects r ON r.loser = c.{column(name)} "
            "WHERE r.sobject IN :parents AND c._deleted_reason IS NULL"
        )
        ids |= set(con.execute(statement.bindparams(listed)).scalars())
    return sorted(ids)
