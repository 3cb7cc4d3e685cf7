from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfsync.errors import InputError
from sfsync.insight.fiscal import Period
from sfsync.insight.waterfall import BARS, ENTRIES, EXITS, Scope, Was, split, waterfall, waterfall_deals
from sfsync.warehouse import Warehouse
from tests.insight.world import at, fill, opportunity, snapshot, source, stages

T0, T1 = date(2026, 3, 1), date(2026, 3, 15)
Q1 = Period(date(2026, 2, 1), date(2026, 4, 30), "Q1 FY2027", "quarter")
WINDOWED = {
    "start": 412, "new": 85, "reopened": 25, "pulled_in": 90, "moved_in": 0, "increased": 33, "decreased": -10,
    "pushed": -58, "moved_out": -22, "won": -100, "lost": -40, "removed": -15, "end": 400,
}  # fmt: skip
EVERYTHING = {
    "start": 572, "new": 85, "reopened": 25, "pulled_in": 0, "moved_in": 0, "increased": 33, "decreased": -10,
    "pushed": 0, "moved_out": -22, "won": -170, "lost": -40, "removed": -15, "end": 458,
}  # fmt: skip


def d2(warehouse: Warehouse, *, snapshots: bool) -> None:
    """Data set D2: the moment before is a snapshot, or is rebuilt from history rows."""
    stages(warehouse)
    before = {
        "W1": (100, "Proposal", "2026-04-10"),
        "W2": (80, "Proposal", "2026-04-10"),
        "W4": (60, "Proposal", "2026-03-20"),
        "W5": (40, "Proposal", "2026-03-20"),
        "W6": (30, "Proposal", "2026-04-10"),
        "W7": (90, "Proposal", "2026-05-20"),
        "W8": (25, "Closed Lost", "2026-02-20"),
        "W9": (15, "Proposal", "2026-04-10"),
        "W11": (22, "Proposal", "2026-04-10"),
        "W12": (45, "Proposal", "2026-04-10"),
        "W13": (20, "Proposal", "2026-04-10"),
        "W14": (70, "Proposal", "2026-06-10"),
    }
    after = {
        **before,
        "W1": (120, "Proposal", "2026-04-10"),
        "W2": (70, "Proposal", "2026-04-10"),
        "W3": (50, "Proposal", "2026-04-10"),
        "W4": (65, "Closed Won", "2026-03-10"),
        "W5": (40, "Closed Lost", "2026-03-10"),
        "W6": (30, "Proposal", "2026-05-10"),
        "W7": (90, "Proposal", "2026-04-20"),
        "W8": (25, "Negotiation", "2026-04-20"),
        "W10": (35, "Closed Won", "2026-03-10"),
        "W11": (22, "On Hold", "2026-04-10"),
        "W13": (28, "Proposal", "2026-05-10"),
        "W14": (70, "Closed Won", "2026-03-12"),
    }
    gone = {"IsDeleted": True, "_deleted_reason": "deleted", "SystemModstamp": at("2026-03-09")}
    created = {"W3": at("2026-03-05"), "W10": at("2026-03-03")}
    fill(
        warehouse,
        "Opportunity",
        *(
            opportunity(id, *values, **(gone if id == "W9" else {}), CreatedDate=created.get(id, at("2026-01-05")))
            for id, values in after.items()
        ),
    )
    history = [(id, "2026-02-10", before[id]) for id in before]
    history += [(id, "2026-03-10", after[id]) for id in before if after[id] != before[id]]
    history += [("W3", "2026-03-05", after["W3"]), ("W10", "2026-03-03", (35, "Proposal", "2026-03-30"))]
    history += [("W10", "2026-03-10", after["W10"])]
    fill(
        warehouse,
        "OpportunityHistory",
        *(
            {"Id": f"H{i:03}", "OpportunityId": id, "CreatedDate": at(day)}
            | {k: v for k, v in opportunity(id, *values).items()
               if k in ("StageName", "Amount", "CloseDate", "Probability", "ForecastCategory")}
            for i, (id, day, values) in enumerate(history)
        ),
    )  # fmt: skip
    if snapshots:
        snapshot(warehouse, "2026-03-01", *(opportunity(id, *values) for id, values in before.items()))


@pytest.mark.parametrize("snapshots", [True, False], ids=["snapshot", "history"])
def test_waterfall_of_a_quarter(warehouse: Warehouse, snapshots: bool) -> None:
    d2(warehouse, snapshots=snapshots)
    with source(warehouse) as opened:
        found = waterfall(opened, T0, T1, window=Q1)
    assert {r["bar"]: int(r["amount"]) for r in found.rows} == WINDOWED
    counts = {r["bar"]: r["n"] for r in found.rows}
    assert (counts["start"], found.facts["entries"], found.facts["exits"], counts["end"]) == (9, 4, 7, 6)
    assert (found.facts["bookings"], found.facts["n_bookings"]) == (Decimal(170), 3)
    rebuilt = any("rebuilt from OpportunityHistory" in note for note in found.notes)
    assert rebuilt is not snapshots
    assert ("history is first-hand from 2026-03-01" in found.notes) is snapshots


@pytest.mark.parametrize("snapshots", [True, False], ids=["snapshot", "history"])
def test_waterfall_without_window(warehouse: Warehouse, snapshots: bool) -> None:
    d2(warehouse, snapshots=snapshots)
    with source(warehouse) as opened:
        found = waterfall(opened, T0, T1)
    assert {r["bar"]: int(r["amount"]) for r in found.rows} == EVERYTHING


@pytest.mark.parametrize("snapshots", [True, False], ids=["snapshot", "history"])
def test_waterfall_lists_the_deals_behind_each_bar(warehouse: Warehouse, snapshots: bool) -> None:
    d2(warehouse, snapshots=snapshots)
    with source(warehouse) as opened:
        found = waterfall_deals(opened, T0, T1, window=Q1)
    behind: dict[str, dict[str, int]] = {}
    for row in found.rows:
        behind.setdefault(row["id"], {})[row["bar"]] = int(row["amount"])
    assert behind == {
        "W1": {"increased": 20},
        "W2": {"decreased": -10},
        "W3": {"new": 50},
        "W4": {"increased": 5, "won": -65},
        "W5": {"lost": -40},
        "W6": {"pushed": -30},
        "W7": {"pulled_in": 90},
        "W8": {"reopened": 25},
        "W9": {"removed": -15},
        "W10": {"new": 35, "won": -35},
        "W11": {"moved_out": -22},
        "W13": {"increased": 8, "pushed": -28},
    }


def test_waterfall_between_two_past_days_does_not_see_later_changes(warehouse: Warehouse) -> None:
    d2(warehouse, snapshots=False)
    with source(warehouse) as opened:
        found = waterfall(opened, T0, date(2026, 3, 4), window=Q1)
    changed = {r["bar"]: int(r["amount"]) for r in found.rows if r["amount"]}
    assert changed == {"start": 412, "new": 35, "end": 447}


def test_a_day_that_nothing_tells_is_refused(warehouse: Warehouse) -> None:
    stages(warehouse)
    fill(warehouse, "Opportunity", opportunity("1", 1, "Proposal", "2026-04-01"))
    with source(warehouse) as opened:
        with pytest.raises(InputError, match="nothing tells how opportunities stood on 2026-03-01"):
            waterfall(opened, T0, T1)
        with pytest.raises(InputError, match="has no length"):
            waterfall(opened, T1, T1)


def test_a_deal_that_moves_to_another_owner_leaves_the_owners_pipeline(warehouse: Warehouse) -> None:
    stages(warehouse)
    fill(warehouse, "Opportunity", opportunity("1", 10, "Proposal", "2026-04-01", OwnerId="B"))
    snapshot(warehouse, "2026-03-01", opportunity("1", 10, "Proposal", "2026-04-01", OwnerId="A"))
    with source(warehouse, owners=("A",)) as opened:
        assert waterfall(opened, T0, T1).row(bar="moved_out")["amount"] == Decimal(-10)
    with source(warehouse, owners=("B",)) as opened:
        assert waterfall(opened, T0, T1).row(bar="moved_in")["amount"] == Decimal(10)


DAYS = st.dates(date(2026, 1, 1), date(2026, 7, 1))
WAS = st.builds(
    Was,
    st.decimals(-1000, 1_000_000, places=2),
    st.none() | DAYS,
    st.booleans(),
    st.booleans(),
    st.sampled_from(["Pipeline", "Omitted", "Forecast", None]),
    st.sampled_from(["A", "B"]),
)
SCOPES = st.builds(
    Scope,
    st.none() | st.builds(lambda d, n: Period(d, d + timedelta(days=n)), DAYS, st.integers(0, 90)),
    st.booleans(),
    st.sampled_from([(), ("A",)]),
)


@given(st.lists(st.tuples(st.none() | WAS, st.none() | WAS, st.none() | WAS), max_size=30), SCOPES)
def test_start_plus_bars_is_end_in_every_world(
    deals: list[tuple[Was | None, Was | None, Was | None]], scope: Scope
) -> None:
    start = end = bars = Decimal(0)
    n_start = n_end = entries = exits = 0
    for before, after, close in deals:
        found = split(before, after, scope, close)
        assert all(bar in BARS for bar, _ in found)
        bars += sum(amount for _, amount in found)
        entries += sum(bar in ENTRIES for bar, _ in found)
        exits += sum(bar in EXITS for bar, _ in found)
        if before and scope.holds(before):
            start, n_start = start + before.amount, n_start + 1
        if after and scope.holds(after):
            end, n_end = end + after.amount, n_end + 1
    assert start + bars == end
    assert n_start + entries - exits == n_end
