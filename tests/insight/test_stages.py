from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from sfsync.insight.fiscal import Period
from sfsync.insight.stages import stage_conversion, time_in_stage
from sfsync.warehouse import Warehouse
from tests.insight.world import TODAY, at, fill, opportunity, source, stages

YEAR = Period(date(2026, 1, 1), date(2026, 12, 31), "FY2026", "year")


def history(warehouse: Warehouse, id: str, *rows: tuple[str, str]) -> None:
    fill(
        warehouse,
        "OpportunityHistory",
        *({"Id": f"{id}H{i}", "OpportunityId": id, "StageName": stage, "CreatedDate": at(day), "Amount": Decimal(i)}
          for i, (day, stage) in enumerate(rows)),
    )  # fmt: skip


def test_returns_to_a_stage_add_up_and_other_changes_do_not_split_it(warehouse: Warehouse) -> None:
    stages(warehouse)
    fill(warehouse, "Opportunity", opportunity("1", 5, "Closed Won", "2026-03-02", CreatedDate=at("2026-01-05")))
    history(
        warehouse,
        "1",
        ("2026-01-05", "Prospecting"),
        ("2026-01-15", "Needs Analysis"),
        ("2026-01-20", "Needs Analysis"),
        ("2026-02-04", "Proposal"),
        ("2026-02-10", "Needs Analysis"),
        ("2026-02-20", "Proposal"),
        ("2026-03-02", "Closed Won"),
    )
    with source(warehouse) as opened:
        found = time_in_stage(opened, opportunity="1")
        every = time_in_stage(opened)
    assert {r["stage"]: r["days"] for r in found.rows} == {
        "Prospecting": 10, "Needs Analysis": 30, "Proposal": 16, "total": 56,
    }  # fmt: skip
    assert found.row(stage="Needs Analysis")["stays"] == 2
    assert every.row(stage="Proposal")["median_days"] == 16
    assert every.row(stage="Proposal")["benchmark_days"] is None


def test_the_stay_that_is_still_on_ends_today(warehouse: Warehouse) -> None:
    stages(warehouse)
    fill(warehouse, "Opportunity", opportunity("1", 5, "Proposal", "2026-04-02"))
    history(warehouse, "1", ("2026-03-01", "Prospecting"), ("2026-03-05", "Proposal"))
    with source(warehouse) as opened:
        row = time_in_stage(opened, opportunity="1").row(stage="Proposal")
    assert (row["days"], row["still_on"]) == (10, True)
    with source(warehouse, as_of=date(2026, 3, 4)) as opened:
        assert time_in_stage(opened, opportunity="1").row(stage="Prospecting")["days"] == 3


def test_days_are_days_in_the_orgs_time_zone(warehouse: Warehouse) -> None:
    stages(warehouse)
    fill(warehouse, "Opportunity", opportunity("1", 5, "Proposal", "2026-04-02"))
    fill(warehouse, "OpportunityHistory",
         {"Id": "1", "OpportunityId": "1", "StageName": "Proposal",
          "CreatedDate": datetime(2026, 3, 2, 2, tzinfo=UTC)})  # fmt: skip
    with source(warehouse, time_zone="America/New_York") as opened:
        assert time_in_stage(opened, opportunity="1").row(stage="Proposal")["days"] == 14


def test_benchmark_is_the_median_of_twenty_recent_wins(warehouse: Warehouse) -> None:
    stages(warehouse)
    for i in range(20):
        won = opportunity(f"W{i}", 5, "Closed Won", "2026-03-02")
        fill(warehouse, "Opportunity", won)
        history(warehouse, f"W{i}", ("2026-02-01", "Proposal"), (f"2026-02-{i + 2:02}", "Closed Won"))
    with source(warehouse) as opened:
        assert time_in_stage(opened).row(stage="Proposal")["benchmark_days"] == Decimal("10.5")


def test_stage_conversion_counts_what_ever_reached_a_stage(warehouse: Warehouse) -> None:
    """10 reach the first stage, 6 the second, 3 the third, 2 are won: 60, 50 and 66.7 percent, 20 overall."""
    fill(
        warehouse,
        "OpportunityStage",
        *({"Id": str(i), "ApiName": name, "MasterLabel": name, "IsActive": True, "SortOrder": i, "IsClosed": closed,
           "IsWon": won, "DefaultProbability": 10}
          for i, (name, closed, won) in enumerate([("One", False, False), ("Two", False, False),
                                                   ("Three", False, False), ("Won", True, True),
                                                   ("Lost", True, False)])),
    )  # fmt: skip
    paths = [["One"]] * 3 + [["One", "Lost"]] + [["Two"]] * 2 + [["Two", "One"]] + [["Three", "Lost"]]
    paths += [["Won"], ["One", "Won"]]
    for i, path in enumerate(paths):
        last = path[-1]
        fill(
            warehouse,
            "Opportunity",
            {"Id": str(i), "StageName": last, "IsClosed": last in ("Won", "Lost"), "IsWon": last == "Won",
             "CreatedDate": at("2026-02-01"), "CloseDate": date(2026, 3, 1)},
            {"Id": f"old{i}", "StageName": last, "IsClosed": False, "IsWon": False, "CreatedDate": at("2025-02-01")},
        )  # fmt: skip
        history(warehouse, str(i), *((f"2026-02-0{k + 1}", stage) for k, stage in enumerate(path)))
    with source(warehouse) as opened:
        found = stage_conversion(opened, YEAR)
        closed = stage_conversion(opened, YEAR, cohort="closed")
    assert [(r["stage"], r["reached"]) for r in found.rows] == [("One", 10), ("Two", 6), ("Three", 3), ("won", 2)]
    assert [str(r["to_next_percent"]) for r in found.rows[:3]] == ["60.0", "50.0", "66.7"]
    assert str(found.facts["overall_percent"]) == "20.0"
    assert "still open: 6" in found.notes
    assert closed.rows[0]["reached"] == 4


def test_without_history_the_present_stage_is_all_that_is_known(warehouse: Warehouse) -> None:
    stages(warehouse)
    fill(
        warehouse,
        "Opportunity",
        opportunity("1", 5, "Closed Lost", "2026-03-02"),
        opportunity("2", 5, "Qualification", "2026-05-02"),
    )
    with source(warehouse, as_of=TODAY) as opened:
        found = stage_conversion(opened, YEAR)
    assert [r["reached"] for r in found.rows[:3]] == [1, 1, 0]
    assert "without OpportunityHistory only the present stage is known" in found.notes
