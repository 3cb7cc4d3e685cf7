"""The health score: how often records break the rules, weighted by how much each finding matters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from sfsync.insight.table import TENTH, rounded, whole
from sfsync.model import Severity
from sfsync.report.content import Score
from sfsync.rules.rule import SEVERITIES

WEIGHT: dict[Severity, int] = {"error": 10, "warning": 3, "info": 1}
WHOLE: dict[Severity, int] = {"error": 5, "warning": 20, "info": 50}
"""Percent of the records in scope at which a rule counts as failed altogether."""
FORMULA = (
    "Score = 100 × (1 − Σ cost ÷ Σ weight), rounded, over all rules that were evaluated and had records to look at. "
    "Weight and full rate by severity: "
    + "; ".join(f"{s} {WEIGHT[s]}, failed altogether at {WHOLE[s]} % of the records in scope" for s in WEIGHT)
    + ". A rule weighs what the worst of its own severity and those of its open findings weighs. It costs the largest, "
    "over the severities, of weight × min(1, findings of that severity or worse ÷ records in scope ÷ full rate). "
    "100 means that no rule found anything; without a record to look at there is no score."
)


@dataclass(frozen=True)
class Judged:
    """One rule as the score sees it."""

    rule: str
    severity: Severity
    """As the config or the rule has it."""
    in_scope: int
    """At least one."""
    findings: Mapping[str, int]
    """Severity → open findings."""

    @property
    def weight(self) -> int:
        return max(WEIGHT[s] for s in SEVERITIES if s == self.severity or self.findings.get(s))

    @property
    def cost(self) -> Decimal:
        """0 to weight."""
        worst, so_far = Decimal(0), 0
        for severity in SEVERITIES:
            so_far += self.findings.get(severity, 0)
            if self.findings.get(severity):
                share = min(Decimal(1), Decimal(100 * so_far) / (self.in_scope * WHOLE[severity]))
                worst = max(worst, WEIGHT[severity] * share)
        return worst


def score(judged: Iterable[Judged], *, left_out: int = 0, before: int | None = None, missing: str = "") -> Score:
    """The score over these rules. missing: why there is none, where no rule can be judged."""
    found = list(judged)
    weight = sum(j.weight for j in found)
    value = whole(100 * (1 - sum((j.cost for j in found), Decimal(0)) / weight)) if weight else None
    return Score(value, len(found), left_out, FORMULA, before, missing if value is None else "")


def points(judged: Iterable[Judged]) -> dict[str, Decimal]:
    """Rule → the points of the hundred it costs, one decimal."""
    found = list(judged)
    weight = sum(j.weight for j in found)
    return {j.rule: rounded(100 * j.cost / weight, TENTH) for j in found}
