"""DUP-001 and `dedupe` look at the same leads: what both find, both find alike."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sfsync.dedupe.run import dedupe
from sfsync.normalise.table import refresh
from sfsync.practice.generate import generate
from sfsync.practice.org import PracticeOrg
from sfsync.rules import check, load_rules
from sfsync.warehouse import Warehouse


@pytest.fixture(scope="module")
def mirror(tmp_path_factory):
    """The leads of a generated org, normalised."""
    folder = tmp_path_factory.mktemp("duplicates")
    org = PracticeOrg(folder / "org.duckdb")
    generate(org, leads=600, seed=11)
    org.close()
    made = Warehouse(f"duckdb:///{folder / 'mirror.duckdb'}")
    with made.write() as con:
        con.exec_driver_sql(f"ATTACH '{folder / 'org.duckdb'}' AS org (READ_ONLY)")
        con.exec_driver_sql('CREATE TABLE salesforce.Lead AS SELECT * FROM org."Lead"')
        con.exec_driver_sql("CREATE VIEW live.Lead AS SELECT * FROM salesforce.Lead WHERE IsDeleted IS NOT TRUE")
    refresh(made, "Lead")
    yield made
    made.close()


def test_clusters_of_one_address_have_the_same_id_in_both(mirror):
    now = datetime.now(UTC)
    result = check(mirror, load_rules(), as_of=now.date(), now=now, run_id="run", only=["DUP-001"])
    by_email = {c.finding.ref.id for c in result.findings if c.finding.kind == "email"}
    with mirror.read() as con:
        rows = con.exec_driver_sql("SELECT Id, email FROM sfsync.norm_Lead WHERE email_role IS NOT TRUE").all()
    emails = {id: email for id, email in rows if email}
    clusters = [[ref.id for ref in c.refs] for c in dedupe(mirror, run_id="run").clusters]
    whole = [ids for ids in clusters if len({emails.get(id, id) for id in ids}) == 1]
    groups: dict[str, list[str]] = {}
    with mirror.read() as con:
        for (id,) in con.exec_driver_sql("SELECT Id FROM live.Lead WHERE IsConverted IS NOT TRUE ORDER BY Id"):
            if id in emails:
                groups.setdefault(emails[id], []).append(id)
    assert by_email == {ids[0] for ids in groups.values() if len(ids) > 1}
    assert len(whole) > 3
    assert all(min(ids) in by_email for ids in whole if len(ids) == len(groups[emails[ids[0]]]))
