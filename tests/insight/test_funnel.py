from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from sfsync.errors import InputError
from sfsync.insight.ageing import ageing, status_funnel, time_in_status
from sfsync.insight.funnel import cohort, events
from sfsync.insight.response import first_response
from sfsync.warehouse import Warehouse
from tests.insight.world import NOON, TODAY, at, fill, member, opportunity, source, stages


def lead(id: str, created: str, status: str = "Open", **given: Any) -> dict[str, Any]:
    return {"Id": id, "Status": status, "CreatedDate": at(created), "IsConverted": False, "OwnerId": "A", **given}


def converted(id: str, origin: str, created: str, day: str, opportunity: str | None) -> dict[str, Any]:
    return lead(id, created, "Closed - Converted", LeadSource=origin, IsConverted=True,
                ConvertedDate=date.fromisoformat(day), ConvertedOpportunityId=opportunity)  # fmt: skip


def d3(warehouse: Warehouse) -> None:
    stages(warehouse)
    fill(
        warehouse,
        "Opportunity",
        opportunity("W", 1, "Closed Won", "2026-02-20"),
        opportunity("P", 1, "Proposal", "2026-04-20"),
        opportunity("Q", 1, "Closed Lost", "2026-03-10"),
        opportunity("R", 1, "Proposal", "2026-04-20"),
    )
    fill(
        warehouse,
        "LeadStatus",
        *({"Id": str(i), "ApiName": name, "MasterLabel": name, "SortOrder": i,
           "IsConverted": name == "Closed - Converted"}
          for i, name in enumerate(("Open", "Working", "Closed - Converted", "Closed - Not Converted"))),
    )  # fmt: skip
    fill(
        warehouse,
        "Lead",
        converted("L1", "Web", "2026-01-05", "2026-01-10", "W"),
        converted("L2", "Web", "2026-01-20", "2026-02-02", "P"),
        lead("L3", "2026-01-12", "Closed - Not Converted", LeadSource="Web"),
        lead("L4", "2026-01-25", LeadSource="Web"),
        converted("L5", "Partner", "2026-01-12", "2026-01-15", None),
        converted("L6", "Partner", "2026-01-30", "2026-03-01", "Q"),
        converted("L7", "Web", "2026-02-03", "2026-02-03", "R"),
        lead("L8", "2026-01-08", LeadSource=" "),
        lead("L9", "2026-01-09", LeadSource="Web", IsDeleted=True, _deleted_reason="merged", MasterRecordId="L4"),
    )


def test_funnel_of_the_january_cohort(warehouse: Warehouse) -> None:
    d3(warehouse)
    with source(warehouse) as opened:
        found = cohort(opened, opened.fiscal.parse("2026-01", TODAY))
    counts = ("leads", "converted", "with_opportunity", "won")
    rates = ("lead_to_conversion_percent", "lead_to_opportunity_percent", "lead_to_won_percent")
    shown = {r["line"]: ([r[c] for c in counts], [str(r[c]) for c in rates]) for r in found.rows}
    assert shown == {
        "Web": ([4, 2, 2, 1], ["50.0", "50.0", "25.0"]),
        "Partner": ([2, 2, 1, 0], ["100.0", "50.0", "0.0"]),
        "(none)": ([1, 0, 0, 0], ["0.0", "0.0", "0.0"]),
        "all": ([7, 4, 3, 1], ["57.1", "42.9", "14.3"]),
    }
    assert str(found.facts["conversion_to_opportunity_percent"]) == "75.0"
    assert str(found.facts["opportunity_win_rate_percent"]) == "50.0"
    assert found.facts["days_to_convert_median"] == 9
    assert found.facts["days_to_convert_mean"] == Decimal("12.75")
    assert found.facts["immature"] is False


def in_campaigns(warehouse: Warehouse) -> None:
    """D3: L1 and L2 in two campaigns, L3 and the converted L5 in one, L6 only as the contact it became."""
    d3(warehouse)
    fill(
        warehouse,
        "CampaignMember",
        member("C1", "L1", "2026-01-05"),
        member("C2", "L1", "2026-01-06", "2026-01-07"),
        member("C2", "L2", "2026-01-20", "2026-01-30"),
        member("C1", "L2", "2026-01-21", "2026-01-29"),
        member("C2", "L3", "2026-01-13"),
        member("C1", "L3", "2026-01-12"),
        member("C1", "L5", "2026-01-13", ContactId="K5"),
        member("C2", None, "2026-01-30", ContactId="K6"),
        member("C2", "L8", "2026-01-08", IsDeleted=True, _deleted_reason="purged"),
        member("C2", "L9", "2026-01-09"),
    )


def by_campaign(warehouse: Warehouse, as_of: date = TODAY) -> dict[str, list[int]]:
    with source(warehouse, as_of) as opened:
        found = cohort(opened, opened.fiscal.parse("2026-01", as_of), by="campaign")
    return {r["line"]: [r[c] for c in ("leads", "converted", "with_opportunity", "won")] for r in found.rows}


def test_a_lead_counts_in_the_campaign_it_responded_to_first_else_joined_first(warehouse: Warehouse) -> None:
    in_campaigns(warehouse)
    fill(warehouse, "Campaign", {"Id": "C1", "Name": "Spring fair"}, {"Id": "C2", "Name": "Webinar"})
    # L2 responded to the fair a day before the webinar, L3 joined the fair a day before it.
    assert by_campaign(warehouse) == {
        "Spring fair": [3, 2, 1, 0],
        "(none)": [3, 1, 1, 0],
        "Webinar": [1, 1, 1, 1],
        "all": [7, 4, 3, 1],
    }


def test_a_campaign_counts_by_what_was_known_that_day(warehouse: Warehouse) -> None:
    """On 29 January only L2's response to the fair was in, on the 5th L1 had joined the fair alone."""
    in_campaigns(warehouse)
    assert by_campaign(warehouse, date(2026, 1, 5)) == {"(none)": [6, 0, 0, 0], "C1": [1, 0, 0, 0], "all": [7, 0, 0, 0]}
    assert by_campaign(warehouse, date(2026, 1, 28))["C2"] == [2, 1, 1, 1]  # L1, and L2 that joined it first
    assert by_campaign(warehouse, date(2026, 1, 29))["C2"] == [1, 1, 1, 1]


def test_a_campaign_without_a_name_in_the_mirror_is_shown_by_its_id(warehouse: Warehouse) -> None:
    in_campaigns(warehouse)
    assert set(by_campaign(warehouse)) == {"C1", "C2", "(none)", "all"}
    fill(warehouse, "Campaign", {"Id": "C2", "Name": "Webinar"}, {"Id": "C1", "Name": "X", "_deleted_reason": "purged"})
    assert set(by_campaign(warehouse)) == {"C1", "Webinar", "(none)", "all"}


def test_campaigns_of_one_name_are_told_apart(warehouse: Warehouse) -> None:
    in_campaigns(warehouse)
    fill(warehouse, "Campaign", *({"Id": id, "Name": "Webinar"} for id in ("C1", "C2", "C3")))
    assert set(by_campaign(warehouse)) == {"Webinar (C1)", "Webinar (C2)", "(none)", "all"}


def test_a_response_without_a_date_counts_from_the_day_of_joining(warehouse: Warehouse) -> None:
    d3(warehouse)
    fill(
        warehouse,
        "CampaignMember",
        member("C1", "L4", "2026-01-26", HasResponded=True),
        member("C2", "L4", "2026-01-25", "2026-01-27"),
        member("C3", "L4", "2026-01-25"),
    )
    assert set(by_campaign(warehouse)) == {"C1", "(none)", "all"}


def test_campaigns_that_are_not_kept_are_asked_for(warehouse: Warehouse) -> None:
    d3(warehouse)
    with pytest.raises(InputError, match="Add CampaignMember to `objects:` in the config and run `sfsync pull`"):
        by_campaign(warehouse)


def test_a_young_cohort_is_marked_immature(warehouse: Warehouse) -> None:
    d3(warehouse)
    with source(warehouse) as opened:
        found = cohort(opened, opened.fiscal.parse("2026-02", TODAY), by="month")
    assert found.row(line="2026-02")["leads"] == 1
    assert "immature: nine of ten conversions take up to 30 days" in found.notes


def test_the_event_view_counts_and_does_not_divide(warehouse: Warehouse) -> None:
    d3(warehouse)
    with source(warehouse) as opened:
        found = events(opened, [opened.fiscal.parse("2026-02", TODAY)])
    assert found.rows == [{"period": "2026-02", "created": 1, "converted": 2, "won": 1}]


def test_the_funnel_by_owner_is_by_the_first_owner(warehouse: Warehouse) -> None:
    d3(warehouse)
    first = "005000000000001AAA"
    fill(warehouse, "User", {"Id": first, "Name": "First Owner"}, {"Id": "A", "Name": "Second Owner"})
    fill(
        warehouse,
        "LeadHistory",
        {"Id": "1", "LeadId": "L3", "Field": "Owner", "OldValue": "First Owner", "CreatedDate": at("2026-01-13")},
        {"Id": "2", "LeadId": "L3", "Field": "Owner", "OldValue": first, "CreatedDate": at("2026-01-13")},
        {
            "Id": "3",
            "LeadId": "L3",
            "Field": "Owner",
            "OldValue": "005000000000002AAA",
            "CreatedDate": at("2026-02-13"),
        },
    )
    with source(warehouse) as opened:
        found = cohort(opened, opened.fiscal.parse("2026-01", TODAY), by="owner")
        with pytest.raises(InputError, match='Nearest: "owner"'):
            cohort(opened, opened.fiscal.parse("2026-01", TODAY), by="owners")
    assert {r["line"]: r["leads"] for r in found.rows} == {"Second Owner": 6, "First Owner": 1, "all": 7}


def test_age_of_active_leads(warehouse: Warehouse) -> None:
    d3(warehouse)
    with source(warehouse) as opened:
        found = ageing(opened)
    row = found.row(line="all")
    assert [row[k] for k in ("leads", "0-7", "8-30", "31-90", "over_90", "oldest_days")] == [2, 0, 0, 2, 0, 66]
    assert row["median_days"] == Decimal("57.5")  # L4 is 49 days old, L8 66


def test_time_in_status_adds_up_returns(warehouse: Warehouse) -> None:
    d3(warehouse)
    fill(
        warehouse,
        "Lead",
        lead("X", "2026-02-01", "Closed - Converted", IsConverted=True, ConvertedDate=date(2026, 2, 20)),
    )
    path = [("2026-02-03", "Open", "Working"), ("2026-02-10", "Working", "Open"), ("2026-02-12", "Open", "Working"),
            ("2026-02-20", "Working", "Closed - Converted")]  # fmt: skip
    fill(
        warehouse,
        "LeadHistory",
        {"Id": "old", "LeadId": "L1", "Field": "Status", "OldValue": "Open", "NewValue": "Working",
         "CreatedDate": at("2026-01-06")},
        *({"Id": f"{i}", "LeadId": "X", "Field": "Status", "OldValue": a, "NewValue": b, "CreatedDate": at(day)}
          for i, (day, a, b) in enumerate(path)),
    )  # fmt: skip
    with source(warehouse) as opened:
        found = time_in_status(opened, lead="X")
        every = time_in_status(opened)
    assert {r["status"]: (r["days"], r["stays"]) for r in found.rows} == {"Open": (4, 2), "Working": (15, 2)}
    assert found.row(status="Open")["lower_bound_unknown"] == 0
    assert every.row(status="Open")["lower_bound_unknown"] == 1  # L1, created the day before the first change known
    assert "status changes are those of LeadHistory, from 2026-01-06" in every.notes


def test_time_in_status_without_salesforces_history_uses_what_pulls_saw(warehouse: Warehouse) -> None:
    d3(warehouse)
    with warehouse.write() as con:
        warehouse.load(
            con,
            "sfsync.history",
            ["sobject", "id", "field", "old", "new", "changed_at"],
            [["Lead", "L4", "Status", "Working", "Open", at("2026-03-10")]],
        )
    with source(warehouse) as opened:
        found = time_in_status(opened, lead="L4")
    assert {r["status"]: r["days"] for r in found.rows} == {"Open": 5, "Working": 44}
    assert found.row(status="Working")["lower_bound_unknown"] == 1
    assert any("first-hand from 2026-03-10" in note for note in found.notes)


def test_leads_by_status_in_the_order_of_the_process(warehouse: Warehouse) -> None:
    d3(warehouse)
    fill(warehouse, "Lead", lead("N", "2026-03-01", "Working"))
    with source(warehouse) as opened:
        found = status_funnel(opened, opened.fiscal.parse("2026-01", TODAY))
    assert [(r["line"], r["status"], r["leads"]) for r in found.rows] == [
        ("active", "Open", 2), ("active", "Working", 1), ("terminal", None, 1), ("converted", None, 2),
    ]  # fmt: skip


def task(id: str, who: str, day: datetime, **given: Any) -> dict[str, Any]:
    return {"Id": id, "WhoId": who, "IsClosed": True, "CompletedDateTime": day, "CreatedDate": day, **given}


def test_first_response_counts_the_silence(warehouse: Warehouse) -> None:
    def when(day: int, hour: int, minute: int = 0) -> datetime:
        return datetime(2026, 3, day, hour, minute, tzinfo=UTC)

    fill(
        warehouse,
        "Lead",
        lead("1", "2026-03-02", LeadSource="Web", CreatedDate=when(2, 8)),
        lead("2", "2026-03-02", LeadSource="Web", CreatedDate=when(2, 8)),
        lead("3", "2026-03-02", CreatedDate=when(2, 8)),
        lead("4", "2026-03-15", CreatedDate=when(15, 8)),
        lead("5", "2026-03-02", CreatedDate=when(2, 8), IsConverted=True, ConvertedContactId="C5"),
        lead("6", "2026-03-02", CreatedDate=when(2, 8), IsConverted=True, ConvertedContactId="C6"),
        lead("7", "2026-03-02", CreatedDate=when(2, 8), IsDeleted=True, _deleted_reason="deleted"),
    )
    fill(
        warehouse,
        "Task",
        task("a", "1", when(2, 7)),
        task("b", "1", when(2, 14, 30)),
        task("c", "2", when(4, 8)),
        task("d", "3", when(2, 9), IsClosed=False, CompletedDateTime=None),
        task("e", "C5", when(2, 10)),
        task("f", "3", when(2, 9), IsDeleted=True, _deleted_reason="deleted"),
    )
    with source(warehouse) as opened:
        found = first_response(opened, opened.fiscal.parse("2026-03", TODAY))
    web, every = found.row(line="Web"), found.row(line="all")
    assert (web["median_hours"], web["p90_hours"]) == (Decimal("27.3"), Decimal("48.0"))
    assert (every["leads"], every["responded"], every["within_sla"], every["over_sla"]) == (6, 3, 2, 2)
    assert (every["silent"], every["pending"], every["converted_untouched"]) == (1, 1, 1)
    assert str(every["within_sla_percent"]) == "50.0"
    with source(warehouse, date(2026, 3, 3), NOON) as opened:
        early = first_response(opened, opened.fiscal.parse("2026-03", TODAY)).row(line="Web")
    assert (early["responded"], early["median_hours"], early["silent"]) == (1, Decimal("6.5"), 1)
