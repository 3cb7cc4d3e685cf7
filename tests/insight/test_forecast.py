from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from sfsync.errors import ConfigError
from sfsync.insight.forecast import by_category, by_stage, stage_options
from sfsync.insight.rollup import Hierarchy, Person, roll_up
from sfsync.warehouse import Warehouse
from tests.insight.world import TODAY, d1, d1_users, fill, opportunity, source, stages

Q1 = "Q1 FY2027"


def cells(row: Any, *names: str) -> list[int]:
    return [int(row[name]) for name in names]


def test_forecast_by_category_single_and_cumulative(warehouse: Warehouse) -> None:
    d1(warehouse)
    with source(warehouse) as opened:
        period = opened.fiscal.parse(Q1, TODAY)
        found = by_category(opened, period)
    assert (period.start, period.end) == (date(2026, 2, 1), date(2026, 4, 30))
    single = found.row(period=Q1, basis="single")
    assert cells(single, "Closed", "Commit", "BestCase", "Pipeline") == [30000, 40000, 50000, 38000]
    cumulative = found.row(period=Q1, basis="cumulative")
    assert cells(cumulative, "Closed", "Commit", "BestCase", "OpenPipeline") == [30000, 70000, 120000, 128000]
    assert cumulative["Pipeline"] is None
    assert (single["past_due"], single["n_past_due"]) == (Decimal(8000), 1)
    assert single["n_no_amount"] == 1


def test_forecast_by_month_adds_up_to_the_quarter(warehouse: Warehouse) -> None:
    d1(warehouse)
    with source(warehouse) as opened:
        found = by_category(opened, opened.fiscal.parse(Q1, TODAY), split="month")
        may = by_category(opened, opened.fiscal.parse("2026-05", TODAY))
    names = ("Closed", "Commit", "BestCase", "Pipeline")
    assert cells(found.row(period="2026-02", basis="single"), *names) == [30000, 0, 0, 8000]
    assert cells(found.row(period="2026-03", basis="single"), *names) == [0, 40000, 0, 20000]
    assert cells(found.row(period="2026-04", basis="single"), *names) == [0, 0, 50000, 10000]
    assert cells(may.row(basis="single"), *names) == [0, 0, 25000, 0]
    for name in names:
        months = sum(r[name] for r in found.rows if r["basis"] == "single" and r["period"] != Q1)
        assert months == found.row(period=Q1, basis="single")[name]


def test_quarters_add_up_to_the_year(warehouse: Warehouse) -> None:
    d1(warehouse)
    with source(warehouse) as opened:
        found = by_category(opened, opened.fiscal.parse("FY2027", TODAY), split="quarter")
        before = by_category(opened, opened.fiscal.parse("Q4 FY2026", TODAY))
    names = ("Closed", "Commit", "BestCase", "Pipeline", "OpenPipeline")
    for basis in ("single", "cumulative"):
        rows = {r["period"]: r for r in found.rows if r["basis"] == basis}
        assert list(rows) == ["Q1 FY2027", "Q2 FY2027", "Q3 FY2027", "Q4 FY2027", "FY2027"]
        year = rows.pop("FY2027")
        for name in names:
            if year[name] is not None:
                assert sum(r[name] for r in rows.values()) == year[name]
    assert cells(found.row(period="FY2027", basis="single"), *names[:4]) == [30000, 40000, 75000, 38000]
    assert cells(before.row(basis="single"), *names[:4]) == [60000, 0, 0, 0]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (["Proposal=full", "Negotiation"], 120000),
        (["Proposal=0.5", "Negotiation=0.9"], 91000),
        (["Proposal=probability", "Negotiation=probability"], 103500),
    ],
)
def test_forecast_by_stage_inclusion(warehouse: Warehouse, chosen: list[str], expected: int) -> None:
    d1(warehouse)
    with source(warehouse) as opened:
        found = by_stage(opened, opened.fiscal.parse(Q1, TODAY), stage_options(chosen))
    assert found.row(line="total")["forecast"] == Decimal(expected)
    assert found.row(line="won")["forecast"] == Decimal(30000)


def test_past_due_deals_of_earlier_periods_are_carried_only_on_request(warehouse: Warehouse) -> None:
    d1(warehouse)
    with source(warehouse) as opened:
        march = opened.fiscal.parse("2026-03", TODAY)
        plain = by_stage(opened, march, {"Needs Analysis": "full"})
        carried = by_stage(opened, march, {"Needs Analysis": "full"}, carry_past_due=True)
        assert by_category(opened, march, carry_past_due=True).row(basis="single")["Pipeline"] == Decimal(28000)
    assert plain.row(line="total")["forecast"] == Decimal(20000)
    assert carried.row(line="total")["forecast"] == Decimal(28000)
    assert carried.row(line="total")["past_due"] == Decimal(8000)


def test_an_unknown_stage_is_an_error_and_a_closed_one_ignored(warehouse: Warehouse) -> None:
    d1(warehouse)
    with source(warehouse) as opened:
        period = opened.fiscal.parse(Q1, TODAY)
        with pytest.raises(ConfigError, match=r'no stage "Proposa1". Nearest: "Proposal"'):
            by_stage(opened, period, {"Proposa1": "full"})
        with pytest.raises(ConfigError, match="must be full, probability or a number"):
            by_stage(opened, period, {"Proposal": "1.5"})
        found = by_stage(opened, period, {"Proposal": "full", "Closed Lost": "full"})
    assert found.row(line="total")["forecast"] == Decimal(80000)
    assert '"Closed Lost" is a closed stage: ignored' in found.notes


def test_a_lost_deal_counts_nowhere_whatever_its_category(warehouse: Warehouse) -> None:
    stages(warehouse)
    fill(
        warehouse,
        "Opportunity",
        opportunity("1", 10, "Closed Lost", "2026-03-01", ForecastCategory="Closed"),
        opportunity("2", 20, "Closed Lost", "2026-03-01", ForecastCategory="Pipeline"),
        opportunity("3", 40, "Proposal", "2026-03-20", ForecastCategory="Closed"),
        opportunity("4", 80, "Proposal", "2026-03-20", ForecastCategory=None),
        opportunity("5", 160, "Proposal", "2026-03-20", IsDeleted=True, _deleted_reason="deleted"),
    )
    with source(warehouse) as opened:
        found = by_category(opened, opened.fiscal.parse("2026-03", TODAY))
    single = found.row(basis="single")
    assert cells(single, "Closed", "Commit", "BestCase", "Pipeline") == [0, 0, 0, 80]
    assert "1 open opportunity with category Closed left out" in found.notes


def test_roll_up_goes_through_inactive_managers(warehouse: Warehouse) -> None:
    d1(warehouse)
    d1_users(warehouse)
    with source(warehouse) as opened:
        found = roll_up(opened, opened.fiscal.parse(Q1, TODAY))
    names = ("Closed", "Commit", "BestCase", "Pipeline")
    assert cells(found.row(person="M"), *names) == [0, 40000, 50000, 30000]
    assert cells(found.row(person="N"), *names) == [30000, 0, 0, 0]
    assert cells(found.row(person="V"), *names) == [30000, 40000, 50000, 38000]
    assert cells(found.row(person="total"), *names) == [30000, 40000, 50000, 38000]
    assert found.row(person="V")["level"] == 0
    assert found.row(person="E")["level"] == 1
    assert not [r for r in found.rows if r["person"] == "X"]


def test_owners_without_a_chain_stand_apart_and_loops_are_cut(warehouse: Warehouse) -> None:
    stages(warehouse)
    fill(
        warehouse,
        "User",
        {"Id": "1", "Name": "One", "ManagerId": "2", "IsActive": True},
        {"Id": "2", "Name": "Two", "ManagerId": "1", "IsActive": True},
        {"Id": "3", "Name": "Alone", "IsActive": True},
    )
    fill(
        warehouse,
        "Opportunity",
        *(opportunity(f"O{i}", 10**i, "Proposal", "2026-03-20", OwnerId=o) for i, o in enumerate("1239")),
    )
    with source(warehouse) as opened:
        found = roll_up(opened, opened.fiscal.parse("2026-03", TODAY))
    assert cells(found.row(person="One"), "BestCase", "own", "level") == [11, 1, 0]
    assert cells(found.row(person="Two"), "BestCase", "own", "level") == [10, 10, 1]
    assert found.row(person="(no roll-up)")["BestCase"] == Decimal(1100)
    assert found.row(person="total")["BestCase"] == Decimal(1111)
    assert "managers in a loop, cut there (FCST-010): One" in found.notes


def test_a_manager_of_oneself_is_a_loop_too() -> None:
    tree = Hierarchy.of([Person("1", "One", True, "1"), Person("2", "Two", True, "1")])
    assert (tree.parents, tree.loops) == ({"1": None, "2": "1"}, ("1",))
