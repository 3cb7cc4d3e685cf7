from __future__ import annotations

from datetime import date
from decimal import Decimal

from sfsync.insight.fiscal import Period
from sfsync.insight.slippage import pushes, slip_rate, stale
from sfsync.warehouse import Warehouse
from tests.insight.world import at, fill, opportunity, snapshot, source, stages

FEBRUARY = Period(date(2026, 2, 1), date(2026, 2, 28), "2026-02", "month")


def test_slip_rate_of_five_deals(warehouse: Warehouse) -> None:
    stages(warehouse)
    ids = "12345"
    start = [opportunity(i, 10, "Proposal", "2026-02-20") for i in ids]
    later = opportunity("6", 10, "Proposal", "2026-03-20")
    end = [
        opportunity("1", 10, "Closed Won", "2026-02-10"),
        opportunity("2", 15, "Closed Won", "2026-02-20"),
        opportunity("3", 10, "Closed Lost", "2026-02-20"),
        opportunity("4", 99, "Proposal", "2026-04-20"),
        opportunity("5", 10, "Proposal", "2026-02-20"),
        later,
    ]
    fill(warehouse, "Opportunity", *end)
    snapshot(warehouse, "2026-01-31", *start, later)
    snapshot(warehouse, "2026-02-28", *end)
    with source(warehouse) as opened:
        found = slip_rate(opened, FEBRUARY)
    assert {r["line"]: r["n"] for r in found.rows} == {"won": 2, "lost": 1, "slipped": 2, "removed": 0, "total": 5}
    assert str(found.facts["slip_rate_percent"]) == "40.0"
    assert found.row(line="slipped")["amount"] == Decimal(20)
    assert "history is first-hand from 2026-01-31" in found.notes


def test_pushes_of_open_deals(warehouse: Warehouse) -> None:
    stages(warehouse)
    fill(
        warehouse,
        "Opportunity",
        opportunity("1", 30, "Proposal", "2026-04-10"),
        opportunity("2", 70, "Proposal", "2026-03-20"),
        opportunity("3", 50, "Closed Won", "2026-03-01"),
    )
    dates = {"1": ["2026-03-01", "2026-03-11", "2026-03-05", "2026-04-10"], "2": ["2026-03-20"],
             "3": ["2026-01-01", "2026-03-01"]}  # fmt: skip
    fill(
        warehouse,
        "OpportunityHistory",
        *({"Id": f"{id}{i}", "OpportunityId": id, "StageName": "Proposal", "CloseDate": date.fromisoformat(day),
           "CreatedDate": at(f"2026-01-{i + 1:02}")} for id, days in dates.items() for i, day in enumerate(days)),
    )  # fmt: skip
    with source(warehouse) as opened:
        found = pushes(opened)
    twice = found.row(pushes=2)
    assert (twice["n"], twice["amount"], twice["quarter_pushes"]) == (1, Decimal(30), 1)
    assert (twice["days_per_push"], found.row(pushes=0)["n"]) == (Decimal(23), 1)
    assert str(found.facts["twice_or_more_percent"]) == "30.0"


def test_stale_layers_add_up_to_the_pipeline(warehouse: Warehouse) -> None:
    stages(warehouse)
    created = ("2026-03-01", "2025-12-16", "2025-12-15", "2025-09-16", "2025-09-15", "2025-03-15", "2025-03-14")
    fill(
        warehouse,
        "Opportunity",
        *(opportunity(str(i), 10, "Proposal", "2026-05-01", CreatedDate=at(day)) for i, day in enumerate(created)),
        opportunity(
            "touched", 1, "Proposal", "2026-05-01", CreatedDate=at("2020-01-01"), LastActivityDate=date(2026, 3, 1)
        ),
        opportunity(
            "planned", 2, "Proposal", "2026-05-01", CreatedDate=at("2020-01-01"), LastActivityDate=date(2026, 6, 1)
        ),
        opportunity("omitted", 4, "On Hold", "2026-05-01", CreatedDate=at("2020-01-01")),
    )
    with source(warehouse) as opened:
        found = stale(opened)
    assert {r["line"]: r["n"] for r in found.rows} == {"0-90": 4, "91-180": 1, "181-365": 2, "over 365": 2, "total": 9}
    assert found.row(line="over 365")["amount"] == Decimal(12)
