from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from sfsync.errors import InputError
from sfsync.insight.account import account_view
from sfsync.normalise.table import refresh
from sfsync.warehouse import Warehouse
from tests.insight.world import at, fill, opportunity, source, stages


def acme(warehouse: Warehouse) -> None:
    stages(warehouse)
    stamp = {"SystemModstamp": at("2026-03-01")}
    fill(warehouse, "User", {"Id": "U", "Name": "Ann", "IsActive": False})
    fill(
        warehouse,
        "Account",
        {"Id": "001000000000001AAA", "Name": "Acme", "OwnerId": "U", "Website": "acme.com", **stamp},
        {"Id": "001000000000002AAA", "Name": "Acme UK", "OwnerId": "U", "ParentId": "001000000000001AAA", **stamp},
        {"Id": "001000000000003AAA", "Name": "Other", "OwnerId": "U", "ParentId": "001000000000003AAA", **stamp},
    )
    fill(
        warehouse,
        "Contact",
        {"Id": "C1", "Name": "Jo", "AccountId": "001000000000001AAA"},
        {"Id": "C2", "Name": "Al", "AccountId": "001000000000002AAA"},
        {"Id": "C3", "Name": "De", "AccountId": "001000000000001AAA", "IsDeleted": True, "_deleted_reason": "deleted"},
    )
    fill(
        warehouse,
        "Opportunity",
        opportunity("1", 100, "Proposal", "2026-05-01", AccountId="001000000000001AAA"),
        opportunity("2", 40, "Closed Won", "2026-02-01", AccountId="001000000000001AAA"),
        opportunity("3", 7, "Closed Lost", "2026-02-01", AccountId="001000000000002AAA"),
    )
    fill(
        warehouse,
        "OpportunityContactRole",
        {"Id": "R", "OpportunityId": "1", "ContactId": "C1", "Role": "Decision Maker"},
    )
    fill(warehouse, "Task", {"Id": "T", "WhoId": "C1", "IsClosed": True, "CompletedDateTime": at("2026-03-04")})
    fill(warehouse, "Lead", {"Id": "L", "Name": "New", "Email": "n@acme.com", "Status": "Open", "OwnerId": "U",
                             "CreatedDate": at("2026-03-01"), **stamp})  # fmt: skip
    with warehouse.write() as con:
        columns = ["rule", "kind", "sobject", "id", "severity", "message", "resolved_at", "waived"]
        warehouse.load(con, "sfsync.findings", columns, [
            ["OWN-001", "", "Account", "001000000000001AAA", "error", "inactive owner", None, None],
            ["OWN-002", "", "Account", "001000000000001AAA", "error", "gone", at("2026-03-01"), False],
            ["OPP-001", "", "Opportunity", "999", "error", "not ours", None, False],
            ["ACCT-002", "", "Account", "001000000000001AAA", "warning", "lived with", None, True],
        ])  # fmt: skip
    for sobject in ("Lead", "Account"):
        refresh(warehouse, sobject)


def test_an_account_with_everything_around_it(warehouse: Warehouse) -> None:
    acme(warehouse)
    with source(warehouse) as opened:
        account, contacts, is_open, closed, leads, findings = account_view(opened, "acme")
    row = account.rows[0]
    assert (row["name"], row["owner"], row["owner_active"], row["contacts"], row["leads"]) == (
        "Acme",
        "Ann",
        False,
        1,
        1,
    )
    assert (row["open_n"], row["open_amount"], row["open_weighted"]) == (1, Decimal(100), Decimal(75))
    assert (row["won_n"], row["won_amount"], row["lost_n"]) == (1, Decimal(40), 0)
    jo = contacts.rows[0]
    assert (jo["name"], jo["last_touch"], jo["open_roles"]) == ("Jo", date(2026, 3, 4), ["Decision Maker on Deal 1"])
    assert [r["id"] for r in is_open.rows] == ["1"]
    assert [(r["id"], r["outcome"]) for r in closed.rows] == [("2", "won")]
    assert [(r["id"], r["by"]) for r in leads.rows] == [("L", "domain")]
    assert [r["rule"] for r in findings.rows] == ["OWN-001"]
    assert findings.notes == ("1 waived finding left out",)
    assert [str(r["probability"]) for r in is_open.rows] == ["75"]


def test_an_account_with_its_children(warehouse: Warehouse) -> None:
    acme(warehouse)
    with source(warehouse) as opened:
        account, contacts, _, closed, _, _ = account_view(opened, "001000000000001", children=True)
        other = account_view(opened, "Other", children=True)
    assert [r["name"] for r in account.rows] == ["Acme", "Acme UK"]
    assert [r["name"] for r in contacts.rows] == ["Al", "Jo"]
    assert {r["outcome"] for r in closed.rows} == {"won", "lost"}
    assert len(other[0].rows) == 1


def test_an_account_that_is_not_clear_is_asked_for(warehouse: Warehouse) -> None:
    acme(warehouse)
    with source(warehouse) as opened:
        with pytest.raises(InputError, match=r"2 accounts are called .*Acme \(001000000000001AAA\), Acme UK"):
            account_view(opened, "cme")
        with pytest.raises(InputError, match='no account "Acmee"'):
            account_view(opened, "Acmee")
        assert account_view(opened, "acme u")[0].rows[0]["name"] == "Acme UK"
