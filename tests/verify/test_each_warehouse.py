"""The same story on each kind of database."""

from __future__ import annotations

import shutil
from datetime import date

from sfsync.mapping import load_mappings
from sfsync.moments import iso
from sfsync.practice.org import PracticeOrg
from sfsync.practice.serve import PracticeServer
from tests.pull.world import result
from tests.verify.proof import Proof, of
from tests.verify.test_verify import MANY


def test_every_kind_of_difference_is_found_and_mended(pulled, warehouse, tmp_path):
    shutil.copy(pulled / "org.duckdb", tmp_path / "org.duckdb")
    with PracticeOrg(tmp_path / "org.duckdb") as org, PracticeServer(org) as server:
        proof = Proof(server, tmp_path)
        proof.warehouse = warehouse
        assert proof.pull("Lead").exit_code == 0
        assert proof.verify("Lead", ids=True, sample=1000).exit_code == 0
        ids = proof.ids(where="NOT IsConverted")
        proof.server.org.clock.advance(5)
        proof.save("update", "Lead", [{"Id": ids[9], "LastName": "Changed since"}])
        proof.mirror_sql(f"DELETE FROM salesforce.Lead WHERE Id = '{ids[0]}'")
        proof.mirror_sql(f"UPDATE salesforce.Lead SET LastName = 'x' WHERE Id = '{ids[1]}'")
        proof.server.org.purge("Lead", [ids[2]])
        cursors = proof.cursor_rows()
        lead = proof.lead(ids=True, sample=1000, repair=True)
        assert (lead.missing, lead.extra, lead.reasons) == ([ids[0]], [ids[2]], {ids[2]: "purged"})
        assert [(d.id, d.field, d.mirror) for d in lead.different] == [(ids[1], "LastName", "x")]
        assert (lead.reread, lead.tombstoned, lead.ok) == (2, 1, True)
        assert proof.cursor_rows() == cursors
        assert proof.verify("Lead", ids=True, sample=1000).exit_code == 0


def test_what_the_org_changes_without_a_stamp_has_aged_until_its_refresh_and_is_no_difference(warehouse, tmp_path):
    with PracticeOrg() as org, PracticeServer(org) as server:
        proof = Proof(server, tmp_path)
        proof.warehouse = warehouse
        lead = [load_mappings()["Lead"]]
        ids = proof.leads(3)
        proof.age()
        proof.pull(mappings=lead)
        [(pulled_at,)] = proof.sql("SELECT formulas_at FROM sfsync.cursors")
        proof.save("insert", "Task", [{"WhoId": ids[0], "Status": "Completed", "ActivityDate": "2026-02-03"}])
        aged = proof.verify(mappings=lead, ids=True, sample=10)
        found = of(aged, "Lead")
        assert (aged.exit_code, found.sampled, found.different) == (0, 3, [])
        assert [(d.id, d.field, d.org, d.mirror) for d in found.formulas] == [
            (ids[0], "LastActivityDate", date(2026, 2, 3), None)
        ]
        assert found.notes == [f"cells that change without a stamp have aged since {iso(pulled_at)}: LastActivityDate"]
        proof.execute('UPDATE "Lead" SET "Phone" = \'007\' WHERE "Id" = $1', ids[1])
        other = proof.verify(mappings=lead, sample=10)
        assert (other.exit_code, [d.field for d in of(other, "Lead").different]) == (3, ["Phone"])
        proof.age(86400)
        assert result(proof.pull(mappings=lead), "Lead").refreshed == 1
        assert of(proof.verify(mappings=lead, sample=10), "Lead").formulas == []


def test_a_difference_in_many_rows_is_narrowed_down(warehouse, tmp_path):
    with PracticeOrg() as org:
        org.load("Lead", MANY)
        with PracticeServer(org) as server:
            proof = Proof(server, tmp_path)
            proof.warehouse = warehouse
            assert proof.pull("Lead").exit_code == 0
            lost = proof.ids()[2345]
            proof.mirror_sql(f"DELETE FROM salesforce.Lead WHERE Id = '{lost}'")
            lead = of(proof.verify(mappings=[load_mappings()["Lead"]], repair=True), "Lead")
            assert (lead.missing, lead.compared, lead.ok) == ([lost], "buckets", True)
