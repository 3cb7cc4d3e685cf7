from __future__ import annotations

from pathlib import Path

import pytest

from sfsync.errors import MappingError
from sfsync.mapping import closure, load_mappings, read_mapping


def describe(*names: str) -> dict:
    return {"fields": [{"name": n, "type": "address" if n == "Address" else "string"} for n in names]}


def test_shipped_mappings_load_and_bring_their_helpers():
    mappings = load_mappings()
    names = [m.sobject for m in closure(["Lead", "Account", "Contact", "Opportunity"], mappings)]
    assert names[:4] == ["Lead", "Account", "Contact", "Opportunity"]
    assert {
        "LeadStatus",
        "OpportunityStage",
        "User",
        "RecordType",
        "Organization",
        "Task",
        "OpportunityContactRole",
        "OpportunityHistory",
    } <= set(names)


def test_a_users_file_wins_over_the_shipped_one(tmp_path):
    (tmp_path / "lead.yaml").write_text("sobject: Lead\nfields: [Email]\n", encoding="utf-8")
    assert load_mappings(tmp_path)["Lead"].fields == ("Email",)
    assert "Account" in load_mappings(tmp_path)


def test_all_problems_of_all_files_are_reported_at_once(tmp_path):
    (tmp_path / "a.yaml").write_text("sobject: Site__c\nfeilds: all\napi: soap\n", encoding="utf-8")
    (tmp_path / "b.yaml").write_text("fields: 3\n", encoding="utf-8")
    with pytest.raises(MappingError) as caught:
        load_mappings(tmp_path)
    text = str(caught.value)
    assert 'a.yaml:2: unknown key "feilds". Nearest: "fields".' in text
    assert "a.yaml:3: api" in text
    assert "b.yaml:1: `sobject:`" in text


def test_an_unknown_object_is_answered_with_the_nearest_name():
    with pytest.raises(MappingError, match=r'no mapping for sObject "Leads".*Nearest: "Lead"'):
        closure(["Leads"], load_mappings())


def test_compound_and_excluded_fields_are_not_kept_and_id_comes_first(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("sobject: X__c\nexcept: [LastViewedDate]\n", encoding="utf-8")
    kept = read_mapping(path).keep(describe("Name", "Address", "lastvieweddate", "Id"))
    assert [f["name"] for f in kept] == ["Id", "Name"]


def test_a_narrow_mapping_still_keeps_what_increments_and_deletes_need(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("sobject: X__c\nfields: [Name]\n", encoding="utf-8")
    kept = read_mapping(path).keep(describe("Id", "Name", "City", "SystemModstamp", "IsDeleted"))
    assert [f["name"] for f in kept] == ["Id", "Name", "SystemModstamp", "IsDeleted"]


def test_a_field_the_org_lacks_is_named_with_its_line_and_the_nearest(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("sobject: Lead\nfields:\n  - Email\n  - Compny\n", encoding="utf-8")
    found = read_mapping(path).problems(describe("Id", "Email", "Company"))
    assert found == [f'{path}:4: Lead has no field "Compny", or this user may not read it. Nearest: "Company".']


def test_an_unstamped_field_the_org_lacks_is_named_in_a_users_file_and_passed_over_in_a_shipped_one(tmp_path):
    text = "sobject: Lead\nunstamped: [LastActivityDat]\n"
    path = tmp_path / "x.yaml"
    path.write_text(text, encoding="utf-8")
    shown = describe("Id", "OwnerId", "Status", "IsConverted", "Rating", "LastActivityDate")
    found = read_mapping(path).problems(shown)
    assert len(found) == 1
    assert found[0].startswith(f'{path}:2: Lead has no field "LastActivityDat"')
    assert found[0].endswith('Nearest: "LastActivityDate".')
    lead = load_mappings()["Lead"]
    assert "LastActivityDate" in lead.unstamped
    assert lead.problems(shown) == []
    assert lead.problems({"fields": shown["fields"][:-1]}) == []


@pytest.mark.parametrize("name", ["SystemModstamp", "isdeleted", "Id"])
def test_what_pulls_go_by_cannot_be_unstamped(tmp_path, name):
    path = tmp_path / "x.yaml"
    path.write_text(f"sobject: Lead\nunstamped: [LastActivityDate, {name}]\n", encoding="utf-8")
    with pytest.raises(MappingError, match=rf'x.yaml:2: `unstamped` cannot hold "{name}"'):
        read_mapping(path)


def test_formulas_and_unstamped_fields_drift_and_others_do_not(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("sobject: Lead\nunstamped: [lastactivitydate]\n", encoding="utf-8")
    drifts = read_mapping(path).drifts
    assert drifts({"name": "LastActivityDate", "calculated": False})
    assert drifts({"name": "Score__c", "calculated": True})
    assert not drifts({"name": "Email"})


def test_every_shipped_file_says_what_it_is_for():
    for path in (Path(__file__).parent.parent / "mappings").glob("*.yaml"):
        assert path.read_text(encoding="utf-8").strip()
