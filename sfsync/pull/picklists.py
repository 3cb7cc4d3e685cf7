"""Which picklist values each record type has: describe does not tell, the org is asked type by type."""

from __future__ import annotations

import json

import sqlalchemy as sa

from sfsync.errors import OrgError
from sfsync.pull.result import ObjectResult
from sfsync.salesforce.org import Org
from sfsync.warehouse import Warehouse, tables

COLUMNS = ("sobject", "record_type", "field", "listed")


def keep_picklists(org: Org, warehouse: Warehouse, read: ObjectResult | None) -> None:
    """Renew sfsync.picklists after record types were read: one API call for each active type of an object we keep.

    read: the result of RecordType; nothing is done when it was not read in this run. What the org refuses to tell
    becomes a warning of it, and the values known before stay.
    """
    if read is None or not read.complete:
        return
    try:
        rows = [
            (sobject, id, name, json.dumps(values, ensure_ascii=False))
            for sobject, id in _types(warehouse)
            for name, values in sorted(org.picklist_values(sobject, id).items())
        ]
    except OrgError as err:
        read.warnings.append(f"the picklist values of record types could not be read: {err}")
        return
    if rows == _known(warehouse):
        return
    with warehouse.write() as con:
        con.execute(sa.delete(tables.picklists))
        warehouse.load(con, "sfsync.picklists", COLUMNS, rows)


def _types(warehouse: Warehouse) -> list[tuple[str, str]]:
    with warehouse.read() as con:
        rows = con.exec_driver_sql(
            "SELECT t.SobjectType, t.Id FROM live.RecordType t WHERE t.IsActive IS TRUE ORDER BY t.SobjectType, t.Id"
        ).all()
        kept = {s for s in {row[0] for row in rows} if s and warehouse.has_table(con, f"live.{s}")}
    return [(sobject, id) for sobject, id in rows if sobject in kept]


def _known(warehouse: Warehouse) -> list[tuple[str, ...]]:
    with warehouse.read() as con:
        rows = con.execute(sa.select(*(tables.picklists.c[name] for name in COLUMNS)))
        return sorted(tuple(row) for row in rows)
