"""A small org to query: a hand-made schema, its tables in DuckDB, and a few records whose answers are known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import duckdb

from sfsync.practice.ids import make_id
from sfsync.practice.schema import Child, Field, PickValue, Schema, SObject
from sfsync.practice.soql import Compiled, Options, compile_soql

NOW = datetime(2026, 3, 18, 14, 30, tzinfo=UTC)
"""A Wednesday."""


def _picks(*values: str) -> tuple[PickValue, ...]:
    return tuple(PickValue(v, v) for v in values)


def _lookup(name: str, relationship: str | None, *refers: str) -> Field:
    return Field(name, "reference", length=18, refers=refers, relationship=relationship)


_ID = Field("Id", "id", length=18)
_DELETED = Field("IsDeleted", "boolean")
_CREATED = Field("CreatedDate", "datetime", groupable=False)
_LONG = Field("Description", "textarea", length=32000, filterable=False, sortable=False, groupable=False)


def _sobject(name: str, prefix: str, *fields: Field, **flags: bool) -> SObject:
    return SObject(name, prefix, name, name + "s", {f.name: f for f in (_ID, *fields)}, **flags)


ACCOUNT = _sobject(
    "Account",
    "001",
    _DELETED,
    Field("Name", "string", length=255, name_field=True),
    Field("Industry", "picklist", length=40, values=_picks("Retail", "Energy", "Banking")),
    Field("BillingStreet", "textarea", length=255, compound="BillingAddress"),
    Field("BillingCity", "string", length=40, compound="BillingAddress"),
    Field("BillingAddress", "address", sortable=False, groupable=False),
    Field("AnnualRevenue", "currency", precision=18, scale=0, groupable=False),
    _LONG,
    _lookup("ParentId", "Parent", "Account"),
    _lookup("OwnerId", "Owner", "User"),
    _CREATED,
)
CONTACT = _sobject(
    "Contact",
    "003",
    _DELETED,
    Field("LastName", "string", length=80),
    Field("Email", "email", length=80),
    _lookup("AccountId", "Account", "Account"),
    _lookup("ReportsToId", "ReportsTo", "Contact"),
)
LEAD = _sobject(
    "Lead",
    "00Q",
    _DELETED,
    Field("Name", "string", length=121),
    Field("Company", "string", length=255),
    Field("Status", "picklist", length=40, values=_picks("Open", "Working", "Closed")),
    Field("IsConverted", "boolean"),
    Field("NumberOfEmployees", "int", precision=8),
    Field("CreatedDate", "datetime", groupable=False),
    Field("ConvertedDate", "date"),
    Field("BestTime__c", "time", custom=True),
    Field("Interests__c", "multipicklist", length=400, values=_picks("A", "B", "C"), custom=True),
    Field("Code__c", "string", length=20, unique=True, external_id=True, case_sensitive=True, custom=True),
    _LONG,
    _lookup("OwnerId", "Owner", "Group", "User"),
    _lookup("ConvertedAccountId", "ConvertedAccount", "Account"),
)
OPPORTUNITY = _sobject(
    "Opportunity",
    "006",
    _DELETED,
    Field("Name", "string", length=120),
    Field("Amount", "currency", precision=18, scale=2, groupable=False),
    Field("Probability", "percent", precision=3, scale=0, groupable=False),
    Field(
        "ExpectedRevenue",
        "currency",
        precision=18,
        scale=2,
        groupable=False,
        formula='CAST("Amount" * "Probability" / 100 AS DECIMAL(18,2))',
    ),
    Field("CloseDate", "date"),
    _lookup("AccountId", "Account", "Account"),
    _lookup("ContactId", None, "Contact"),
)
USER = _sobject("User", "005", Field("Name", "string"), Field("Email", "email"), Field("IsActive", "boolean"))
GROUP = _sobject("Group", "00G", Field("Name", "string"), Field("Type", "picklist"), Field("Email", "email"))
LEAD_STATUS = _sobject("LeadStatus", "01J", Field("ApiName", "string"), bulk=False)

OBJECTS = (ACCOUNT, CONTACT, LEAD, OPPORTUNITY, USER, GROUP, LEAD_STATUS)
ACME, BETA, GONE, KIM, SALES = (
    make_id("001", 1),
    make_id("001", 2),
    make_id("001", 3),
    make_id("005", 1),
    make_id("00G", 1),
)


def lead_id(number: int) -> str:
    return make_id("00Q", number)


def _at(day: int, hour: int = 12, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour)


RECORDS: dict[str, list[dict[str, Any]]] = {
    "User": [{"Id": KIM, "Name": "Kim Lee", "Email": "kim@example.com", "IsActive": True}],
    "Group": [{"Id": SALES, "Name": "Sales queue", "Type": "Queue"}],
    "LeadStatus": [{"Id": make_id("01J", 1), "ApiName": "Open"}],
    "Account": [
        {
            "Id": ACME,
            "Name": "Acme",
            "Industry": "Energy",
            "BillingStreet": "1 Main St",
            "BillingCity": "Oslo",
            "AnnualRevenue": Decimal(5000),
            "OwnerId": KIM,
            "CreatedDate": _at(1),
        },
        {"Id": BETA, "Name": "beta", "Industry": "Retail", "ParentId": ACME, "OwnerId": KIM, "CreatedDate": _at(2)},
        {"Id": GONE, "Name": "Gone", "IsDeleted": True, "OwnerId": KIM, "CreatedDate": _at(3)},
    ],
    "Contact": [
        {"Id": make_id("003", 1), "LastName": "Adams", "AccountId": ACME, "Email": "a@acme.com"},
        {"Id": make_id("003", 2), "LastName": "Brown", "AccountId": ACME, "ReportsToId": make_id("003", 1)},
        {"Id": make_id("003", 3), "LastName": "Clark", "AccountId": ACME, "IsDeleted": True},
        {"Id": make_id("003", 4), "LastName": "Davis", "AccountId": BETA},
        {"Id": make_id("003", 5), "LastName": "Evans"},
    ],
    "Lead": [
        {
            "Id": lead_id(1),
            "Name": "Ann O'Hara",
            "Company": "50% off_",
            "Status": "Working",
            "NumberOfEmployees": 10,
            "OwnerId": KIM,
            "CreatedDate": _at(18, 1),
            "ConvertedDate": date(2026, 3, 18),
            "IsConverted": True,
            "ConvertedAccountId": ACME,
            "Interests__c": "A;B",
            "Code__c": "x-1",
            "BestTime__c": time(9, 30),
        },
        {
            "Id": lead_id(2),
            "Name": "bob",
            "Company": "ACME",
            "Status": "Open",
            "NumberOfEmployees": 200,
            "OwnerId": SALES,
            "CreatedDate": _at(17, 23),
            "Interests__c": "C",
            "Code__c": "X-1",
        },
        {
            "Id": lead_id(3),
            "Name": "Cy",
            "Company": "acme",
            "Status": "Closed",
            "OwnerId": KIM,
            "CreatedDate": _at(1, month=1),
            "ConvertedAccountId": GONE,
            "Interests__c": "B;A;C",
        },
        {"Id": lead_id(4), "Company": "back\\slash", "Status": "Imported", "OwnerId": KIM, "CreatedDate": _at(19, 5)},
        {"Id": lead_id(5), "Name": "Dee", "Company": "Acme", "IsDeleted": True, "OwnerId": KIM, "CreatedDate": _at(1)},
    ],
    "Opportunity": [
        {
            "Id": make_id("006", 1),
            "Name": "Big",
            "Amount": Decimal("1000.50"),
            "Probability": Decimal(10),
            "CloseDate": date(2026, 1, 31),
            "AccountId": ACME,
        },
        {
            "Id": make_id("006", 2),
            "Name": "Small",
            "Amount": Decimal("20.00"),
            "Probability": Decimal(50),
            "CloseDate": date(2025, 12, 1),
            "AccountId": ACME,
        },
        {
            "Id": make_id("006", 3),
            "Name": "None",
            "Probability": Decimal(50),
            "CloseDate": date(2026, 3, 1),
            "AccountId": BETA,
        },
    ],
}


def schema() -> Schema:
    return Schema(
        {o.name: o for o in OBJECTS},
        {
            "Account": (
                Child("Contact", "AccountId", "Contacts", cascade=True),
                Child("Opportunity", "AccountId", "Opportunities", cascade=True),
                Child("Account", "ParentId", "ChildAccounts"),
            )
        },
    )


class SmallOrg:
    """The records above in a DuckDB of its own."""

    def __init__(self) -> None:
        self.schema = schema()
        self.connection = duckdb.connect(":memory:")
        for sobject in OBJECTS:
            fields = sobject.stored_fields
            columns = ", ".join(f'"{f.name}" {f.column_type}' for f in fields)
            self.connection.execute(f'CREATE TABLE "{sobject.name}" ({columns})')
            marks = ", ".join("?" for _ in fields)
            for record in RECORDS[sobject.name]:
                booleans = {f.name: False for f in fields if f.type == "boolean"}
                values = [{**booleans, **record}.get(f.name) for f in fields]
                self.connection.execute(f'INSERT INTO "{sobject.name}" VALUES ({marks})', values)

    def close(self) -> None:
        self.connection.close()

    def compile(self, soql: str, **options: Any) -> Compiled:
        return compile_soql(soql, self.schema, Options(now=options.pop("now", NOW), **options))

    def rows(self, soql: str, **options: Any) -> list[tuple[Any, ...]]:
        """Result rows with their hidden columns."""
        compiled = self.compile(soql, **options)
        return self.connection.execute(compiled.sql, compiled.params).fetchall()

    def values(self, soql: str, **options: Any) -> list[tuple[Any, ...]]:
        """Result rows, only what was asked for."""
        count = len(self.compile(soql, **options).columns)
        return [row[:count] for row in self.rows(soql, **options)]

    def first(self, soql: str, **options: Any) -> list[Any]:
        """The first column."""
        return [row[0] for row in self.values(soql, **options)]

    def leads(self, where: str, **options: Any) -> list[int]:
        """Numbers of the leads that fulfil a WHERE."""
        numbers = {lead_id(n): n for n in range(1, 6)}
        return [numbers[i] for i in self.first(f"SELECT Id FROM Lead WHERE {where}", **options)]

    def children(self, compiled: Compiled, parents: Sequence[str], number: int = 0) -> list[tuple[Any, ...]]:
        """(parent's Id, first column) of a subquery's rows."""
        child = compiled.children[number]
        sql, params = child.bind(parents)
        return [(row[child.parent_index], row[0]) for row in self.connection.execute(sql, params).fetchall()]
