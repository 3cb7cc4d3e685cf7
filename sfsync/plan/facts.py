"""What the guards must know of one sObject besides its fields: who may own it, and what its stages and lists mean."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from sfsync.plan.mirror import Fields, read_fields
from sfsync.plan.values import loads
from sfsync.warehouse import Warehouse

QUEUE = "00G"


@dataclass(frozen=True)
class Owners:
    """Ids of 15 characters."""

    active: frozenset[str] = frozenset()
    inactive: frozenset[str] = frozenset()
    queues: frozenset[str] | None = None
    """Queues that take records of this sObject; None when that is not known."""


@dataclass(frozen=True)
class Stage:
    """What an opportunity is once it is given this stage."""

    closed: bool
    won: bool
    probability: Decimal | int | None
    category: str | None
    category_name: str | None


@dataclass(frozen=True)
class Facts:
    fields: Fields = field(default_factory=dict)
    owners: Owners | None = None
    """None when users are not known."""
    stages: Mapping[str, Stage] | None = None
    """By name; None when not known. Only of Opportunity."""
    converted: frozenset[str] = frozenset()
    """Lead statuses that mean converted."""
    typed: Mapping[str, Mapping[str, frozenset[str]]] = field(default_factory=dict)
    """RecordTypeId (15 characters) → casefolded name of a picklist → the values it has there."""


def read_facts(con: sa.Connection, warehouse: Warehouse, sobject: str) -> Facts:
    """As the last pull saw the org."""
    return Facts(
        fields=read_fields(con, sobject),
        owners=_owners(con, warehouse, sobject),
        stages=_stages(con, warehouse) if sobject == "Opportunity" else None,
        converted=_converted(con, warehouse) if sobject == "Lead" else frozenset(),
        typed=_typed(con, sobject),
    )


def stages(rows: Iterable[Mapping[str, Any]]) -> dict[str, Stage]:
    """Name → Stage, out of OpportunityStage's records. A record goes by its ApiName, an old one by its label."""
    return {
        str(r.get("ApiName") or r["MasterLabel"]): Stage(
            r.get("IsClosed") is True,
            r.get("IsWon") is True,
            r.get("DefaultProbability"),
            r.get("ForecastCategory"),
            r.get("ForecastCategoryName"),
        )
        for r in rows
    }


def _owners(con: sa.Connection, warehouse: Warehouse, sobject: str) -> Owners | None:
    if "IsActive" not in warehouse.columns(con, "live.User"):
        return None
    active: set[str] = set()
    inactive: set[str] = set()
    # USER is a reserved word, but not after a schema.
    for id, here in con.execute(sa.text("SELECT Id, IsActive FROM live.User")):
        (active if here is True else inactive).add(id[:15])
    return Owners(frozenset(active), frozenset(inactive), _queues(con, warehouse, sobject))


def _queues(con: sa.Connection, warehouse: Warehouse, sobject: str) -> frozenset[str] | None:
    if not {"QueueId", "SobjectType"} <= set(warehouse.columns(con, "live.QueueSobject")):
        return None
    query = sa.text("SELECT QueueId FROM live.QueueSobject WHERE SobjectType = :s AND QueueId IS NOT NULL")
    return frozenset(id[:15] for id in con.execute(query, {"s": sobject}).scalars())


def _stages(con: sa.Connection, warehouse: Warehouse) -> dict[str, Stage] | None:
    names = ("MasterLabel", "ApiName", "IsClosed", "IsWon", "DefaultProbability", "ForecastCategory",
             "ForecastCategoryName")  # fmt: skip
    rows = _rows(con, warehouse, "OpportunityStage", names)
    return stages(rows) if rows else None


def _converted(con: sa.Connection, warehouse: Warehouse) -> frozenset[str]:
    rows = _rows(con, warehouse, "LeadStatus", ("MasterLabel", "ApiName", "IsConverted"))
    return frozenset(str(r.get("ApiName") or r.get("MasterLabel")) for r in rows if r.get("IsConverted") is True)


def _rows(con: sa.Connection, warehouse: Warehouse, table: str, names: Collection[str]) -> list[dict[str, Any]]:
    there = [n for n in names if n in warehouse.columns(con, f"live.{table}")]
    if not {"MasterLabel", "ApiName"} & set(there):
        return []
    rows = con.exec_driver_sql(f"SELECT {', '.join(there)} FROM live.{table}").all()
    return [dict(zip(there, row, strict=True)) for row in rows]


def _typed(con: sa.Connection, sobject: str) -> dict[str, dict[str, frozenset[str]]]:
    query = sa.text("SELECT record_type, field, listed FROM sfsync.picklists WHERE sobject = :s")
    found: dict[str, dict[str, frozenset[str]]] = {}
    for record_type, name, listed in con.execute(query, {"s": sobject}):
        found.setdefault(record_type[:15], {})[name.casefold()] = frozenset(map(str, loads(listed)))
    return found
