from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from sfsync.errors import InputError
from sfsync.insight.winrate import velocity, win_rate
from sfsync.warehouse import Warehouse
from tests.insight.world import TODAY, at, d1, fill, opportunity, source, stages


def test_win_rate_cycle_and_velocity(warehouse: Warehouse) -> None:
    d1(warehouse)
    with source(warehouse) as opened:
        found = win_rate(opened, opened.fiscal.parse("Q1 FY2027", TODAY))
    row = found.row(line="all")
    assert (row["won"], row["lost"]) == (1, 1)
    assert [str(row[k]) for k in ("win_rate_percent", "win_rate_value_percent")] == ["50.0", "66.7"]
    facts = found.facts
    assert [str(facts[f"trailing_{k}"]) for k in ("win_rate_percent", "win_rate_value_percent")] == ["66.7", "85.7"]
    assert (facts["trailing_cycle_median_days"], facts["trailing_cycle_mean_days"]) == (89, 89)
    assert (facts["trailing_cycles"], facts["open_deals"]) == (2, 7)
    assert facts["velocity_per_day"] == Decimal("2359.55")
    assert row["cycle_mean_days"] == 88
    with source(warehouse) as opened:
        before = win_rate(opened, opened.fiscal.parse("Q4 FY2026", TODAY)).row(line="all")
    assert (before["won"], before["lost"], before["cycle_mean_days"]) == (1, 0, 90)


def test_velocity_of_round_numbers() -> None:
    assert velocity(40, Decimal(25000), Decimal("0.25"), Decimal(90)) == Decimal("2777.78")
    assert velocity(40, Decimal(25000), Decimal(0), Decimal(90)) is None
    assert velocity(40, Decimal(25000), Decimal("0.25"), Decimal(0)) is None


def test_backdated_wins_are_counted_but_have_no_cycle(warehouse: Warehouse) -> None:
    stages(warehouse)
    fill(warehouse, "Opportunity", opportunity("1", 10, "Closed Won", "2025-12-31", CreatedDate=at("2026-01-02")))
    with source(warehouse) as opened:
        found = win_rate(opened, opened.fiscal.parse("2025-12", TODAY))
    row = found.row(line="all")
    assert (row["won"], row["cycles"], row["negative_cycles"], row["cycle_mean_days"]) == (1, 0, 1, None)
    assert found.facts["velocity_per_day"] is None


def test_win_rate_by_source_without_duplicates_closed_as_lost(warehouse: Warehouse) -> None:
    stages(warehouse)
    fill(
        warehouse,
        "Opportunity",
        opportunity("1", 10, "Closed Won", "2026-03-01", LeadSource="Web"),
        opportunity("2", 10, "Closed Lost", "2026-03-01", LeadSource="Web", LossReason__c="Duplicate"),
        opportunity("3", 10, "Closed Lost", "2026-03-01", LossReason__c="Price"),
        opportunity("4", 10, "Closed Lost", "2026-03-01"),
    )
    with source(warehouse) as opened:
        march = opened.fiscal.parse("2026-03", TODAY)
        plain = win_rate(opened, march, by="source")
        honest = win_rate(opened, march, by="source", loss_reason_field="LossReason__c", excluded_reasons=["Duplicate"])
        with pytest.raises(InputError, match="--loss-reason-field"):
            win_rate(opened, march, excluded_reasons=["Duplicate"])
        with pytest.raises(InputError, match='Nearest: "source"'):
            win_rate(opened, march, by="sauce")
    assert str(plain.row(line="Web")["win_rate_percent"]) == "50.0"
    assert str(honest.row(line="Web")["win_rate_percent"]) == "100.0"
    assert (honest.row(line="(none)")["lost"], honest.row(line="all")["lost"]) == (2, 2)


def test_a_cycle_can_begin_with_the_lead_or_a_stage(warehouse: Warehouse) -> None:
    stages(warehouse)
    fill(warehouse, "Opportunity", opportunity("1", 10, "Closed Won", "2026-03-10", CreatedDate=at("2026-02-10")))
    fill(warehouse, "Lead", {"Id": "L", "ConvertedOpportunityId": "1", "CreatedDate": at("2026-01-09")})
    fill(
        warehouse,
        "OpportunityHistory",
        *({"Id": f"H{i}", "OpportunityId": "1", "StageName": "Proposal", "CreatedDate": at(d),
           "CloseDate": date(2026, 3, 10)} for i, d in enumerate(("2026-02-20", "2026-03-01"))),
    )  # fmt: skip
    with source(warehouse) as opened:
        march = opened.fiscal.parse("2026-03", TODAY)
        assert win_rate(opened, march, cycle_from="lead").row(line="all")["cycle_mean_days"] == 60
        assert win_rate(opened, march, cycle_from="Proposal").row(line="all")["cycle_mean_days"] == 18
        assert win_rate(opened, march).row(line="all")["cycle_mean_days"] == 28
