from __future__ import annotations

from pathlib import Path

import pytest

from sfsync.plan.file import read_plan, write_plan
from sfsync.plan.review import accept, diff_lines
from tests.plan.world import GONE_USER, QUEUE, USER, finding, key, mirror, plan, refused

DEAL = key("006", 1)


def task(**values: str) -> dict[str, object]:
    after = {"WhatId": DEAL, "OwnerId": USER, "Subject": "Plan the next step", "ActivityDate": "2026-03-18", **values}
    return {"op": "create", "sobject": "Task", "confidence": "assisted", "after": after}


def test_what_two_rules_want_alike_is_created_once(warehouse_url: str, tmp_path: Path) -> None:
    with mirror(warehouse_url, Task=[]) as warehouse:
        finding(warehouse, "Opportunity", DEAL, "ACT-002", task(), "late")
        finding(warehouse, "Opportunity", DEAL, "OPP-010", task(), "late")
        finding(warehouse, "Opportunity", key("006", 2), "ACT-002", task(WhatId=key("006", 2), subject="Call"))
        made = plan(warehouse)
    first, second = made.changes
    assert (first.op, first.ref.sobject, first.ref.id, first.before) == ("create", "Task", "", {})
    assert first.after == {
        "WhatId": DEAL, "OwnerId": USER, "Subject": "Plan the next step", "ActivityDate": "2026-03-18",
    }  # fmt: skip
    assert first.because == (
        {"rule": "ACT-002", "kind": "late", "for": DEAL},
        {"rule": "OPP-010", "kind": "late", "for": DEAL},
    )
    assert second.because == ({"rule": "ACT-002", "for": key("006", 2)},)
    write_plan(made, tmp_path / "plan.jsonl")
    assert read_plan(tmp_path / "plan.jsonl").changes[0] == first
    assert f"create Task for {DEAL} (assisted) because ACT-002, OPP-010" in list(diff_lines(made))
    assert [c.decision for c in accept(made, ids=[DEAL]).changes] == ["accepted", None], "by the record it is for"


@pytest.mark.parametrize(
    ("values", "guard"),
    [
        ({"OwnerId": GONE_USER}, "GUARD-06"),
        ({"OwnerId": QUEUE}, "GUARD-06"),
        ({"Nothing__c": "x"}, "GUARD-02"),
        ({"SystemModstamp": "2026-01-01T00:00:00Z"}, "GUARD-02"),
        ({"Subject": "x" * 256}, "LENGTH"),
    ],
)
def test_what_cannot_be_set_is_refused(warehouse_url: str, values: dict[str, str], guard: str) -> None:
    with mirror(warehouse_url, Task=[]) as warehouse:
        with warehouse.write() as con:
            con.exec_driver_sql("UPDATE sfsync.fields SET createable = FALSE WHERE field = 'SystemModstamp'")
        finding(warehouse, "Opportunity", DEAL, "ACT-002", task(**values))
        made = plan(warehouse)
    assert (made.changes, refused(made)) == ((), [(guard, DEAL)])


def test_an_object_that_is_not_mirrored_is_not_created(warehouse_url: str) -> None:
    with mirror(warehouse_url) as warehouse:
        finding(warehouse, "Opportunity", DEAL, "ACT-002", task())
        made = plan(warehouse)
    assert refused(made) == [("GUARD-02", DEAL)]
    assert "add Task to `objects:`" in made.refused[0].reason
