from __future__ import annotations

from typing import Any

from sfsync.leads.pools import Standing, read_state
from sfsync.model import Change, Ref
from sfsync.warehouse import Warehouse
from tests.insight.world import at
from tests.leads.journal import assignment, plan, pushed

Q = "00G000000000001AAA"
MONDAY, TUESDAY, FRIDAY = at("2026-03-09"), at("2026-03-10"), at("2026-03-13")


def turns(*leads: tuple[str, str, int]) -> list[Change]:
    return [assignment(lead, owner, Q, pool="P", turn=turn) for lead, owner, turn in leads]


def kept(warehouse: Warehouse) -> list[dict[str, Any]]:
    with warehouse.read() as con:
        rows = con.exec_driver_sql(
            "SELECT id, reason, pool, turn, from_owner, owner, assigned_at FROM sfsync.assignments ORDER BY id, push_id"
        )
        return [dict(row._mapping) for row in rows]


def state(warehouse: Warehouse) -> Any:
    with warehouse.read() as con:
        return read_state(con)


def test_what_was_carried_out_is_kept_with_its_reason(warehouse: Warehouse) -> None:
    made = plan(
        *turns(("L1", "R1", 1), ("L2", "R2", 2), ("L3", "R3", 3)),
        assignment("L4", "R1", Q, "NAMED"),
        Change("update", Ref("Lead", "L5"), {"OwnerId": "R1"}, {"OwnerId": "R2"}, ({"rule": "OWN-002"},)),
        made_at=MONDAY,
    )
    assert pushed(warehouse, made, TUESDAY, {"L2": "stale", "L3": "already"}) == 3
    found = kept(warehouse)
    assert [(r["id"], r["reason"], r["pool"], r["turn"]) for r in found] == [
        ("L1", "POOL", "P", 1),
        ("L3", "POOL", "P", 3),
        ("L4", "NAMED", None, None),
    ]
    assert (found[0]["from_owner"], found[0]["owner"], found[0]["assigned_at"]) == (Q, "R1", TUESDAY)
    assert found[1]["assigned_at"] is None


def test_a_turn_is_used_up_only_by_what_was_carried_out(warehouse: Warehouse) -> None:
    made = plan(*turns(("L1", "R1", 1), ("L2", "R2", 2), ("L3", "R3", 3)), made_at=MONDAY)
    pushed(warehouse, made, TUESDAY, {"L1": "refused", "L2": "failed", "L3": "unknown"})
    assert state(warehouse) == {}
    pushed(warehouse, made, FRIDAY, {"L1": "already", "L2": "applied", "L3": "stale"})
    assert state(warehouse) == {"P": Standing(2, {"last": "R2"})}


def test_a_plan_pushed_again_or_late_does_not_set_the_rotation_back(warehouse: Warehouse) -> None:
    first = plan(*turns(("L1", "R1", 1), ("L2", "R2", 2), ("L3", "R3", 3), ("L4", "R1", 4)), made_at=MONDAY)
    pushed(warehouse, first, MONDAY, {"L3": "left out", "L4": "left out"})
    second = plan(*turns(("L5", "R3", 3), ("L6", "R1", 4), ("L7", "R2", 5)), made_at=TUESDAY)
    pushed(warehouse, second, TUESDAY)
    stands = {"P": Standing(5, {"last": "R2"})}
    assert state(warehouse) == stands
    # Again, and with the lines that nobody had accepted then.
    assert pushed(warehouse, first, FRIDAY, {"L1": "already", "L2": "already"}) == 2
    assert state(warehouse) == stands
    assert [r["assigned_at"] for r in kept(warehouse)][:3] == [MONDAY, MONDAY, FRIDAY]


def test_a_lost_reply_counts_from_when_it_was_sent(warehouse: Warehouse) -> None:
    made = plan(*turns(("L1", "R1", 1)), made_at=MONDAY)
    assert pushed(warehouse, made, MONDAY, {"L1": "sent"}) == 0
    assert pushed(warehouse, made, FRIDAY, {"L1": "already"}) == 1
    assert [r["assigned_at"] for r in kept(warehouse)] == [MONDAY]
    assert state(warehouse) == {"P": Standing(1, {"last": "R1"})}
