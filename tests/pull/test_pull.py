from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from sfsync.config import QuotaConfig
from sfsync.errors import AuthError, MappingError, WrongOrg
from sfsync.mapping import load_mappings
from sfsync.practice.org import PracticeOrg
from sfsync.practice.serve import PracticeServer
from tests.pull.world import MAIN, World, result

HOSTILE = [
    'a,"b"\r\nc', "lone\rcr", "U+2028 \u2028 U+0085 \u0085", "emoji 🙂 عربي", "NA", "null", "None", "#N/A", "007",
    "'", "\\", "tab\there", "y" * 30_000,
]  # fmt: skip


def all_equal(world: World) -> None:
    read = [name for (name,) in world.sql("SELECT sobject FROM sfsync.cursors")]
    assert set(MAIN) < set(read)
    for sobject in read:
        assert world.differences(sobject) == [], sobject


@pytest.mark.parametrize("api", ["rest", "bulk", "auto"])
def test_a_full_pull_equals_the_org_cell_by_cell(world, api):
    pulled = world.pull(api=api)
    assert pulled.exit_code == 0, pulled.as_json()
    assert result(pulled, "Lead").rows == 150
    assert {o.api for o in pulled.objects} == ({"rest"} if api != "bulk" else {"rest", "bulk"})
    all_equal(world)


@pytest.mark.parametrize("api", ["rest", "bulk"])
def test_an_increment_equals_the_org_cell_by_cell(world, api):
    world.pull()
    ids = [row["Id"] for row in world.org.dump("Lead") if not row["IsConverted"] and not row["IsDeleted"]]
    world.save("update", "Lead", [{"Id": ids[0], "LastName": "Changed"}, {"Id": ids[1], "Description": None}])
    world.save("delete", "Lead", [{"Id": ids[2]}])
    world.save("insert", "Lead", [{"LastName": "New", "Company": "New Ltd"}])
    pulled = world.pull(api=api)
    lead = result(pulled, "Lead")
    assert (lead.inserted, lead.updated, lead.deleted, lead.complete) == (1, 3, 1, True)
    all_equal(world)
    assert world.sql(f"SELECT count(*) FROM live.Lead WHERE Id = '{ids[2]}'") == [(0,)]


@pytest.mark.parametrize("api", ["rest", "bulk"])
def test_hostile_text_and_sixteen_digit_money_arrive_exactly(empty, api):
    empty.save(
        "insert",
        "Lead",
        [{"LastName": f"N{i}", "Company": "C", "Description": t} for i, t in enumerate(HOSTILE)],
    )
    empty.save( "insert", "Opportunity",
        [{"Name": "Big", "StageName": "Prospecting", "CloseDate": "2026-12-31", "Amount": "1234567890123456.78"}],
    )  # fmt: skip
    pulled = empty.pull(api=api)
    assert pulled.exit_code == 0, pulled.as_json()
    all_equal(empty)
    texts = {row["Description"] for row in empty.mirror("Lead")}
    assert set(HOSTILE) <= texts
    assert str(empty.mirror("Opportunity")[0]["Amount"]) == "1234567890123456.78"


def test_an_empty_org_is_pulled_and_pulled_again(empty):
    assert empty.pull().exit_code == 0
    assert empty.pull().exit_code == 0
    assert empty.sql("SELECT count(*) FROM live.Lead") == [(0,)]
    assert empty.sql("SELECT count(*) FROM live.LeadStatus")[0][0] > 0


def test_an_idle_pull_changes_nothing(world):
    world.pull()
    again = world.pull()
    assert sum(o.inserted + o.updated + o.deleted for o in again.objects) == 0
    all_equal(world)


def test_a_change_in_the_second_of_the_pull_is_not_lost(empty):
    empty.save("insert", "Lead", [{"LastName": "A", "Company": "C"}])
    empty.pull()
    empty.save("insert", "Lead", [{"LastName": "B", "Company": "C"}])
    empty.pull()
    assert empty.sql("SELECT count(*) FROM live.Lead") == [(2,)]


def test_a_commit_that_becomes_visible_late_is_caught_and_counted(empty):
    empty.pull()
    [id] = empty.save("insert", "Lead", [{"LastName": "Late", "Company": "C"}])
    empty.org.backdate("Lead", id, 300)
    lead = result(empty.pull(), "Lead")
    assert lead.inserted == 1
    assert lead.late == 1
    assert 295 <= lead.late_seconds <= 305
    assert empty.differences("Lead") == []


def test_an_undeleted_record_is_live_again(empty):
    [id] = empty.save("insert", "Lead", [{"LastName": "A", "Company": "C"}])
    empty.save("delete", "Lead", [{"Id": id}])
    empty.pull()
    assert empty.sql("SELECT _deleted_reason FROM salesforce.Lead") == [("deleted",)]
    empty.save("undelete", "Lead", [{"Id": id}])
    empty.pull()
    assert empty.sql("SELECT Id FROM live.Lead") == [(id,)]


@pytest.mark.parametrize("fault", ["truncated", "cut"])
def test_a_short_bulk_page_does_not_move_the_cursor_and_the_next_pull_is_right(world, fault):
    world.server.faults.add(f"{fault}:path=/results")
    pulled = world.pull("Lead", api="bulk")
    lead = result(pulled, "Lead")
    assert (pulled.exit_code, lead.complete) == (1, False)
    assert lead.error
    assert world.sql("SELECT count(*) FROM sfsync.cursors WHERE sobject = 'Lead'") == [(0,)]
    world.server.faults.clear()
    assert world.pull("Lead", api="bulk").exit_code == 0
    assert world.differences("Lead") == []


def test_a_passing_outage_is_ridden_out(world):
    world.server.faults.add("503:times=2,path=/query")
    assert world.pull("Lead").exit_code == 0
    assert world.differences("Lead") == []


def test_a_session_that_ends_in_the_middle_is_renewed_once(world):
    world.server.faults.add("session:times=1,path=/query")
    assert world.pull("Lead").exit_code == 0
    assert world.differences("Lead") == []


def test_staged_pages_of_an_interrupted_pull_are_used_again(world):
    world.server.faults.add("cut:path=/results,after=1")
    assert world.pull("Lead", "Task", api="bulk").exit_code == 1
    staged = list((world.folder / "staging").rglob("manifest.json"))
    jobs = {json.loads(p.read_text(encoding="utf-8"))["job_id"] for p in staged}
    assert jobs
    world.server.faults.clear()
    assert world.pull("Lead", "Task", api="bulk").exit_code == 0
    assert world.differences("Lead") == []
    assert not list((world.folder / "staging").rglob("manifest.json"))


def test_the_quota_floor_stops_the_run_with_its_own_code_and_the_next_run_completes(world):
    world.quota = QuotaConfig(floor_percent=None, per_run=8)
    pulled = world.pull(api="bulk")
    assert pulled.exit_code == 4
    assert not all(o.complete for o in pulled.objects)
    world.quota = None
    assert world.pull().exit_code == 0
    all_equal(world)


def test_a_warehouse_made_for_another_org_is_refused_untouched(world, tmp_path):
    world.pull("Lead")
    before = world.mirror("Lead")
    other = PracticeOrg(org_id="00D000000000999")
    with PracticeServer(other) as server:
        elsewhere = World(server, tmp_path, world.warehouse.url)
        with pytest.raises(WrongOrg, match="mirrors org"):
            elsewhere.pull("Lead")
    other.close()
    assert world.mirror("Lead") == before


def test_a_wrong_secret_says_what_to_do(world):
    from dataclasses import replace

    world.org_config = replace(world.org_config, client_secret="wrong-secret-value")
    with pytest.raises(AuthError) as caught:
        world.pull("Lead")
    assert "wrong-secret-value" not in str(caught.value)
    assert "client_secret" in str(caught.value) or "client_id" in str(caught.value)


def test_an_unknown_field_in_a_users_mapping_is_named_with_line_and_nearest(world, tmp_path):
    (tmp_path / "lead.yaml").write_text("sobject: Lead\nfields:\n  - Emial\n", encoding="utf-8")
    mappings = load_mappings(tmp_path)
    with pytest.raises(MappingError, match=r'lead.yaml:3: Lead has no field "Emial".*Nearest: "Email"'):
        world.pull(mappings=[mappings["Lead"]])


def test_an_object_the_org_lacks_is_named(world, tmp_path):
    (tmp_path / "x.yaml").write_text("sobject: Leed__c\n", encoding="utf-8")
    with pytest.raises(MappingError, match="Leed__c"):
        world.pull(mappings=[load_mappings(tmp_path)["Leed__c"]])


def test_a_new_field_brings_its_values_for_old_rows(world):
    world.pull("Lead")
    from sfsync.practice.schema import Field

    world.org.add_field("Lead", Field("Grade__c", "string", length=10, custom=True), "'A'")
    pulled = world.pull("Lead")
    assert any("Grade__c" in w for w in result(pulled, "Lead").warnings)
    assert world.sql("SELECT DISTINCT Grade__c FROM live.Lead") == [("A",)]
    assert world.differences("Lead") == []


def test_a_hidden_field_keeps_its_values_with_a_warning(world):
    world.pull("Lead")
    before = world.sql("SELECT Id, Phone FROM salesforce.Lead ORDER BY Id")
    world.org.hide_field("Lead", "Phone")
    pulled = world.pull("Lead")
    assert pulled.exit_code == 0
    assert any("Phone" in w for w in result(pulled, "Lead").warnings)
    assert world.sql("SELECT Id, Phone FROM salesforce.Lead ORDER BY Id") == before


def test_history_and_the_daily_snapshot_are_kept(world):
    world.pull()
    [opportunity] = [
        row["Id"] for row in world.org.dump("Opportunity") if not row["IsDeleted"] and not row["IsClosed"]
    ][:1]
    world.save("update", "Opportunity", [{"Id": opportunity, "StageName": "Closed Won"}])
    world.pull()
    changes = dict(world.sql(f"SELECT field, new FROM sfsync.history WHERE id = '{opportunity}'"))
    assert changes["StageName"] == "Closed Won"
    live = world.sql("SELECT count(*) FROM live.Opportunity")
    assert world.sql("SELECT count(*) FROM sfsync.opportunity_snapshot GROUP BY day") == live
    assert world.sql(f"SELECT StageName FROM sfsync.opportunity_snapshot WHERE id = '{opportunity}'") == [
        ("Closed Won",)
    ]


def test_the_cursor_is_the_orgs_clock_from_before_the_read(empty):
    empty.org.clock.offset = timedelta(days=-3)
    pulled = empty.pull("Lead")
    lead = result(pulled, "Lead")
    assert lead.until is not None
    assert abs(lead.until - (datetime.now(UTC) - timedelta(days=3))) < timedelta(minutes=1)


def test_history_comes_too_when_only_its_records_had_been_read(empty):
    """As after a pull that committed the leads and died."""
    changed, gone = empty.leads(2)
    empty.age()
    empty.save("update", "Lead", [{"Id": gone, "Status": "Working - Contacted"}])
    empty.pull("Lead")
    empty.age()
    empty.save("update", "Lead", [{"Id": changed, "Status": "Working - Contacted"}])
    empty.save("delete", "Lead", [{"Id": gone}])
    empty.pull_one("Lead")
    empty.age()
    empty.pull("Lead")
    assert {row["LeadId"] for row in empty.mirror("LeadHistory")} == {changed, gone}
    assert empty.differences("LeadHistory") == []
