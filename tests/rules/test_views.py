"""Derived views: read like tables, replaced by the user's own, and honest about what is missing."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from sfsync.config import RulesConfig
from sfsync.errors import ConfigError, RuleError
from sfsync.rules import check
from sfsync.rules.load import load_rules
from sfsync.rules.views import load_views
from tests.rules.world import MONDAY, TODAY, lead_id, make_leads, rule, run, write_rule

CLOSED = "select Id, Status from v_lead_status_name n join live.Lead l on l.Status = n.name where n.role = :role"
ROLES = "params: {role: closed_unconverted}\nneeds: {Lead: [Id, Status]}\n"


def view(folder, name, text):
    (folder / "views").mkdir(parents=True, exist_ok=True)
    path = folder / "views" / f"{name}.sql"
    path.write_text(text, encoding="utf-8")
    return path


def table(warehouse, sobject, columns, *rows):
    with warehouse.write() as con:
        con.exec_driver_sql(f"CREATE TABLE salesforce.{sobject} ({columns})")
        con.exec_driver_sql(f"CREATE VIEW live.{sobject} AS SELECT * FROM salesforce.{sobject}")
        names = [column.split()[0] for column in columns.split(", ")]
        warehouse.load(con, f"salesforce.{sobject}", names, rows)


def statuses(warehouse):
    columns = "Id TEXT, ApiName TEXT, MasterLabel TEXT, IsConverted BOOLEAN, IsDefault BOOLEAN, SortOrder BIGINT"
    rows = [
        ("1", "New", "Open", False, True, 1),
        ("2", "Dead", "Lost", False, False, 2),
        ("3", "Won", "Won", True, False, 3),
    ]
    table(warehouse, "LeadStatus", columns, *rows)


def found(warehouse, rules, config=None):
    result = check(warehouse, rules, as_of=TODAY, now=MONDAY, run_id="r", config=config)
    assert [r.reason for r in result.rules if r.status == "not_evaluated"] == []
    return sorted(f.finding.ref.id for f in result.findings)


def test_a_rule_takes_over_what_its_view_needs_and_its_parameters(tmp_path):
    made = rule(tmp_path, "A-1", CLOSED.replace("Id, Status", "l.Id, l.Status"), more=ROLES)
    assert "ApiName" in made.needs["LeadStatus"]
    assert made.params["entry_statuses"] == []
    assert set(made.views) == {"v_lead_status", "v_lead_status_name"}


def test_a_views_parameter_is_set_once_for_all_rules_or_for_one(tmp_path, warehouse):
    make_leads(warehouse, "New", "Dead", "Lost")
    statuses(warehouse)
    sql = CLOSED.replace("Id, Status", "l.Id, l.Status")
    rules = [rule(tmp_path, "A-1", sql, more=ROLES)]
    assert found(warehouse, rules) == []
    for key in ("v_lead_status", "A-1"):
        config = RulesConfig(params={key: {"closed_unconverted_statuses": ["Dead"]}})
        assert found(warehouse, rules, config) == [lead_id(1), lead_id(2)]
    both = {"v_lead_status": {"closed_unconverted_statuses": ["Dead"]}, "A-1": {"closed_unconverted_statuses": []}}
    assert found(warehouse, rules, RulesConfig(params=both)) == []


def test_a_parameter_the_view_has_not_is_refused(tmp_path):
    rules = [rule(tmp_path, "A-1", CLOSED.replace("Id, Status", "l.Id, l.Status"), more=ROLES)]
    from sfsync.rules.settings import activate

    with pytest.raises(ConfigError, match=r"rules.params.v_lead_status: there is no parameter \"entry\""):
        activate(rules, RulesConfig(params={"v_lead_status": {"entry": ["x"]}}))


def test_the_users_view_goes_before_the_shipped_one_in_shipped_rules_too(tmp_path):
    view(tmp_path, "v_lead_status_since", "/*\ntitle: mine\n*/\nselect 'x' as LeadId, as_of() as since")
    ours = {r.code: r for r in load_rules(tmp_path)}["LEAD-STAT-005"]
    shipped = {r.code: r for r in load_rules()}["LEAD-STAT-005"]
    assert "LeadHistory" in shipped.optional
    assert "LeadHistory" not in ours.optional


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("select 1 as Id", "begins with a comment"),
        ("/*\nneeds: [\n*/\nselect 1 as Id", "not valid YAML"),
        ("/*\ntitel: x\n*/\nselect 1 as Id", 'unknown key "titel". Nearest: "title".'),
        ("/*\ntitle: x\n*/\nselect Id from live.Lead", "reads Lead, which is not declared"),
        ("/*\ntitle: x\n*/\ndelete from live.Lead", "must be one single SELECT"),
        ("/*\ntitle: x\n*/\nselect Id from v_mine", "in a circle: v_mine"),
        ("/*\ntitle: x\n*/\nselect :days as Id", 'unknown parameter ":days"'),
    ],
)
def test_a_broken_view_is_refused_with_its_file(tmp_path, text, problem):
    path = view(tmp_path, "v_mine", text)
    with pytest.raises(RuleError) as refused:
        load_views(tmp_path)
    assert any(p.startswith(f"{path}:1: ") and problem in p for p in refused.value.problems)


def test_a_view_there_is_not_is_named_with_the_nearest(tmp_path):
    write_rule(tmp_path / "rules", "A-1", "select Id, Status from v_actve_lead")
    with pytest.raises(RuleError, match=r'unknown view "v_actve_lead"\. Nearest: "v_active_lead"\.'):
        load_rules(tmp_path)


def test_a_common_table_expression_may_not_hide_a_view(tmp_path):
    write_rule(tmp_path / "rules", "A-1", "with v_touch as (select 1 as x) select Id, Status from live.Lead, v_touch")
    with pytest.raises(RuleError, match='"v_touch" is a view'):
        load_rules(tmp_path)


def test_views_stand_beside_recursive_expressions_of_the_rule(tmp_path, warehouse):
    make_leads(warehouse, "New", "Won")
    statuses(warehouse)
    sql = (
        "with recursive n as (select 1 as x union all select x + 1 from n where x < 3) "
        "select l.Id, l.Status from v_open_lead l where (select count(*) from n) = 3 and l.status_role = 'entry'"
    )
    assert found(warehouse, [rule(tmp_path, "A-1", sql, more="needs: {Lead: [Id, Status]}\n")]) == [lead_id(0)]


def test_the_star_of_a_view_is_what_is_declared(tmp_path, warehouse):
    make_leads(warehouse, "New")
    statuses(warehouse)
    rules = [rule(tmp_path, "A-1", "select l.Id, l.Amount__c as Status from v_open_lead l")]
    result = check(warehouse, rules, as_of=TODAY, now=MONDAY, run_id="r")
    assert result.failed
    assert 'Amount__c"' in result.rules[0].reason


# -- optional columns, fields the config names, kinds left out, similarity, the fiscal calendar


def test_a_missing_optional_column_is_null_and_told(tmp_path, warehouse):
    make_leads(warehouse, "New")
    more = "optional: {Lead: [Rating]}\n"
    rules = [rule(tmp_path, "A-1", "select Id, coalesce(Rating, 'none') as Status from live.Lead", more=more)]
    result = check(warehouse, rules, as_of=TODAY, now=MONDAY, run_id="r")
    assert [f.finding.message for f in result.findings] == ["status is none"]
    assert result.rules[0].reason == "Lead has no Rating: evaluated without it"


def test_a_column_only_some_orgs_have_is_not_told(tmp_path, warehouse):
    make_leads(warehouse, "New")
    more = "optional: {Lead: [CurrencyIsoCode], CurrencyType: [Id]}\n"
    sql = "select l.Id, l.Status from live.Lead l left join live.CurrencyType c on c.Id = l.CurrencyIsoCode"
    result = check(warehouse, [rule(tmp_path, "A-1", sql, more=more)], as_of=TODAY, now=MONDAY, run_id="r")
    assert (result.rules[0].status, result.rules[0].reason) == ("findings", "")


@pytest.mark.parametrize(("field", "expected"), [("Status", [lead_id(0)]), (None, [lead_id(0), lead_id(1)])])
def test_the_config_names_a_field(tmp_path, warehouse, field, expected):
    make_leads(warehouse, None, "New")
    more = 'params: {reason_field: null}\nneeds: {Lead: [Id, ":reason_field"]}\nmessage: bad\n'
    rules = [rule(tmp_path, "A-1", "select l.Id from live.Lead l where blank(field(l, 'reason_field'))", more=more)]
    assert found(warehouse, rules, RulesConfig(params={"A-1": {"reason_field": field}} if field else {})) == expected


def test_a_field_the_config_names_and_the_org_lacks_is_not_evaluated(tmp_path, warehouse):
    make_leads(warehouse, "New")
    result = check(warehouse, [_reason_rule(tmp_path)], as_of=TODAY, now=MONDAY, run_id="r", config=_reason("Why__c"))
    assert (result.rules[0].status, result.rules[0].reason) == ("not_evaluated", "Lead has no Why__c")


def test_what_cannot_be_a_field_stops_the_run(tmp_path, warehouse):
    make_leads(warehouse, "New")
    with pytest.raises(ConfigError, match=r"A-1\.reason_field: must be the API name of a field, not 'Id; drop'"):
        check(warehouse, [_reason_rule(tmp_path)], as_of=TODAY, now=MONDAY, run_id="r", config=_reason("Id; drop"))


def _reason_rule(tmp_path):
    more = 'params: {reason_field: null}\nneeds: {Lead: [Id, ":reason_field"]}\nmessage: bad\n'
    return rule(tmp_path, "A-1", "select l.Id from live.Lead l where blank(field(l, 'reason_field'))", more=more)


def _reason(field):
    return RulesConfig(params={"A-1": {"reason_field": field}})


def test_one_kind_can_be_left_out_with_its_reason(tmp_path, warehouse):
    make_leads(warehouse, "New", "Old")
    more = "not_evaluated_when: [{when: select true, reason: nobody knows, kind: Old}]\n"
    sql = "select Id, Status, Status as kind from live.Lead"
    result = check(warehouse, [rule(tmp_path, "A-1", sql, more=more)], as_of=TODAY, now=MONDAY, run_id="r")
    assert [f.finding.kind for f in result.findings] == ["New"]
    assert result.rules[0].reason == "Old not evaluated: nobody knows"


def test_only_rows_that_are_alike_enough_are_findings(tmp_path, warehouse):
    make_leads(warehouse, "martha", "xerxes", None)
    more = "params: {least: 0.92}\nsimilar: {left: Status, right: other, at_least: least}\n"
    rules = [rule(tmp_path, "A-1", "select Id, Status, 'marhta' as other from live.Lead", more=more)]
    assert found(warehouse, rules) == [lead_id(0)]
    assert found(warehouse, rules, RulesConfig(params={"A-1": {"least": 0.97}})) == []


def test_a_similarity_of_columns_there_are_not_is_refused(tmp_path):
    more = "params: {least: 0.9}\nsimilar: {left: Status, right: othr, at_least: least}\n"
    write_rule(tmp_path / "rules", "A-1", "select Id, Status, 'x' as other from live.Lead", more=more)
    with pytest.raises(RuleError, match=r'no column "othr"\. Nearest: "other"\.'):
        load_rules(tmp_path)


@pytest.mark.parametrize(
    ("month", "by_start", "day", "year", "quarter"),
    [
        (1, False, date(2026, 3, 15), 2026, 1),
        (2, False, date(2026, 1, 31), 2026, 4),
        (2, False, date(2026, 2, 1), 2027, 1),
        (2, True, date(2026, 2, 1), 2026, 1),
        (2, False, date(2026, 12, 31), 2027, 4),
        (4, False, date(2026, 3, 15), 2026, 4),
        (4, True, date(2026, 12, 31), 2026, 3),
        (10, False, date(2026, 12, 31), 2027, 1),
        (2, False, date(2024, 2, 29), 2025, 1),
    ],
)
def test_the_fiscal_calendar_is_the_orgs(tmp_path, warehouse, month, by_start, day, year, quarter):
    make_leads(warehouse, "New")
    columns = "Id TEXT, FiscalYearStartMonth BIGINT, UsesStartDateAsFiscalYearName BOOLEAN"
    table(warehouse, "Organization", columns, ("00D", month, by_start))
    dated = f"(select Id, date '{day}' as d from live.Lead) x"
    sql = f"select Id, fiscal_year(d) || ' ' || fiscal_quarter(d) as Status from {dated}"
    result = check(warehouse, [rule(tmp_path, "A-1", sql)], as_of=TODAY, now=MONDAY, run_id="r")
    assert [f.finding.message for f in result.findings] == [f"status is {year} {quarter}"]


def test_without_an_organization_the_fiscal_year_is_the_calendar_year(tmp_path, warehouse):
    make_leads(warehouse, "New")
    sql = "select Id, fiscal_year(as_of()) || ' ' || fiscal_quarter(as_of()) as Status from live.Lead"
    result = check(
        warehouse,
        [rule(tmp_path, "A-1", sql)],
        as_of=date(2026, 11, 2),
        now=datetime(2026, 11, 2, tzinfo=UTC),
        run_id="r",
    )
    assert [f.finding.message for f in result.findings] == ["status is 2026 4"]
    assert run(warehouse, "SELECT count(*) FROM sfsync.findings") == [(1,)]
