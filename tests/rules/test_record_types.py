"""What the org told of its record types: the values they have, and the stages of their processes."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from sfsync.config import PullConfig
from sfsync.mapping import load_mappings
from sfsync.practice.org import PracticeOrg
from sfsync.practice.serve import PracticeServer
from sfsync.pull import pull
from sfsync.rules import check, load_rules
from sfsync.rules.examples import run_example
from sfsync.rules.rule import Example
from sfsync.warehouse import Warehouse
from sfsync.warehouse.tables import picklists
from tests.push.world import World

RULES = {rule.code: rule for rule in load_rules()}
MAIN, PARTNER, NEW, RETIRED = (f"01200000000000{i}AAA" for i in range(1, 5))
TYPES = [
    {"Id": MAIN, "SobjectType": "Lead", "DeveloperName": "Main", "IsActive": True},
    {"Id": PARTNER, "SobjectType": "Lead", "DeveloperName": "Partner", "IsActive": True},
    {"Id": NEW, "SobjectType": "Lead", "DeveloperName": "New", "IsActive": True},
]


@pytest.fixture
def told(warehouse_url):
    """Called with {(sObject, RecordTypeId, field): values}: an empty warehouse whose org told that."""
    made = Warehouse(warehouse_url)

    def tell(lists):
        rows = [
            {"sobject": sobject, "record_type": id, "field": field, "listed": json.dumps(values)}
            for (sobject, id, field), values in lists.items()
        ]
        with made.write() as con:
            con.execute(sa.insert(picklists), rows)
        return made

    yield tell
    made.close()


def problem(warehouse, code, world, *expect, describe=None, params=None, missing=()):
    """What the rule says differently of the world; "" when all is as expected."""
    group = "flagged" if expect else "passes"
    example = Example(group, "", world, expect, params or {}, missing, describe=describe or {})
    return run_example(RULES[code], example, warehouse).problem


def lead(number, **fields):
    return {"Id": f"00Q{number:012d}AAA", "IsConverted": False, "RecordTypeId": MAIN, **fields}


def found(number, kind, severity="warning", **more):
    return {"Id": f"00Q{number:012d}AAA", "kind": kind, "severity": severity, "fix": None, **more}


def test_a_pull_then_a_check_tells_what_the_org_said(tmp_path):
    with PracticeOrg() as org, PracticeServer(org) as server:
        world = World(server, tmp_path)
        id = world.create("RecordType", Name="Partner", DeveloperName="Partner", SobjectType="Lead", IsActive=True)
        org.type_values[id, "Status"] = ("Open - Not Contacted", "Closed - Converted")
        outside, inside, plain = (
            world.lead(RecordTypeId=type, Status=status)
            for type, status in (
                (id, "Working - Contacted"),
                (id, "Open - Not Contacted"),
                (None, "Working - Contacted"),
            )
        )
        mappings = [load_mappings()[name] for name in ("Lead", "RecordType")]
        pull(world.org, world.warehouse, mappings, PullConfig(staging=tmp_path / "staging"), run_id="r")
        now = datetime.now(UTC)
        result = check(world.warehouse, [RULES["DQ-007"]], as_of=now.date(), now=now, run_id="r")
        world.close()
    told = {(f.finding.ref.id, f.finding.kind) for f in result.findings}
    assert (outside, "Lead.Status=Working - Contacted (not_in_record_type)") in told
    assert {ref for ref, kind in told if "not_in_record_type" in kind} == {outside}
    assert (plain, "Lead.RecordTypeId") in told
    assert inside not in {ref for ref, _ in told}


COLOURS = {"Lead.Industry": {"picklist": ["Red", "Green", "Blue", "It's"], "restricted": True}}


def test_a_value_the_record_type_lacks_is_told_with_its_name(told):
    warehouse = told(
        {
            ("Lead", MAIN, "Industry"): ["Red", "Green", "Blue", "It's"],
            ("Lead", PARTNER, "Industry"): ["It's"],
            ("Contact", MAIN, "Industry"): [],
        }
    )
    leads = [
        lead(1, Industry="Red", RecordTypeId=PARTNER),
        lead(2, Industry="It's", RecordTypeId=PARTNER),
        lead(3, Industry="Red"),
        lead(4, Industry="Red", RecordTypeId=NEW),
        lead(5, Industry="Old", RecordTypeId=PARTNER),
        lead(6, Industry="Red", RecordTypeId=PARTNER, IsConverted=True),
        lead(7, Industry=None, RecordTypeId=PARTNER),
        lead(8, Industry="Red", RecordTypeId=PARTNER, IsDeleted=True),
    ]
    message = 'Industry has the value "Red", which its record type Partner does not have'
    expect = (found(1, "Lead.Industry=Red (not_in_record_type)", message=message), found(5, "Lead.Industry=Old"))
    assert problem(warehouse, "DQ-007", {"RecordType": TYPES, "Lead": leads}, *expect, describe=COLOURS) == ""


def test_nothing_changes_for_leads_without_a_record_type_or_where_none_are_kept(told):
    warehouse = told({("Lead", MAIN, "Industry"): ["Red"]})
    world = {"Lead": [lead(1, Industry="Blue", RecordTypeId=None), lead(2, Industry="Red")]}
    assert problem(warehouse, "DQ-007", world, describe=COLOURS, missing=("RecordType",)) == ""
    assert problem(warehouse, "DQ-007", world, describe=COLOURS, missing=("RecordType", "Lead.RecordTypeId")) == ""
    named = found(3, "Lead.Industry=Blue (not_in_record_type)", message=(
        'Industry has the value "Blue", which its record type does not have'))  # fmt: skip
    world = {"Lead": [lead(3, Industry="Blue")]}
    assert problem(warehouse, "DQ-007", world, named, describe=COLOURS, missing=("RecordType",)) == ""


def test_a_record_type_without_any_value_of_the_field(told):
    warehouse = told({("Lead", MAIN, "Industry"): []})
    world = {"RecordType": TYPES, "Lead": [lead(1, Industry="Blue"), lead(2, Industry=None)]}
    kind = "Lead.Industry=Blue (not_in_record_type)"
    assert problem(warehouse, "DQ-007", world, found(1, kind), describe=COLOURS) == ""
    describe = {"Lead.Industry": {**COLOURS["Lead.Industry"], "restricted": False}}
    assert problem(warehouse, "DQ-007", world, found(1, kind, "info"), describe=describe) == ""
    other = {"other_rules": ["Lead.Industry"]}
    assert problem(warehouse, "DQ-007", world, describe=COLOURS, params=other) == ""


def test_a_status_or_stage_outside_the_process_of_the_record_type(told):
    deals = "012000000000009AAA"
    lists = {("Lead", PARTNER, "Status"): ["Open", "Won"], ("Opportunity", deals, "StageName"): ["A", "B", "Won"]}
    describe = {
        "Lead.Status": {"picklist": ["Open", "Working", "Won"], "restricted": False},
        "Opportunity.StageName": {"picklist": ["A", "B", "C", "Won"], "restricted": False},
    }
    types = [*TYPES, {"Id": deals, "SobjectType": "Opportunity", "DeveloperName": "Deals", "IsActive": True}]
    stages = [("A", False), ("C", False), ("C", True), ("Nowhere", False)]
    world = {
        "RecordType": types,
        "Lead": [
            lead(1, Status="Working", RecordTypeId=PARTNER),
            lead(2, Status="Open", RecordTypeId=PARTNER),
            lead(3, Status="Working"),
            lead(4, Status="Nowhere", RecordTypeId=PARTNER),
        ],
        "Opportunity": [
            {"Id": f"00600000000000{i}AAA", "StageName": stage, "IsClosed": closed, "RecordTypeId": deals}
            for i, (stage, closed) in enumerate(stages)
        ],
    }
    stage = {"Id": "006000000000001AAA", "kind": "Opportunity.StageName=C (not_in_record_type)", "severity": "warning"}
    status = found(1, "Lead.Status=Working (not_in_record_type)")
    warehouse = told(lists)
    assert problem(warehouse, "DQ-007", world, status, stage, describe=describe) == ""
    params = {"value_map": {"Lead.Status=Working": "Open"}, "processes": ["Lead.Status"]}
    mapped = {**status, "fix": {"Status": "Open"}, "confidence": "assisted"}
    assert problem(warehouse, "DQ-007", world, mapped, describe=describe, params=params) == ""


def test_of_several_values_those_the_record_type_lacks_are_replaced(told):
    warehouse = told({("Lead", PARTNER, "LeadSource"): ["A", "B"]})
    describe = {"Lead.LeadSource": {"picklist": ["A", "B", "C"], "type": "multipicklist", "restricted": True}}
    params = {"value_map": {"Lead.LeadSource=C": "B", "Lead.LeadSource=Old": "A"}}
    world = {
        "RecordType": TYPES,
        "Lead": [
            lead(1, LeadSource="C;A;Old", RecordTypeId=PARTNER),
            lead(2, LeadSource="C;A;Old"),
            lead(3, LeadSource="C;A"),
        ],
    }
    expect = (
        found(1, "Lead.LeadSource=C (not_in_record_type)", fix={"LeadSource": "B;A"}),
        found(1, "Lead.LeadSource=Old", fix={"LeadSource": "B;A"}),
        found(2, "Lead.LeadSource=Old", fix={"LeadSource": "C;A"}),
    )
    assert problem(warehouse, "DQ-007", world, *expect, describe=describe, params=params) == ""


# -- the stages of a process

STAGES = [
    {"Id": f"01J00000000000{i}AAA", "ApiName": name, "MasterLabel": f"{name} label", "SortOrder": i}
    | {"IsActive": name != "Old", "IsClosed": name == "Won"}
    for i, name in enumerate(["A", "B", "C", "D", "Old", "Won"], 1)
]
SHORT = {("Opportunity", MAIN, "StageName"): ["A", "C", "D label", "Old", "Won"]}


def moves(*deals):
    """A world of deals of a record type each, and the stages they went through a day at a time."""
    history = [
        {"Id": f"008{d:06d}{i:06d}AAA", "OpportunityId": f"00600000000000{d}AAA", "StageName": stage}
        | {"CreatedDate": f"2026-02-{i + 1:02d}T08:00:00Z"}
        for d, (_, stages) in enumerate(deals, 1)
        for i, stage in enumerate(stages)
    ]
    opportunities = [{"Id": f"00600000000000{d}AAA", "RecordTypeId": t} for d, (t, _) in enumerate(deals, 1)]
    return {"OpportunityStage": STAGES, "Opportunity": opportunities, "OpportunityHistory": history}


def moved(deal, kind):
    return {"Id": f"00600000000000{deal}AAA", "kind": kind}


ALL = {"max_skip_share": 1}


def test_a_stage_the_process_has_not_is_not_skipped(told):
    world = moves((MAIN, "ACD"), (PARTNER, "ACD"), (None, "AC"), (MAIN, "AD"), (MAIN, "DC"))
    skipped = (moved(2, "skipped"), moved(3, "skipped"), moved(4, "skipped"), moved(5, "backwards"))
    assert problem(told(SHORT), "OPP-014", world, *skipped, params=ALL) == ""


def test_moves_from_or_to_stages_outside_the_process_are_no_steps_in_it(told):
    assert problem(told(SHORT), "OPP-014", moves((MAIN, "BD"), (MAIN, "DB")), params=ALL) == ""


def test_the_share_of_skips_is_counted_in_the_process_too(told):
    deals = [(MAIN, "AC"), (MAIN, "CD"), (MAIN, "AC"), (MAIN, "AD")]
    assert problem(told(SHORT), "OPP-014", moves(*deals), moved(4, "skipped")) == ""


def test_a_process_without_any_open_stage_is_not_known(told):
    lists = {("Opportunity", MAIN, "StageName"): ["Old", "Won"]}
    assert problem(told(lists), "OPP-014", moves((MAIN, "AC")), moved(1, "skipped"), params=ALL) == ""
