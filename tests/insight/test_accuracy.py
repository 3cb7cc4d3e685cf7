from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from sfsync.insight.accuracy import Errors, accuracy, judged, refinement
from sfsync.warehouse import Warehouse
from tests.insight.world import fill, opportunity, snapshot, source, stages

APRIL = date(2026, 4, 20)
LATER = datetime(2026, 4, 20, 12, tzinfo=UTC)


def test_errors_of_four_periods() -> None:
    pairs = [(Decimal(f), Decimal(a)) for f, a in ((100, 80), (120, 130), (90, 90), (0, 10))]
    rows = [judged(f, a) for f, a in pairs]
    assert [r["error"] for r in rows] == [20, -10, 0, -10]
    assert [str(r["ape_percent"]) for r in rows] == ["25.0", "7.7", "0.0", "100.0"]
    assert [str(r["accuracy_percent"]) for r in rows] == ["75.0", "92.3", "100.0", "0.0"]
    every = Errors.of(pairs)
    assert (every.forecast, every.actual) == (310, 310)
    assert [str(v) for v in (every.mape_percent, every.wape_percent, every.bias_percent)] == ["33.2", "12.9", "0.0"]


def test_nothing_is_divided_by_an_actual_of_nought() -> None:
    row = judged(Decimal(5), Decimal(0))
    assert (row["ape_percent"], row["accuracy_percent"]) == (None, None)
    assert Errors.of([]).wape_percent is None


def march(warehouse: Warehouse) -> None:
    """Called on the 8th: 100 in Commit; 60 of it is won, and 20 that nobody called."""
    stages(warehouse)
    fill(
        warehouse,
        "Opportunity",
        opportunity("1", 60, "Closed Won", "2026-03-20", OwnerId="A"),
        opportunity("2", 40, "Negotiation", "2026-05-20", OwnerId="B"),
        opportunity("3", 20, "Closed Won", "2026-03-30", OwnerId="B"),
    )
    snapshot(
        warehouse,
        "2026-03-06",
        opportunity("1", 60, "Negotiation", "2026-03-20", OwnerId="A"),
        opportunity("2", 40, "Negotiation", "2026-03-20", OwnerId="B"),
        opportunity("3", 20, "Proposal", "2026-03-30", OwnerId="B"),
    )
    snapshot(
        warehouse,
        "2026-04-05",
        opportunity("1", 60, "Closed Won", "2026-03-20", OwnerId="A"),
        opportunity("2", 40, "Negotiation", "2026-05-20", OwnerId="B"),
        opportunity("3", 15, "Closed Won", "2026-03-30", OwnerId="B"),
    )


def test_accuracy_of_the_call_against_what_was_won(warehouse: Warehouse) -> None:
    march(warehouse)
    with source(warehouse, APRIL, LATER) as opened:
        found = accuracy(opened, [opened.fiscal.parse("2026-03", APRIL)])
        late = accuracy(opened, [opened.fiscal.parse("2026-03", APRIL)], measure_name="BestCase")
    row = found.row(period="2026-03")
    assert (row["forecast"], row["actual"], row["error"]) == (Decimal(100), Decimal(75), Decimal(25))
    assert (str(row["accuracy_percent"]), row["call_day"], row["origin"]) == ("66.7", date(2026, 3, 8), "snapshot")
    assert row["restated"] == Decimal(5)
    assert [str(row[k]) for k in ("commit_won_percent", "commit_won_value_percent")] == ["50.0", "60.0"]
    assert "history is first-hand from 2026-03-06" in found.notes
    assert late.row(period="2026-03")["forecast"] == Decimal(120)


def test_accuracy_by_owner_shows_what_the_total_hides(warehouse: Warehouse) -> None:
    march(warehouse)
    with source(warehouse, APRIL, LATER) as opened:
        found = accuracy(opened, [opened.fiscal.parse("2026-03", APRIL)], by_owner=True)
    assert found.row(owner="A")["error"] == Decimal(0)
    assert found.row(owner="B")["error"] == Decimal(25)
    assert str(found.row(period="all")["wape_percent"]) == "33.3"


def test_a_period_nobody_can_judge_says_why(warehouse: Warehouse) -> None:
    march(warehouse)
    with source(warehouse, APRIL, LATER) as opened:
        fiscal = opened.fiscal
        found = accuracy(opened, [fiscal.parse("2026-01", APRIL), fiscal.parse("2026-04", APRIL)])
    assert "nothing tells" in found.row(period="2026-01")["reason"]
    assert "not evaluated before 2026-05-05" in found.row(period="2026-04")["reason"]
    assert found.row(period="all")["wape_percent"] is None


def test_the_refinement_curve_ends_on_the_last_day(warehouse: Warehouse) -> None:
    march(warehouse)
    with source(warehouse, APRIL, LATER) as opened:
        found = refinement(opened, opened.fiscal.parse("2026-03", APRIL))
    assert [r["lock_day"] for r in found.rows] == [0, 7, 14, 21, 28, 30]
    assert [r["forecast"] for r in found.rows] == [None, Decimal(100), None, None, None, None]
    assert str(found.rows[1]["accuracy_percent"]) == "66.7"
