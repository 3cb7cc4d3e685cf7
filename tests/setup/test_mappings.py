from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from sfsync import api
from sfsync.cli.mappings import mappings
from sfsync.mapping import load_mappings, read_mapping
from sfsync.practice.schema import Field
from sfsync.scaffold import new_mapping


def run(*args: str) -> tuple[int, str]:
    done = CliRunner().invoke(mappings, list(args))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def document(*args: str) -> dict:
    _, text = run(*args, "--format", "json")
    return json.loads(text)


def write(config: Path, name: str, text: str) -> Path:
    folder = config.parent / "mappings"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_the_shipped_mappings_fit_a_standard_org(config):
    code, text = run("check", "--config", str(config))
    assert code == 0, text
    found = document("check", "--config", str(config))["mappings"]
    assert {m["source"] for m in found} == {"shipped"}
    noted = {m["sobject"]: m["notes"] for m in found if m["notes"] or not m["fields"]}
    assert set(noted) == {"AccountContactRelation", "CurrencyType", "DatedConversionRate"}
    assert all("left out" in notes[0] for notes in noted.values())


def test_an_unknown_field_is_named_with_its_line_and_the_nearest(config):
    path = write(config, "lead.yaml", "sobject: Lead\nfields:\n  - Email\n  - Compny\ntrack: [Statos]\n")
    code, text = run("check", "--config", str(config))
    assert code == 2
    assert f'{path}:4: Lead has no field "Compny"' in text
    assert 'Nearest: "Company"' in text
    assert f"{path}:5: " in text
    assert 'Nearest: "Status"' in text


def test_a_field_this_user_may_not_read_is_a_problem_of_the_users_mapping(config, server):
    write(config, "lead.yaml", "sobject: Lead\nfields: [Email, Phone]\n")
    server.org.hide_field("Lead", "Phone")
    code, text = run("check", "lead", "--config", str(config))
    assert code == 2
    assert "Phone" in text
    assert "Email" not in text


def test_a_field_this_user_may_read_but_not_write_is_noted(config, server):
    locked = Field("Score__c", "double", precision=18, scale=2, custom=True, createable=False, updateable=False)
    server.org.add_field("Lead", locked)
    write(config, "lead.yaml", "sobject: Lead\n")
    [lead] = document("check", "Lead", "--config", str(config))["mappings"]
    assert lead["ok"]
    # Whether a field may be granted at all is part of its describe: only such fields are worth a note.
    described = {f["name"]: f for f in server.org.describe("Lead", 66.0)["fields"]}
    noted = any("Score__c" in n for n in lead["notes"])
    assert noted == described["Score__c"]["permissionable"]


def test_what_changed_since_the_last_pull_is_noted(config, server):
    api.pull(str(config), objects=["Lead"])
    server.org.remove_field("Lead", "Grade__c")
    server.org.add_field("Lead", Field("Grade__c", "double", precision=18, scale=2, custom=True))
    server.org.add_field("Lead", Field("Fresh__c", "string", length=10, custom=True))
    server.org.hide_field("Lead", "Fax")
    [lead] = document("check", "Lead", "--config", str(config))["mappings"]
    notes = " | ".join(lead["notes"])
    assert "Grade__c was picklist at the last pull and is double(18,2) now" in notes
    assert "new since the last pull: Fresh__c" in notes
    assert "no longer shown to this user: Fax" in notes


def test_an_object_the_org_lacks_is_a_problem_unless_optional(config):
    write(config, "x.yaml", "sobject: Nothing__c\n")
    code, text = run("check", "Nothing__c", "--config", str(config))
    assert (code, "Nothing__c" in text) == (2, True)
    write(config, "x.yaml", "sobject: Nothing__c\noptional: true\n")
    assert run("check", "Nothing__c", "--config", str(config))[0] == 0


def test_an_unknown_name_is_answered_with_the_nearest(config):
    code, text = run("check", "Leed", "--config", str(config))
    assert code == 2
    assert 'Nearest: "Lead"' in text


def test_a_new_mapping_loads_and_passes_the_check(config, server):
    code, text = run("new", "campaign", "--config", str(config))
    assert code == 0, text
    path = config.parent / "mappings" / "campaign.yaml"
    made = read_mapping(path)
    assert (made.sobject, made.fields, made.watermark, made.api) == ("Campaign", None, "SystemModstamp", "auto")
    assert "Status" in made.track
    assert "OwnerId" in made.track
    assert made.unstamped == ("LastActivityDate",)
    assert run("check", "Campaign", "--config", str(config))[0] == 0
    assert api.pull(str(config), objects=["Campaign"]).exit_code == 0


def test_a_new_mapping_may_list_every_field(config, server):
    code, _ = run("new", "Lead", "--list-fields", "--config", str(config), "--out", str(config.parent / "m" / "l.yaml"))
    assert code == 0
    path = config.parent / "m" / "l.yaml"
    made = read_mapping(path)
    shown = {f["name"] for f in server.org.describe("Lead", 66.0)["fields"] if f["type"] not in ("address", "location")}
    assert set(made.fields or ()) == shown - {"LastViewedDate", "LastReferencedDate"}
    assert "# picklist, Grade" in path.read_text(encoding="utf-8")
    assert set(made.excluded) == {"LastViewedDate", "LastReferencedDate"}


def test_an_object_the_bulk_api_refuses_is_read_by_rest(config):
    run("new", "OpportunityStage", "--config", str(config))
    assert read_mapping(config.parent / "mappings" / "opportunitystage.yaml").api == "rest"


def test_a_mapping_that_is_there_is_not_overwritten(config):
    path = write(config, "campaign.yaml", "sobject: Campaign # mine\n")
    code, text = run("new", "Campaign", "--config", str(config))
    assert code == 2
    assert str(path) in text
    assert path.read_text(encoding="utf-8") == "sobject: Campaign # mine\n"


def test_an_object_the_org_does_not_have_is_answered_with_the_nearest(config):
    code, text = run("new", "Campain", "--config", str(config))
    assert code == 1
    assert 'Nearest: "Campaign"' in text
    assert not (config.parent / "mappings").exists()


def test_list_shows_shipped_and_own_mappings(config):
    write(config, "lead.yaml", "sobject: Lead\nfields: [Email]\n")
    found = {m["sobject"]: m for m in document("list", "--config", str(config))["mappings"]}
    assert (found["Lead"]["source"], found["Lead"]["fields"]) == ("user", "1")
    assert found["Account"]["source"] == "shipped"
    assert set(load_mappings()) <= set(found)


@pytest.mark.parametrize("label", ["Line\nbreak", "fields: all", "# hash", "emoji 🙂"])
def test_a_label_cannot_break_the_file(label, tmp_path):
    describe = {"name": "X__c", "label": label, "fields": [{"name": "Id", "type": "id", "label": label}]}
    path = tmp_path / "x.yaml"
    path.write_text(new_mapping(describe, every_field=False), encoding="utf-8")
    made = read_mapping(path)
    assert (made.sobject, made.fields, made.whole) == ("X__c", ("Id",), True)
