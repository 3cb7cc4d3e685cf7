"""Every shipped rule proves itself by its own examples."""

import pytest

from sfsync.rules import describe, load_rules
from sfsync.rules.examples import test_rule as run_examples_of
from sfsync.warehouse import Warehouse
from tests import postgres

RULES = load_rules()
BESIDE = {
    "CONT-001": {"Account"},  # the account that collects contacts, beside the contacts
    "FCST-001": {"OpportunityStage", "Organization"},
    "FCST-002": {"OpportunityStage"},
    "FCST-003": {"OpportunityStage"},
    "FCST-007": {"Organization"},
    "FCST-009": {"Organization"},
    "LEAD-CONV-005": {"User"},
    "LEAD-CONV-007": {"Contact"},  # in place of its lead, because the fix writes it
    "LEAD-CONV-015": {"Organization"},
    "LEAD-STAT-002": {"LeadStatus"},
    "LEAD-STAT-004": {"Organization"},
    "LEAD-STAT-005": {"User"},
    "OPP-007": {"User"},
    "OWN-003": {"Organization"},
}
"""Rule → sObjects that stand for the org, a setting of it or a whole import: in no scope, beside the rate."""


@pytest.fixture(scope="module", params=["duckdb", "postgresql"])
def scratch(request):
    """An empty warehouse of each kind, for all rules: their examples leave nothing behind."""
    if request.param == "duckdb":
        warehouse = Warehouse("duckdb:///:memory:")
        yield warehouse
        warehouse.close()
        return
    with postgres.database(request.getfixturevalue("postgres_server")) as url:
        warehouse = Warehouse(url)
        yield warehouse
        warehouse.close()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_says_of_its_examples_what_they_expect_and_flags_only_what_is_in_its_scope(rule, scratch):
    results = run_examples_of(rule, scratch)
    assert len(results) >= 2
    assert [f"{r.example}: {r.problem}" for r in results if not r.ok] == []
    outside = {f.ref.sobject for result in results for f in result.beside}  # their rate could exceed 100 %
    assert outside == BESIDE.get(rule.code, set())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_is_shown_null_values_and_deleted_records(rule):
    rows = [row for example in rule.examples for rows in example.world.values() for row in rows]
    assert any(row.get("IsDeleted") is True for row in rows)
    assert any(value is None for row in rows for value in row.values()) or rule.code == "DQ-001"


def test_every_rule_says_what_it_rests_on():
    assert [rule.code for rule in RULES if not rule.source] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_description_names_what_a_person_asks_for(rule):
    text = describe(rule)
    assert text.startswith(f"{rule.code} · {rule.title}\n")
    assert all(name in text for name in rule.params)
    assert "SQL for" in text
    words = [line for line in text.partition("\nSQL for")[0].splitlines() if not line.startswith("File: ")]
    assert max(map(len, words)) <= 100


def test_the_ten_first_rules_are_there_in_order():
    assert [rule.code for rule in RULES] == sorted(rule.code for rule in RULES)
    assert {
        "LEAD-STAT-001",
        "LEAD-STAT-002",
        "LEAD-CONV-001",
        "LEAD-CONV-003",
        "CONT-001",
        "OPP-001",
        "OPP-002",
        "FCST-002",
        "DQ-001",
        "DQ-006",
    } <= {rule.code for rule in RULES}
