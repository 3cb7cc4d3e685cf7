"""Small orgs of literal records, in the tables a pull would have made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from sfsync.insight.source import Settings, Source, open_source
from sfsync.warehouse import Warehouse

MOMENT, MONEY = "TIMESTAMP WITH TIME ZONE", "DECIMAL(18,2)"
OWN = {"IsDeleted": "BOOLEAN", "SystemModstamp": MOMENT, "_deleted_reason": "TEXT", "_pulled_at": MOMENT}
TABLES: Mapping[str, Mapping[str, str]] = {
    "Account": {"Id": "TEXT", "Name": "TEXT", "OwnerId": "TEXT", "ParentId": "TEXT", "Type": "TEXT", "Website": "TEXT",
                "LastActivityDate": "DATE", **OWN},
    "Contact": {"Id": "TEXT", "Name": "TEXT", "AccountId": "TEXT", "OwnerId": "TEXT", "Email": "TEXT", "Title": "TEXT",
                "LastActivityDate": "DATE", **OWN},
    "Opportunity": {
        "Id": "TEXT", "Name": "TEXT", "AccountId": "TEXT", "OwnerId": "TEXT", "StageName": "TEXT", "Amount": MONEY,
        "Probability": "DECIMAL(4,0)", "ForecastCategory": "TEXT", "CloseDate": "DATE", "IsClosed": "BOOLEAN",
        "IsWon": "BOOLEAN", "IsPrivate": "BOOLEAN", "CreatedDate": MOMENT, "LastActivityDate": "DATE",
        "LeadSource": "TEXT", "LossReason__c": "TEXT", **OWN,
    },
    "OpportunityStage": {
        "Id": "TEXT", "ApiName": "TEXT", "MasterLabel": "TEXT", "IsActive": "BOOLEAN", "SortOrder": "BIGINT",
        "IsClosed": "BOOLEAN", "IsWon": "BOOLEAN", "DefaultProbability": "DECIMAL(4,0)", "ForecastCategory": "TEXT",
        **OWN,
    },
    "OpportunityHistory": {
        "Id": "TEXT", "OpportunityId": "TEXT", "StageName": "TEXT", "Amount": MONEY, "CloseDate": "DATE",
        "Probability": "DECIMAL(4,0)", "ForecastCategory": "TEXT", "CreatedDate": MOMENT, **OWN,
    },
    "OpportunityContactRole": {"Id": "TEXT", "OpportunityId": "TEXT", "ContactId": "TEXT", "Role": "TEXT",
                               "IsPrimary": "BOOLEAN", **OWN},
    "User": {"Id": "TEXT", "Name": "TEXT", "IsActive": "BOOLEAN", "ManagerId": "TEXT", **OWN},
    "Lead": {
        "Id": "TEXT", "Name": "TEXT", "FirstName": "TEXT", "LastName": "TEXT", "Email": "TEXT", "Company": "TEXT",
        "Title": "TEXT", "Industry": "TEXT", "Rating": "TEXT", "NumberOfEmployees": "BIGINT", "LeadSource": "TEXT",
        "Status": "TEXT", "OwnerId": "TEXT", "Country": "TEXT", "State": "TEXT", "PostalCode": "TEXT", "Phone": "TEXT",
        "MobilePhone": "TEXT", "Website": "TEXT", "IsConverted": "BOOLEAN", "ConvertedDate": "DATE",
        "ConvertedOpportunityId": "TEXT", "ConvertedAccountId": "TEXT", "ConvertedContactId": "TEXT",
        "MasterRecordId": "TEXT", "CreatedDate": MOMENT, "LastActivityDate": "DATE", "DoNotCall": "BOOLEAN",
        "HasOptedOutOfEmail": "BOOLEAN", "RecordTypeId": "TEXT", **OWN,
    },
    "LeadStatus": {"Id": "TEXT", "ApiName": "TEXT", "MasterLabel": "TEXT", "SortOrder": "BIGINT",
                   "IsDefault": "BOOLEAN", "IsConverted": "BOOLEAN", **OWN},
    "LeadHistory": {"Id": "TEXT", "LeadId": "TEXT", "Field": "TEXT", "OldValue": "TEXT", "NewValue": "TEXT",
                    "CreatedDate": MOMENT, **OWN},
    "Task": {"Id": "TEXT", "WhoId": "TEXT", "WhatId": "TEXT", "IsClosed": "BOOLEAN", "ActivityDate": "DATE",
             "CreatedDate": MOMENT, "CompletedDateTime": MOMENT, "OwnerId": "TEXT", **OWN},
    "Campaign": {"Id": "TEXT", "Name": "TEXT", **OWN},
    "CampaignMember": {"Id": "TEXT", "CampaignId": "TEXT", "LeadId": "TEXT", "ContactId": "TEXT",
                       "HasResponded": "BOOLEAN", "FirstRespondedDate": "DATE", "CreatedDate": MOMENT, **OWN},
    "Organization": {"Id": "TEXT", "FiscalYearStartMonth": "BIGINT", "UsesStartDateAsFiscalYearName": "BOOLEAN", **OWN},
    "CurrencyType": {"Id": "TEXT", "IsoCode": "TEXT", "ConversionRate": "DECIMAL(18,6)",
                     "IsCorporate": "BOOLEAN", **OWN},
    "DatedConversionRate": {"Id": "TEXT", "IsoCode": "TEXT", "StartDate": "DATE", "NextStartDate": "DATE",
                            "ConversionRate": "DECIMAL(18,6)", **OWN},
    "Period": {"Id": "TEXT", "Type": "TEXT", "StartDate": "DATE", "EndDate": "DATE", "FullyQualifiedLabel": "TEXT",
               **OWN},
}  # fmt: skip
TODAY = date(2026, 3, 15)
NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)

STAGES = [
    ("Prospecting", False, False, 10, "Pipeline"),
    ("Qualification", False, False, 10, "Pipeline"),
    ("Needs Analysis", False, False, 20, "Pipeline"),
    ("Proposal", False, False, 75, "BestCase"),
    ("Negotiation", False, False, 90, "Forecast"),
    ("On Hold", False, False, 10, "Omitted"),
    ("Closed Won", True, True, 100, "Closed"),
    ("Closed Lost", True, False, 0, "Omitted"),
]


def fill(
    warehouse: Warehouse, sobject: str, *records: Mapping[str, Any], more: Mapping[str, str] | None = None
) -> None:
    """Create the sObject's table and view, if they are missing, and put the records in; `more`: extra columns."""
    columns = {**TABLES[sobject], **(more or {})}
    with warehouse.write() as con:
        if not warehouse.has_table(con, f"salesforce.{sobject}"):
            typed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
            con.exec_driver_sql(f"CREATE TABLE salesforce.{sobject} ({typed})")
            con.exec_driver_sql(
                f"CREATE VIEW live.{sobject} AS SELECT * FROM salesforce.{sobject} "
                "WHERE _deleted_reason IS NULL AND IsDeleted IS NOT TRUE"
            )
        names = list(columns)
        unknown = {name for r in records for name in r} - set(names)
        assert not unknown, f"{sobject} has no {unknown}"
        rows = [[_value(r.get(name)) for name in names] for r in records]
        warehouse.load(con, f"salesforce.{sobject}", names, rows)


def stages(warehouse: Warehouse) -> None:
    fill(
        warehouse,
        "OpportunityStage",
        *(
            {"Id": f"01J{i:012d}AAA", "ApiName": name, "MasterLabel": name, "IsActive": True, "SortOrder": i + 1,
             "IsClosed": closed, "IsWon": won, "DefaultProbability": probability, "ForecastCategory": category}
            for i, (name, closed, won, probability, category) in enumerate(STAGES)
        ),
    )  # fmt: skip


def opportunity(id: str, amount: int | str | None, stage: str, close: str, **given: Any) -> dict[str, Any]:
    """With the stage's own flags, probability and category unless given."""
    _, closed, won, probability, category = next(s for s in STAGES if s[0] == stage)
    return {
        "Id": id,
        "Name": f"Deal {id}",
        "OwnerId": "A",
        "StageName": stage,
        "Amount": None if amount is None else Decimal(amount),
        "Probability": probability,
        "ForecastCategory": category,
        "CloseDate": date.fromisoformat(close),
        "IsClosed": closed,
        "IsWon": won,
        "CreatedDate": datetime(2026, 1, 1, 9, tzinfo=UTC),
        **given,
    }


def at(day: str, hour: int = 9) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(hour), UTC)


def member(campaign: str, lead: str | None, joined: str, responded: str | None = None, **given: Any) -> dict[str, Any]:
    """A lead's membership of a campaign."""
    return {
        "Id": f"{campaign}-{lead or given['ContactId']}",
        "CampaignId": campaign,
        "LeadId": lead,
        "HasResponded": responded is not None,
        "FirstRespondedDate": responded and date.fromisoformat(responded),
        "CreatedDate": at(joined),
        **given,
    }


def snapshot(warehouse: Warehouse, day: str, *opportunities: Mapping[str, Any]) -> None:
    """What a pull of that day keeps."""
    fields = [
        "AccountId",
        "OwnerId",
        "StageName",
        "ForecastCategory",
        "Amount",
        "Probability",
        "CloseDate",
        "IsClosed",
        "IsWon",
    ]
    with warehouse.write() as con:
        rows = [[date.fromisoformat(day), o["Id"], *(_value(o.get(f)) for f in fields)] for o in opportunities]
        names = ["day", "id", *(f.lower() for f in fields)]
        warehouse.load(con, "sfsync.opportunity_snapshot", names, rows)


@contextmanager
def source(
    warehouse: Warehouse, as_of: date = TODAY, now: datetime = NOON, time_zone: str = "UTC", **settings: Any
) -> Iterator[Source]:
    with open_source(warehouse, as_of=as_of, now=now, time_zone=time_zone, settings=Settings(**settings)) as opened:
        yield opened


def _value(value: Any) -> Any:
    return Decimal(value) if isinstance(value, float) else value


def d1(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Data set D1; the fiscal year starts in February and is named by its end."""
    fill(warehouse, "Organization", {"Id": "00D", "FiscalYearStartMonth": 2, "UsesStartDateAsFiscalYearName": False})
    stages(warehouse)
    rows: Sequence[tuple[Any, ...]] = [
        ("O1", "A", 10000, "Prospecting", "2026-04-20", "2026-02-15"),
        ("O2", "A", 20000, "Needs Analysis", "2026-03-31", "2026-01-10"),
        ("O3", "B", 50000, "Proposal", "2026-04-15", "2025-12-20"),
        ("O4", "B", 40000, "Negotiation", "2026-03-20", "2025-11-30"),
        ("O5", "C", 30000, "Closed Won", "2026-02-27", "2025-12-01"),
        ("O6", "C", 15000, "Closed Lost", "2026-03-05", "2026-01-20"),
        ("O7", "D", 25000, "Negotiation", "2026-05-10", "2026-02-01"),
        ("O8", "D", None, "Qualification", "2026-04-30", "2026-03-10"),
        ("O9", "E", 12000, "On Hold", "2026-04-01", "2025-10-01"),
        ("O10", "E", 8000, "Needs Analysis", "2026-02-10", "2025-12-15"),
        ("O11", "C", 60000, "Closed Won", "2026-01-20", "2025-10-22"),
    ]
    made = [
        opportunity(id, amount, stage, close, OwnerId=owner, CreatedDate=at(created))
        for id, owner, amount, stage, close, created in rows
    ]
    overridden = next(o for o in made if o["Id"] == "O7")
    overridden |= {"Probability": 60, "ForecastCategory": "BestCase"}
    deleted = opportunity("O12", 999000, "Proposal", "2026-04-15", IsDeleted=True, _deleted_reason="deleted")
    fill(warehouse, "Opportunity", *made, deleted)
    return made


def d1_users(warehouse: Warehouse) -> None:
    people = [("V", None, True), ("M", "V", True), ("N", "V", True), ("X", "V", False), ("A", "M", True),
              ("B", "M", True), ("C", "N", True), ("D", "N", True), ("E", "X", True)]  # fmt: skip
    fill(warehouse, "User", *({"Id": i, "Name": i, "ManagerId": m, "IsActive": a} for i, m, a in people))
