"""A new rule is a rule from its first minute."""

import pytest

from sfsync.errors import RuleError
from sfsync.rules.examples import test_rule as run_examples_of
from sfsync.rules.load import load_rules, read_rule
from sfsync.rules.scaffold import new_rule


def test_a_new_rule_agrees_with_its_examples(tmp_path, warehouse):
    path = new_rule("ACME-CITY-001", tmp_path)
    assert path == tmp_path / "rules" / "acme_city_001.yaml"
    results = run_examples_of(read_rule(path), warehouse)
    assert [result.problem for result in results] == ["", "", ""]


def test_a_new_rule_is_loaded_beside_the_shipped_ones(tmp_path):
    new_rule("ACME-1", tmp_path)
    assert len(load_rules(tmp_path)) == len(load_rules()) + 1


def test_a_file_that_is_there_is_not_written_over(tmp_path):
    path = new_rule("ACME-1", tmp_path)
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(RuleError, match="is there already"):
        new_rule("ACME-1", tmp_path)
    assert path.read_text(encoding="utf-8") == "mine"


def test_a_shipped_rule_is_not_replaced_by_the_way(tmp_path):
    with pytest.raises(RuleError, match='OPP-001 is a shipped rule, "Opportunity without account"'):
        new_rule("OPP-001", tmp_path)
    assert not (tmp_path / "rules").exists()


@pytest.mark.parametrize("code", ["acme-1", "", "ACME 1", "../X", "ACME-"])
def test_a_code_that_is_none_is_refused(tmp_path, code):
    with pytest.raises(RuleError, match="must be capitals"):
        new_rule(code, tmp_path)
    assert not (tmp_path / "rules").exists()
