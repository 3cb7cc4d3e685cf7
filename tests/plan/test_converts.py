from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from sfsync.plan.file import read_plan, write_plan
from sfsync.warehouse import Warehouse
from tests.plan.world import GONE_USER, QUEUE, USER, finding, key, mirror, plan, refused

STATUSES = [
    {"Id": key("01J", 1), "ApiName": "Open", "MasterLabel": "Open", "IsConverted": False, "SortOrder": 1},
    {"Id": key("01J", 2), "ApiName": "Won over", "MasterLabel": "Won over", "IsConverted": True, "SortOrder": 3},
    {"Id": key("01J", 3), "ApiName": "Converted", "MasterLabel": "Converted", "IsConverted": True, "SortOrder": 2},
]
ACCOUNT, OTHER = key("001", 1), key("001", 2)
CONTACT, LOOSE = key("003", 1), key("003", 2)


def lead(n: int, **values: object) -> dict[str, object]:
    return {"Id": key("00Q", n), "IsConverted": False, "LastName": "Doe", "Status": "Open", **values}


def convert(**into: str) -> dict[str, object]:
    return {"op": "convert", "confidence": "assisted", "after": into}


@contextmanager
def world(
    url: str, *leads: dict[str, object], statuses: Sequence[Mapping[str, object]] = STATUSES
) -> Iterator[Warehouse]:
    contacts = [{"Id": CONTACT, "LastName": "Doe", "AccountId": ACCOUNT}, {"Id": LOOSE, "LastName": "Roe"}]
    accounts = [{"Id": ACCOUNT, "Name": "Acme"}, {"Id": OTHER, "Name": "Ajax"}]
    with mirror(url, Lead=list(leads), LeadStatus=statuses, Contact=contacts, Account=accounts) as warehouse:
        values = json.dumps([status["ApiName"] for status in STATUSES])
        with warehouse.write() as con:
            con.exec_driver_sql(f"UPDATE sfsync.fields SET picklist = '{values}' WHERE field = 'Status'")
        yield warehouse


def test_a_lead_is_converted_into_the_contact_and_the_account_it_has_now(warehouse_url: str, tmp_path: Path) -> None:
    with world(warehouse_url, lead(1)) as warehouse:
        finding(warehouse, "Lead", key("00Q", 1), "LEAD-CONV-010", convert(account=OTHER, contact=CONTACT), "00Q")
        made = plan(warehouse)
    (change,) = made.changes
    assert (change.op, change.ref.id, change.confidence) == ("convert", key("00Q", 1), "assisted")
    assert change.after == {"account": ACCOUNT, "contact": CONTACT, "status": "Converted", "owner": None}
    assert change.before == {"OwnerId": USER, "Status": "Open", "SystemModstamp": "2026-03-01T12:00:00Z"}
    assert change.because == ({"rule": "LEAD-CONV-010", "kind": "00Q"},)
    write_plan(made, tmp_path / "plan.jsonl")
    text = (tmp_path / "plan.jsonl").read_text()
    assert '"opportunity": null' in text
    assert read_plan(tmp_path / "plan.jsonl").changes[0] == change


def test_contacts_come_first_then_accounts_then_the_rest(warehouse_url: str) -> None:
    with world(warehouse_url, *map(lead, range(1, 5))) as warehouse:
        into = {1: {}, 2: {"account": OTHER}, 3: {"contact": CONTACT}, 4: {}}
        for n, target in into.items():
            finding(warehouse, "Lead", key("00Q", n), "LEAD-CONV-014", convert(**target))
        assert [c.ref.id for c in plan(warehouse).changes] == [key("00Q", n) for n in (3, 2, 1, 4)]


def test_rules_that_agree_make_one_conversion(warehouse_url: str) -> None:
    with world(warehouse_url, lead(1), lead(2)) as warehouse:
        finding(warehouse, "Lead", key("00Q", 1), "DUP-004", convert(contact=CONTACT))
        finding(warehouse, "Lead", key("00Q", 1), "LEAD-CONV-014", convert(account=OTHER))
        finding(warehouse, "Lead", key("00Q", 2), "DUP-004", convert(contact=CONTACT))
        finding(warehouse, "Lead", key("00Q", 2), "LEAD-CONV-010", convert(contact=LOOSE))
        made = plan(warehouse)
    (change,) = made.changes
    assert (change.after["account"], change.after["contact"]) == (ACCOUNT, CONTACT)
    assert [b["rule"] for b in change.because] == ["DUP-004", "LEAD-CONV-014"]
    assert refused(made) == [("CONFLICT", key("00Q", 2))]


@pytest.mark.parametrize(
    ("values", "into", "guard", "reason"),
    [
        ({"OwnerId": QUEUE}, {}, "GUARD-08", "owned by a queue"),
        ({"OwnerId": GONE_USER}, {}, "GUARD-06", "inactive"),
        ({"IsConverted": True}, {}, "GUARD-08", "converted already"),
        ({"IsDeleted": True}, {}, "GONE", "deleted"),
        ({}, {"contact": LOOSE}, "GUARD-08", "has no account"),
        ({}, {"contact": key("003", 9)}, "GUARD-08", "is not in the mirror"),
        ({}, {"account": key("001", 9)}, "GUARD-08", "is not in the mirror"),
    ],
)
def test_what_cannot_be_converted_is_refused(
    warehouse_url: str, values: dict[str, object], into: dict[str, str], guard: str, reason: str
) -> None:
    with world(warehouse_url, lead(1, **values)) as warehouse:
        finding(warehouse, "Lead", key("00Q", 1), "LEAD-CONV-014", convert(**into))
        made = plan(warehouse)
    assert (made.changes, refused(made)) == ((), [(guard, key("00Q", 1))])
    assert reason in made.refused[0].reason


def test_only_a_status_that_means_converted_is_given(warehouse_url: str) -> None:
    with world(warehouse_url, lead(1), statuses=STATUSES[:1]) as warehouse:
        finding(warehouse, "Lead", key("00Q", 1), "LEAD-CONV-014", convert())
        made = plan(warehouse)
    assert (made.changes, refused(made)) == ((), [("GUARD-08", key("00Q", 1))])


def test_the_status_is_one_of_the_record_types(warehouse_url: str) -> None:
    record_type = key("012", 1)
    with world(warehouse_url, lead(1, RecordTypeId=record_type)) as warehouse:
        finding(warehouse, "Lead", key("00Q", 1), "LEAD-CONV-014", convert())
        row = {"sobject": "Lead", "record_type": record_type, "field": "Status", "listed": '["Open", "Won over"]'}
        with warehouse.write() as con:
            con.exec_driver_sql(
                'UPDATE sfsync.fields SET picklist = \'["Open", "Won over", "Converted"]\' WHERE field = \'Status\''
            )
            warehouse.load(con, "sfsync.picklists", list(row), [list(row.values())])
        assert plan(warehouse).changes[0].after["status"] == "Won over"
