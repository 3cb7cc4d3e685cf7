"""A check on a real warehouse: outcomes, order, and the life of findings."""

import json
import subprocess
import sys
from datetime import timedelta

import pytest
import sqlalchemy as sa

from sfsync.config import RulesConfig
from sfsync.errors import ConfigError, WarehouseError
from sfsync.model import Ref
from sfsync.normalise.table import refresh
from sfsync.rules import check, load_rules
from sfsync.rules.findings import BATCH
from sfsync.warehouse import Warehouse
from tests.rules.world import MONDAY, TODAY, lead_id, make_leads, rule, run

BAD = "select Id, Status from live.Lead where Status = 'Bad'"


def checked(warehouse, rules, day=0, **config):
    now = MONDAY + timedelta(days=day)
    return check(warehouse, rules, as_of=now.date(), now=now, run_id=f"run-{day}", config=RulesConfig(**config))


def stored(warehouse):
    rows = run(
        warehouse, "SELECT rule, id, first_seen, last_seen, resolved_at, run_id FROM sfsync.findings ORDER BY 1, 2"
    )
    return [
        (code, id, *(None if moment is None else (moment - MONDAY).days for moment in moments), by)
        for code, id, *moments, by in rows
    ]


def test_three_outcomes_with_scope_rate_and_reason(warehouse, tmp_path):
    make_leads(warehouse, "Bad", "Good", "Good", "Good")
    run(warehouse, "UPDATE salesforce.Lead SET IsDeleted = true WHERE Id = '00Q000000000003AAA'")
    result = checked(
        warehouse,
        [
            rule(tmp_path, "A-3", "select Id from live.Contact", more="needs: {Contact: [Id]}\nmessage: x\n"),
            rule(tmp_path, "A-2", "select Id, Status from live.Lead where Status = 'None'"),
            rule(tmp_path, "A-1", BAD),
        ],
    )
    assert [(r.rule, r.status, r.in_scope, r.findings) for r in result.rules] == [
        ("A-1", "findings", 3, 1),
        ("A-2", "ok", 3, 0),
        ("A-3", "not_evaluated", 0, 0),
    ]
    assert result.rules[0].rate_percent == pytest.approx(100 / 3)
    assert result.rules[2].rate_percent is None
    assert result.rules[2].reason == "Contact is not in the warehouse"
    assert result.exit_code == 3
    assert run(warehouse, "SELECT rule, status, in_scope, findings, reason FROM sfsync.rule_runs ORDER BY rule") == [
        ("A-1", "findings", 3, 1, None),
        ("A-2", "ok", 3, 0, None),
        ("A-3", "not_evaluated", 0, 0, "Contact is not in the warehouse"),
    ]


def test_a_missing_column_is_named_with_the_nearest(warehouse, tmp_path):
    make_leads(warehouse, "Bad")
    result = checked(warehouse, [rule(tmp_path, "A-1", BAD, more="needs: {Lead: [Id, Staus]}\n")])
    assert result.rules[0].reason == 'Lead has no Staus. Nearest: "Status"'


def test_a_rule_whose_sql_fails_does_not_stop_the_others_and_shows_no_values(warehouse, tmp_path):
    make_leads(warehouse, "Bad", "jane@acme.example")
    result = checked(
        warehouse,
        [
            rule(tmp_path, "A-1", "select Id, cast(Status as integer) as Status from live.Lead"),
            rule(tmp_path, "A-2", BAD),
            rule(tmp_path, "A-3", "select Nope as Id, Status from live.Lead"),
            rule(tmp_path, "A-4", "select null as Id, Status from live.Lead"),
        ],
    )
    assert [(r.status, r.failed) for r in result.rules] == [
        ("not_evaluated", True),
        ("findings", False),
        ("not_evaluated", True),
        ("not_evaluated", True),
    ]
    assert "a-1.yaml: its SQL failed" in result.rules[0].reason
    assert not any(secret in result.rules[0].reason for secret in ("Bad", "jane"))
    assert "Nope" in result.rules[2].reason
    assert "without Id" in result.rules[3].reason
    assert [r.rule for r in result.failed] == ["A-1", "A-3", "A-4"]
    assert result.exit_code == 1


def test_findings_are_ordered_by_severity_rule_object_id_and_kind(warehouse, tmp_path):
    make_leads(warehouse, "Bad", "Bad")
    two = "select Id, Status, 'b' as kind from live.Lead union all select Id, Status, 'a' from live.Lead"
    rules = [
        rule(tmp_path, "A-1", BAD, severity="info"),
        rule(tmp_path, "A-2", BAD, severity="warning"),
        rule(tmp_path, "A-3", two),
    ]
    order = [(c.finding.rule, c.finding.ref.id, c.finding.kind) for c in checked(warehouse, rules[::-1]).findings]
    assert order == [
        ("A-3", lead_id(0), "a"),
        ("A-3", lead_id(0), "b"),
        ("A-3", lead_id(1), "a"),
        ("A-3", lead_id(1), "b"),
        ("A-2", lead_id(0), ""),
        ("A-2", lead_id(1), ""),
        ("A-1", lead_id(0), ""),
        ("A-1", lead_id(1), ""),
    ]


def test_a_finding_keeps_its_first_seen_is_resolved_and_begins_anew(warehouse, tmp_path):
    make_leads(warehouse, "Bad", "Good")
    rules = [rule(tmp_path, "A-1", BAD)]
    assert [(c.new, c.first_seen) for c in checked(warehouse, rules, 0).findings] == [(True, MONDAY)]
    assert [(c.new, c.first_seen) for c in checked(warehouse, rules, 1).findings] == [(False, MONDAY)]
    assert stored(warehouse) == [("A-1", lead_id(0), 0, 1, None, "run-1")]

    run(warehouse, "UPDATE salesforce.Lead SET Status = 'Good'")
    third = checked(warehouse, rules, 2)
    assert (list(third.findings), third.resolved, third.exit_code) == ([], 1, 0)
    assert checked(warehouse, rules, 3).resolved == 0
    assert stored(warehouse) == [("A-1", lead_id(0), 0, 1, 2, "run-1")]

    run(warehouse, "UPDATE salesforce.Lead SET Status = 'Bad'")
    fourth = checked(warehouse, rules, 4)
    assert sorted((c.finding.ref.id, c.new, c.first_seen == MONDAY + timedelta(days=4)) for c in fourth.findings) == [
        (lead_id(0), True, True),
        (lead_id(1), True, True),
    ]
    assert stored(warehouse) == [
        ("A-1", lead_id(0), 4, 4, None, "run-4"),
        ("A-1", lead_id(1), 4, 4, None, "run-4"),
    ]


def test_a_deleted_record_resolves_its_findings(warehouse, tmp_path):
    make_leads(warehouse, "Bad")
    rules = [rule(tmp_path, "A-1", BAD)]
    checked(warehouse, rules)
    run(warehouse, "UPDATE salesforce.Lead SET IsDeleted = true")
    assert checked(warehouse, rules, 1).resolved == 1


def test_what_was_not_evaluated_resolves_nothing(warehouse, tmp_path):
    make_leads(warehouse, "Bad")
    rules = [rule(tmp_path, "A-1", BAD), rule(tmp_path, "A-2", BAD)]
    checked(warehouse, rules)
    assert checked(warehouse, rules[:1], 1).resolved == 0
    run(warehouse, "DROP VIEW live.Lead")
    assert checked(warehouse, rules, 2).resolved == 0
    assert [row[4] for row in stored(warehouse)] == [None, None]


def test_switching_a_rule_off_resolves_its_findings(warehouse, tmp_path):
    make_leads(warehouse, "Bad")
    rules = [rule(tmp_path, "A-1", BAD), rule(tmp_path, "A-2", BAD)]
    checked(warehouse, rules)
    result = checked(warehouse, rules, 1, off=("A-1",))
    assert (result.off, result.resolved, [r.rule for r in result.rules]) == (["A-1"], 1, ["A-2"])
    assert [row[4] for row in stored(warehouse)] == [1, None]


def test_only_some_rules_can_be_asked_for(warehouse, tmp_path):
    make_leads(warehouse, "Bad")
    rules = [rule(tmp_path, "A-1", BAD), rule(tmp_path, "A-2", BAD), rule(tmp_path, "A-3", BAD)]
    checked(warehouse, rules)
    run(warehouse, "UPDATE salesforce.Lead SET Status = 'Good'")
    config = RulesConfig(off=("A-1", "A-3"))
    day = MONDAY + timedelta(days=1)
    result = check(warehouse, rules, as_of=TODAY, now=day, run_id="some", config=config, only=["A-1"])
    assert ([r.rule for r in result.rules], result.resolved) == (["A-1"], 1)
    assert [row[4] for row in stored(warehouse)] == [1, None, None]
    with pytest.raises(ConfigError, match='there is no rule "A-9"'):
        check(warehouse, rules, as_of=TODAY, now=day, run_id="none", only=["A-9"])


def test_severity_and_params_come_from_the_config(warehouse, tmp_path):
    make_leads(warehouse, "Bad", "Worse")
    row = "select Id, Status, case when Status = 'Worse' then 'warning' end as severity"
    sql = f"{row} from live.Lead where Status <> :ok"
    rules = [rule(tmp_path, "A-1", sql, more="params: {ok: Good}\n")]
    assert [c.finding.severity for c in checked(warehouse, rules).findings] == ["error", "warning"]
    overridden = checked(warehouse, rules, severity={"A-1": "info"}, params={"A-1": {"ok": "Bad"}})
    assert [(c.finding.severity, c.finding.ref.id) for c in overridden.findings] == [("info", lead_id(1))]


def test_an_unknown_code_stops_before_anything_is_written(warehouse, tmp_path):
    make_leads(warehouse, "Bad")
    with pytest.raises(ConfigError):
        checked(warehouse, [rule(tmp_path, "A-1", BAD)], off=("A-9",))
    assert stored(warehouse) == []


def test_a_fix_carries_new_values_and_never_blanks(warehouse, tmp_path):
    make_leads(warehouse, "Bad", "Badder", "Same")
    sql = """select Id, Status, case Status when 'Bad' then 'Good' when 'Same' then 'Same' end as new_status,
             case when Status = 'Bad' then 12.50 end as amount, Status = 'Bad' as sure from live.Lead"""
    fix = "fix: {confidence: auto, set: {Status: new_status, Amount__c: amount}, when: sure}\n"
    result = checked(warehouse, [rule(tmp_path, "A-1", sql, more=fix)])
    change = next(iter(result.findings)).finding.fix
    assert (change.op, change.ref, change.confidence) == ("update", Ref("Lead", lead_id(0)), "auto")
    assert change.after == {"Amount__c": "12.50", "Status": "Good"}
    assert [c.finding.fix for c in result.findings][1:] == [None, None]
    assert [
        json.loads(text) if text else None for (text,) in run(warehouse, "SELECT fix FROM sfsync.findings ORDER BY id")
    ] == [
        {"confidence": "auto", "after": {"Amount__c": "12.50", "Status": "Good"}},
        None,
        None,
    ]


def test_a_fix_equal_to_what_is_there_is_no_fix(warehouse, tmp_path):
    make_leads(warehouse, "Same")
    fix = "fix: {confidence: auto, set: {Status: Status}}\n"
    result = checked(warehouse, [rule(tmp_path, "A-1", "select Id, Status from live.Lead", more=fix)])
    assert [c.finding.fix for c in result.findings] == [None]


def test_json_has_the_documented_keys(warehouse, tmp_path):
    make_leads(warehouse, None)
    result = checked(warehouse, [rule(tmp_path, "A-1", "select Id, Status from live.Lead")])
    assert result.as_json() == {
        "findings": [
            {
                "rule": "A-1",
                "kind": "",
                "sobject": "Lead",
                "id": lead_id(0),
                "severity": "error",
                "message": "status is (empty)",
                "first_seen": "2026-03-02T08:00:00Z",
                "new": True,
                "fix": None,
                "waived": False,
                "waiver": None,
            }
        ],
        "rules": [
            {"rule": "A-1", "status": "findings", "in_scope": 1, "findings": 1, "reason": "", "waived": 0, "records": 1}
        ],
        "resolved": 0,
        "waived": 0,
        "fail_on": "info",
        "since": None,
        "replay_of": None,
    }
    json.dumps(result.as_json())


def test_two_rows_of_one_identity_are_one_finding(warehouse, tmp_path):
    make_leads(warehouse, "Bad")
    sql = "select Id, 'b' as Status from live.Lead union all select Id, 'a' from live.Lead"
    result = checked(warehouse, [rule(tmp_path, "A-1", sql)])
    assert [c.finding.message for c in result.findings] == ["status is a"]


def test_a_check_can_be_replayed_for_another_day_and_time_zone(warehouse, tmp_path):
    make_leads(warehouse, "Bad")
    run(warehouse, "UPDATE salesforce.Lead SET CreatedDate = '2026-03-01 02:00:00+00'")
    sql = "select Id, cast(days_between(local_date(CreatedDate), as_of()) as text) as Status from live.Lead"
    rules = [rule(tmp_path, "A-1", sql, more="needs: {Lead: [Id, CreatedDate]}\n")]

    def message(zone):
        result = check(warehouse, rules, as_of=TODAY, now=MONDAY, run_id="r", time_zone=zone)
        return next(iter(result.findings)).finding.message

    assert message("UTC") == "status is 1"
    assert message("America/New_York") == "status is 2"


def test_rules_on_normalised_values_wait_until_those_are_up_to_date(warehouse, tmp_path):
    make_leads(warehouse, "Bad")
    sql = "select n.Id, n.person as Status from sfsync.norm_Lead n"
    rules = [rule(tmp_path, "A-1", sql, more="needs: {norm_Lead: [Id, person]}\n")]
    assert checked(warehouse, rules).rules[0].reason == "norm_Lead is not in the warehouse"
    refresh(warehouse, "Lead")
    assert checked(warehouse, rules).rules[0].status == "findings"
    run(warehouse, "UPDATE salesforce.Lead SET SystemModstamp = '2026-03-05 00:00:00+00'")
    assert checked(warehouse, rules).rules[0].reason == "norm_Lead is behind: 1 records changed since it was computed"


def test_a_rule_of_several_objects_resolves_only_what_it_looked_at(warehouse, tmp_path):
    make_leads(warehouse, "Bad")
    run(warehouse, "CREATE VIEW live.Contact AS SELECT * FROM live.Lead")
    parts = "objects: [Lead, Contact]\nscope: {Lead: Lead, Contact: Contact}\n"
    parts += "needs: {Lead: [Id, Status], Contact: [Id, Status]}\n"
    parts += f'sql: {{Lead: "{BAD}", Contact: "{BAD.replace("Lead", "Contact")}"}}\n'
    rules = [rule(tmp_path, "A-1", "", more=parts)]
    assert len(checked(warehouse, rules).findings) == 2
    run(warehouse, "DROP VIEW live.Contact")
    run(warehouse, "UPDATE salesforce.Lead SET Status = 'Good'")
    result = checked(warehouse, rules, 1)
    assert (result.rules[0].status, result.rules[0].reason) == ("ok", "Contact is not in the warehouse")
    rows = run(warehouse, "SELECT sobject, resolved_at IS NULL FROM sfsync.findings ORDER BY 1")
    assert rows == [("Contact", True), ("Lead", False)]


def test_a_file_is_checked_read_only_and_closed_afterwards(tmp_path):
    file = Warehouse(f"duckdb:///{tmp_path / 'acme.duckdb'}")
    make_leads(file, "Bad")
    assert len(checked(file, [rule(tmp_path, "A-1", BAD)]).findings) == 1
    again = Warehouse(f"duckdb:///{tmp_path / 'acme.duckdb'}")
    assert [row[:2] for row in stored(again)] == [("A-1", lead_id(0))]


def test_the_shipped_rules_say_not_evaluated_in_an_empty_warehouse(warehouse):
    result = checked(warehouse, load_rules())
    assert {r.status for r in result.rules} == {"not_evaluated"}
    assert all(r.reason and not r.failed for r in result.rules)
    assert result.exit_code == 0


def test_findings_are_read_anew_and_those_of_an_older_check_are_not_passed_off_as_current(warehouse, tmp_path):
    make_leads(warehouse, "Bad", "Bad")
    rules = [rule(tmp_path, "A-1", BAD)]
    first = checked(warehouse, rules)
    assert [list(first.findings), len(first.findings)] == [list(first.findings), 2]
    checked(warehouse, rules, 1)
    assert (len(first.findings), first.exit_code) == (2, 3)
    with pytest.raises(WarehouseError, match="another check since"):
        list(first.findings)


def test_a_rule_that_fails_in_its_second_part_leaves_nothing_of_the_first(warehouse, tmp_path):
    make_leads(warehouse, "Bad")
    run(warehouse, "CREATE VIEW live.Contact AS SELECT * FROM live.Lead")
    parts = "objects: [Lead, Contact]\nscope: {Lead: Lead, Contact: Contact}\n"
    parts += "needs: {Lead: [Id, Status], Contact: [Id, Status]}\n"
    parts += f'sql: {{Lead: "{BAD}", Contact: "select Id, cast(Status as integer) as Status from live.Contact"}}\n'
    result = checked(warehouse, [rule(tmp_path, "A-1", "", more=parts), rule(tmp_path, "A-2", BAD)])
    assert [(r.status, r.failed) for r in result.rules] == [("not_evaluated", True), ("findings", False)]
    assert [row[0] for row in stored(warehouse)] == ["A-2"]


def test_two_parts_that_name_the_same_record_are_one_finding(warehouse, tmp_path):
    make_leads(warehouse, "Bad", "Bad")
    run(warehouse, "CREATE VIEW live.Contact AS SELECT * FROM live.Lead")
    parts = "objects: [Lead, Contact]\nscope: {Lead: Lead, Contact: Contact}\n"
    parts += "needs: {Lead: [Id, Status], Contact: [Id, Status]}\n"
    parts += f"""sql: {{Lead: "{BAD}", Contact: "select Id, 'A' as Status, 'Lead' as sobject from live.Contact"}}\n"""
    result = checked(warehouse, [rule(tmp_path, "A-1", "", more=parts)])
    assert (result.rules[0].findings, result.rules[0].records) == (2, 2)
    assert [c.finding.message for c in result.findings] == ["status is A", "status is A"]


def test_the_rate_counts_records_not_their_kinds(warehouse, tmp_path):
    make_leads(warehouse, "Bad", "Good")
    sql = f"{BAD} union all {BAD}".replace("Id, Status from", "Id, Status, 'a' as kind from", 1)
    result = checked(warehouse, [rule(tmp_path, "A-1", sql.replace("Id, Status from", "Id, Status, 'b' from"))])
    [ran] = result.rules
    assert (ran.findings, ran.records, ran.in_scope, ran.rate_percent) == (2, 1, 2, 50.0)


def test_a_fix_writes_each_type_as_json_does(any_warehouse, tmp_path):
    make_leads(any_warehouse, 'Say "ä"\n')
    sql = """select Id, Status, true as sure, cast(7 as bigint) as whole, 12.50 as amount, date '2026-03-01' as day,
             cast('2026-03-01 02:00:00+00' as timestamptz) as moment, Status as words, null as nothing from live.Lead"""
    fix = "{A: sure, B: whole, C: amount, D: day, E: moment, F: words, G: nothing}"
    more = f"fix: {{confidence: auto, set: {fix}, clear: [Status]}}\n"
    [found] = checked(any_warehouse, [rule(tmp_path, "A-1", sql, more=more)]).findings
    assert found.finding.fix.after == {
        "A": True,
        "B": 7,
        "C": "12.50",
        "D": "2026-03-01",
        "E": "2026-03-01T02:00:00+00:00",
        "F": 'Say "ä"\n',
        "Status": None,
    }


def test_the_life_of_findings_is_the_same_on_every_warehouse(any_warehouse, tmp_path):
    make_leads(any_warehouse, "Bad", "Good", "Bad")
    rules = [
        rule(tmp_path, "A-1", BAD),
        rule(tmp_path, "A-2", "select Id, cast(Status as integer) as Status from live.Lead"),
        rule(tmp_path, "A-3", f"{BAD} union all {BAD}"),
    ]
    first = checked(any_warehouse, rules)
    assert [r.findings for r in first.rules] == [2, 0, 2]
    assert [(c.finding.rule, c.finding.ref.id, c.new) for c in first.findings] == [
        ("A-1", lead_id(0), True),
        ("A-1", lead_id(2), True),
        ("A-3", lead_id(0), True),
        ("A-3", lead_id(2), True),
    ]
    run(any_warehouse, f"UPDATE salesforce.Lead SET Status = 'Good' WHERE Id = '{lead_id(0)}'")
    second = checked(any_warehouse, rules, 1)
    assert (second.resolved, [c.new for c in second.findings]) == (2, [False, False])
    run(any_warehouse, "UPDATE salesforce.Lead SET Status = 'Bad'")
    third = checked(any_warehouse, rules[:1], 2)
    assert [(c.finding.ref.id, c.new) for c in third.findings] == [
        (lead_id(0), True),
        (lead_id(1), True),
        (lead_id(2), False),
    ]
    assert [(code, id[14:15], *days, by) for code, id, *days, by in stored(any_warehouse)] == [
        ("A-1", "0", 2, 2, None, "run-2"),
        ("A-1", "1", 2, 2, None, "run-2"),
        ("A-1", "2", 0, 2, None, "run-2"),
        ("A-3", "0", 0, 0, 1, "run-0"),
        ("A-3", "2", 0, 1, None, "run-1"),
    ]
    assert run(any_warehouse, "SELECT status, count(*) FROM sfsync.rule_runs GROUP BY status ORDER BY status") == [
        ("findings", 5),
        ("not_evaluated", 2),
    ]


def test_while_rules_are_evaluated_a_file_can_be_read_by_others(tmp_path):
    file = Warehouse(f"duckdb:///{tmp_path / 'acme.duckdb'}")
    make_leads(file, "Bad")
    with file.draft() as draft:
        draft.fill("sfsync_found", "SELECT * FROM live.Lead")
        code = "import duckdb, sys; print(duckdb.connect(sys.argv[1], read_only=True).sql('from live.Lead').fetchall())"
        done = subprocess.run([sys.executable, "-c", code, str(file.file)], capture_output=True, text=True)
        assert lead_id(0) in done.stdout, done.stderr
        with pytest.raises(sa.exc.DBAPIError):
            draft.con.exec_driver_sql("DELETE FROM salesforce.Lead")
        draft.con.rollback()
        draft.finish(lambda con: con.exec_driver_sql("DELETE FROM salesforce.Lead"))
    assert [path.name for path in tmp_path.iterdir()] == ["acme.duckdb"]


def test_keeping_the_findings_is_tried_again_with_more_memory(tmp_path):
    warehouse = Warehouse(f"duckdb:///{tmp_path / 'w.duckdb'}")
    make_leads(warehouse, "Bad")
    rooms = []

    def work(con):
        rooms.append(con.exec_driver_sql("SELECT current_setting('memory_limit')").scalar_one())
        if len(rooms) == 1:
            con.exec_driver_sql("SET memory_limit = '20MB'")
        con.exec_driver_sql("CREATE TEMP TABLE t AS SELECT list(range) AS all_of_them FROM range(3000000)")
        return con.exec_driver_sql("SELECT Status FROM salesforce.Lead").scalar_one()

    with warehouse.draft() as draft:
        assert draft.finish(work) == "Bad"
    assert len(set(rooms)) == len(rooms) == 2


def test_more_findings_than_are_kept_at_a_time_live_the_same_life(tmp_path):
    warehouse = Warehouse(f"duckdb:///{tmp_path / 'w.duckdb'}")
    make_leads(warehouse)
    run(
        warehouse,
        "INSERT INTO salesforce.Lead (Id, Status, IsDeleted) "
        "SELECT '00Q' || format('{:012d}', range) || 'AAA', 'Bad', false FROM range(180000)",
    )
    rules = [rule(tmp_path, code, BAD) for code in ("A-1", "A-2")]
    rules.append(rule(tmp_path, "A-3", "select Id, Status from live.Lead where Status = 'Good'"))
    assert sum(r.findings for r in checked(warehouse, rules).rules) == 360_000 > BATCH
    run(warehouse, f"UPDATE salesforce.Lead SET Status = 'Good' WHERE Id = '{lead_id(7)}'")
    again = checked(warehouse, rules, day=1)
    assert again.resolved == 2
    assert run(
        warehouse,
        "SELECT rule, first_seen = last_seen, resolved_at IS NULL, run_id, count(*) FROM sfsync.findings "
        "GROUP BY ALL ORDER BY ALL",
    ) == [
        ("A-1", False, True, "run-1", 179_999),
        ("A-1", True, False, "run-0", 1),
        ("A-2", False, True, "run-1", 179_999),
        ("A-2", True, False, "run-0", 1),
        ("A-3", True, True, "run-1", 1),
    ]


def test_a_rule_that_had_too_little_memory_is_run_again_with_more(tmp_path):
    warehouse = Warehouse(f"duckdb:///{tmp_path / 'w.duckdb'}")
    make_leads(warehouse, *["Bad"] * 3000)
    hungry = (
        "select max(a.Id) as Id, length(string_agg(a.Id || b.Id, '')) as Status from live.Lead a cross join live.Lead b"
    )
    result = checked(warehouse, [rule(tmp_path, "A-1", hungry), rule(tmp_path, "A-2", BAD)])
    assert [(r.rule, r.status, r.findings, r.reason) for r in result.rules] == [
        ("A-1", "findings", 1, ""),
        ("A-2", "findings", 3000, ""),
    ]
