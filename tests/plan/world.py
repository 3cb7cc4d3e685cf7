"""A small mirror to plan over: two accounts with their contacts, leads of every kind, and findings about them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sfsync.normalise.table import refresh
from sfsync.plan.build import build
from sfsync.plan.drafting import Wanted
from sfsync.plan.guards import Guards
from sfsync.plan.plan import Plan
from sfsync.salesforce.ids import to18
from sfsync.warehouse import Warehouse
from tests.dedupe.small_org import NOW, TYPES, add

ORG = to18("00D000000000001")
USER, GONE_USER, QUEUE = (to18(id) for id in ("005000000000001", "005000000000002", "00G000000000001"))
PERSON = {
    "Id": "id", "IsDeleted": "boolean", "AccountId": "reference", "OwnerId": "reference", "FirstName": "string",
    "LastName": "string", "Email": "email", "Phone": "phone", "Title": "string", "HasOptedOutOfEmail": "boolean",
    "CreatedDate": "datetime", "LastActivityDate": "date", "SystemModstamp": "datetime",
}  # fmt: skip
COMPANY = {
    "Id": "id", "IsDeleted": "boolean", "Name": "string", "OwnerId": "reference", "Phone": "phone", "Type": "picklist",
    "IsPersonAccount": "boolean", "CreatedDate": "datetime", "SystemModstamp": "datetime",
}  # fmt: skip
LEAD = {**TYPES, "OwnerId": "reference", "ConvertedContactId": "reference", "RecordTypeId": "reference"}
STATUS = {"Id": "id", "ApiName": "string", "MasterLabel": "string", "IsConverted": "boolean", "SortOrder": "int",
          "IsDeleted": "boolean"}  # fmt: skip
TASK = {"Id": "id", "IsDeleted": "boolean", "Subject": "string", "WhatId": "reference", "WhoId": "reference",
        "OwnerId": "reference", "ActivityDate": "date", "SystemModstamp": "datetime"}  # fmt: skip


def key(prefix: str, number: int) -> str:
    return to18(f"{prefix}{number:012d}")


@contextmanager
def mirror(url: str, **objects: Sequence[Mapping[str, Any]]) -> Iterator[Warehouse]:
    """Leads, contacts, accounts … by the keyword; what a row leaves out is null or the usual thing."""
    types = {"Lead": LEAD, "Contact": PERSON, "Account": COMPANY, "LeadStatus": STATUS, "Task": TASK}
    usual = {"IsDeleted": False, "SystemModstamp": NOW, "CreatedDate": NOW, "OwnerId": USER}
    users = [{"Id": USER, "IsActive": True}, {"Id": GONE_USER, "IsActive": False}]
    warehouse = Warehouse(url)
    try:
        with warehouse.write() as con:
            add(con, warehouse, "User", {"Id": "id", "IsActive": "boolean"}, users)
            for sobject, rows in objects.items():
                add(con, warehouse, sobject, types[sobject], [{**usual, **row} for row in rows])
        for sobject in {"Lead", "Contact", "Account"} & objects.keys():
            refresh(warehouse, sobject)
        yield warehouse
    finally:
        warehouse.close()


def finding(warehouse: Warehouse, sobject: str, id: str, rule: str, fix: Mapping[str, Any], kind: str = "") -> None:
    """An open finding; its fix begins with `op` where it has one, as a check writes it."""
    text = json.dumps(fix)
    values = {
        "rule": rule, "kind": kind, "sobject": sobject, "id": id, "severity": "error", "message": "", "fix": text,
        "first_seen": NOW, "last_seen": NOW, "resolved_at": None, "run_id": "r",
    }  # fmt: skip
    with warehouse.write() as con:
        warehouse.load(con, "sfsync.findings", list(values), [list(values.values())])


def plan(warehouse: Warehouse) -> Plan:
    return build(warehouse, Wanted(ORG, "https://acme.example", True, NOW, Guards(max_share=100)))


def refused(plan: Plan) -> list[tuple[str, str]]:
    return [(r.guard, r.ref.id) for r in plan.refused]
