from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from sfsync.config import PushConfig
from sfsync.errors import OrgError, QuotaFloor, UnsafePlan, WrongOrg
from sfsync.model import Change, Ref
from sfsync.plan.build import Wanted, build
from sfsync.plan.file import read_plan, write_plan
from sfsync.plan.guards import Guards
from sfsync.plan.review import accept
from sfsync.push.chunk import Waits
from sfsync.salesforce.ids import to18
from tests.push.world import WRITES, World, told

FIXED = "doe@acme.test"


def one_lead(world: World, **settings: Any) -> tuple[str, Change]:
    """A lead, pulled, and the change that corrects its e-mail."""
    id = world.lead()
    world.pull()
    return id, world.change("Lead", id, {"Email": FIXED}, **settings)


def test_a_change_is_written_and_journalled(world: World) -> None:
    id, change = one_lead(world)
    seen: list[tuple[int, int]] = []
    result = world.push(world.plan(change), progress=lambda done, total: seen.append((done, total)))
    assert told(result) == {"applied": 1}
    assert result.failures == ()
    assert world.now("Lead", id)["Email"] == FIXED
    (row,) = world.journal()
    assert (row["push_id"], row["seq"], row["op"], row["sobject"], row["id"]) == (
        result.push_id,
        1,
        "update",
        "Lead",
        id,
    )
    assert json.loads(row["before"])["Email"] == "doe@acme.example"
    assert json.loads(row["after"]) == {"Email": FIXED}
    assert row["status"] == "applied"
    assert row["requested_at"] <= row["done_at"]
    assert seen[-1] == (1, 1)
    with world.warehouse.read() as con:
        assert con.exec_driver_sql("SELECT status, digest FROM sfsync.pushes").one() == (
            "done",
            world.plan(change).digest,
        )


def test_the_mirror_waits_for_the_next_pull(world: World) -> None:
    id, change = one_lead(world)
    world.push(world.plan(change))
    assert world.change("Lead", id, {"Email": ""}).before["Email"] == "doe@acme.example"
    world.pull()
    assert world.change("Lead", id, {"Email": ""}).before["Email"] == FIXED


def test_pushing_again_changes_nothing(world: World) -> None:
    id, change = one_lead(world)
    plan = world.plan(change)
    world.push(plan)
    stamp = world.now("Lead", id)["SystemModstamp"]
    world.later(60)
    assert told(world.push(plan)) == {"already": 1}
    assert world.now("Lead", id)["SystemModstamp"] == stamp


def test_a_value_edited_meanwhile_is_not_overwritten(world: World) -> None:
    id, change = one_lead(world, decision="accepted")
    world.edit("Lead", id, Email="mine@acme.example")
    result = world.push(world.plan(change))
    assert told(result) == {"stale": 1}
    assert result.failures[0].code == "CHANGED_IN_ORG"
    assert "Email changed in the org" in result.failures[0].message
    assert "mine@" not in result.failures[0].message
    assert world.now("Lead", id)["Email"] == "mine@acme.example"


def test_a_record_edited_elsewhere_is_written_only_if_a_person_accepted_the_line(world: World) -> None:
    id, change = one_lead(world)
    world.edit("Lead", id, Title="CEO")
    result = world.push(world.plan(change))
    assert told(result) == {"stale": 1}
    assert result.failures[0].code == "TOUCHED_IN_ORG"
    assert told(world.push(accept(world.plan(change)))) == {"applied": 1}
    assert (world.now("Lead", id)["Email"], world.now("Lead", id)["Title"]) == (FIXED, "CEO")


def test_a_record_deleted_meanwhile_is_stale(world: World) -> None:
    id, change = one_lead(world)
    world.delete("Lead", id)
    result = world.push(world.plan(change))
    assert told(result) == {"stale": 1}
    assert result.failures[0].code == "ENTITY_IS_DELETED"


def test_what_somebody_else_put_right_is_already_so(world: World) -> None:
    id, change = one_lead(world)
    world.edit("Lead", id, Email=FIXED)
    assert told(world.push(world.plan(change))) == {"already": 1}


def test_only_allowed_lines_are_pushed(world: World) -> None:
    ids = [world.lead() for _ in range(5)]
    world.pull()
    settings: list[dict[str, Any]] = [
        {"confidence": "auto"},
        {"confidence": "assisted"},
        {"confidence": "manual"},
        {"confidence": "auto", "decision": "refused"},
        {"confidence": "manual", "decision": "accepted"},
    ]
    changes = [world.change("Lead", id, {"Email": FIXED}, **s) for id, s in zip(ids, settings, strict=True)]
    result = world.push(world.plan(*changes))
    assert told(result) == {"applied": 2}
    assert result.left_out == {"assisted": 1, "manual": 1, "refused": 1}
    assert [world.now("Lead", id)["Email"] == FIXED for id in ids] == [True, False, False, False, True]
    again = world.push(world.plan(*changes), accept_assisted=True)
    assert told(again) == {"applied": 1, "already": 2}


def test_nothing_allowed_needs_no_push(world: World) -> None:
    _, change = one_lead(world, confidence="assisted")
    result = world.push(world.plan(change))
    assert (result.push_id, told(result), world.journal()) == ("", {}, [])


def test_another_org_is_refused_before_anything_is_written(world: World) -> None:
    id, change = one_lead(world)
    plan = world.plan(change)
    with pytest.raises(WrongOrg, match="made for org"):
        world.push(replace(plan, org_id=to18("00D000000000999")))
    with pytest.raises(WrongOrg, match="sandbox"):
        world.push(replace(plan, is_sandbox=not plan.is_sandbox))
    assert world.now("Lead", id)["Email"] != FIXED
    assert world.journal() == []


def test_the_volume_brake_needs_a_confirmation(world: World) -> None:
    ids = [world.lead() for _ in range(3)]
    world.pull()
    plan = world.plan(*world.changes("Lead", ids, {"Email": FIXED}))
    with pytest.raises(UnsafePlan, match="limit is 2 rows"):
        world.push(plan, PushConfig(max_rows=2, max_share=100))
    with pytest.raises(UnsafePlan, match=r"3 of 3 Lead records \(100%\).*limit is 5%"):
        world.push(plan, PushConfig())
    assert world.journal() == []
    assert told(world.push(plan, PushConfig(), allow_large=True)) == {"applied": 3}


def test_a_row_lock_is_retried_for_that_row_only(world: World) -> None:
    ids = [world.lead() for _ in range(3)]
    world.pull()
    world.server.faults.add("lock:times=2,rows=1,path=composite/sobjects")
    result = world.push(world.plan(*world.changes("Lead", ids, {"Email": FIXED})))
    assert told(result) == {"applied": 3}
    assert [row["status"] for row in world.journal()] == ["applied"] * 3
    assert world.server.faults.hits("lock") == 2


def test_a_lock_that_stays_is_reported(world: World) -> None:
    ids = [world.lead() for _ in range(2)]
    world.pull()
    world.server.faults.add("lock:rows=1,path=composite/sobjects")
    plan = world.plan(*world.changes("Lead", ids, {"Email": FIXED}))
    result = world.push(plan, waits=Waits(tries=3, first=0.01, most=0.01))
    assert told(result) == {"applied": 1, "failed": 1}
    assert result.failures[0].code == "UNABLE_TO_LOCK_ROW"
    assert "after 3 tries" in result.failures[0].message
    world.server.faults.clear()
    assert told(world.push(plan)) == {"applied": 1, "already": 1}


def test_a_lost_reply_is_settled_by_reading(world: World) -> None:
    id, change = one_lead(world)
    world.server.faults.add(f"lost:times=1,{WRITES}")
    result = world.push(world.plan(change))
    assert told(result) == {"applied": 1}
    assert world.now("Lead", id)["Email"] == FIXED
    (row,) = world.journal()
    assert row["status"] == "applied"
    assert "read back" in row["message"]
    assert json.loads(row["before"])["Email"] == "doe@acme.example"


def test_a_lost_request_is_sent_once_more(world: World) -> None:
    id, change = one_lead(world)
    world.server.faults.add(f"drop:times=1,{WRITES}")
    assert told(world.push(world.plan(change))) == {"applied": 1}
    assert world.now("Lead", id)["Email"] == FIXED


def test_a_request_lost_twice_is_unknown(world: World) -> None:
    _, change = one_lead(world)
    drop = world.server.faults.add(f"drop:{WRITES}")
    result = world.push(world.plan(change))
    assert told(result) == {"unknown": 1}
    assert result.failures[0].code == "REPLY_LOST"
    assert drop.hits == 2
    world.server.faults.clear()
    assert told(world.push(world.plan(change))) == {"applied": 1}


def test_a_push_that_died_is_settled_by_the_next(world: World) -> None:
    """The write arrives, the reply is lost, and then the org cannot be read either: the journal keeps "sent"."""
    id, change = one_lead(world)
    plan = world.plan(change)
    world.server.faults.add(f"lost:times=1,{WRITES}")
    world.server.faults.add("quota:times=1,after=1,method=POST,path=composite/sobjects/Lead")
    with pytest.raises(OrgError):
        world.push(plan)
    assert [row["status"] for row in world.journal()] == ["sent"]
    assert told(world.push(plan)) == {"already": 1}
    first, second = world.journal()
    assert (first["status"], second["status"]) == ("applied", "already")
    assert json.loads(first["before"])["Email"] == "doe@acme.example"
    assert world.now("Lead", id)["Email"] == FIXED
    with world.warehouse.read() as con:
        statuses = con.exec_driver_sql("SELECT status FROM sfsync.pushes ORDER BY push_id").scalars().all()
    assert statuses == ["failed", "done"]


def test_the_quota_floor_stops_and_leaves_a_true_journal(world: World) -> None:
    ids = [world.lead() for _ in range(2)]
    world.pull()
    world.server.faults.add(f"quota:times=1,{WRITES}")
    plan = world.plan(*world.changes("Lead", ids, {"Email": FIXED}))
    with pytest.raises(QuotaFloor):
        world.push(plan)
    assert [row["status"] for row in world.journal()] == ["failed"] * 2
    assert told(world.push(plan)) == {"applied": 2}


def test_salesforces_refusal_of_one_row_fails_that_row(world: World) -> None:
    good, bad = world.lead(), world.lead()
    world.pull()
    plan = world.plan(
        world.change("Lead", good, {"Email": FIXED}), world.change("Lead", bad, {"Email": "not an address"})
    )
    result = world.push(plan)
    assert told(result) == {"applied": 1, "failed": 1}
    (failure,) = result.as_json()["failures"]
    assert (failure["sobject"], failure["id"], failure["status"]) == ("Lead", bad, "failed")
    assert failure["code"] == "INVALID_EMAIL_ADDRESS"
    assert "not an address" not in failure["message"]


@pytest.mark.parametrize(
    ("after", "code"),
    [
        ({"Nope__c": "1"}, "GUARD-02"),
        ({"IsConverted": True}, "GUARD-02"),
        ({"Email": None}, "GUARD-11"),
        ({"Status": "No such status"}, "GUARD-09"),
        ({"OwnerId": to18("005000000000999")}, "GUARD-06"),
    ],
)
def test_guards_run_again_before_writing(world: World, after: dict[str, Any], code: str) -> None:
    good, bad = world.lead(), world.lead()
    world.pull()
    base = world.change("Lead", bad, {"LastName": "x"})
    with world.warehouse.read() as con:
        row = con.exec_driver_sql(f"SELECT Email, Status, OwnerId FROM salesforce.Lead WHERE Id = '{bad}'").one()
    before = {"Email": row[0], "Status": row[1], "OwnerId": row[2], **base.before}
    result = world.push(
        world.plan(replace(base, before=before, after=after), world.change("Lead", good, {"Email": FIXED}))
    )
    assert told(result) == {"applied": 1, "refused": 1}
    assert result.failures[0].code == code


def test_a_person_may_accept_that_a_field_is_emptied(world: World) -> None:
    id = world.lead()
    world.pull()
    change = world.change("Lead", id, {"Email": None}, decision="accepted")
    assert told(world.push(world.plan(change))) == {"applied": 1}
    assert world.now("Lead", id)["Email"] is None


def test_an_active_new_owner_is_allowed(world: World) -> None:
    id = world.lead()
    user = world.server.org.user_id
    world.pull()
    assert told(world.push(world.plan(world.change("Lead", id, {"OwnerId": user})))) == {"already": 1}


def test_other_operations_are_refused_and_counted(world: World) -> None:
    id, change = one_lead(world)
    merge = Change("merge", Ref("Contact", id), {}, {}, ({"cluster": id},), "auto", (to18("00Q000000000999"),))
    result = world.push(world.plan(merge, change))
    assert told(result) == {"applied": 1}
    assert result.left_out == {"merge": 1}
    accepted = world.push(world.plan(replace(merge, decision="accepted")))
    assert told(accepted) == {"refused": 1}
    assert accepted.failures[0].code == "UNSUPPORTED_OP"


def test_money_dates_and_moments_go_through_and_are_recognised(world: World) -> None:
    account = world.create("Account", Name="Acme")
    id = world.create("Opportunity", Name="Deal", AccountId=account, StageName="Prospecting", CloseDate="2026-05-01")
    world.pull()
    after = {"Amount": Decimal("1234567890123.45"), "CloseDate": "2026-06-30", "Description": "a\nb"}
    plan = world.plan(world.change("Opportunity", id, after))
    assert told(world.push(plan)) == {"applied": 1}
    assert world.now("Opportunity", id)["Amount"] == Decimal("1234567890123.45")
    assert told(world.push(plan)) == {"already": 1}


def test_more_than_one_request_adds_up(world: World) -> None:
    records = [{"LastName": f"N{i}", "Company": "Acme"} for i in range(450)]
    saved = world.server.org.save("insert", "Lead", records, world.server.org.caller())
    ids = [str(s.id) for s in saved]
    world.pull()
    world.server.faults.add(f"lost:times=1,after=1,{WRITES}")
    seen: list[int] = []
    plan = world.plan(*world.changes("Lead", ids, {"Title": "CEO"}))
    result = world.push(plan, progress=lambda done, total: seen.append(done))
    assert told(result) == {"applied": 450}
    assert seen[-3:] == [200, 400, 450]
    assert sum(row["Title"] == "CEO" for row in world.server.org.dump("Lead")) == 450


def test_records_of_one_account_are_written_together(world: World) -> None:
    """The first two rows of the request are locked: they are the two of one account, not the two oldest."""
    accounts = [world.create("Account", Name=name) for name in ("A", "B")]
    ids = [world.create("Contact", LastName=f"N{i}", AccountId=accounts[i % 2]) for i in range(4)]
    world.pull()
    world.server.faults.add("lock:rows=2,path=composite/sobjects")
    plan = world.plan(*world.changes("Contact", ids, {"Title": "CEO"}))
    result = world.push(plan, waits=Waits(tries=1))
    assert [f.change.ref.id for f in result.failures] == [ids[0], ids[2]]


def test_a_finding_goes_all_the_way_and_the_second_plan_is_empty(world: World) -> None:
    id = world.lead(Title=" CEO ")
    world.pull()
    fix = json.dumps({"confidence": "auto", "after": {"Title": "CEO"}})
    now = datetime.now(UTC)
    columns = "rule kind sobject id severity message fix first_seen last_seen resolved_at run_id".split()
    with world.warehouse.write() as con:
        row = ("DQ-006", "edge_space", "Lead", id, "info", "", fix, now, now, None, "r")
        world.warehouse.load(con, "sfsync.findings", columns, [row])

    def planned() -> Any:
        identity, organization = world.org.identity(), world.org.organization()
        return build(
            world.warehouse,
            Wanted(
                org_id=identity.org_id,
                instance_url=world.org.instance_url,
                is_sandbox=bool(organization["IsSandbox"]),
                now=now,
                guards=Guards(max_share=100),
            ),
        )

    plan = planned()
    path = world.folder / "plan.jsonl"
    write_plan(plan, path)
    assert told(world.push(read_plan(path))) == {"applied": 1}
    world.pull()
    assert planned().changes == ()
