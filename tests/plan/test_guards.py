"""Each guard refuses with its code and says what to do, and lets its near misses pass."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from sfsync.config import PushConfig
from sfsync.model import Ref
from sfsync.plan.effects import effects
from sfsync.plan.facts import Facts, Owners, Stage
from sfsync.plan.guards import FIELD_GUARDS, RECORD_GUARDS, Guards, World, check_field, check_record, volume
from sfsync.plan.mirror import FieldInfo
from sfsync.salesforce.ids import to18

USER, IDLE, NOBODY = (to18(f"00500000000000{n}") for n in (1, 2, 3))
QUEUE, CASES = to18("00G000000000001"), to18("00G000000000002")
RETAIL, PLAIN = to18("012000000000001"), to18("012000000000002")
STAGES = {
    "Won": Stage(True, True, Decimal(100), "Closed", "Closed"),
    "Proposal": Stage(False, False, Decimal(60), "BestCase", "Best Case"),
    "Quote": Stage(False, False, Decimal(60), "BestCase", "Best Case"),
}
FIELDS = {
    f.name.casefold(): f
    for f in (
        FieldInfo("Email", "email", length=20),
        FieldInfo("LastName", "string", length=80, nillable=False),
        FieldInfo("IsConverted", "boolean", updateable=False),
        FieldInfo("Old__c", "string", gone=True),
        FieldInfo("Amount", "currency", scale=2),
        FieldInfo("Probability", "percent", scale=0),
        FieldInfo("IsClosed", "boolean", updateable=False),
        FieldInfo("IsWon", "boolean", updateable=False),
        FieldInfo("ForecastCategory", "picklist", updateable=False, active=frozenset({"BestCase", "Closed"})),
        FieldInfo("ForecastCategoryName", "picklist", active=frozenset({"Best Case", "Closed"})),
        FieldInfo("OwnerId", "reference"),
        FieldInfo("Status", "picklist", active=frozenset({"Open", "Working", "Qualified"})),
        FieldInfo("StageName", "picklist", active=frozenset({*STAGES, "New"})),
        FieldInfo("Rating", "picklist", active=frozenset({"Hot"})),
        FieldInfo("Region__c", "picklist", restricted=True, active=frozenset({"North", "East"})),
        FieldInfo("Tags__c", "multipicklist", restricted=True, active=frozenset({"A", "B"})),
        FieldInfo("Country", "string", length=80),
        FieldInfo("State", "string", length=80),
        FieldInfo("CountryCode", "picklist", restricted=True, active=frozenset({"DE", "US"})),
        FieldInfo("StateCode", "picklist", restricted=True, active=frozenset({"BY"}), gone=True),
    )
}
FACTS = Facts(
    FIELDS,
    Owners(frozenset({USER[:15]}), frozenset({IDLE[:15]}), frozenset({QUEUE[:15]})),
    STAGES,
    frozenset({"Qualified"}),
    {RETAIL[:15]: {"region__c": frozenset({"North"}), "tags__c": frozenset({"A"}), "status": frozenset({"Open"})}},
)


def world(sobject: str = "Lead", row: dict[str, Any] | None = None, **facts: Any) -> World:
    return World(Ref(sobject, "00Q"), replace(FACTS, **facts), row or {})


def code(world: World, name: str, value: Any) -> str | None:
    found = check_field(world, name, value)
    return found[0] if found else None


def why(world: World, name: str, value: Any) -> str:
    found = check_field(world, name, value)
    assert found is not None
    return found[1]


def test_every_guard_of_a_value_or_record_is_tried_here() -> None:
    assert {code for code, _ in (*RECORD_GUARDS, *FIELD_GUARDS)} == {
        *("GUARD-01", "GUARD-02", "GUARD-03", "GUARD-06", "GUARD-08", "GUARD-09", "GUARD-10", "GUARD-11", "LENGTH"),
    }


def test_01_a_converted_lead_is_not_written_unless_the_user_may() -> None:
    converted = world(row={"IsConverted": True, "ConvertedContactId": "003"})
    found = check_record(converted, {"Email": "x"})
    assert found is not None
    assert found[0] == "GUARD-01"
    assert "correct Contact 003 instead" in found[1]
    assert check_record(replace(converted, guards=Guards(converted_leads=True)), {"Email": "x"}) is None
    assert check_record(world(row={"IsConverted": False}), {"Email": "x"}) is None
    assert check_record(world("Contact", {"IsConverted": True}), {"Email": "x"}) is None


@pytest.mark.parametrize("name", ["IsConverted", "IsClosed", "IsWon", "ForecastCategory", "Old__c", "Emial"])
def test_02_fields_the_user_may_not_write_or_see_are_never_sent(name: str) -> None:
    assert code(world(), name, True) == "GUARD-02"


def test_02_names_are_taken_in_any_spelling_and_nothing_goes_to_what_was_never_described() -> None:
    assert code(world(), "email", "a@acme.example") is None
    assert code(world(fields={}), "Email", "x") == "GUARD-02"
    assert "read-only" in why(world(), "IsConverted", True)
    assert "run `sfsync pull`" in why(world(fields={}), "Email", "x")


def test_03_amount_of_an_opportunity_with_products_is_left_alone() -> None:
    sold = world("Opportunity", {"HasOpportunityLineItem": True})
    assert code(sold, "Amount", 5) == "GUARD-03"
    assert "Change the products" in why(sold, "amount", 5)
    assert code(sold, "Probability", 5) is None
    assert code(world("Opportunity", {"HasOpportunityLineItem": False}), "Amount", 5) is None


@pytest.mark.parametrize(
    ("sobject", "owner", "expected"),
    [
        ("Lead", USER, None),
        ("Lead", IDLE, "GUARD-06"),
        ("Lead", NOBODY, "GUARD-06"),
        ("Lead", QUEUE, None),
        ("Lead", CASES, "GUARD-06"),
        ("Lead", None, None),
        ("Account", USER, None),
    ],
)
def test_06_a_new_owner_is_an_active_user_or_a_queue_that_takes_it(
    sobject: str, owner: str | None, expected: str | None
) -> None:
    assert code(world(sobject), "OwnerId", owner) == expected


def test_06_what_is_not_known_of_owners() -> None:
    assert code(world(owners=None), "OwnerId", USER) == "GUARD-06"
    some = replace(FACTS.owners, queues=None)  # type: ignore[type-var]
    assert code(world(owners=some), "OwnerId", CASES) is None
    assert code(world("Account", owners=some), "OwnerId", QUEUE) == "GUARD-06"


def test_06_a_record_of_somebody_who_left_goes_to_somebody_first() -> None:
    left = world(row={"OwnerId": IDLE})
    found = check_record(left, {"Email": "x"})
    assert found is not None
    assert found[0] == "GUARD-06"
    assert IDLE in found[1]
    assert "give it to somebody first" in found[1]
    assert check_record(left, {"Email": "x", "OwnerId": USER}) is None
    assert check_record(replace(left, guards=Guards(inactive_owners=True)), {"Email": "x"}) is None
    for owner in (USER, QUEUE, NOBODY, None):
        assert check_record(world(row={"OwnerId": owner}), {"Email": "x"}) is None
    assert check_record(world(row={"OwnerId": IDLE}, owners=None), {"Email": "x"}) is None


def test_08_a_status_that_means_converted_is_not_written() -> None:
    assert code(world(), "Status", "Qualified") == "GUARD-08"
    assert "convert the lead" in why(world(), "Status", "Qualified")
    assert code(world(), "Status", "Working") is None
    assert code(world(row={"IsConverted": True}), "Status", "Qualified") is None
    assert code(world(), "Rating", "Qualified") is None


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("Status", "Open", None),
        ("Status", "Opne", "GUARD-09"),
        ("Rating", "Lukewarm", None),
        ("Region__c", "South", "GUARD-09"),
        ("Region__c", "East", None),
        ("Region__c", None, None),
        ("Tags__c", "A;B", None),
        ("Tags__c", "A;C", "GUARD-09"),
    ],
)
def test_09_a_restricted_value_or_a_status_is_active(name: str, value: Any, expected: str | None) -> None:
    assert code(world(), name, value) == expected


def test_09_a_value_is_one_of_the_records_record_type() -> None:
    retail, plain = world(row={"RecordTypeId": RETAIL}), world(row={"RecordTypeId": PLAIN})
    assert code(retail, "Region__c", "East") == "GUARD-09"
    assert RETAIL in why(retail, "Region__c", "East")
    assert code(retail, "Tags__c", "A;B") == "GUARD-09"
    assert code(retail, "Status", "Working") == "GUARD-09"
    assert code(retail, "Region__c", "North") is None
    assert code(retail, "Status", "Open") is None
    assert code(retail, "CountryCode", "DE") is None
    assert code(plain, "Region__c", "East") is None
    assert code(world(row={"RecordTypeId": RETAIL[:15]}), "Region__c", "East") == "GUARD-09"


def test_09_a_stage_is_written_only_when_its_effects_are_known() -> None:
    deal = world("Opportunity")
    assert code(deal, "StageName", "Proposal") is None
    assert code(deal, "StageName", "Lost") == "GUARD-09"
    assert "not known" in why(deal, "StageName", "New")
    assert code(world("Opportunity", stages=None), "StageName", "Proposal") == "GUARD-09"


def test_09_what_a_stage_brings_along_is_shown() -> None:
    row = {
        "StageName": "Proposal", "IsClosed": False, "IsWon": False, "Probability": Decimal("60"),
        "ForecastCategory": "BestCase", "ForecastCategoryName": "Best Case",
    }  # fmt: skip
    deal = world("Opportunity", row)
    assert effects(deal, {"StageName": "Won"}) == {
        "ForecastCategory": "Closed",
        "ForecastCategoryName": "Closed",
        "IsClosed": True,
        "IsWon": True,
        "Probability": 100,
    }
    assert effects(deal, {"StageName": "Quote"}) == {}
    assert effects(deal, {"StageName": "Won", "Probability": 95, "ForecastCategoryName": "Best Case"}) == {
        "IsClosed": True,
        "IsWon": True,
    }
    assert effects(deal, {"ForecastCategoryName": "Closed"}) == {"ForecastCategory": "Closed"}
    assert effects(deal, {"Amount": 5}) == {}
    assert effects(world(row=row), {"StageName": "Won"}) == {}


def test_10_countries_and_states_are_written_by_code_where_codes_are() -> None:
    assert code(world(), "Country", "Germany") == "GUARD-10"
    assert "set CountryCode instead" in why(world(), "country", "Germany")
    assert code(world(), "CountryCode", "DE") is None
    assert code(world(), "CountryCode", "XX") == "GUARD-09"
    assert code(world(), "State", "Bavaria") is None  # the org no longer has StateCode
    assert code(world(), "Country", None) is None
    without = {name: info for name, info in FIELDS.items() if name != "countrycode"}
    assert code(world(fields=without), "Country", "Germany") is None


def test_11_emptying_a_filled_field_needs_leave() -> None:
    filled = world(row={"Email": "a@acme.example", "LastName": "Doe"})
    assert code(filled, "Email", None) == "GUARD-11"
    assert "--allow-blank-out" in why(filled, "Email", None)
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
def test_12_the_volume_brake_counts_rows_and_shares(changes: int, live: int | None, said: str | None) -> None:
    assert volume("Lead", changes, live, 1000, 5.0) == said


def test_a_text_fits_its_field() -> None:
    assert code(world(), "Email", "a-rather-long@acme.example") == "LENGTH"
    assert code(world(), "Email", "short@acme.example") is None


def test_the_config_says_what_is_allowed() -> None:
    given = PushConfig(10, 2.5, allow={"converted_leads": True, "inactive_owners": True})
    assert Guards.of(given) == Guards(10, 2.5, False, True, True)
    assert Guards.of(PushConfig(), allow_blank_out=True) == Guards(allow_blank_out=True)
