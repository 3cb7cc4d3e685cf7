"""Of eight leads given away on 10 March at nine, each fared otherwise; NOON of the 15th is when the mirror ends."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sfsync.errors import InputError
from sfsync.insight.fiscal import Period
from sfsync.insight.table import Table
from sfsync.leads.measures import measures
from sfsync.leads.model import Assigning
from sfsync.warehouse import Warehouse
from tests.insight.world import NOON, at, fill, source
from tests.leads.journal import assignment, plan, pushed

ANN, BOB, GONE, WEB = (f"00500000000000{i}AAA" for i in range(1, 5))
QUEUE, TRIAGE = "00G000000000001AAA", "00G000000000002AAA"
GIVEN = at("2026-03-10")
MARCH = Period(date(2026, 3, 1), date(2026, 3, 31), "2026-03", "month")
RULES = Assigning(intake_users=(WEB,), lead_cap=2)


def lead(id: str, owner: str, **given: Any) -> dict[str, Any]:
    made = GIVEN - timedelta(hours=6)
    return {"Id": id, "OwnerId": owner, "Status": "Open", "IsConverted": False, "CreatedDate": made,
            "SystemModstamp": GIVEN, "_pulled_at": NOON, "LeadSource": "Web", **given}  # fmt: skip


def task(who: str, owner: str, hours: int, **given: Any) -> dict[str, Any]:
    """Done so many hours after the leads were given away."""
    return {"Id": f"T{who}{owner}{hours}", "WhoId": who, "OwnerId": owner, "IsClosed": True,
            "CompletedDateTime": GIVEN + timedelta(hours=hours), **given}  # fmt: skip


def org(warehouse: Warehouse, seen: bool = True) -> None:
    people = ((ANN, "Ann"), (BOB, "Bob"), (GONE, "Gone"), (WEB, "Web form"))
    fill(warehouse, "User", *({"Id": id, "Name": name, "IsActive": id != GONE} for id, name in people))
    fill(
        warehouse,
        "Lead",
        lead("accepted", ANN),
        lead("late", ANN),
        lead("silent", BOB),
        lead("passed", BOB),
        lead("converted", ANN, IsConverted=True, ConvertedContactId="C"),
        lead("done", ANN, IsConverted=True, ConvertedContactId="D"),
        lead("triage", TRIAGE),
        lead("hand", BOB),
        lead("merged", ANN, IsDeleted=True, _deleted_reason="merged"),
    )
    fill(
        warehouse,
        "Task",
        task("accepted", ANN, 24),
        task("late", BOB, 1),
        task("late", ANN, 25),
        task("silent", BOB, -1),
        task("silent", BOB, 2, IsClosed=False),
        task("done", ANN, -2),
        task("D", ANN, 3),
    )
    fill(warehouse, "LeadHistory", owner_change("passed", ANN, BOB, GIVEN + timedelta(hours=5)))
    made = plan(
        *(assignment(id, ANN, QUEUE, pool="P", turn=n) for n, id in enumerate(("accepted", "late", "passed"), 1)),
        assignment("silent", BOB, GONE, "NAMED"),
        assignment("converted", ANN, QUEUE, "NAMED"),
        assignment("done", ANN, QUEUE, "NAMED"),
        assignment("triage", TRIAGE, QUEUE, "FALLBACK"),
        assignment("hand", BOB, QUEUE, "SAME_COMPANY"),
        assignment("merged", ANN, QUEUE, "NAMED"),
        made_at=GIVEN,
    )
    pushed(warehouse, made, GIVEN, {"hand": "already"})
    if seen:
        with warehouse.write() as con:
            warehouse.load(con, "sfsync.cursors", ["sobject", "until"], [["Lead", NOON], ["Task", NOON]])


def owner_change(lead: str, old: str, new: str, when: Any) -> dict[str, Any]:
    return {"Id": f"H{lead}{new}", "LeadId": lead, "Field": "Owner", "OldValue": old, "NewValue": new,
            "CreatedDate": when}  # fmt: skip


def found(warehouse: Warehouse, by: str = "reason", period: Period = MARCH, **settings: Any) -> list[Table]:
    with source(warehouse, **settings) as opened:
        return measures(opened, period, RULES, by=by)


def states(row: Any) -> dict[str, int]:
    names = ("accepted", "late", "silent", "passed_on", "pending", "converted_untouched", "unknown")
    return {name: row[name] for name in names if row[name]}


def test_each_assignment_is_judged_by_its_own_owner_within_the_sla(warehouse: Warehouse) -> None:
    org(warehouse)
    given, _, _ = found(warehouse)
    assert [r["line"] for r in given.rows] == ["NAMED", "SAME_COMPANY", "POOL", "FALLBACK", "all"]
    assert states(given.row(line="POOL")) == {"accepted": 1, "late": 1, "passed_on": 1}
    assert states(given.row(line="NAMED")) == {"silent": 1, "converted_untouched": 1, "accepted": 1}
    assert states(given.row(line="SAME_COMPANY")) == {"unknown": 1}  # somebody did it by hand, nobody knows when
    assert states(given.row(line="FALLBACK")) == {}
    whole = given.row(line="all")
    assert (whole["leads"], whole["accepted_percent"]) == (8, Decimal("40.0"))
    assert given.row(line="POOL")["share_percent"] == Decimal("37.5")
    assert given.facts == {"fallback_percent": Decimal("12.5")}
    assert "1 lead given out was deleted or merged since" in given.notes
    assert (whole["median_hours"], whole["p90_hours"]) == (Decimal("6.0"), Decimal("6.0"))


def test_the_sla_decides_what_is_late_and_what_may_still_come(warehouse: Warehouse) -> None:
    org(warehouse)
    given, _, _ = found(warehouse, response_sla_hours=25)
    assert states(given.row(line="POOL")) == {"accepted": 2, "passed_on": 1}
    given, _, _ = found(warehouse, response_sla_hours=123)  # until NOON of the 15th
    assert states(given.row(line="NAMED")) == {"pending": 1, "converted_untouched": 1, "accepted": 1}


def test_each_source_has_its_own_sla_and_mails_that_log_themselves_accept_nothing(warehouse: Warehouse) -> None:
    fill(warehouse, "Task", task("silent", BOB, 1, Subject="Email: welcome"), more={"Subject": "TEXT"})
    org(warehouse)
    fill(warehouse, "Lead", lead("partner", ANN, LeadSource="Partner"))
    fill(warehouse, "Task", task("partner", ANN, 25), more={"Subject": "TEXT"})
    pushed(warehouse, plan(assignment("partner", ANN, QUEUE, pool="P", turn=4), made_at=GIVEN), GIVEN)
    given, _, _ = found(warehouse, sla_hours_by_source={"Partner": "25"}, touch_exclude_subjects=["Email: %"])
    assert states(given.row(line="POOL")) == {"accepted": 2, "late": 1, "passed_on": 1}
    assert states(given.row(line="NAMED")) == {"silent": 1, "converted_untouched": 1, "accepted": 1}
    assert given.parameters["sla_hours_by_source"] == {"Partner": "25"}
    given, _, _ = found(warehouse)
    assert states(given.row(line="POOL")) == {"accepted": 1, "late": 2, "passed_on": 1}
    assert states(given.row(line="NAMED")) == {"converted_untouched": 1, "accepted": 2}


def test_by_owner_and_pool_the_same_leads_add_up(warehouse: Warehouse) -> None:
    org(warehouse)
    given, _, _ = found(warehouse, by="owner")
    assert {r["line"]: r["leads"] for r in given.rows} == {"Ann": 5, "Bob": 2, TRIAGE: 1, "all": 8}
    given, _, _ = found(warehouse, by="pool")
    assert {r["line"]: r["leads"] for r in given.rows} == {"(none)": 5, "P": 3, "all": 8}
    with pytest.raises(InputError, match=r'measures by "pol" are not offered\. Nearest: "pool"'):
        found(warehouse, by="pol")


def test_a_lead_given_twice_counts_twice_but_waited_once(warehouse: Warehouse) -> None:
    org(warehouse)
    later = at("2026-03-12")
    fill(warehouse, "Lead", lead("twice", ANN))
    pushed(warehouse, plan(assignment("twice", BOB, QUEUE, "TERRITORY"), made_at=GIVEN), GIVEN)
    pushed(warehouse, plan(assignment("twice", ANN, BOB, "UNTOUCHED"), made_at=later), later)
    given, times, _ = found(warehouse)
    assert states(given.row(line="TERRITORY")) == {"silent": 1}  # it changed hands only after the SLA had run out
    assert states(given.row(line="UNTOUCHED")) == {"silent": 1}
    assert given.row(line="TERRITORY")["median_hours"] == Decimal("6.0")
    assert given.row(line="UNTOUCHED")["median_hours"] is None
    assert times.row(line="all")["p90_hours"] == Decimal("6.0")


def test_without_tasks_nobody_knows_who_was_in_touch(warehouse: Warehouse) -> None:
    org(warehouse, seen=False)
    given, _, _ = found(warehouse)
    assert states(given.row(line="all")) == {"unknown": 7}
    assert given.row(line="all")["accepted_percent"] is None
    assert "who was in touch is not known: Task is not in the mirror" in given.notes


def test_another_period_and_an_org_that_never_pushed_say_so(warehouse: Warehouse) -> None:
    org(warehouse)
    april = Period(date(2026, 4, 1), date(2026, 4, 30), "2026-04", "month")
    given, times, _ = found(warehouse, period=april)
    assert [r["leads"] for r in given.rows] == [r["leads"] for r in times.rows] == [0]
    assert "no plan that was pushed gave a lead to anybody" in given.notes


def test_time_to_assignment_is_of_the_first_person_who_owned_a_lead(warehouse: Warehouse) -> None:
    """The form's user and queues are nobody; LeadHistory tracks owners from 5 March on."""
    org(warehouse)
    born = at("2026-03-06")
    more = {"CreatedDate": born, "LeadSource": "Fair"}
    fill(
        warehouse,
        "Lead",
        lead("own", ANN, **more),
        lead("moved", BOB, **more),
        lead("form", BOB, **more),
        lead("waits", QUEUE, **more),
        lead("intake", WEB, **more),
        lead("old", ANN, **{**more, "CreatedDate": at("2026-03-02")}),
    )
    fill(
        warehouse,
        "LeadHistory",
        owner_change("long ago", QUEUE, ANN, at("2026-03-05")),
        owner_change("moved", ANN, BOB, born + timedelta(hours=3)),
        owner_change("form", WEB, QUEUE, born + timedelta(hours=1)),
        {**owner_change("form", QUEUE, BOB, born + timedelta(hours=10)), "Id": "H2"},
        {**owner_change("form", "Queue", "Bob", born + timedelta(hours=10)), "Id": "H3"},
    )
    _, times, _ = found(warehouse)
    fair = times.row(line="Fair")
    assert {n: fair[n] for n in ("leads", "at_creation", "later", "waiting", "unknown")} == {
        "leads": 6, "at_creation": 2, "later": 1, "waiting": 2, "unknown": 1,
    }  # fmt: skip
    assert (fair["median_hours"], fair["p90_hours"]) == (Decimal("0.0"), Decimal("10.0"))
    assert "LeadHistory tells of owners from 2026-03-05: who was given a lead before cannot be told" in times.notes
    web = times.row(line="Web")
    assert (web["at_creation"], web["later"], web["waiting"]) == (2, 5, 1)


def test_what_pulls_and_pushes_saw_counts_without_lead_history(warehouse: Warehouse) -> None:
    fill(warehouse, "User", {"Id": ANN, "Name": "Ann", "IsActive": True})
    fill(warehouse, "Lead", lead("seen", ANN), lead("pushed", QUEUE), lead("born", ANN))
    with warehouse.write() as con:
        columns = ["sobject", "id", "field", "old", "new", "changed_at"]
        warehouse.load(con, "sfsync.history", columns, [["Lead", "seen", "OwnerId", QUEUE, ANN, GIVEN]])
    pushed(warehouse, plan(assignment("pushed", ANN, QUEUE), made_at=GIVEN), GIVEN + timedelta(hours=2))
    _, times, _ = found(warehouse)
    whole = times.row(line="all")
    assert (whole["later"], whole["unknown"], whole["median_hours"]) == (2, 1, Decimal("7.0"))
    assert times.notes[0].startswith("LeadHistory does not track Owner, or is not pulled")


def test_load_is_compared_with_what_it_would_be_without_the_plans(warehouse: Warehouse) -> None:
    org(warehouse)
    fill(
        warehouse,
        "Lead",
        lead("kept", BOB),
        lead("fresh", QUEUE, _pulled_at=GIVEN),
        lead("closed", ANN, Status="Unqualified"),
        lead("intake", WEB),
    )
    later = at("2026-03-11")
    pushed(warehouse, plan(assignment("fresh", BOB, QUEUE), made_at=later), later)  # not pulled since
    _, _, load = found(warehouse)
    assert load.rows == [
        {"line": "Bob", "before": 2, "given": 3, "taken": 0, "after": 5},
        {"line": "Ann", "before": 0, "given": 2, "taken": 0, "after": 2},
        {"line": "waiting", "before": 7, "given": 0, "taken": 5, "after": 2},
        {"line": "all", "before": 9, "given": 5, "taken": 5, "after": 9},
    ]
    assert load.facts == {
        "busiest_to_mean": {"before": Decimal("1.00"), "after": Decimal("1.43")},
        "above_cap": {"before": 0, "after": 1},
    }
