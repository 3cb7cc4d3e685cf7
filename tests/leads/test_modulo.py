from __future__ import annotations

from decimal import Decimal

import pytest

from sfsync.errors import InputError
from sfsync.leads.assign import assign
from sfsync.leads.model import Assigning, Model, Pool
from sfsync.leads.modulo import modulo
from sfsync.normalise.table import refresh
from sfsync.warehouse import Warehouse
from tests.insight.world import at, fill, source

REPS = tuple(f"00500000000000{i}AAA" for i in range(1, 5))
OTHER = "005000000000009AAA"


def org(warehouse: Warehouse, numbers: list[str | None]) -> None:
    fill(warehouse, "User", *({"Id": id, "Name": id, "IsActive": True} for id in (*REPS, OTHER)))
    stamp = at("2026-03-10")
    rows = [{"Id": f"L{i:02}", "OwnerId": REPS[i % 3], "Lead_Number__c": number} for i, number in enumerate(numbers)]
    rows += [
        {"Id": "elsewhere", "OwnerId": OTHER, "Lead_Number__c": "3"},
        {"Id": "done", "OwnerId": REPS[0], "Lead_Number__c": "3", "Status": "Unqualified"},
    ]
    common = {"Status": "Open", "IsConverted": False, "CreatedDate": stamp, "SystemModstamp": stamp}
    fill(warehouse, "Lead", *({**common, **row} for row in rows), more={"Lead_Number__c": "TEXT"})
    refresh(warehouse, "Lead")


def rules(members: tuple[str, ...] = REPS[:3]) -> Assigning:
    return Assigning(pools={"all": Pool("all", members)}, default_pool="all")


def test_leads_change_hands_when_the_number_of_members_does(warehouse: Warehouse) -> None:
    """Of 0 to 11, k % 3 and k % 4 agree for 0, 1, 2; k % 3 and k % 2 for 0, 1, 6, 7."""
    org(warehouse, [f"{k:05}" for k in range(12)])
    with source(warehouse) as opened:
        found = modulo(opened, rules(), "Lead_Number__c")
    assert [(r["then"], r["leads"], r["change_hands"]) for r in found.rows] == [(2, 12, 8), (4, 12, 9)]
    assert found.rows[1]["change_hands_percent"] == Decimal("75.0")


def test_our_deal_moves_none_of_them(warehouse: Warehouse) -> None:
    org(warehouse, [str(k) for k in range(12)])
    with source(warehouse) as opened:
        for members in (REPS[:2], REPS[:3], REPS):
            assert assign(opened, Model(assign=rules(members))) == []


def test_what_is_no_number_is_left_out_and_counted(warehouse: Warehouse) -> None:
    org(warehouse, ["1", None, "L-3", " 4 ", "", "1" * 19])
    with source(warehouse) as opened:
        found = modulo(opened, rules(), "Lead_Number__c")
        assert {r["leads"] for r in found.rows} == {2}
        assert "4 leads have no number in Lead_Number__c" in found.notes
        with pytest.raises(InputError, match="Lead has no Lead_Nr__c in the warehouse"):
            modulo(opened, rules(), "Lead_Nr__c")
        (alone,) = modulo(opened, rules(REPS[:1]), "Lead_Number__c").rows
        assert alone["then"] == 2
