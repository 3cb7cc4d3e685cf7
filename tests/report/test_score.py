from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from sfsync.report.score import WEIGHT, WHOLE, Judged, points, score
from sfsync.rules.rule import SEVERITIES

judged = st.builds(
    Judged,
    rule=st.text(min_size=1, max_size=4),
    severity=st.sampled_from(SEVERITIES),
    in_scope=st.integers(1, 10_000),
    findings=st.dictionaries(st.sampled_from(SEVERITIES), st.integers(1, 20_000)),
)


def test_a_worked_example() -> None:
    rules = [
        Judged("A-001", "error", 1000, {"error": 10}),  # 1 %, a fifth of 5 %: costs 2 of 10
        Judged("B-001", "warning", 100, {"warning": 30}),  # 30 %, over 20 %: costs 3 of 3
        Judged("C-001", "info", 50, {}),  # costs nothing of 1
    ]
    found = score(rules, left_out=4)
    assert found.value == 64  # 100 × (1 − 5/14) = 64.29
    assert (found.judged, found.left_out) == (3, 4)
    assert points(rules) == {"A-001": Decimal("14.3"), "B-001": Decimal("21.4"), "C-001": Decimal("0.0")}


def test_findings_of_several_severities_count_as_their_worst_share() -> None:
    few_errors = Judged("A", "info", 1000, {"error": 5, "info": 400})
    assert few_errors.weight == 10
    assert few_errors.cost == 1  # 0.5 % errors are a tenth of 5 %; 40.5 % info would be 0.81 of 1


def test_nothing_found_is_a_hundred_and_nothing_judged_is_no_score() -> None:
    assert score([Judged("A", "error", 5, {})]).value == 100
    assert score([]).value is None


@given(st.lists(judged, max_size=8))
def test_the_score_lies_between_0_and_100(rules: list[Judged]) -> None:
    value = score(rules).value
    assert value is None if not rules else value is not None and 0 <= value <= 100


@given(judged, st.sampled_from(SEVERITIES))
def test_one_more_finding_never_makes_a_rule_cost_less(rule: Judged, severity: str) -> None:
    more = Judged(
        rule.rule, rule.severity, rule.in_scope, {**rule.findings, severity: rule.findings.get(severity, 0) + 1}
    )
    assert more.cost >= rule.cost


def test_the_printed_formula_names_every_weight_and_rate() -> None:
    formula = score([]).formula
    for severity in SEVERITIES:
        assert f"{severity} {WEIGHT[severity]}, failed altogether at {WHOLE[severity]} %" in formula
