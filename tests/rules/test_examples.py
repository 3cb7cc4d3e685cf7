"""Examples prove a rule: a wrong rule or a wrong example is found out."""

import pytest

from sfsync.errors import WarehouseError
from sfsync.rules.examples import test_rules as run_examples_of
from tests.rules.world import make_leads, rule

SQL = "select Id, Status from live.Lead where Status = 'Bad'"
GOOD = """\
examples:
  passes: [{name: good, Lead: [{Id: a, Status: Good}]}]
  flagged: [{name: bad, Lead: [{Id: b, Status: Bad}], expect: [{Id: b}]}]
"""


def outcome(tmp_path, examples, sql=SQL):
    return [(r.example, r.problem) for r in run_examples_of([rule(tmp_path, "A-1", sql, more=examples)])]


def test_a_right_rule_agrees_with_its_examples(tmp_path):
    assert outcome(tmp_path, GOOD) == [("passes: good", ""), ("flagged: bad", "")]


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("select Id, Status from live.Lead", "a  was flagged and should not be"),
        ("select Id, Status from live.Lead where Status = 'None'", "b was not flagged"),
        ("select Id, Company as Status from live.Lead", "not evaluated: a-1.yaml: its SQL failed"),
    ],
)
def test_a_wrong_rule_is_found_out(tmp_path, sql, problem):
    assert any(problem in text for _, text in outcome(tmp_path, GOOD, sql))


@pytest.mark.parametrize(
    ("expect", "problem"),
    [
        ("{Id: b, severity: info}", "b: severity is 'error', expected 'info'"),
        ("{Id: b, fix: {Status: Good}}", "b: fix is None, expected {'Status': 'Good'}"),
        ("{Id: b, message: no}", "b: message is 'status is Bad', expected 'no'"),
        ("{Id: b, kind: x}", "b x was not flagged"),
        ("{Id: b}, {Id: c}", "c was not flagged"),
    ],
)
def test_a_wrong_expectation_is_found_out(tmp_path, expect, problem):
    found = outcome(tmp_path, GOOD.replace("{Id: b}]}]", f"{expect}]}}]"))
    assert found[1] == ("flagged: bad", problem)


def test_a_rule_without_examples_does_not_count_as_proved(tmp_path):
    assert [problem for _, problem in outcome(tmp_path, "")] == [
        "there is no example under `passes:`",
        "there is no example under `flagged:`",
    ]


def test_a_column_that_is_not_declared_is_found_out(tmp_path):
    found = outcome(tmp_path, GOOD.replace("Status: Good", "Status: Good, Rating: Hot"))
    assert found[0][1] == "Lead.Rating is in the example, but not under `needs:` or `optional:`"


def test_not_evaluated_is_an_outcome_to_prove_as_well(tmp_path):
    more = GOOD + "  not_evaluated: [{name: gone, missing: [Lead.Status], Lead: [{Id: a}], reason: no Status}]\n"
    assert outcome(tmp_path, more)[2] == ("not_evaluated: gone", "")
    wrong = GOOD + "  not_evaluated: [{name: there, Lead: [{Id: a}]}]\n"
    assert outcome(tmp_path, wrong)[2][1].startswith("expected not_evaluated, got ok")


def test_a_mirror_is_never_used_as_scratch(tmp_path, warehouse):
    make_leads(warehouse, "Bad")
    with pytest.raises(WarehouseError, match="mirrors an org"):
        run_examples_of([rule(tmp_path, "A-1", SQL, more=GOOD)], warehouse)
    with warehouse.read() as con:
        assert con.exec_driver_sql("SELECT count(*) FROM salesforce.Lead").scalar() == 1
