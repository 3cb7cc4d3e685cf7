"""What the guards hold back when a plan is pushed, seen from the org; and the manners of each write."""

from __future__ import annotations

import logging

import pytest

from sfsync.config import PushConfig
from sfsync.model import Change
from sfsync.practice.org import DuplicateRule
from tests.push.world import World, told

FIXED = "doe@acme.test"
ANY = PushConfig(max_share=100)


def user(world: World, name: str) -> str:
    profile = world.now("User", world.server.org.user_id)["ProfileId"]
    given = {"LastName": name, "Email": f"{name}@acme.example", "Username": f"{name}@acme.example", "Alias": name,
             "CommunityNickname": name}  # fmt: skip
    zone = {"TimeZoneSidKey": "GMT", "LocaleSidKey": "en_US", "EmailEncodingKey": "UTF-8", "LanguageLocaleKey": "en_US"}
    return world.create("User", **given, **zone, ProfileId=profile, IsActive=True)


def queue(world: World, *sobjects: str) -> str:
    id = world.create("Group", Name="Inbound", DeveloperName="Inbound", Type="Queue")
    for sobject in sobjects:
        world.create("QueueSobject", QueueId=id, SobjectType=sobject)
    return id


def left_lead(world: World) -> tuple[str, Change]:
    """A lead whose owner has left, and the correction of its e-mail."""
    owner = user(world, "gone")
    id = world.lead(OwnerId=owner)
    world.edit("User", owner, IsActive=False)
    world.pull()
    return id, world.change("Lead", id, {"Email": FIXED})


def refused(world: World, change: Change, config: PushConfig = ANY) -> str:
    result = world.push(world.plan(change), config)
    assert told(result) == {"refused": 1}
    return result.failures[0].code


def test_04_assignment_rules_do_not_move_a_record_unless_asked(world: World) -> None:
    id = world.lead()
    world.pull()
    world.server.org.assign_leads_to = inbound = queue(world, "Lead")
    world.push(world.plan(world.change("Lead", id, {"Email": FIXED})))
    assert (world.now("Lead", id)["Email"], world.now("Lead", id)["OwnerId"]) == (FIXED, world.server.org.user_id)
    world.pull()
    asked = PushConfig(max_share=100, assignment_rules=True)
    world.push(world.plan(world.change("Lead", id, {"Title": "CEO"})), asked)
    assert world.now("Lead", id)["OwnerId"] == inbound


def test_06_a_record_of_somebody_who_left_is_not_written(world: World) -> None:
    id, change = left_lead(world)
    assert refused(world, change) == "GUARD-06"
    assert world.now("Lead", id)["Email"] != FIXED


def test_06_it_is_written_where_the_org_allows_it(world: World) -> None:
    id, change = left_lead(world)
    allowed = PushConfig(max_share=100, allow={"inactive_owners": True})
    assert told(world.push(world.plan(change), allowed)) == {"applied": 1}
    assert world.now("Lead", id)["Email"] == FIXED


def test_06_it_is_written_together_with_a_new_owner(world: World) -> None:
    id, _ = left_lead(world)
    change = world.change("Lead", id, {"Email": FIXED, "OwnerId": world.server.org.user_id})
    assert told(world.push(world.plan(change))) == {"applied": 1}
    assert world.now("Lead", id)["OwnerId"] == world.server.org.user_id


def test_06_a_queue_takes_only_its_kind_of_record(world: World) -> None:
    id = world.lead()
    world.pull()
    cases = queue(world, "Case")
    assert refused(world, world.change("Lead", id, {"OwnerId": cases})) == "GUARD-06"
    world.create("QueueSobject", QueueId=cases, SobjectType="Lead")
    assert told(world.push(world.plan(world.change("Lead", id, {"OwnerId": cases})))) == {"applied": 1}


def test_08_writing_a_status_converts_nothing_and_is_refused(world: World) -> None:
    id = world.lead()
    world.pull()
    assert refused(world, world.change("Lead", id, {"Status": "Closed - Converted"})) == "GUARD-08"
    other = world.change("Lead", id, {"Status": "Working - Contacted"})
    assert told(world.push(world.plan(other))) == {"applied": 1}


def test_09_a_stage_the_org_does_not_list_is_refused(world: World) -> None:
    deal = {"Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-05-01"}
    id = world.create("Opportunity", **deal)
    world.pull()
    assert refused(world, world.change("Opportunity", id, {"StageName": "Nearly there"})) == "GUARD-09"
    assert told(world.push(world.plan(world.change("Opportunity", id, {"StageName": "Closed Won"})))) == {"applied": 1}
    assert world.now("Opportunity", id)["IsWon"] is True


def test_14_duplicate_rules_are_as_the_config_says_and_the_log_tells(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.lead(Email=FIXED)
    id = world.lead()
    world.pull()
    world.server.org.duplicate_rules.append(DuplicateRule("Leads", "Lead", ("Email",)))
    plan = world.plan(world.change("Lead", id, {"Email": FIXED}))
    with caplog.at_level(logging.INFO, "sfsync.push"):
        result = world.push(plan)
    assert (told(result), result.failures[0].code) == ({"failed": 1}, "DUPLICATES_DETECTED")
    assert "duplicate rules: block, assignment rules: off" in caplog.text
    assert told(world.push(plan, PushConfig(max_share=100, duplicate_rules="allow"))) == {"applied": 1}


@pytest.mark.parametrize("op", ["merge", "convert"])
def test_07_08_merges_and_conversions_are_not_written(world: World, op: str) -> None:
    id = world.lead()
    other = world.lead()
    world.pull()
    losers = (other,) if op == "merge" else ()
    after = {} if op == "merge" else {"account": None, "contact": None, "status": "Closed - Converted", "owner": None}
    seen = world.change("Lead", id, {"Email": FIXED})
    change = Change(op, seen.ref, seen.before, after, seen.because, "auto", losers, "accepted")  # type: ignore[arg-type]
    assert refused(world, change) == "UNSUPPORTED_OP"
    assert world.now("Lead", id)["IsConverted"] is False
    assert world.now("Lead", other)["IsDeleted"] is False
