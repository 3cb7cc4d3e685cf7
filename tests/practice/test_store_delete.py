"""Recycle bin, cascades, purge, and the two calls that tell what changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sfsync.practice.org import ApiError, PracticeOrg

NOW = datetime(2026, 3, 10, 12, 0, 30, tzinfo=UTC)


@pytest.fixture
def org() -> Iterator[PracticeOrg]:
    with PracticeOrg() as made:
        made.clock.freeze(NOW)
        yield made


def create(org: PracticeOrg, sobject: str, **values: Any) -> str:
    (saved,) = org.save("insert", sobject, [values], org.caller())
    assert saved.error is None, saved.error
    return saved.id or ""


def change(org: PracticeOrg, op: Any, sobject: str, *ids: str, **more: Any) -> list[ApiError | None]:
    return [s.error for s in org.save(op, sobject, [{"Id": i} for i in ids], org.caller(), **more)]


def rows(org: PracticeOrg, sobject: str) -> dict[str, dict[str, Any]]:
    return {r["Id"]: r for r in org.dump(sobject)}


class Family:
    """An account with a contact, a deal, a role, a task, and a child account."""

    def __init__(self, org: PracticeOrg):
        self.account = create(org, "Account", Name="A")
        self.child = create(org, "Account", Name="B", ParentId=self.account)
        self.contact = create(org, "Contact", LastName="C", AccountId=self.account)
        deal = {"Name": "O", "StageName": "Prospecting", "CloseDate": "2026-05-01"}
        self.deal = create(org, "Opportunity", **deal, AccountId=self.account, ContactId=self.contact)
        self.task = create(org, "Task", WhatId=self.account, Subject="Call")
        self.role = next(org.dump("OpportunityContactRole"))["Id"]


def test_delete_keeps_the_row_and_moves_its_stamps(org: PracticeOrg) -> None:
    record_id = create(org, "Lead", LastName="D", Company="A")
    org.clock.advance(10)
    assert change(org, "delete", "Lead", record_id) == [None]
    row = rows(org, "Lead")[record_id]
    assert (row["IsDeleted"], row["LastName"]) == (True, "D")
    assert row["SystemModstamp"] == NOW + timedelta(seconds=10)
    assert org.query("SELECT Id FROM Lead", org.caller()).total == 0
    assert org.query("SELECT Id FROM Lead", org.caller(), all_rows=True).total == 1


def test_delete_cascades_and_undelete_brings_the_same_records_back(org: PracticeOrg) -> None:
    family = Family(org)
    earlier = create(org, "Contact", LastName="gone before", AccountId=family.account)
    change(org, "delete", "Contact", earlier)
    change(org, "delete", "Account", family.account)
    members = [("Account", family.account), ("Contact", family.contact), ("Opportunity", family.deal)]
    members += [("Task", family.task), ("OpportunityContactRole", family.role)]
    assert all(rows(org, sobject)[i]["IsDeleted"] for sobject, i in members)
    assert all(h["IsDeleted"] for h in org.dump("OpportunityHistory"))
    assert rows(org, "Account")[family.child]["ParentId"] is None
    assert not rows(org, "Account")[family.child]["IsDeleted"]
    assert change(org, "undelete", "Account", family.account) == [None]
    assert not any(rows(org, sobject)[i]["IsDeleted"] for sobject, i in members)
    assert rows(org, "Contact")[earlier]["IsDeleted"]
    assert rows(org, "Account")[family.child]["ParentId"] == family.account
    assert rows(org, "Opportunity")[family.deal]["ContactId"] == family.contact


def test_undelete_of_what_is_not_in_the_bin_is_refused(org: PracticeOrg) -> None:
    family = Family(org)
    (alive,) = change(org, "undelete", "Account", family.account)
    assert alive is not None
    assert alive.code == "UNDELETE_FAILED"
    change(org, "delete", "Account", family.account)
    (below,) = change(org, "undelete", "Contact", family.contact)
    assert below is not None
    assert family.account in below.message
    org.purge("Account", [family.account])
    (purged,) = change(org, "undelete", "Account", family.account)
    assert purged is not None
    assert purged.status == 404


def test_deleting_twice_and_deleting_nothing(org: PracticeOrg) -> None:
    record_id = create(org, "Lead", LastName="D", Company="A")
    change(org, "delete", "Lead", record_id)
    (again,) = change(org, "delete", "Lead", record_id)
    assert again is not None
    assert (again.status, again.code) == (404, "ENTITY_IS_DELETED")
    (unknown,) = change(org, "delete", "Lead", "00Q000000000001")
    assert unknown is not None
    assert unknown.row_error()["statusCode"] == "INVALID_CROSS_REFERENCE_KEY"
    (other,) = change(org, "delete", "Lead", org.user_id)
    assert other is not None
    assert other.code == "MALFORMED_ID"


def test_all_or_none_delete_leaves_everything_when_one_fails(org: PracticeOrg) -> None:
    record_id = create(org, "Lead", LastName="D", Company="A")
    errors = change(org, "delete", "Lead", record_id, "00Q000000000001", all_or_none=True)
    assert [e.code for e in errors if e] == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "NOT_FOUND"]
    assert not rows(org, "Lead")[record_id]["IsDeleted"]


def test_account_with_a_closed_won_opportunity_stays(org: PracticeOrg) -> None:
    family = Family(org)
    won = [{"Id": family.deal, "StageName": "Closed Won"}]
    assert org.save("update", "Opportunity", won, org.caller())[0].error is None
    (error,) = change(org, "delete", "Account", family.account)
    assert error is not None
    assert error.code == "DELETE_FAILED"
    assert error.message.startswith("Your attempt to delete A could not be completed")


def test_restricted_children_hold_their_parent(org: PracticeOrg) -> None:
    family = Family(org)
    children = org.schema.children("Contact")
    restricted = tuple(replace(c, cascade=False, restricted=True) for c in children if c.field == "ContactId")
    org.schema.relations = {**org.schema.relations, "Contact": restricted}
    (error,) = change(org, "delete", "Contact", family.contact)
    assert error is not None
    assert error.code == "DELETE_FAILED"


def test_deleting_a_primary_role_empties_the_deals_contact(org: PracticeOrg) -> None:
    family = Family(org)
    change(org, "delete", "OpportunityContactRole", family.role)
    assert rows(org, "Opportunity")[family.deal]["ContactId"] is None


def test_hard_delete_and_purge_leave_only_the_log(org: PracticeOrg) -> None:
    first, second = (create(org, "Lead", LastName="D", Company="A") for _ in range(2))
    assert change(org, "hardDelete", "Lead", first) == [None]
    assert org.purge("Lead", [second, "00Q000000000001"]) == 1
    assert rows(org, "Lead") == {}
    org.clock.advance(60)
    log = org.deleted("Lead", NOW - timedelta(minutes=1), NOW + timedelta(minutes=1))
    assert [d["id"] for d in log["deletedRecords"]] == [first, second]


def test_a_campaign_member_never_lies_in_the_bin_by_itself(org: PracticeOrg) -> None:
    campaign, person = create(org, "Campaign", Name="Fair"), create(org, "Lead", LastName="D", Company="A")
    alone, along = (create(org, "CampaignMember", CampaignId=campaign, LeadId=person) for _ in range(2))
    change(org, "delete", "CampaignMember", alone)
    change(org, "delete", "Lead", person)
    assert {i: r["IsDeleted"] for i, r in rows(org, "CampaignMember").items()} == {along: True}
    log = org.deleted("CampaignMember", NOW - timedelta(minutes=5), NOW + timedelta(minutes=5))
    assert {d["id"] for d in log["deletedRecords"]} == {alone, along}


def test_undelete_does_not_forget_what_was_purged_meanwhile(org: PracticeOrg) -> None:
    family = Family(org)
    change(org, "delete", "Account", family.account)
    org.purge("Contact", [family.contact])
    change(org, "undelete", "Account", family.account)
    log = org.deleted("Contact", NOW - timedelta(minutes=5), NOW + timedelta(minutes=5))
    assert [d["id"] for d in log["deletedRecords"]] == [family.contact]


def test_bin_is_emptied_after_fifteen_days(org: PracticeOrg) -> None:
    old, new = (create(org, "Lead", LastName="D", Company="A") for _ in range(2))
    change(org, "delete", "Lead", old)
    org.clock.advance(10 * 86400)
    change(org, "delete", "Lead", new)
    org.clock.advance(5 * 86400 + 1)
    found = org.query("SELECT Id FROM Lead", org.caller(), all_rows=True)
    assert [r["Id"] for r in found.records(0, 9)] == [new]
    now = org.clock.now()
    log = org.deleted("Lead", now - timedelta(days=14), now)
    assert [d["id"] for d in log["deletedRecords"]] == [new]


def test_ids_of_purged_records_are_never_used_again(org: PracticeOrg) -> None:
    record_id = create(org, "Lead", LastName="D", Company="A")
    org.purge("Lead", [record_id])
    assert create(org, "Lead", LastName="D", Company="A") != record_id


def test_deleted_reports_cascades_dates_and_limits_of_the_log(org: PracticeOrg) -> None:
    family = Family(org)
    change(org, "delete", "Account", family.account)
    org.clock.advance(90)
    answer = org.deleted("Contact", NOW - timedelta(minutes=5), NOW + timedelta(minutes=5))
    assert answer["deletedRecords"] == [{"id": family.contact, "deletedDate": "2026-03-10T12:00:30.000+0000"}]
    assert answer["latestDateCovered"] == "2026-03-10T12:02:00.000+0000"
    change(org, "undelete", "Account", family.account)
    assert org.deleted("Contact", NOW - timedelta(minutes=5), NOW + timedelta(minutes=5))["deletedRecords"] == []


def test_updated_reports_live_records_of_the_minutes_asked_for(org: PracticeOrg) -> None:
    early = create(org, "Lead", LastName="early", Company="A")
    gone = create(org, "Lead", LastName="gone", Company="A")
    org.clock.advance(60)
    late = create(org, "Lead", LastName="late", Company="A")
    change(org, "delete", "Lead", gone)
    org.clock.advance(600)
    start = NOW.replace(second=59)
    assert org.updated("Lead", start, start + timedelta(minutes=1))["ids"] == [early]
    both = org.updated("Lead", start, start + timedelta(hours=1))
    assert both == {"ids": [early, late], "latestDateCovered": "2026-03-10T12:11:00.000+0000"}


def test_backdated_record_looks_like_a_late_commit(org: PracticeOrg) -> None:
    record_id = create(org, "Lead", LastName="D", Company="A")
    org.backdate("Lead", record_id, 3600)
    assert rows(org, "Lead")[record_id]["SystemModstamp"] == NOW - timedelta(hours=1)
    assert org.updated("Lead", NOW - timedelta(minutes=61), NOW - timedelta(minutes=59))["ids"] == [record_id]


@pytest.mark.parametrize("call", ["updated", "deleted"])
@pytest.mark.parametrize(
    ("start", "end"),
    [
        (NOW, NOW - timedelta(minutes=2)),
        (NOW.replace(second=0), NOW.replace(second=59)),
        (NOW - timedelta(days=31), NOW),
    ],
)
def test_replication_windows_out_of_bounds(org: PracticeOrg, call: str, start: datetime, end: datetime) -> None:
    with pytest.raises(ApiError) as caught:
        getattr(org, call)("Lead", start, end)
    assert (caught.value.status, caught.value.code) == (400, "INVALID_REPLICATION_DATE")


def test_only_replicateable_objects_have_a_log(org: PracticeOrg) -> None:
    with pytest.raises(ApiError) as caught:
        org.updated("LeadStatus", NOW - timedelta(hours=1), NOW)
    assert caught.value.code == "INVALID_TYPE_FOR_OPERATION"
