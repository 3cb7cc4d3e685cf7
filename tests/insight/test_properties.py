"""What must hold in every small world of opportunities, asked of the database itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from sfsync.insight.fiscal import Period
from sfsync.insight.forecast import by_category, by_stage
from sfsync.insight.pipeline import pipeline
from sfsync.insight.rollup import Hierarchy, Person, roll_up
from sfsync.insight.slippage import slip_rate, stale
from sfsync.insight.waterfall import waterfall
from sfsync.warehouse import Warehouse
from tests.insight.world import STAGES, TODAY, fill, opportunity, snapshot, source, stages

YEAR = Period(date(2026, 1, 1), date(2026, 12, 31), "FY2026", "year")
PEOPLE = "ABCDE"


@pytest.fixture(scope="module")
def memory() -> Iterator[Warehouse]:
    made = Warehouse("duckdb:///:memory:")
    stages(made)
    fill(made, "Opportunity")
    fill(made, "User", *({"Id": p, "Name": p, "IsActive": p != "B", "ManagerId": chr(ord(p) + 1)} for p in PEOPLE))
    yield made
    made.close()


DAYS = st.dates(date(2026, 1, 1), date(2026, 12, 31))
DEALS = st.lists(
    st.fixed_dictionaries(
        {
            "StageName": st.sampled_from([name for name, *_ in STAGES]),
            "Amount": st.none() | st.decimals(-1000, 10**7, places=2),
            "CloseDate": DAYS,
            "OwnerId": st.sampled_from([*PEOPLE, "nobody we know"]),
            "ForecastCategory": st.sampled_from(["Pipeline", "BestCase", "MostLikely", "Forecast", "Omitted", None]),
            "deleted": st.booleans(),
        }
    ),
    max_size=12,
)
SLOW = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def deals(drawn: list[dict[str, Any]]) -> list[dict[str, Any]]:
    made = []
    for i, values in enumerate(drawn):
        given_ = {k: v for k, v in values.items() if k not in ("deleted", "ForecastCategory")}
        deal = {**opportunity(str(i), 0, values["StageName"], "2026-01-01"), **given_}
        if not deal["IsClosed"]:
            deal["ForecastCategory"] = values["ForecastCategory"]
        made.append(
            {**deal, "IsDeleted": values["deleted"], "_deleted_reason": "deleted" if values["deleted"] else None}
        )
    return made


def put(warehouse: Warehouse, now: list[dict[str, Any]], before: list[dict[str, Any]] | None = None) -> None:
    with warehouse.write() as con:
        con.exec_driver_sql("DELETE FROM salesforce.Opportunity")
        con.exec_driver_sql("DELETE FROM sfsync.opportunity_snapshot")
    fill(warehouse, "Opportunity", *now)
    if before is not None:
        snapshot(warehouse, "2026-03-01", *before)


@SLOW
@given(DEALS)
def test_parts_add_up_to_their_totals(memory: Warehouse, drawn: list[dict[str, Any]]) -> None:
    world = deals(drawn)
    put(memory, world)
    live = [d for d in world if not d["IsDeleted"] and not d["IsClosed"]]
    with source(memory) as opened:
        table = pipeline(opened)
        layers = stale(opened)
        category = by_category(opened, YEAR, split="month")
        rolled = roll_up(opened, YEAR)
    parts = [r for r in table.rows if r["line"] in ("stage", "omitted")]
    total = table.row(line="total")
    assert total["amount"] == sum((d["Amount"] or Decimal(0) for d in live), Decimal(0))
    for name in ("n", "amount", "n_no_amount"):
        assert sum(r[name] for r in parts) == total[name]
    assert sum(r["n"] for r in layers.rows[:-1]) == table.row(line="total without omitted")["n"]
    dead, rest = table.row(line="dead"), table.row(line="total without omitted and dead")
    assert dead["amount"] + rest["amount"] == table.row(line="total without omitted")["amount"]
    single = [r for r in category.rows if r["basis"] == "single"]
    for name in ("Closed", "Commit", "MostLikely", "BestCase", "Pipeline", "n"):
        assert sum(r[name] for r in single if r["period"] != "FY2026") == single[-1][name]
    top = [r for r in rolled.rows if r["level"] == 0]
    for name in ("Closed", "Commit", "MostLikely", "BestCase", "Pipeline", "n"):
        assert sum(r[name] for r in top) == rolled.row(person="total")[name] == single[-1][name]


@SLOW
@given(DEALS)
def test_weighing_never_adds(memory: Warehouse, drawn: list[dict[str, Any]]) -> None:
    world = [{**d, "Amount": abs(d["Amount"] or 0)} for d in deals(drawn)]
    put(memory, world)
    open_stages = [name for name, closed, *_ in STAGES if not closed]
    with source(memory) as opened:
        table = pipeline(opened)
        full = by_stage(opened, YEAR, dict.fromkeys(open_stages, "full")).rows[-1]["forecast"]
        half = by_stage(opened, YEAR, dict.fromkeys(open_stages, "0.5")).rows[-1]["forecast"]
        weighted = by_stage(opened, YEAR, dict.fromkeys(open_stages, "probability")).rows[-1]["forecast"]
    for row in table.rows:
        assert 0 <= row["weighted"] <= row["amount"]
        assert 0 <= row["weighted_by_stage"] <= row["amount"]
    assert half <= full
    assert weighted <= full


@SLOW
@given(DEALS, DEALS, st.none() | st.integers(0, 300))
def test_waterfall_reconciles_in_every_world(
    memory: Warehouse, now: list[dict[str, Any]], then: list[dict[str, Any]], days: int | None
) -> None:
    before = [d for d in deals(then) if not d["IsDeleted"]]
    assume(before)  # a day without rows is a day without a snapshot
    put(memory, deals(now), before)
    window = None if days is None else Period(date(2026, 1, 1), date(2026, 1, 1) + timedelta(days=days))
    with source(memory) as opened:
        found = waterfall(opened, date(2026, 3, 1), TODAY, window=window)
        slipped = slip_rate(opened, Period(date(2026, 3, 2), date(2026, 3, 31)))
        end = pipeline(opened).row(line="total without omitted")
    amounts = {r["bar"]: r["amount"] for r in found.rows}
    counts = {r["bar"]: r["n"] for r in found.rows}
    assert amounts["end"] == sum(a for bar, a in amounts.items() if bar != "end")
    assert counts["start"] + found.facts["entries"] - found.facts["exits"] == counts["end"]
    if window is None:
        assert (counts["end"], amounts["end"]) == (end["n"], end["amount"])
    assert sum(r["n"] for r in slipped.rows[:-1]) == slipped.rows[-1]["n"]


@given(st.dictionaries(st.sampled_from(PEOPLE), st.tuples(st.booleans(), st.none() | st.sampled_from(PEOPLE))))
def test_every_hierarchy_ends_at_a_top(drawn: dict[str, tuple[bool, str | None]]) -> None:
    people = [Person(id, id, active, manager) for id, (active, manager) in drawn.items()]
    tree = Hierarchy.of(people)
    by_id = {p.id: p for p in people}
    for person in people:
        line = tree.line(person.id)
        assert len(set(line)) == len(line)
        assert all(by_id[above].active for above in line[1:])
