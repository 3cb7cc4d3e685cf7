from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfsync.leads.model import Method, Pool
from sfsync.leads.pools import Dealer

ROSTER = ("R1", "R2", "R3")


def deal(count: int, method: Method, *, absent: str = "", load: dict[str, int] | None = None, cap: int = 100,
         weights: dict[str, int] | None = None, state: dict[str, Any] | None = None) -> list[str | None]:  # fmt: skip
    load = dict(load or {})
    dealer = Dealer(
        Pool("P", ROSTER, method, weights or {}), load, frozenset(ROSTER) - {absent}, cap, dict(state or {})
    )
    found: list[str | None] = []
    for _ in range(count):
        member = dealer.deal()
        found.append(member)
        if member:
            load[member] = load.get(member, 0) + 1
    return found


def test_rotation_goes_on_after_the_last_one() -> None:
    assert deal(5, "rotation", state={"last": "R1"}) == ["R2", "R3", "R1", "R2", "R3"]
    assert deal(5, "rotation", state={"last": "R1"}, absent="R3") == ["R2", "R1", "R2", "R1", "R2"]
    assert deal(2, "rotation") == ["R1", "R2"]
    assert deal(1, "rotation", state={"last": "somebody who left"}) == ["R1"]


def test_capacity_goes_to_the_least_loaded() -> None:
    load = {"R1": 4, "R2": 2, "R3": 2}
    assert deal(4, "capacity", load=load) == ["R2", "R3", "R2", "R3"]
    assert deal(4, "capacity", load=load, cap=3) == ["R2", "R3", None, None]


def test_weighted_is_a_smooth_round_robin() -> None:
    weights = {"R1": 2, "R2": 1, "R3": 1}
    assert deal(8, "weighted", weights=weights) == ["R1", "R2", "R3", "R1"] * 2


@given(st.lists(st.integers(1, 5), min_size=3, max_size=3), st.integers(1, 6))
def test_weighted_rounds_are_in_proportion(weights: list[int], rounds: int) -> None:
    by_member = dict(zip(ROSTER, weights, strict=True))
    found = deal(rounds * sum(weights), "weighted", weights=by_member, cap=10**6)
    assert {m: found.count(m) for m in ROSTER} == {m: rounds * w for m, w in by_member.items()}


def test_every_stand_of_a_weighted_pool_is_kept_in_little_and_another_plan_goes_on_from_it() -> None:
    """A pool of 60 whose members had the lead hardly ever stands the same way twice."""
    roster = tuple(f"{place:018}" for place in range(60))
    pool = Pool("P", roster, "weighted", {member: place % 7 + 1 for place, member in enumerate(roster)})
    dealer = Dealer(pool, {}, frozenset(roster), cap=10**6)
    tracemalloc.start()
    stands = [dealer.state for place in range(2000) if dealer.deal({roster[place * place % 59]})]
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len({json.dumps(dict(stand)) for stand in stands}) > 1900
    assert kept < 2000 * 1000  # bytes; as dictionaries some 5,000 each

    half = Dealer(pool, {}, frozenset(roster), cap=10**6, state=json.loads(json.dumps(dict(stands[999]))))
    for place in range(1000, 2000):
        half.deal({roster[place * place % 59]})
    assert half.state == stands[-1] == dealer.state


def test_a_state_goes_on_counting_for_those_who_joined_and_those_who_left() -> None:
    dealer = Dealer(Pool("P", ROSTER, "weighted"), {}, frozenset(ROSTER), state={"counters": {"GONE": 5, "R2": 2}})
    assert [dealer.deal() for _ in range(3)] == ["R2", "R1", "R3"]
    assert dealer.state == {"counters": {"GONE": 5, "R2": 2, "R1": 0, "R3": 0}}


@pytest.mark.parametrize("method", ["rotation", "capacity", "weighted"])
def test_nobody_is_dealt_a_lead_above_the_cap(method: Method) -> None:
    assert deal(4, method, cap=1).count(None) == 1


def test_whoever_had_the_lead_is_passed_over() -> None:
    dealer = Dealer(Pool("P", ROSTER), {}, frozenset(ROSTER))
    assert [dealer.deal({"R1"}), dealer.deal(), dealer.deal(), dealer.deal(set(ROSTER))] == ["R2", "R3", "R1", None]
