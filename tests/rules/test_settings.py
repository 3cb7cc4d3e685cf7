import json
from datetime import date

import pytest

from sfsync.config import RulesConfig
from sfsync.errors import ConfigError
from sfsync.rules import load_rules
from sfsync.rules.settings import activate
from tests.rules.world import rule


@pytest.fixture
def rules(tmp_path):
    sql = "select Id, Status from live.Lead"
    params = "params: {days: 3, on: true, name: x, share: 0.5, codes: [a], aliases: {a: b}, empty: null}\n"
    return [
        rule(tmp_path, "ACME-1", sql, more=params + "profiles: [integrity]\n"),
        rule(tmp_path, "ACME-2", sql),
    ]


def test_profile_off_severity_and_params(rules):
    active, off = activate(rules, RulesConfig(severity={"ACME-1": "info"}, params={"ACME-1": {"days": 7}}))
    assert [(a.rule.code, a.severity, a.params.get("days")) for a in active] == [
        ("ACME-1", "info", 7),
        ("ACME-2", None, None),
    ]
    assert off == []
    assert activate(rules, RulesConfig(off=("ACME-1",)))[1] == ["ACME-1"]
    assert activate(rules, RulesConfig(profile="integrity"))[1] == ["ACME-2"]


def test_unknown_names_are_errors_with_the_nearest_name(rules):
    config = RulesConfig(
        profile="integrty",
        off=("ACME-3",),
        severity={"ACME-2": "fatal"},
        params={"ACME-1": {"dais": 1}, "NOPE": {"a": 1}},
    )
    with pytest.raises(ConfigError) as refused:
        activate(rules, config)
    text = str(refused.value)
    assert 'there is no profile "integrty". Nearest: "integrity".' in text
    assert 'rules.off: there is no rule "ACME-3". Nearest: "ACME-' in text
    assert 'rules.severity.ACME-2: "fatal" must be' in text
    assert 'rules.params.ACME-1: there is no parameter "dais". Nearest: "days".' in text
    assert 'rules.params: there is no rule "NOPE".' in text
    assert len(refused.value.problems) == 5


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("days", "3"),
        ("days", True),
        ("on", 1),
        ("name", 1),
        ("share", None),
        ("codes", "a"),
        ("codes", [1]),
        ("aliases", ["a"]),
        ("aliases", {"a": 1}),
        ("empty", 1),
    ],
)
def test_a_value_of_another_type_is_an_error(rules, name, value):
    with pytest.raises(ConfigError, match=rf"rules\.params\.ACME-1\.{name}: must be"):
        activate(rules, RulesConfig(params={"ACME-1": {name: value}}))


@pytest.mark.parametrize(
    ("name", "value"), [("days", 2.5), ("share", 1), ("codes", []), ("aliases", {}), ("empty", "x"), ("empty", None)]
)
def test_a_value_of_the_same_kind_fits(rules, name, value):
    active, _ = activate(rules, RulesConfig(params={"ACME-1": {name: value}}))
    assert active[0].params[name] == value


@pytest.mark.parametrize(
    ("name", "default", "value", "must"),
    [
        ("stale_days", 30, -3, "a number of 0 or more"),
        ("stale_days", 30, float("nan"), "a number"),
        ("stale_days", 30, 99999999, "a number from 0 to 36525"),
        ("sla_hours", 24, float("inf"), "a number from 0 to 876600"),
        ("dead_share", 0.3, 30, "a number from 0 to 1"),
        ("name_similarity", 0.92, 92, "a number from 0 to 1"),
        ("early_max_probability", 10, 101, "a number from 0 to 100"),
        ("completeness_bar", 80, -1, "a number of 0 or more"),
        ("large_deal_amount", 100000, -0.01, "a number of 0 or more"),
        ("coldest", -20, float("-inf"), "a number from -1e\\+15 to 1e\\+15"),
        ("earliest_date", "1999-01-01", "soon", "a day, as 1999-01-01"),
        ("earliest_date", "1999-01-01", "2026-02-30", "a day, as 1999-01-01"),
        ("reason_field", None, "x; drop table", "the API name of a field"),
        ("weights", {"Email": "20"}, {"Email": "much"}, "a mapping to numbers of 0 or more"),
        ("weights", {"Email": "20"}, {"Email": "-1"}, "a mapping to numbers of 0 or more"),
        ("basis", "either", "both", "one of either, activity"),
    ],
)
def test_a_value_out_of_range_is_an_error(tmp_path, name, default, value, must):
    guard = "not_evaluated_when: [{when: \"select :basis not in ('either', 'activity')\", reason: no}]\n"
    more = f"params: {json.dumps({'basis': 'either', name: default})}\n" + guard
    rules = [rule(tmp_path, "ACME-1", "select Id, Status from live.Lead", more=more)]
    with pytest.raises(ConfigError, match=rf"rules\.params\.ACME-1\.{name}: must be {must}, not "):
        activate(rules, RulesConfig(params={"ACME-1": {name: value}}))


@pytest.mark.parametrize(
    ("code", "name", "value", "must"),
    [
        ("DUP-001", "dedupe_within", "boss", "one of empty, record_type"),
        ("OPP-011", "staleness_basis", "Either", "one of either, activity, field_change"),
        ("ACT-005", "clock_start", "", "one of created, assigned"),
        ("DQ-010", "person_accounts", "maybe", "one of detect, yes, no"),
        ("FCST-008", "rate_basis", "Dated", "one of current, dated"),
        ("FCST-010", "rollup_basis", "boss", "one of manager, role"),
    ],
)
def test_what_is_not_among_the_choices_of_a_shipped_rule_is_an_error(code, name, value, must):
    with pytest.raises(ConfigError, match=rf"^rules\.params\.{code}\.{name}: must be {must}, not {value!r}\.$"):
        activate(load_rules(), RulesConfig(params={code: {name: value}}))


@pytest.mark.parametrize("value", ["", "record_type"])
def test_the_choice_of_nothing_is_one(value):
    activate(load_rules(), RulesConfig(params={"DUP-001": {"dedupe_within": value}}))


@pytest.mark.parametrize(
    ("name", "default", "value", "taken"),
    [
        ("stale_days", 30, 0, 0),
        ("dead_share", 0.3, 1, 1),
        ("coldest", -20, -30.5, -30.5),
        ("market_share", 40, 55, 55),
        ("earliest_date", "1999-01-01", date(2001, 2, 3), "2001-02-03"),
        ("reason_field", None, "Loss_Reason__c", "Loss_Reason__c"),
        ("weights", {"Email": "20"}, {"Phone": "7.5"}, {"Phone": "7.5"}),
    ],
)
def test_a_value_at_the_edge_of_its_range_fits(tmp_path, name, default, value, taken):
    more = f"params: {json.dumps({name: default})}\n"
    rules = [rule(tmp_path, "ACME-1", "select Id, Status from live.Lead", more=more)]
    active, _ = activate(rules, RulesConfig(params={"ACME-1": {name: value}}))
    assert active[0].params[name] == taken


@pytest.mark.parametrize("given", [3, None, ["days"], "x"])
def test_parameters_that_are_no_mapping_are_an_error(rules, given):
    with pytest.raises(ConfigError, match=r"rules\.params\.ACME-1 maps each parameter to its value, not "):
        activate(rules, RulesConfig(params={"ACME-1": given}))


def test_every_shipped_default_is_a_value_that_fits():
    rules = load_rules()
    params = {rule.code: dict(rule.params) for rule in rules}
    active, off = activate(rules, RulesConfig(params=params))
    assert ([a.rule.code for a in active], off) == ([rule.code for rule in rules], [])
