"""A generated org knows what is wrong with each of its records: the rules must find that and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sfsync.normalise.columns import SOURCES
from sfsync.normalise.table import refresh
from sfsync.practice.generate import generate
from sfsync.practice.org import PracticeOrg
from sfsync.rules import check, load_rules
from sfsync.warehouse import Warehouse

METADATA = ("LeadStatus", "OpportunityStage", "User", "Organization", "Group", "Profile", "TaskStatus", "UserRole")
RECORDS = ("Lead", "Contact", "Account", "Opportunity", "OpportunityContactRole", "OpportunityHistory", "LeadHistory")
RECORDS += ("Task", "RecordType")


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """(a mirror of a generated org, {(rule, sobject, id)} of what is wrong in it)."""
    folder = tmp_path_factory.mktemp("generated")
    org = PracticeOrg(folder / "org.duckdb")
    generate(org, leads=1000, seed=7)
    org.close()
    mirror = Warehouse(f"duckdb:///{folder / 'mirror.duckdb'}")
    with mirror.write() as con:
        con.exec_driver_sql(f"ATTACH '{folder / 'org.duckdb'}' AS org (READ_ONLY)")
        for sobject in (*METADATA, *RECORDS):
            columns = con.exec_driver_sql(f'SELECT column_name, column_type FROM (DESCRIBE org."{sobject}")').all()
            chosen = ", ".join(f"{c} AT TIME ZONE 'UTC' AS {c}" if t == "TIMESTAMP" else f'"{c}"' for c, t in columns)
            con.exec_driver_sql(f'CREATE TABLE salesforce."{sobject}" AS SELECT {chosen} FROM org."{sobject}"')
            alive = " WHERE IsDeleted IS NOT TRUE" if "IsDeleted" in dict(tuple(c) for c in columns) else ""
            con.exec_driver_sql(f'CREATE VIEW live."{sobject}" AS SELECT * FROM salesforce."{sobject}"{alive}')
        rows = con.exec_driver_sql("SELECT code, sobject, id FROM org.practice_truth WHERE kind = 'defect'")
        truth = {tuple(row) for row in rows}
    for sobject in SOURCES:
        refresh(mirror, sobject)
    return mirror, truth


def test_the_rules_find_what_was_planted_and_nothing_else(labelled):
    mirror, truth = labelled
    rules = load_rules()
    now = datetime.now(UTC)
    result = check(mirror, rules, as_of=now.date(), now=now, run_id="run")
    found = {(f.finding.rule, f.finding.ref.sobject, f.finding.ref.id) for f in result.findings}
    codes = {code for code, _, _ in truth} & {rule.code for rule in rules}
    assert len(codes) >= 10
    assert {hit for hit in found if hit[0] in codes} == {defect for defect in truth if defect[0] in codes}
    assert not [run for run in result.rules if run.status == "not_evaluated" and run.rule in codes]
    assert not result.failed


def test_no_rule_flags_more_records_than_it_looked_at(labelled):
    mirror, _ = labelled
    now = datetime.now(UTC)
    result = check(mirror, load_rules(), as_of=now.date(), now=now, run_id="rates")
    over = {run.rule: run.rate_percent for run in result.rules if (run.rate_percent or 0) > 100}
    assert over == {}
    assert [r.rule for r in result.rules if r.findings and not r.in_scope and r.status == "findings"] == []
    assert [r.rule for r in result.rules if not 0 <= r.records <= r.findings] == []
    assert sum(run.findings > run.in_scope for run in result.rules) > 0, "no rule has several findings on a record"
