"""Leads that a plan gave to somebody who is not in touch with them go to the next one, once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sfsync.leads.assign import assign, assign_table, proposals
from sfsync.leads.ladder import Assignment
from sfsync.leads.model import Assigning, Model, Named, Pool, Scoring
from sfsync.normalise.table import refresh
from sfsync.warehouse import Warehouse
from tests.insight.world import NOON, at, fill, source
from tests.leads.journal import assignment, plan, pushed

ANN, BOB, CID, GONE = (f"00500000000000{i}AAA" for i in range(1, 5))
QUEUE, TRIAGE = "00G000000000001AAA", "00G000000000002AAA"
GIVEN = at("2026-03-13")
"""Two days and three hours before NOON."""


def model(**rules: Any) -> Model:
    given = {"pools": {"all": Pool("all", (ANN, BOB, CID))}, "default_pool": "all", "triage": TRIAGE, **rules}
    return Model(Scoring(), Assigning(**given))


def org(warehouse: Warehouse, owner: str = ANN, seen: datetime | None = NOON, **given: Any) -> None:
    """One lead, L, that a plan gave to Ann two days ago; the mirror is as of `seen`."""
    people = ((ANN, "Ann"), (BOB, "Bob"), (CID, "Cid"), (GONE, "Gone"))
    fill(warehouse, "User", *({"Id": id, "Name": name, "IsActive": id != GONE} for id, name in people))
    fill(warehouse, "Task", more={"Subject": "TEXT"})
    stamp = at("2026-03-10")
    lead = {"Id": "L", "OwnerId": owner, "Status": "Open", "IsConverted": False, "CreatedDate": stamp,
            "SystemModstamp": stamp, "Company": "Acme", "LastName": "Doe", **given}  # fmt: skip
    fill(warehouse, "Lead", lead)
    refresh(warehouse, "Lead")
    pushed(warehouse, plan(assignment("L", ANN, QUEUE, pool="all", turn=1), made_at=GIVEN), GIVEN)
    if seen:
        with warehouse.write() as con:
            warehouse.load(con, "sfsync.cursors", ["sobject", "until"], [["Lead", seen], ["Task", seen]])


def found(warehouse: Warehouse, settings: dict[str, Any] | None = None, **rules: Any) -> list[Assignment]:
    with source(warehouse, **(settings or {})) as opened:
        return assign(opened, model(**rules))


def test_a_lead_nobody_touched_is_proposed_for_the_next_rep_and_says_why(warehouse: Warehouse) -> None:
    org(warehouse)
    (made,) = found(warehouse)
    assert (made.step, made.owner, made.pool, made.turn) == ("UNTOUCHED", BOB, "all", 2)
    assert made.detail == "Ann was not in touch since 2026-03-13 09:00 UTC; default pool: all, by rotation"
    (proposal,) = proposals([made])
    assert (proposal.after, proposal.because["rule"], proposal.confidence) == (
        {"OwnerId": BOB},
        "ASSIGN-UNTOUCHED",
        "assisted",
    )
    with source(warehouse) as opened:
        assert assign_table(opened, [made]).facts["steps"]["UNTOUCHED"] == 1


def test_it_goes_on_once_or_as_often_as_the_model_says(warehouse: Warehouse) -> None:
    org(warehouse, owner=BOB)
    again = assignment("L", BOB, ANN, "UNTOUCHED", pool="all", turn=2)
    later = at("2026-03-14")
    pushed(warehouse, plan(again, made_at=later), later)
    assert found(warehouse) == []
    (made,) = found(warehouse, max_reassignments=2)
    assert made.owner == CID  # neither of those who had it
    assert found(warehouse, max_reassignments=0) == []


def test_within_the_sla_or_before_the_mirror_can_tell_nothing_is_proposed(warehouse: Warehouse) -> None:
    org(warehouse, seen=at("2026-03-14"))  # the last pull saw exactly 24 hours
    assert found(warehouse) == []
    with source(warehouse, response_sla_hours=23) as opened:
        assert len(assign(opened, model())) == 1


def test_a_mirror_without_tasks_takes_nobody_a_lead_away(warehouse: Warehouse) -> None:
    org(warehouse, seen=None)
    assert found(warehouse) == []


def test_a_touch_since_keeps_the_lead(warehouse: Warehouse) -> None:
    org(warehouse)
    task = {"WhoId": "L", "IsClosed": True, "OwnerId": BOB, "CompletedDateTime": at("2026-03-12")}
    fill(warehouse, "Task", {**task, "Id": "before"}, {**task, "Id": "open", "IsClosed": False})
    assert len(found(warehouse)) == 1
    fill(warehouse, "Task", {**task, "Id": "since", "CompletedDateTime": at("2026-03-15", 10)})
    assert found(warehouse) == []


def test_what_the_config_calls_no_contact_keeps_no_lead(warehouse: Warehouse) -> None:
    day = at("2026-03-14")
    org(warehouse, LastActivityDate=day.date())
    mail = {"WhoId": "L", "IsClosed": True, "OwnerId": ANN, "ActivityDate": day.date(), "CompletedDateTime": day}
    fill(warehouse, "Task", {**mail, "Id": "1", "Subject": "Email: welcome"}, more={"Subject": "TEXT"})
    assert found(warehouse) == []
    mails = {"touch_exclude_subjects": ["Email: %"]}
    (made,) = found(warehouse, mails)
    assert (made.step, made.owner) == ("UNTOUCHED", BOB)
    fill(warehouse, "Task", {**mail, "Id": "2", "Subject": "Automatic reply: away", "ActivityDate": None},
         more={"Subject": "TEXT"})  # fmt: skip
    assert len(found(warehouse, mails)) == 1
    assert found(warehouse, {**mails, "automatic_replies": ()}) == []


def test_a_source_has_its_own_time(warehouse: Warehouse) -> None:
    org(warehouse, LeadSource="Web")  # 51 hours ago
    fast = {"response_sla_hours": 60, "sla_hours_by_source": {"Web": "50.5"}}
    assert len(found(warehouse, fast)) == 1
    assert found(warehouse, {**fast, "sla_hours_by_source": {"web": "1", "Partner": "1"}}) == []
    assert found(warehouse, {"sla_hours_by_source": {"Web": "51"}}) == []


def test_an_activity_date_since_keeps_the_lead(warehouse: Warehouse) -> None:
    org(warehouse, LastActivityDate=GIVEN.date())
    assert found(warehouse) == []


def test_a_lead_that_moved_on_otherwise_or_is_done_is_left_alone(warehouse: Warehouse) -> None:
    org(warehouse, owner=CID)  # somebody gave it to Cid by hand
    fill(warehouse, "Lead", {"Id": "M", "OwnerId": ANN, "Status": "Unqualified", "IsConverted": False,
                             "CreatedDate": GIVEN, "SystemModstamp": GIVEN})  # fmt: skip
    pushed(warehouse, plan(assignment("M", ANN, QUEUE, pool="all", turn=2), made_at=GIVEN), GIVEN)
    assert found(warehouse) == []


def test_it_stays_where_nobody_else_may_have_it(warehouse: Warehouse) -> None:
    org(warehouse)
    (named,) = found(warehouse, named_accounts=(Named(ANN, company="Acme"),))
    assert (named.step, named.owner) == ("UNTOUCHED", None)
    assert named.detail.endswith("acme is a named account")
    (alone,) = found(warehouse, absent=(BOB, CID))
    assert (alone.step, alone.owner) == ("UNTOUCHED", None)
    assert alone.detail.endswith("nobody else in pool all is available below the cap of 100")
    assert not proposals([named, alone])


def test_somebody_who_left_the_company_had_it_for_good(warehouse: Warehouse) -> None:
    """The leads of an inactive owner wait anyway, whoever gave them to him."""
    org(warehouse, owner=GONE)
    pushed(warehouse, plan(assignment("L", GONE, QUEUE, "NAMED"), made_at=NOON), at("2026-03-13", 10))
    (made,) = found(warehouse)
    assert (made.step, made.owner) == ("POOL", BOB)


def test_the_next_lead_of_the_company_follows_the_one_that_stays(warehouse: Warehouse) -> None:
    org(warehouse)
    fill(warehouse, "Lead", {"Id": "N", "OwnerId": QUEUE, "Status": "Open", "IsConverted": False, "Company": "Acme",
                             "CreatedDate": NOON, "SystemModstamp": NOON})  # fmt: skip
    refresh(warehouse, "Lead")
    made = {a.lead.id: (a.step, a.owner) for a in found(warehouse)}
    assert made == {"L": ("UNTOUCHED", BOB), "N": ("SAME_COMPANY", BOB)}
    made = {a.lead.id: (a.step, a.owner) for a in found(warehouse, absent=(BOB, CID))}
    assert made == {"L": ("UNTOUCHED", None), "N": ("SAME_COMPANY", ANN)}
