"""Picklist values of record types: pulled, looked at when planning, and asked again before writing."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from sfsync.config import PullConfig
from sfsync.mapping import load_mappings
from sfsync.plan.build import Wanted, build
from sfsync.plan.guards import Guards
from sfsync.plan.plan import Plan
from sfsync.pull import PullResult, pull
from tests.push.world import World, told


@pytest.fixture
def typed(world: World) -> str:
    """A record type whose leads are never `Working - Contacted`."""
    id = world.create("RecordType", Name="Partner", DeveloperName="Partner", SobjectType="Lead", IsActive=True)
    world.server.org.type_values[id, "Status"] = ("Open - Not Contacted", "Closed - Converted")
    return id


def mirror(world: World, *asked: str) -> PullResult:
    known = load_mappings()
    mappings = [known[name] for name in ("Lead", "RecordType")]
    config = PullConfig(staging=world.folder / "staging")
    return pull(world.org, world.warehouse, mappings, config, run_id="pull", asked=asked)


def fix_status(world: World, *ids: str) -> None:
    now = datetime.now(UTC)
    fix = json.dumps({"confidence": "auto", "after": {"Status": "Working - Contacted"}})
    columns = "rule kind sobject id severity message fix first_seen last_seen resolved_at run_id".split()
    with world.warehouse.write() as con:
        rows = [("LEAD-STAT-001", "", "Lead", id, "error", "", fix, now, now, None, "r") for id in ids]
        world.warehouse.load(con, "sfsync.findings", columns, rows)


def planned(world: World) -> Plan:
    sandbox = bool(world.org.organization()["IsSandbox"])
    about = (world.org.identity().org_id, world.org.instance_url, sandbox, datetime.now(UTC))
    return build(world.warehouse, Wanted(*about, guards=Guards(max_share=100)))


def test_a_value_the_record_type_lacks_is_not_planned(world: World, typed: str) -> None:
    partner, plain = world.lead(RecordTypeId=typed), world.lead()
    mirror(world)
    fix_status(world, partner, plain)
    plan = planned(world)
    assert [c.ref.id for c in plan.changes] == [plain]
    assert [(r.guard, r.ref.id) for r in plan.refused] == [("GUARD-09", partner)]
    assert typed in plan.refused[0].reason


def test_nor_pushed_when_the_type_has_lost_it_since(world: World, typed: str) -> None:
    world.server.org.type_values.clear()
    partner, plain = world.lead(RecordTypeId=typed), world.lead()
    mirror(world)
    fix_status(world, partner, plain)
    plan = planned(world)
    assert len(plan.changes) == 2
    world.server.org.type_values[typed, "Status"] = ("Open - Not Contacted",)
    result = world.push(plan)
    assert told(result) == {"applied": 1, "refused": 1}
    assert (result.failures[0].change.ref.id, result.failures[0].code) == (partner, "GUARD-09")


def test_values_are_asked_for_when_record_types_are_read_and_kept_as_they_were_when_refused(
    world: World, typed: str
) -> None:
    def listed() -> list[str]:
        with world.warehouse.read() as con:
            sql = f"SELECT listed FROM sfsync.picklists WHERE record_type = '{typed}' AND field = 'Status'"
            return list(json.loads(con.exec_driver_sql(sql).scalar_one()))

    mirror(world)
    assert listed() == ["Open - Not Contacted", "Closed - Converted"]
    before = world.org.usage.calls
    mirror(world)  # record types are fresh: they are not read, and nothing is asked
    assert world.org.usage.calls - before <= 2
    world.server.faults.add("500:path=ui-api")
    result = mirror(world, "RecordType")
    [read] = [o for o in result.objects if o.sobject == "RecordType"]
    assert read.complete
    assert any("could not be read" in warning for warning in read.warnings)
    assert listed() == ["Open - Not Contacted", "Closed - Converted"]
