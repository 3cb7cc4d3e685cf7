from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from sfsync.errors import InputError
from sfsync.insight.deals import Deals
from sfsync.insight.pipeline import open_deals, pipeline
from sfsync.insight.waterfall import waterfall
from sfsync.warehouse import Warehouse
from tests.insight.world import TODAY, at, d1, fill, opportunity, snapshot, source, stages


def test_pipeline_by_stage_adds_up_to_the_worked_numbers(warehouse: Warehouse) -> None:
    d1(warehouse)
    with source(warehouse) as opened:
        found = pipeline(opened)
    by_stage = {
        r["stage"]: (r["n"], r["amount"], r["n_no_amount"], r["weighted"])
        for r in found.rows
        if r["line"] in ("stage", "omitted")
    }
    assert by_stage == {
        "Prospecting": (1, Decimal(10000), 0, Decimal(1000)),
        "Qualification": (1, Decimal(0), 1, Decimal(0)),
        "Needs Analysis": (2, Decimal(28000), 0, Decimal(5600)),
        "Proposal": (1, Decimal(50000), 0, Decimal(37500)),
        "Negotiation": (2, Decimal(65000), 0, Decimal(51000)),
        "On Hold": (1, Decimal(12000), 0, Decimal(1200)),
    }
    assert list(by_stage) == ["Prospecting", "Qualification", "Needs Analysis", "Proposal", "Negotiation", "On Hold"]
    total, without = found.row(line="total"), found.row(line="total without omitted")
    assert (total["n"], total["amount"], total["n_no_amount"]) == (8, Decimal(165000), 1)
    assert (total["weighted"], total["weighted_by_stage"]) == (Decimal(96300), Decimal(103800))
    assert (without["n"], without["amount"], without["n_no_amount"]) == (7, Decimal(153000), 1)
    assert (without["weighted"], without["weighted_by_stage"]) == (Decimal(95100), Decimal(102600))
    assert (found.row(line="past due")["n"], found.row(line="past due")["amount"]) == (1, Decimal(8000))
    assert found.row(stage="On Hold")["line"] == "omitted"


def test_pipeline_can_leave_the_omitted_out(warehouse: Warehouse) -> None:
    d1(warehouse)
    with source(warehouse) as opened:
        found = pipeline(opened, exclude_omitted=True)
    assert found.row(line="total")["amount"] == Decimal(153000)
    assert not [r for r in found.rows if r["stage"] == "On Hold"]


def test_pipeline_names_the_dead_layer(warehouse: Warehouse) -> None:
    d1(warehouse)
    fill(warehouse, "Task", {"Id": "T", "WhatId": "O4", "IsClosed": True, "CompletedDateTime": at("2026-03-01")})
    with source(warehouse) as opened:
        found = pipeline(opened)
    # O10 is past due; O4 (105 days old) was touched in March; O3 is 85 days old.
    assert (found.row(line="dead")["n"], found.row(line="dead")["amount"]) == (1, Decimal(8000))
    assert found.row(line="total without omitted and dead")["amount"] == Decimal(145000)
    with source(warehouse, dead_days=80) as opened:
        assert pipeline(opened).row(line="dead")["amount"] == Decimal(58000)


def test_pipeline_converts_currencies_and_counts_what_it_cannot(warehouse: Warehouse) -> None:
    stages(warehouse)
    fill(
        warehouse,
        "CurrencyType",
        {"Id": "1", "IsoCode": "USD", "ConversionRate": Decimal(1), "IsCorporate": True},
        {"Id": "2", "IsoCode": "EUR", "ConversionRate": Decimal("0.9"), "IsCorporate": False},
    )
    fill(
        warehouse,
        "Opportunity",
        opportunity("1", 900, "Proposal", "2026-04-01", CurrencyIsoCode="EUR"),
        opportunity("2", 500, "Proposal", "2026-04-01", CurrencyIsoCode="USD"),
        opportunity("3", 777, "Proposal", "2026-04-01", CurrencyIsoCode="XTS"),
        opportunity("4", 777, "Proposal", "2026-04-01", CurrencyIsoCode=None),
        more={"CurrencyIsoCode": "TEXT"},
    )
    with source(warehouse) as opened:
        found = pipeline(opened)
    total = found.row(line="total")
    assert (total["n"], total["amount"], total["n_no_rate"]) == (2, Decimal(1500), 2)
    assert "2 opportunities in another currency than USD without a conversion rate left out" in found.notes


def test_a_dated_rate_is_the_one_valid_on_the_close_date(warehouse: Warehouse) -> None:
    stages(warehouse)
    fill(warehouse, "CurrencyType", {"Id": "1", "IsoCode": "USD", "ConversionRate": Decimal(1), "IsCorporate": True},
         {"Id": "2", "IsoCode": "EUR", "ConversionRate": Decimal("0.9"), "IsCorporate": False})  # fmt: skip
    fill(
        warehouse,
        "DatedConversionRate",
        {"Id": "1", "IsoCode": "EUR", "StartDate": date(2026, 1, 1), "NextStartDate": date(2026, 4, 1),
         "ConversionRate": Decimal("0.8")},
        {"Id": "2", "IsoCode": "EUR", "StartDate": date(2026, 4, 1), "NextStartDate": date(9999, 12, 31),
         "ConversionRate": Decimal("0.5")},
    )  # fmt: skip
    fill(
        warehouse,
        "Opportunity",
        opportunity("1", 800, "Proposal", "2026-03-31", CurrencyIsoCode="EUR"),
        opportunity("2", 800, "Proposal", "2026-04-01", CurrencyIsoCode="EUR"),
        more={"CurrencyIsoCode": "TEXT"},
    )
    with source(warehouse) as opened:
        assert pipeline(opened).row(line="total")["amount"] == Decimal(2600)


def rate(code: str, given: str, start: date, until: date = date(9999, 12, 31)) -> dict[str, Any]:
    """Units of a currency for one euro, from a day on."""
    return {"Id": f"{code}{start}", "IsoCode": code, "StartDate": start, "NextStartDate": until,
            "ConversionRate": Decimal(given)}  # fmt: skip


def test_both_currencies_have_the_rates_of_the_close_date(warehouse: Warehouse) -> None:
    stages(warehouse)
    static = (("EUR", "1"), ("GBP", "0.85"), ("USD", "1.1"))
    fill(warehouse, "CurrencyType", *({"Id": code, "IsoCode": code, "ConversionRate": Decimal(units),
                                       "IsCorporate": code == "EUR"} for code, units in static))  # fmt: skip
    february, april = date(2026, 2, 1), date(2026, 4, 1)
    fill(warehouse, "DatedConversionRate", rate("GBP", "0.8", february), rate("USD", "1.25", february, april))
    closes = (("1", "GBP", "2026-02-10"), ("2", "GBP", "2026-04-01"), ("3", "EUR", "2026-02-10"),
              ("4", "EUR", "2026-01-31"), ("5", "USD", "2026-02-10"))  # fmt: skip
    fill(
        warehouse,
        "Opportunity",
        *(opportunity(id, 1000, "Closed Won", close, CurrencyIsoCode=code) for id, code, close in closes),
        more={"CurrencyIsoCode": "TEXT"},
    )

    def amounts(**settings: Any) -> dict[str, Decimal]:
        with source(warehouse, **settings) as opened:
            deals = Deals(opened)
            found = deals.sums(deals.at(TODAY), {"id": "d.id"})
        return {row.id: tally.amount for row, tally in found}

    in_euros = {"1": 1250, "2": 1250, "3": 1000, "4": 1000, "5": 800}
    assert amounts() == in_euros  # 1000 GBP / 0.8; 1000 USD / 1.25
    # 1 and 3: 1.25 dollars a euro on that day; 2 and 4: no dated rate of the dollar then, so its static one; 5: itself
    assert amounts(currency="USD") == {"1": Decimal("1562.5"), "2": 1375, "3": 1250, "4": 1100, "5": 1000}


def test_a_waterfall_has_the_rates_of_the_close_date_at_each_of_its_moments(warehouse: Warehouse) -> None:
    stages(warehouse)
    fill(warehouse, "CurrencyType", *({"Id": code, "IsoCode": code, "ConversionRate": Decimal(2),
                                       "IsCorporate": False} for code in ("GBP", "USD")))  # fmt: skip
    february, april = date(2026, 2, 1), date(2026, 4, 1)
    fill(warehouse, "DatedConversionRate", rate("USD", "1.25", february, april), rate("USD", "1.5", april))
    deal = opportunity("1", 1000, "Proposal", "2026-03-31", CurrencyIsoCode="GBP")
    snapshot(warehouse, "2026-03-01", deal)
    fill(warehouse, "Opportunity", {**deal, "CloseDate": april}, more={"CurrencyIsoCode": "TEXT"})
    with source(warehouse, currency="USD") as opened:
        found = waterfall(opened, date(2026, 3, 1), TODAY)
    bars = {r["bar"]: r["amount"] for r in found.rows if r["amount"]}
    assert bars == {"start": 625, "increased": 125, "end": 750}


def test_pipeline_of_one_owner_only(warehouse: Warehouse) -> None:
    d1(warehouse)
    with source(warehouse, owners=("B",)) as opened:
        assert pipeline(opened).row(line="total")["amount"] == Decimal(90000)
        assert [r["id"] for r in open_deals(opened).rows] == ["O3", "O4"]


def test_an_empty_mirror_has_an_empty_pipeline(warehouse: Warehouse) -> None:
    stages(warehouse)
    fill(warehouse, "Opportunity")
    with source(warehouse) as opened:
        assert pipeline(opened).row(line="total")["n"] == 0


def test_deals_without_stage_flags_or_amount_are_counted(warehouse: Warehouse) -> None:
    stages(warehouse)
    odd = opportunity("1", None, "Proposal", "2026-04-01", StageName="Gone", IsClosed=None, IsWon=None,
                      ForecastCategory=None, Probability=None)  # fmt: skip
    fill(warehouse, "Opportunity", odd)
    with source(warehouse) as opened:
        found = pipeline(opened)
    assert (found.row(line="total")["n"], found.row(line="total")["n_no_amount"]) == (1, 1)
    assert 'stage "Gone" is not among the org\'s stages (OPP-002)' in found.notes


def test_no_currency_is_made_up(warehouse: Warehouse) -> None:
    stages(warehouse)
    fill(warehouse, "CurrencyType", {"Id": "1", "IsoCode": "USD", "ConversionRate": Decimal(1), "IsCorporate": True},
         {"Id": "2", "IsoCode": "EUR", "ConversionRate": Decimal("0.9"), "IsCorporate": False})  # fmt: skip
    fill(
        warehouse,
        "Opportunity",
        opportunity("1", 500, "Proposal", "2026-04-01", CurrencyIsoCode="USD"),
        opportunity("2", 70, "Proposal", "2026-04-01", CurrencyIsoCode="XTS"),
        more={"CurrencyIsoCode": "TEXT"},
    )
    with source(warehouse, currency="EUR") as opened:
        assert pipeline(opened).row(line="total")["amount"] == Decimal(450)
    with source(warehouse, currency="XTS") as opened:
        total = pipeline(opened).row(line="total")
    assert (total["amount"], total["n_no_rate"]) == (Decimal(70), 1)
    with (
        source(warehouse, currency="XXX") as opened,
        pytest.raises(InputError, match='cannot be told in "XXX": the org has EUR, USD, XTS'),
    ):
        pipeline(opened)


def test_an_org_of_one_currency_is_told_in_no_other(warehouse: Warehouse) -> None:
    d1(warehouse)
    with source(warehouse, currency="EUR") as opened:
        assert "amounts in EUR" in pipeline(opened).notes
    with warehouse.write() as con:
        con.exec_driver_sql("DROP VIEW live.Organization")
        con.exec_driver_sql("DROP TABLE salesforce.Organization")
    fill(
        warehouse, "Organization", {"Id": "1", "DefaultCurrencyIsoCode": "USD"}, more={"DefaultCurrencyIsoCode": "TEXT"}
    )
    with source(warehouse, currency="USD") as opened:
        assert pipeline(opened).row(line="total")["amount"] == Decimal(165000)
    with source(warehouse, currency="EUR") as opened, pytest.raises(InputError, match="the org has USD only"):
        pipeline(opened)


def test_a_field_without_numbers_is_no_amount(warehouse: Warehouse) -> None:
    d1(warehouse)
    with (
        source(warehouse, amount_field="Name") as opened,
        pytest.raises(InputError, match=r"Opportunity\.Name holds no"),
    ):
        pipeline(opened)
    with source(warehouse, amount_field="Probability") as opened:
        assert pipeline(opened).row(line="total")["amount"] == Decimal(295)


def test_a_stage_there_is_not_is_not_an_empty_list(warehouse: Warehouse) -> None:
    d1(warehouse)
    with source(warehouse) as opened:
        with pytest.raises(InputError, match=r'no stage "Proposa1"\. Nearest: "Proposal"'):
            open_deals(opened, "Proposa1")
        assert open_deals(opened, "Closed Won").rows == []


def test_a_rebuilt_day_says_from_when_history_is_first_hand(warehouse: Warehouse) -> None:
    deals = d1(warehouse)
    snapshot(warehouse, "2026-03-10", *deals)
    history = {"Id": "H", "OpportunityId": "O1", "StageName": "Prospecting", "CreatedDate": at("2026-02-15")}
    fill(warehouse, "OpportunityHistory", history)
    with source(warehouse, as_of=date(2026, 2, 20)) as opened:
        notes = pipeline(opened).notes
    assert notes[0].startswith("2026-02-20 is rebuilt from OpportunityHistory")
    assert notes[0].endswith("; first-hand from 2026-03-10")
