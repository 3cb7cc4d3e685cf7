from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sfsync.model import Ref
from sfsync.plan.guards import Guards, World, check_field, check_record, volume
from sfsync.plan.mirror import FieldInfo
from sfsync.salesforce.ids import to18

USER, IDLE = to18("005000000000001"), to18("005000000000002")
FIELDS = {
    f.name.casefold(): f
    for f in (
        FieldInfo("Email", "email", length=20),
        FieldInfo("LastName", "string", length=80, nillable=False),
        FieldInfo("IsConverted", "boolean", updateable=False),
        FieldInfo("Old__c", "string", gone=True),
        FieldInfo("Amount", "currency", scale=2),
        FieldInfo("OwnerId", "reference"),
        FieldInfo("Status", "picklist", active=frozenset({"Open", "Working"})),
        FieldInfo("Rating", "picklist", active=frozenset({"Hot"})),
        FieldInfo("Region__c", "picklist", restricted=True, active=frozenset({"North"})),
        FieldInfo("Tags__c", "multipicklist", restricted=True, active=frozenset({"A", "B"})),
    )
}


def world(sobject: str = "Lead", row: dict[str, Any] | None = None, **settings: Any) -> World:
    return World(Ref(sobject, "00Q"), FIELDS, row or {}, **{"users": frozenset({USER[:15]}), **settings})


def code(world: World, name: str, value: Any) -> str | None:
    found = check_field(world, name, value)
    return found[0] if found else None


def test_a_converted_lead_is_never_written() -> None:
    converted = world(row={"IsConverted": True, "ConvertedContactId": "003"})
    found = check_record(converted)
    assert found is not None
    assert found[0] == "GUARD-01"
    assert "Contact 003" in found[1]
    assert check_record(replace(converted, guards=Guards(converted_leads=True))) is None
    assert check_record(world(row={"IsConverted": False})) is None


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("Email", "a@acme.example", None),
        ("email", "a@acme.example", None),
        ("IsConverted", True, "GUARD-02"),
        ("Old__c", "x", "GUARD-02"),
        ("Emial", "x", "GUARD-02"),
        ("Email", "a-rather-long@acme.example", "LENGTH"),
        ("Status", "Open", None),
        ("Status", "Opne", "GUARD-09"),
        ("Rating", "Lukewarm", None),
        ("Region__c", "South", "GUARD-09"),
        ("Tags__c", "A;B", None),
        ("Tags__c", "A;C", "GUARD-09"),
        ("OwnerId", USER, None),
        ("OwnerId", IDLE, "GUARD-06"),
        ("OwnerId", to18("00G000000000001"), None),
    ],
)
def test_a_value_is_checked_against_its_field(name: str, value: Any, expected: str | None) -> None:
    assert code(world(), name, value) == expected


def test_queues_own_leads_only() -> None:
    assert code(world("Account"), "OwnerId", to18("00G000000000001")) == "GUARD-06"


def test_an_owner_nobody_can_check_is_refused() -> None:
    assert code(world(users=None), "OwnerId", USER) == "GUARD-06"


def test_nothing_is_written_to_an_object_never_described() -> None:
    assert code(World(Ref("Lead", "00Q"), {}, {}), "Email", "x") == "GUARD-02"


def test_amount_of_an_opportunity_with_products_is_left_alone() -> None:
    assert code(world("Opportunity", {"HasOpportunityLineItem": True}), "Amount", 5) == "GUARD-03"
    assert code(world("Opportunity", {"HasOpportunityLineItem": False}), "Amount", 5) is None


def test_emptying_a_filled_field_needs_leave() -> None:
    filled = world(row={"Email": "a@acme.example", "LastName": "Doe"})
    assert code(filled, "Email", None) == "GUARD-11"
    assert code(world(row={"Email": None}), "Email", None) is None
    allowed = replace(filled, guards=Guards(allow_blank_out=True))
    assert code(allowed, "Email", None) is None
    assert code(allowed, "LastName", None) == "GUARD-11"


@pytest.mark.parametrize(
    ("changes", "live", "said"),
    [
        (1001, 1_000_000, "1,001 of 1,000,000 Lead records (0%) would change; the limit is 1,000 rows"),
        (6, 100, "6 of 100 Lead records (6%) would change; the limit is 5%"),
        (5, 100, None),
        (1000, None, None),
        (1001, None, "1,001 Lead records would change; the limit is 1,000 rows"),
    ],
)
def test_the_volume_brake_counts_rows_and_shares(changes: int, live: int | None, said: str | None) -> None:
    assert volume("Lead", changes, live, 1000, 5.0) == said
