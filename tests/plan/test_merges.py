from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from sfsync.plan.file import read_plan, write_plan
from sfsync.warehouse import Warehouse
from tests.dedupe.small_org import NOW, add
from tests.plan.world import ORG, finding, key, mirror, plan, refused

STAMP = "2026-03-01T12:00:00Z"


def lead(n: int) -> str:
    return key("00Q", n)


def contact(n: int) -> str:
    return key("003", n)


def merge(*records: str, confidence: str = "assisted") -> dict[str, object]:
    return {"op": "merge", "records": list(records), "confidence": confidence, "after": {}}


def person(n: int, **values: object) -> dict[str, object]:
    return {"Id": lead(n), "IsConverted": False, "LastName": "Doe", "Company": "Acme", **values}


def cluster(warehouse: Warehouse, master: str, *others: str, decision: str = "merge") -> None:
    ids = [master, *others]
    columns = ("cluster", "sobject", "id", "master", "decision", "score", "run_id")
    with warehouse.write() as con:
        rows = [(min(ids), "Lead", id, id == master, decision, Decimal(1), "r") for id in ids]
        warehouse.load(con, "sfsync.clusters", columns, rows)


def test_a_rules_group_becomes_a_merge_with_every_value_to_keep(warehouse_url: str) -> None:
    rows = [
        {"Id": contact(1), "LastName": "Doe", "Phone": "1", "HasOptedOutOfEmail": False},
        {"Id": contact(2), "LastName": "Doe", "Phone": "2", "Title": "CEO", "HasOptedOutOfEmail": True},
    ]
    with mirror(warehouse_url, Contact=rows) as warehouse:
        finding(warehouse, "Contact", contact(1), "DUP-002", merge(contact(1), contact(2)), "email_same_account")
        (change,) = plan(warehouse).changes
    assert (change.op, change.ref.id, change.losers) == ("merge", contact(2), (contact(1),))
    assert change.after == {}, "the one with more fields stays, and has all there is"
    assert change.before == {"SystemModstamp": STAMP}
    assert (change.because, change.confidence) == (({"rule": "DUP-002", "kind": "email_same_account"},), "assisted")


def test_the_master_takes_over_what_it_lacks(warehouse_url: str) -> None:
    rows = [person(1, Title="CEO"), person(2, Phone="+1 415 555 0100", Email="doe@acme.example")]
    with mirror(warehouse_url, Lead=rows) as warehouse:
        finding(warehouse, "Lead", lead(1), "DUP-001", merge(lead(1), lead(2)))
        (change,) = plan(warehouse).changes
    assert (change.ref.id, change.losers) == (lead(2), (lead(1),))
    assert change.after == {"Title": "CEO"}
    assert change.before == {"SystemModstamp": STAMP, "Title": None}


def test_a_won_opportunity_decides_who_stays(warehouse_url: str) -> None:
    accounts = [{"Id": key("001", n), "Name": "Acme", "Phone": "1" if n == 1 else None} for n in (1, 2)]
    with mirror(warehouse_url, Account=accounts) as warehouse:
        finding(warehouse, "Account", key("001", 1), "DUP-003", merge(key("001", 1), key("001", 2)))
        assert plan(warehouse).changes[0].ref.id == key("001", 1), "the one with more fields"
        types = {"Id": "id", "IsDeleted": "boolean", "AccountId": "reference", "IsWon": "boolean"}
        won = {"Id": key("006", 1), "IsDeleted": False, "AccountId": key("001", 2), "IsWon": True}
        with warehouse.write() as con:
            add(con, warehouse, "Opportunity", types, [won])
        assert plan(warehouse).changes[0].ref.id == key("001", 2)


def test_more_than_three_are_merged_in_several_calls(warehouse_url: str) -> None:
    rows = [person(n, CreatedDate=NOW - timedelta(days=9 - n), Title=f"T{n}" if n > 1 else None) for n in range(1, 6)]
    with mirror(warehouse_url, Lead=rows) as warehouse:
        cluster(warehouse, lead(1), *map(lead, range(2, 6)))
        made = plan(warehouse)
    merges = [c for c in made.changes if c.op == "merge"]
    assert [(c.ref.id, c.losers) for c in merges] == [(lead(1), (lead(2), lead(3))), (lead(1), (lead(4), lead(5)))]
    assert [dict(c.after) for c in merges] == [{"Title": "T5"}, {}], "what it lacks comes with the first call"
    assert merges[0].because == ({"cluster": lead(1)},)


def test_what_a_cluster_and_rules_say_of_the_same_records_is_one_merge(warehouse_url: str) -> None:
    rows = [person(n, LastActivityDate=date(2026, 1, n)) for n in range(1, 7)]
    with mirror(warehouse_url, Lead=rows) as warehouse:
        cluster(warehouse, lead(3), lead(1), lead(2))
        cluster(warehouse, lead(5), lead(6), decision="review")
        finding(warehouse, "Lead", lead(1), "DUP-001", merge(lead(1), lead(2)), "email")
        finding(warehouse, "Lead", lead(3), "DUP-001", merge(lead(3), lead(4)), "email")
        made = plan(warehouse)
    (change,) = made.changes
    assert (change.ref.id, change.losers) == (lead(3), (lead(1), lead(2)))
    assert change.because == ({"cluster": lead(1)}, {"rule": "DUP-001", "kind": "email"})
    assert refused(made) == [("CONFLICT", lead(3))], "a group that only overlaps is left for the next plan"


@pytest.mark.parametrize("clustered", [True, False])
def test_what_a_person_called_different_is_neither_merged_nor_filled(warehouse_url: str, clustered: bool) -> None:
    with mirror(warehouse_url, Lead=[person(1), person(2, Title="CEO")]) as warehouse:
        if clustered:  # before the person decided
            cluster(warehouse, lead(1), lead(2))
        else:
            finding(warehouse, "Lead", lead(1), "DUP-001", merge(lead(1), lead(2)))
        columns = ("sobject", "left_id", "right_id", "verdict", "decided_at")
        with warehouse.write() as con:
            warehouse.load(con, "sfsync.decisions", columns, [("Lead", lead(1), lead(2), "different", NOW)])
        made = plan(warehouse)
    assert (made.changes, refused(made)) == ((), [("GUARD-07", lead(1))]), "nor is anything filled"


@pytest.mark.parametrize(
    ("sobject", "rows", "guard"),
    [
        ("Lead", [person(1), person(2, IsConverted=True)], "GUARD-07"),
        ("Lead", [person(1), person(2, IsDeleted=True)], "GONE"),
        ("Lead", [person(1, OwnerId="005000000000002AAA"), person(2, OwnerId="005000000000002AAA")], "GUARD-06"),
        ("Account", [{"Id": key("001", 1)}, {"Id": key("001", 2), "IsPersonAccount": True}], "GUARD-07"),
        ("Task", [{"Id": key("00T", 1)}, {"Id": key("00T", 2)}], "GUARD-07"),
    ],
)
def test_what_salesforce_does_not_merge_is_refused(
    warehouse_url: str, sobject: str, rows: list[dict[str, object]], guard: str
) -> None:
    first, second = (str(row["Id"]) for row in rows)
    with mirror(warehouse_url, **{sobject: rows}) as warehouse:
        finding(warehouse, sobject, first, "DUP-001", merge(first, second))
        made = plan(warehouse)
    assert made.changes == ()
    assert [guard for guard, _ in refused(made)] == [guard]


def test_a_value_that_cannot_be_kept_stops_the_merge(warehouse_url: str) -> None:
    rows = [person(1, Phone="1", Email="a@acme.example", Title=None), person(2, Title="CEO")]
    with mirror(warehouse_url, Lead=rows) as warehouse:
        finding(warehouse, "Lead", lead(1), "DUP-001", merge(lead(1), lead(2)))
        with warehouse.write() as con:
            con.exec_driver_sql("UPDATE sfsync.fields SET length = 2 WHERE field = 'Title'")
        made = plan(warehouse)
    assert (made.changes, refused(made)) == ((), [("LENGTH", lead(1))])
    assert "would lose Title" in made.refused[0].reason


def test_a_merge_stands_in_the_file_as_it_was_planned(warehouse_url: str, tmp_path: Path) -> None:
    with mirror(warehouse_url, Lead=[person(1, Title="CEO"), person(2, Phone="1", Email="a@b.example")]) as warehouse:
        finding(warehouse, "Lead", lead(1), "DUP-001", merge(lead(1), lead(2)))
        made = plan(warehouse)
    write_plan(made, tmp_path / "plan.jsonl")
    assert read_plan(tmp_path / "plan.jsonl").changes[0] == made.changes[0]
    assert made.org_id == ORG
