"""A warehouse in memory with a few leads, described and normalised as after a pull and a check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa

from sfsync.dedupe.run import DedupeResult, dedupe
from sfsync.normalise.table import refresh
from sfsync.salesforce.ids import to18
from sfsync.warehouse import Warehouse, schema

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

TYPES = {
    "Id": "id", "IsDeleted": "boolean", "IsConverted": "boolean", "FirstName": "string", "LastName": "string",
    "Suffix": "string", "Company": "string", "Email": "email", "Phone": "phone", "MobilePhone": "phone",
    "Title": "string", "Country": "string", "Status": "picklist", "CreatedDate": "datetime", "LastActivityDate": "date",
    "SystemModstamp": "datetime",
}  # fmt: skip


def lead_id(number: int) -> str:
    return to18(f"00Q{number:012d}")


@contextmanager
def leads(*rows: Mapping[str, Any], extra: Mapping[str, str] | None = None) -> Iterator[Warehouse]:
    """The leads given, numbered from 1 by `lead_id`; what a row leaves out is null."""
    warehouse = Warehouse("duckdb:///:memory:")
    try:
        with warehouse.write() as con:
            add(con, warehouse, "Lead", {**TYPES, **(extra or {})}, [lead(i, r) for i, r in enumerate(rows, start=1)])
        refresh(warehouse, "Lead")
        yield warehouse
    finally:
        warehouse.close()


def lead(number: int, row: Mapping[str, Any]) -> dict[str, Any]:
    fixed = {
        "Id": lead_id(number),
        "IsDeleted": False,
        "IsConverted": False,
        "Country": "US",
        "CreatedDate": NOW,
        "SystemModstamp": NOW,
    }
    return {**fixed, **row}


def add(
    con: sa.Connection, warehouse: Warehouse, sobject: str, types: Mapping[str, str], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Create and fill a mirror table."""
    described = [
        {
            "name": name,
            "type": type,
            "label": name,
            "length": 255 if type in ("string", "email", "phone", "picklist", "textarea") else 0,
            "precision": 18 if type == "currency" else 0,
            "scale": 2 if type == "currency" else 0,
            "nillable": name not in ("LastName", "Company", "Status"),
            "updateable": name not in ("Id", "IsDeleted", "IsConverted", "CreatedDate", "SystemModstamp"),
            "createable": True,
        }
        for name, type in types.items()
    ]
    schema.ensure(con, sobject, described, NOW)
    warehouse.load(con, f"salesforce.{sobject}", list(types), [[row.get(n) for n in types] for row in rows])


def run(warehouse: Warehouse) -> DedupeResult:
    return dedupe(warehouse, run_id="r1")


def decide(warehouse: Warehouse, left: str, right: str, verdict: str, at: datetime = NOW) -> None:
    with warehouse.write() as con:
        warehouse.load(
            con,
            "sfsync.decisions",
            ("sobject", "left_id", "right_id", "verdict", "who", "decided_at", "note"),
            [("Lead", left, right, verdict, "test", at, None)],
        )


def shape(result: DedupeResult) -> list[tuple[list[int], int, str]]:
    """Clusters as ([numbers], number of the master, decision)."""

    def number(id: str) -> int:
        return int(id[3:15])

    return [([number(r.id) for r in c.refs], number(c.master.id), c.decision) for c in result.clusters]


def day(n: int) -> date:
    return date(2026, 1, n)
