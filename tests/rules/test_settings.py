import pytest

from sfsync.config import RulesConfig
from sfsync.errors import ConfigError
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
