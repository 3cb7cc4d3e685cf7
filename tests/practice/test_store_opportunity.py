"""What the stage, the amount and the close date of an opportunity drive."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from sfsync.practice.org import ApiError, PracticeOrg


@pytest.fixture
def org() -> Iterator[PracticeOrg]:
    with PracticeOrg() as made:
        made.clock.freeze(datetime(2026, 3, 10, 12, tzinfo=UTC))
        yield made


def create(org: PracticeOrg, sobject: str = "Opportunity", **values: Any) -> str:
    standard = (
        {"Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-05-31"} if sobject == "Opportunity" else {}
    )
    (saved,) = org.save("insert", sobject, [{**standard, **values}], org.caller())
    assert saved.error is None, saved.error
    return saved.id or ""


def update(org: PracticeOrg, record_id: str, **values: Any) -> ApiError | None:
    return org.save("update", "Opportunity", [{"Id": record_id, **values}], org.caller())[0].error


def row(org: PracticeOrg, record_id: str, sobject: str = "Opportunity") -> dict[str, Any]:
    (found,) = [r for r in org.dump(sobject) if r["Id"] == record_id]
    return found


STAGE_FIELDS = ("IsClosed", "IsWon", "Probability", "ForecastCategory", "ForecastCategoryName")


@pytest.mark.parametrize(
    ("stage", "driven"),
    [
        ("Prospecting", (False, False, 10, "Pipeline", "Pipeline")),
        ("Negotiation/Review", (False, False, 90, "Pipeline", "Pipeline")),
        ("Closed Won", (True, True, 100, "Closed", "Closed")),
        ("Closed Lost", (True, False, 0, "Omitted", "Omitted")),
        ("Not in the list", (False, False, 0, "Pipeline", "Pipeline")),
    ],
)
def test_stage_drives_flags_probability_and_category(org: PracticeOrg, stage: str, driven: tuple[Any, ...]) -> None:
    made = row(org, create(org, StageName=stage))
    assert tuple(made[f] for f in STAGE_FIELDS) == driven
    moved = create(org, StageName="Qualification")
    update(org, moved, StageName=stage)
    assert tuple(row(org, moved)[f] for f in STAGE_FIELDS) == driven


def test_probability_and_category_sent_along_win_over_the_stage(org: PracticeOrg) -> None:
    made = row(org, create(org, Probability=42, ForecastCategoryName="Commit"))
    assert (made["Probability"], made["ForecastCategory"], made["ForecastCategoryName"]) == (42, "Forecast", "Commit")


def test_category_can_be_changed_alone_and_stays_while_the_stage_does(org: PracticeOrg) -> None:
    deal = create(org)
    update(org, deal, ForecastCategoryName="Best Case")
    update(org, deal, StageName="Prospecting", Amount=1)
    assert (row(org, deal)["ForecastCategory"], row(org, deal)["Probability"]) == ("BestCase", 10)


def test_expected_revenue_and_formula_follow_amount_and_probability(org: PracticeOrg) -> None:
    deal = create(org, Amount="1234567890123456.785", Probability=33)
    made = row(org, deal)
    assert made["Amount"] == Decimal("1234567890123456.78")
    assert made["ExpectedRevenue"] == made["Weighted_Amount__c"] == Decimal("407407403740740.74")
    update(org, deal, Amount=None)
    assert row(org, deal)["ExpectedRevenue"] is None


def test_amount_is_ignored_without_a_word_when_there_are_products(org: PracticeOrg) -> None:
    deal = create(org, Amount=10)
    cursor = org.cursor()
    cursor.execute('UPDATE "Opportunity" SET "HasOpportunityLineItem" = true')
    cursor.close()
    assert update(org, deal, Amount=99, NextStep="call") is None
    assert (row(org, deal)["Amount"], row(org, deal)["NextStep"]) == (10, "call")


@pytest.mark.parametrize("field", ["Name", "StageName", "CloseDate"])
def test_required_fields(org: PracticeOrg, field: str) -> None:
    error = update(org, create(org), **{field: None})
    assert error is not None
    assert error.message == f"Required fields are missing: [{field}]"


@pytest.mark.parametrize(("field", "value"), [("Probability", 101), ("Probability", -1), ("Amount", 10**16)])
def test_numbers_out_of_range(org: PracticeOrg, field: str, value: int) -> None:
    error = update(org, create(org), **{field: value})
    assert error is not None
    assert (error.code, error.fields) == ("NUMBER_OUTSIDE_VALID_RANGE", [field])


@pytest.mark.parametrize(
    ("start", "by_start", "close", "fiscal"),
    [
        (1, False, "2026-12-31", (2026, 4)),
        (2, False, "2026-01-31", (2026, 4)),
        (2, False, "2026-02-01", (2027, 1)),
        (2, True, "2026-02-01", (2026, 1)),
        (7, False, "2026-06-30", (2026, 4)),
    ],
)
def test_fiscal_period_of_the_close_date(
    org: PracticeOrg, start: int, by_start: bool, close: str, fiscal: tuple[int, int]
) -> None:
    given = {"FiscalYearStartMonth": start, "UsesStartDateAsFiscalYearName": by_start}
    assert org.save("update", "Organization", [{"Id": org.organization_id, **given}], org.caller())[0].error is None
    made = row(org, create(org, CloseDate=close))
    assert (made["FiscalYear"], made["FiscalQuarter"]) == fiscal
    assert made["Fiscal"] == f"{fiscal[0]} {fiscal[1]}"


def test_history_rows_on_creation_and_on_tracked_changes_only(org: PracticeOrg) -> None:
    deal = create(org, Amount=100)
    update(org, deal, Description="nothing tracked")
    org.clock.advance(60)
    update(org, deal, StageName="Closed Won", CloseDate="2026-06-30", Amount=120)
    first, second = org.dump("OpportunityHistory")
    assert (first["StageName"], first["Amount"], first["PrevAmount"]) == ("Prospecting", 100, None)
    assert (second["StageName"], second["Amount"], second["Probability"]) == ("Closed Won", 120, 100)
    assert (second["PrevAmount"], second["PrevCloseDate"]) == (100, date(2026, 5, 31))
    now = row(org, deal)
    assert now["LastAmountChangedHistoryId"] == now["LastCloseDateChangedHistoryId"] == second["Id"]
    assert now["LastStageChangeDate"] == now["SystemModstamp"] == second["CreatedDate"]
    fields = [(h["Field"], h["OldValue"], h["NewValue"]) for h in org.dump("OpportunityFieldHistory")]
    assert fields == [
        ("Amount", "100.00", "120.00"),
        ("CloseDate", "2026-05-31", "2026-06-30"),
        ("StageName", "Prospecting", "Closed Won"),
    ]


def test_push_count_counts_later_months_only(org: PracticeOrg) -> None:
    deal = create(org, CloseDate="2026-05-01")
    for close in ("2026-05-31", "2026-06-01", "2026-04-01", "2027-01-01"):
        update(org, deal, CloseDate=close)
    assert row(org, deal)["PushCount"] == 2


def test_contact_given_at_creation_becomes_the_primary_role(org: PracticeOrg) -> None:
    first, second = create(org, "Contact", LastName="A"), create(org, "Contact", LastName="B")
    deal = create(org, ContactId=first)
    error = update(org, deal, ContactId=second)
    assert error is not None
    assert error.fields == ["ContactId"]
    create(org, "OpportunityContactRole", OpportunityId=deal, ContactId=second, IsPrimary=True)
    assert [(r["ContactId"], r["IsPrimary"]) for r in org.dump("OpportunityContactRole")] == [
        (first, False),
        (second, True),
    ]
    assert row(org, deal)["ContactId"] == second


def test_contact_role_stays_with_its_opportunity(org: PracticeOrg) -> None:
    deal, other, person = create(org), create(org), create(org, "Contact", LastName="A")
    role = create(org, "OpportunityContactRole", OpportunityId=deal, ContactId=person)
    (saved,) = org.save("update", "OpportunityContactRole", [{"Id": role, "OpportunityId": other}], org.caller())
    assert saved.error is not None
    assert saved.error.code == "INVALID_FIELD_FOR_INSERT_UPDATE"
