from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sfsync.config import QuotaConfig
from sfsync.errors import InputError, QuotaFloor, WarehouseError, WrongOrg
from sfsync.mapping import closure, load_mappings
from sfsync.practice.org import PracticeOrg
from sfsync.practice.serve import PracticeServer
from sfsync.salesforce.org import Org
from sfsync.verify import verify
from tests.verify.proof import Proof, of

MANY = """
    SELECT id AS "Id", 'N' || n AS "LastName", 'C' AS "Company", 'Open - Not Contacted' AS "Status",
           made AS "CreatedDate", made AS "LastModifiedDate", made AS "SystemModstamp"
    FROM (SELECT n, practice_id('00Q', 100000 + n) AS id, TIMESTAMP '2024-01-01' + to_seconds(n * 3600) AS made
          FROM range(6000) r(n))
"""


def test_a_fresh_mirror_is_proven_equal_with_few_calls(proof):
    found = proof.verify()
    assert (found.exit_code, proof.calls < 60) == (0, True)
    lead = of(found, "Lead")
    assert (lead.org, lead.mirror, lead.compared, lead.ok) == (300, 300, "counts", True)


def test_every_id_and_every_cell_of_a_fresh_mirror_are_proven_equal(proof):
    found = proof.verify(ids=True, sample=1000)
    assert found.exit_code == 0, found.as_json()
    assert of(found, "Lead").sampled == 300
    assert {o.compared for o in found.objects} == {"ids"}
    assert not any(o.formulas for o in found.objects)


def test_a_row_the_mirror_lost_is_named_and_read_again(proof):
    lost = proof.ids()[7]
    proof.mirror_sql(f"DELETE FROM salesforce.Lead WHERE Id = '{lost}'")
    lead = proof.lead()
    assert (lead.missing, lead.extra, lead.org, lead.mirror, lead.ok) == ([lost], [], 300, 299, False)
    cursors = proof.cursor_rows()
    mended = proof.lead(repair=True)
    assert (mended.missing, mended.reread, mended.repaired, mended.ok) == ([lost], 1, True, True)
    assert proof.differences("Lead") == []
    assert proof.cursor_rows() == cursors
    assert proof.sql("SELECT rows FROM sfsync.cursors WHERE sobject = 'Lead'") == [(300,)]
    assert proof.verify("Lead", ids=True, sample=500).exit_code == 0


def test_what_changed_in_the_org_since_the_pull_is_no_difference(proof):
    ids = proof.ids(where="NOT IsConverted")
    proof.server.org.clock.advance(5)
    proof.save("insert", "Lead", [{"LastName": "New", "Company": "New Ltd"}])
    proof.save("update", "Lead", [{"Id": ids[0], "LastName": "Changed"}])
    proof.save("delete", "Lead", [{"Id": ids[1]}])
    for options in ({}, {"ids": True}, {"sample": 1000}):
        found = proof.verify(**options)
        lead = of(found, "Lead")
        assert found.exit_code == 0, (options, found.as_json())
        assert (lead.org, lead.mirror, lead.changed_since >= 3) == (298, 298, True)


def test_a_lost_row_is_found_among_changes_made_since(proof):
    ids = proof.ids(where="NOT IsConverted")
    proof.mirror_sql(f"DELETE FROM salesforce.Lead WHERE Id = '{ids[5]}'")
    proof.server.org.clock.advance(5)
    proof.save("delete", "Lead", [{"Id": ids[1]}])
    proof.save("insert", "Lead", [{"LastName": "New", "Company": "New Ltd"}])
    lead = proof.lead()
    assert (lead.missing, lead.extra) == ([ids[5]], [])


def test_a_purged_row_is_extra_and_the_repair_keeps_it_as_purged(proof):
    gone = proof.ids(where="NOT IsConverted")[3]
    proof.server.org.purge("Lead", [gone])
    lead = proof.lead()
    assert (lead.extra, lead.missing, lead.reasons) == ([gone], [], {gone: "purged"})
    assert proof.lead(repair=True).tombstoned == 1
    assert proof.sql(f"SELECT _deleted_reason FROM salesforce.Lead WHERE Id = '{gone}'") == [("purged",)]
    assert proof.lead(ids=True).ok


def test_a_row_no_log_saw_deleted_is_kept_as_not_visible(proof):
    hidden = proof.ids(where="NOT IsConverted")[3]
    proof.org_sql(f"""DELETE FROM "Lead" WHERE "Id" = '{hidden}'""")
    lead = proof.lead(repair=True)
    assert (lead.extra, lead.reasons, lead.ok) == ([hidden], {hidden: "not_visible"}, True)
    assert proof.sql(f"SELECT _deleted_reason FROM salesforce.Lead WHERE Id = '{hidden}'") == [("not_visible",)]


def test_a_row_that_is_visible_again_is_missing_and_comes_back(proof):
    again = proof.ids()[3]
    proof.mirror_sql(f"UPDATE salesforce.Lead SET _deleted_reason = 'not_visible' WHERE Id = '{again}'")
    assert proof.lead().missing == [again]
    assert proof.lead(repair=True).ok
    assert proof.sql(f"SELECT count(*) FROM live.Lead WHERE Id = '{again}'") == [(1,)]


def test_one_lost_and_one_extra_row_need_the_ids(proof):
    """Equal counts hide a pair of opposite differences: that is what ids is for."""
    lost, gone = proof.ids(where="NOT IsConverted")[2:4]
    proof.mirror_sql(f"DELETE FROM salesforce.Lead WHERE Id = '{lost}'")
    proof.org_sql(f"""DELETE FROM "Lead" WHERE "Id" = '{gone}'""")
    assert proof.verify("Lead").exit_code == 0
    lead = proof.lead(ids=True)
    assert (lead.missing, lead.extra) == ([lost], [gone])
    assert proof.lead(ids=True, repair=True).ok
    assert proof.lead(ids=True).ok


def test_a_missed_change_is_different_by_its_stamp(proof):
    id = proof.ids()[11]
    older = "SystemModstamp = SystemModstamp - INTERVAL 1 DAY, LastName = 'old'"
    proof.mirror_sql(f"UPDATE salesforce.Lead SET {older} WHERE Id = '{id}'")
    assert proof.verify("Lead").exit_code == 0
    [cell] = proof.lead(ids=True).different
    assert (cell.id, cell.field, cell.why) == (id, "SystemModstamp", "missed")
    cells = {c.field: c for c in proof.lead(sample=500).different}
    assert set(cells) == {"SystemModstamp", "LastName"}
    assert (cells["LastName"].mirror, cells["LastName"].why) == ("old", "missed")
    assert proof.lead(ids=True, repair=True).ok
    assert proof.differences("Lead") == []


def test_a_cell_that_changed_without_a_stamp_is_found_by_the_sample_and_mended(proof):
    id = proof.ids("Opportunity")[4]
    proof.org_sql(f"""UPDATE "Opportunity" SET "Amount" = 1234567890123456.78 WHERE "Id" = '{id}'""")
    found = of(proof.verify("Opportunity", ids=True, sample=1000), "Opportunity")
    amounts = [c for c in found.different if c.field == "Amount"]
    assert [(c.id, str(c.org), c.why) for c in amounts] == [(id, "1234567890123456.78", "unstamped")]
    assert proof.verify("Opportunity", sample=1000, repair=True).exit_code == 0
    assert proof.sql(f"SELECT CAST(Amount AS TEXT) FROM live.Opportunity WHERE Id = '{id}'") == [
        ("1234567890123456.78",)
    ]


def test_the_sample_is_the_same_for_the_same_seed(proof):
    proof.mirror_sql("UPDATE salesforce.Lead SET City = 'Elsewhere'")
    one, two, other = (
        {c.id for c in proof.lead(sample=20, seed=seed).different if c.field == "City"} for seed in (1, 1, 2)
    )
    assert one == two != other
    assert len(one) == 20


def test_many_gone_rows_are_not_marked_without_allow_large(proof):
    gone = proof.ids(where="NOT IsConverted")[:40]
    proof.org_sql(f"""DELETE FROM "Lead" WHERE "Id" IN ({", ".join(f"'{i}'" for i in gone)})""")
    refused = proof.verify("Lead", repair=True)
    lead = of(refused, "Lead")
    assert (refused.exit_code, lead.extra, lead.tombstoned, lead.ok) == (3, gone, 0, False)
    assert "--allow-large" in lead.notes[0]
    assert proof.sql("SELECT count(*) FROM live.Lead") == [(300,)]
    assert proof.lead(repair=True, allow_large=True).tombstoned == 40
    assert proof.sql("SELECT count(*) FROM live.Lead") == [(260,)]


def test_a_deleted_row_the_mirror_lost_is_missing(proof):
    id = proof.ids(where="NOT IsConverted")[0]
    proof.save("delete", "Lead", [{"Id": id}])
    proof.server.org.clock.advance(5)
    proof.pull("Lead")
    proof.mirror_sql(f"DELETE FROM salesforce.Lead WHERE Id = '{id}'")
    lead = proof.lead()
    assert (lead.org, lead.mirror, lead.org_deleted, lead.mirror_deleted) == (299, 299, 1, 0)
    assert lead.missing == [id]
    assert proof.lead(repair=True).ok
    assert proof.sql(f"SELECT _deleted_reason FROM salesforce.Lead WHERE Id = '{id}'") == [("deleted",)]


def test_a_delete_the_mirror_missed_is_extra_with_its_reason(proof):
    id = proof.ids(where="NOT IsConverted")[0]
    proof.save("delete", "Lead", [{"Id": id}])
    proof.server.org.clock.advance(5)
    proof.pull("Lead")
    proof.mirror_sql(f"UPDATE salesforce.Lead SET IsDeleted = false, _deleted_reason = NULL WHERE Id = '{id}'")
    lead = proof.lead()
    assert (lead.extra, lead.reasons) == ([id], {id: "deleted"})
    assert proof.lead(repair=True).ok
    assert proof.ids(where=f"Id = '{id}'") == []


@pytest.fixture
def many(tmp_path):
    """6,000 leads, an hour apart."""
    org = PracticeOrg()
    org.load("Lead", MANY)
    with PracticeServer(org) as server:
        world = Proof(server, tmp_path)
        assert world.pull("LeadStatus", "Lead").exit_code == 0
        yield world
    org.close()


def test_a_difference_in_many_rows_is_narrowed_down_by_counts(many):
    lost = many.ids()[4321]
    many.mirror_sql(f"DELETE FROM salesforce.Lead WHERE Id = '{lost}'")
    many.server.site.calls.clear()
    lead = of(many.verify(mappings=[load_mappings()["Lead"]]), "Lead")
    assert (lead.missing, lead.extra, lead.compared) == ([lost], [], "buckets")
    assert many.calls <= 12


def test_differences_at_both_ends_are_both_found(many):
    ids = many.ids()
    many.mirror_sql(f"DELETE FROM salesforce.Lead WHERE Id IN ('{ids[0]}', '{ids[-1]}')")
    many.org_sql(f"""DELETE FROM "Lead" WHERE "Id" IN ('{ids[1500]}', '{ids[3000]}', '{ids[3001]}')""")
    lead = of(many.verify(mappings=[load_mappings()["Lead"]]), "Lead")
    assert (lead.missing, lead.extra) == ([ids[0], ids[-1]], [ids[1500], ids[3000], ids[3001]])


def test_an_empty_org_answer_never_empties_the_mirror(many):
    many.org_sql('DELETE FROM "Lead"')
    result = many.verify(mappings=[load_mappings()["Lead"]], repair=True)
    assert result.exit_code == 3
    assert of(result, "Lead").tombstoned == 0
    assert many.sql("SELECT count(*) FROM live.Lead") == [(6000,)]


def test_a_whole_object_is_swept_by_bulk_when_it_is_large(tmp_path):
    org = PracticeOrg()
    org.load("Lead", MANY.replace("range(6000)", "range(12000)"))
    with PracticeServer(org) as server:
        world = Proof(server, tmp_path)
        assert world.pull("Lead").exit_code == 0
        ids = world.ids()
        world.mirror_sql(f"DELETE FROM salesforce.Lead WHERE Id = '{ids[9]}'")
        server.site.calls.clear()
        lead = of(world.verify(mappings=[load_mappings()["Lead"]], ids=True), "Lead")
        assert (lead.missing, lead.compared) == ([ids[9]], "ids")
        assert any("jobs/query" in path for path in server.site.calls)
        server.faults.add("truncated:path=/results")
        short = world.verify(mappings=[load_mappings()["Lead"]], ids=True)
        assert (short.exit_code, of(short, "Lead").extra) == (1, [])
        assert "promised" in str(of(short, "Lead").error)
    org.close()


def test_an_object_the_org_refuses_to_count_is_an_error_and_the_others_go_on(proof):
    proof.server.org.hide_field("Lead", "SystemModstamp")
    found = proof.verify()
    assert found.exit_code == 1
    assert "count" in str(of(found, "Lead").error)
    assert of(found, "Account").ok


def test_a_hidden_field_is_left_out_of_the_sample(proof):
    proof.server.org.hide_field("Lead", "Phone")
    assert proof.verify("Lead", sample=500).exit_code == 0


def test_an_object_never_pulled_is_named(proof):
    proof.mirror_sql("DELETE FROM sfsync.cursors WHERE sobject = 'Account'")
    found = proof.verify()
    assert found.exit_code == 1
    assert "sfsync pull" in str(of(found, "Account").error)


def test_an_empty_warehouse_says_to_pull_first(empty):
    with pytest.raises(WarehouseError, match="sfsync pull"):
        empty.verify("Lead")


def test_an_empty_org_is_proven_too(empty):
    empty.pull()
    assert empty.verify(ids=True, sample=5).exit_code == 0


def test_another_orgs_warehouse_is_refused(proof, tmp_path):
    other = PracticeOrg(org_id="00D000000000999")
    with PracticeServer(other) as server:
        proof.org_config = replace(proof.org_config, instance_url=server.url, client_id=server.credentials.client_id,
                                   client_secret=server.credentials.client_secret)  # fmt: skip
        with pytest.raises(WrongOrg, match="mirrors org"):
            proof.verify("Lead", repair=True)
    other.close()


def test_the_quota_floor_ends_a_verification_with_its_own_error(proof):
    mappings = closure(["Lead"], load_mappings())
    with (
        Org.connect(proof.org_config, QuotaConfig(None, None, per_run=3)) as org,
        pytest.raises(QuotaFloor) as caught,
    ):
        verify(org, proof.warehouse, mappings, staging=proof.config.staging, run_id="q")
    assert caught.value.exit_code == 4


def test_rows_before_the_start_are_not_asked_for(empty):
    [old] = empty.save("insert", "Lead", [{"LastName": "Old", "Company": "C"}])
    empty.save("insert", "Lead", [{"LastName": "New", "Company": "C"}])
    empty.server.org.backdate("Lead", old, 40 * 86400)
    empty.server.org.clock.advance(5)
    empty.pull("Lead", start=datetime.now(UTC) - timedelta(days=30))
    lead = empty.lead(ids=True)
    assert (lead.org, lead.mirror, lead.ok) == (1, 1, True)


def test_a_negative_sample_is_refused(proof):
    with pytest.raises(InputError, match="--sample -1"):
        proof.verify("Lead", sample=-1)


def test_json_has_the_agreed_keys(proof):
    lost = proof.ids()[0]
    proof.mirror_sql(f"DELETE FROM salesforce.Lead WHERE Id = '{lost}'")
    document = proof.verify("Lead").as_json()
    lead = next(o for o in document["objects"] if o["sobject"] == "Lead")
    assert {"sobject", "org", "mirror", "missing", "extra", "different", "ok"} <= set(lead)
    assert (lead["missing"], lead["ok"]) == ([lost], False)
