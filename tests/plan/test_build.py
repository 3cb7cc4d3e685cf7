from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sfsync.errors import WrongOrg
from sfsync.model import Change, Ref
from sfsync.plan.build import Wanted, build, build_file
from sfsync.plan.file import read_plan
from sfsync.plan.guards import Guards
from sfsync.plan.plan import Plan
from sfsync.plan.proposal import Proposal
from sfsync.salesforce.ids import to18
from sfsync.warehouse import Warehouse
from tests.dedupe.small_org import NOW, TYPES, add, lead, lead_id

ORG = to18("00D000000000001")
OPP = to18("006000000000001")
STAMP = "2026-03-01T12:00:00Z"


@pytest.fixture
def warehouse(warehouse_url: str) -> Iterator[Warehouse]:
    """Four leads: 1 and 2 plain, 3 converted, 4 deleted; one opportunity with products."""
    warehouse = Warehouse(warehouse_url)
    rows = [
        lead(1, {"LastName": "Doe", "Email": "doe@acme,example", "Phone": "1"}),
        lead(2, {"LastName": "Roe", "Email": "roe@acme.example", "Title": "CEO"}),
        lead(3, {"LastName": "Poe", "IsConverted": True}),
        lead(4, {"LastName": "Low", "IsDeleted": True}),
    ]
    opportunity = {"Id": OPP, "Amount": Decimal("10.50"), "HasOpportunityLineItem": True, "IsDeleted": False,
                   "IsClosed": True, "IsWon": True, "Probability": Decimal(100)}  # fmt: skip
    types = {
        "Id": "id", "Amount": "currency", "HasOpportunityLineItem": "boolean", "IsDeleted": "boolean",
        "StageName": "string", "IsClosed": "boolean", "IsWon": "boolean", "Probability": "currency",
        "SystemModstamp": "datetime",
    }  # fmt: skip
    stages = {"Id": "id", "ApiName": "string", "MasterLabel": "string", "IsClosed": "boolean", "IsWon": "boolean",
              "DefaultProbability": "currency", "IsDeleted": "boolean"}  # fmt: skip
    lost = {"Id": "01J", "ApiName": "Lost", "IsClosed": True, "IsWon": False, "DefaultProbability": Decimal(0)}
    with warehouse.write() as con:
        add(con, warehouse, "Lead", TYPES, rows)
        add(con, warehouse, "OpportunityStage", stages, [{**lost, "IsDeleted": False}])
        add(con, warehouse, "Opportunity", types, [{**opportunity, "StageName": "Won", "SystemModstamp": NOW}])
    yield warehouse
    warehouse.close()


def finding(
    warehouse: Warehouse, id: str, rule: str, fix: dict[str, Any] | str | None, sobject: str = "Lead", **row: Any
) -> None:
    text = fix if fix is None or isinstance(fix, str) else json.dumps(fix)
    values = {
        "rule": rule, "kind": "", "sobject": sobject, "id": id, "severity": "error", "message": "", "fix": text,
        "first_seen": NOW, "last_seen": NOW, "resolved_at": None, "run_id": "r", **row,
    }  # fmt: skip
    with warehouse.write() as con:
        warehouse.load(con, "sfsync.findings", list(values), [list(values.values())])


def cluster(warehouse: Warehouse, master: int, *others: int, decision: str = "merge") -> None:
    ids = [master, *others]
    columns = ("cluster", "sobject", "id", "master", "decision", "score", "run_id")
    with warehouse.write() as con:
        rows = [(lead_id(min(ids)), "Lead", lead_id(n), n == master, decision, Decimal(1), "r") for n in ids]
        warehouse.load(con, "sfsync.clusters", columns, rows)


def wanted(**settings: Any) -> Wanted:
    given = {"org_id": ORG, "instance_url": "https://acme.example", "is_sandbox": True, "now": NOW, **settings}
    return Wanted(**{"guards": Guards(max_share=100), **given})


def plan(warehouse: Warehouse, **settings: Any) -> Plan:
    return build(warehouse, wanted(**settings))


def set_email(value: str, confidence: str = "auto") -> dict[str, Any]:
    return {"confidence": confidence, "after": {"Email": value}}


def refused(plan: Plan) -> list[tuple[str, str]]:
    return [(r.guard, r.ref.id) for r in plan.refused]


def test_a_fix_becomes_a_change_with_its_reason(warehouse: Warehouse) -> None:
    finding(warehouse, lead_id(1), "DQ-001", set_email("doe@acme.example"), kind="comma")
    (change,) = plan(warehouse).changes
    assert change == Change(
        "update",
        change.ref,
        {"Email": "doe@acme,example", "SystemModstamp": STAMP},
        {"Email": "doe@acme.example"},
        ({"rule": "DQ-001", "kind": "comma"},),
        "auto",
    )


def test_several_fixes_of_a_record_become_one_change(warehouse: Warehouse) -> None:
    finding(warehouse, lead_id(1), "DQ-001", set_email("doe@acme.example"))
    finding(warehouse, lead_id(1), "DQ-006", {"confidence": "assisted", "after": {"lastname": "Doe Jr"}})
    finding(warehouse, lead_id(1), "DQ-009", set_email("doe@acme.example"))
    (change,) = plan(warehouse).changes
    assert change.after == {"Email": "doe@acme.example", "LastName": "Doe Jr"}
    assert [b["rule"] for b in change.because] == ["DQ-001", "DQ-006", "DQ-009"]
    assert change.confidence == "assisted"


def test_fixes_that_disagree_are_left_out_and_said(warehouse: Warehouse) -> None:
    finding(warehouse, lead_id(1), "DQ-001", set_email("doe@acme.example"))
    finding(warehouse, lead_id(1), "MY-001", set_email("doe@acme.test"))
    finding(warehouse, lead_id(1), "DQ-003", {"confidence": "auto", "after": {"Phone": "+1"}})
    made = plan(warehouse)
    assert [dict(c.after) for c in made.changes] == [{"Phone": "+1"}]
    assert [b["rule"] for b in made.changes[0].because] == ["DQ-003"]
    assert made.refused[0].guard == "CONFLICT"
    assert "DQ-001 and MY-001 disagree on Email" in made.refused[0].reason


def test_manual_resolved_and_done_fixes_are_not_planned(warehouse: Warehouse) -> None:
    finding(warehouse, lead_id(1), "A", set_email("x@acme.example", "manual"))
    finding(warehouse, lead_id(1), "B", set_email("y@acme.example"), resolved_at=NOW)
    finding(warehouse, lead_id(1), "C", set_email("doe@acme,example"))
    finding(warehouse, lead_id(1), "D", None)
    made = plan(warehouse)
    assert (made.changes, made.refused) == ((), ())


def test_an_unreadable_fix_is_refused_alone(warehouse: Warehouse) -> None:
    finding(warehouse, lead_id(1), "A", "{oops")
    finding(warehouse, lead_id(1), "B", {"confidence": "sure", "after": {"Email": "x"}})
    finding(warehouse, lead_id(2), "C", set_email("x@acme.example"))
    made = plan(warehouse)
    assert len(made.changes) == 1
    assert refused(made) == [("FIX", lead_id(1)), ("FIX", lead_id(1))]


def test_guards_refuse_with_their_code(warehouse: Warehouse) -> None:
    finding(warehouse, lead_id(3), "A", set_email("x@acme.example"))
    finding(warehouse, lead_id(4), "A", set_email("x@acme.example"))
    finding(warehouse, lead_id(1), "B", {"confidence": "auto", "after": {"IsConverted": True}})
    finding(warehouse, lead_id(2), "B", {"confidence": "auto", "after": {"Email": None}})
    finding(warehouse, OPP, "C", {"confidence": "auto", "after": {"Amount": 10.51}}, "Opportunity")
    made = plan(warehouse)
    assert made.changes == ()
    assert refused(made) == [
        ("GUARD-03", OPP),
        ("GUARD-02", lead_id(1)),
        ("GUARD-11", lead_id(2)),
        ("GUARD-01", lead_id(3)),
        ("GONE", lead_id(4)),
    ]


def test_a_fix_is_taken_whole_or_not_at_all(warehouse: Warehouse) -> None:
    finding(warehouse, lead_id(1), "A", {"confidence": "auto", "after": {"Phone": "2", "IsConverted": True}})
    made = plan(warehouse)
    assert made.changes == ()
    assert refused(made) == [("GUARD-02", lead_id(1))]


def test_the_volume_brake_is_announced(warehouse: Warehouse) -> None:
    finding(warehouse, lead_id(1), "A", set_email("x@acme.example"))
    made = plan(warehouse, guards=Guards(max_share=5))
    assert len(made.changes) == 1
    assert refused(made) == [("GUARD-12", "")]


def test_the_master_of_a_cluster_is_filled(warehouse: Warehouse) -> None:
    cluster(warehouse, 1, 2)
    made = plan(warehouse)
    assert made.counts == {"merge": 1, "update": 1, "convert": 0, "create": 0, "delete": 0}
    _, change = made.changes
    assert (change.ref.id, dict(change.after), change.confidence) == (lead_id(1), {"Title": "CEO"}, "assisted")
    assert change.because == ({"cluster": lead_id(1), "from": lead_id(2)},)


def test_clusters_to_review_or_overtaken_fill_nothing(warehouse: Warehouse) -> None:
    cluster(warehouse, 1, 2, decision="review")
    cluster(warehouse, 2, 4)
    made = plan(warehouse)
    assert made.changes == ()
    assert refused(made) == [("GONE", lead_id(4))]


def test_changes_are_in_push_order(warehouse: Warehouse) -> None:
    for n in (2, 1):
        finding(warehouse, lead_id(n), "A", set_email("x@acme.example"))
    finding(warehouse, OPP, "A", {"confidence": "auto", "after": {"StageName": "Lost"}}, "Opportunity")
    assert [c.ref.id for c in plan(warehouse).changes] == [OPP, lead_id(1), lead_id(2)]


def test_a_stage_change_shows_what_it_brings_along(warehouse: Warehouse) -> None:
    finding(warehouse, OPP, "OPP-003", {"confidence": "assisted", "after": {"StageName": "Lost"}}, "Opportunity")
    (change,) = plan(warehouse).changes
    assert change.after == {"StageName": "Lost"}
    assert change.effects == {"IsWon": False, "Probability": 0}
    assert change.before == {"StageName": "Won", "IsWon": True, "Probability": 100, "SystemModstamp": STAMP}


def test_a_new_owner_by_the_ladder_goes_before_a_rules(warehouse: Warehouse) -> None:
    owners = {"Id": "id", "OwnerId": "reference", "IsDeleted": "boolean", "SystemModstamp": "datetime"}
    users = [{"Id": to18(f"00500000000000{n}"), "IsActive": n != 3} for n in (1, 2, 3)]
    first, second, left = (u["Id"] for u in users)
    id = to18("500000000000001")
    with warehouse.write() as con:
        add(con, warehouse, "User", {"Id": "id", "IsActive": "boolean"}, users)
        add(con, warehouse, "Case", {**owners, "Subject": "string"}, [{"Id": id, "OwnerId": left, "IsDeleted": False}])
    finding(warehouse, id, "OWN-001", {"confidence": "assisted", "after": {"OwnerId": first}}, "Case")
    finding(warehouse, id, "DQ-006", {"confidence": "auto", "after": {"Subject": "Tidy"}}, "Case")
    given = Proposal(Ref("Case", id), {"OwnerId": second}, {"rule": "ASSIGN-POOL"}, distributes=True)
    (change,) = plan(warehouse, owners=[given]).changes
    assert change.after == {"OwnerId": second, "Subject": "Tidy"}
    assert [b["rule"] for b in change.because] == ["ASSIGN-POOL", "DQ-006"]
    (alone,) = plan(warehouse, owners=[given], findings=False).changes
    assert alone.after == {"OwnerId": second}
    (ruled,) = plan(warehouse).changes
    assert ruled.after == {"OwnerId": first, "Subject": "Tidy"}


def test_a_record_of_somebody_who_left_is_refused_alone(warehouse: Warehouse) -> None:
    id, left = to18("500000000000001"), to18("005000000000003")
    types = {"Id": "id", "OwnerId": "reference", "Subject": "string", "IsDeleted": "boolean"}
    with warehouse.write() as con:
        add(con, warehouse, "User", {"Id": "id", "IsActive": "boolean"}, [{"Id": left, "IsActive": False}])
        add(con, warehouse, "Case", types, [{"Id": id, "OwnerId": left, "IsDeleted": False}])
    finding(warehouse, id, "DQ-006", {"confidence": "auto", "after": {"Subject": "Tidy"}}, "Case")
    made = plan(warehouse)
    assert (made.changes, refused(made)) == ((), [("GUARD-06", id)])
    allowed = plan(warehouse, guards=Guards(max_share=100, inactive_owners=True))
    assert len(allowed.changes) == 1


def test_a_plan_written_as_it_is_made_is_the_same(warehouse: Warehouse, tmp_path: Path) -> None:
    cluster(warehouse, 1, 2)
    finding(warehouse, lead_id(1), "DQ-001", set_email("doe@acme.example"))
    finding(warehouse, lead_id(3), "DQ-001", set_email("x@acme.example"))
    written, held = build_file(warehouse, wanted(), tmp_path / "p.jsonl"), plan(warehouse)
    assert (written, written.digest, written.counts) == (held, held.digest, held.counts)
    assert written.refused == held.refused
    assert read_plan(tmp_path / "p.jsonl") == held


def test_planning_twice_gives_the_same_plan(warehouse: Warehouse) -> None:
    cluster(warehouse, 1, 2)
    finding(warehouse, lead_id(1), "DQ-001", set_email("doe@acme.example"))
    assert plan(warehouse) == plan(warehouse)
    assert plan(warehouse).digest == plan(warehouse).digest


def test_another_org_is_refused(warehouse: Warehouse) -> None:
    with warehouse.write() as con:
        warehouse.load(con, "sfsync.meta", ("key", "value"), [("org_id", ORG), ("is_sandbox", "true")])
    assert plan(warehouse).org_id == ORG
    with pytest.raises(WrongOrg, match="mirrors org"):
        plan(warehouse, org_id=to18("00D000000000002"))
    with pytest.raises(WrongOrg, match="GUARD-15"):
        plan(warehouse, is_sandbox=False)


def test_json_has_the_documented_keys(warehouse: Warehouse) -> None:
    finding(warehouse, lead_id(1), "A", set_email("x@acme.example"))
    finding(warehouse, lead_id(3), "A", set_email("x@acme.example"))
    data = plan(warehouse).as_json("p.jsonl")
    assert (data["plan"], data["changes"]["update"], len(data["digest"])) == ("p.jsonl", 1, 64)
    assert data["refused"][0]["guard"] == "GUARD-01"
    assert set(data["refused"][0]) == {"guard", "sobject", "id", "reason"}
    assert json.loads(json.dumps(data)) == data


def test_a_fresh_warehouse_gives_an_empty_plan() -> None:
    warehouse = Warehouse("duckdb:///:memory:")
    with warehouse.write():
        pass
    made = plan(warehouse, now=datetime(2026, 1, 1, 1, 1, 1, 5, tzinfo=UTC))
    warehouse.close()
    assert made.changes == ()
    assert made.made_at == datetime(2026, 1, 1, 1, 1, 1, tzinfo=UTC)
