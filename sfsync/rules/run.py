"""Run rules over the warehouse and keep the life of their findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sfsync.config import RulesConfig
from sfsync.model import Finding
from sfsync.rules.evaluate import Catalog, Evaluation, RuleStatus, evaluate
from sfsync.rules.findings import open_since, record
from sfsync.rules.fixes import fix_json
from sfsync.rules.rule import SEVERITIES, Rule
from sfsync.rules.settings import activate
from sfsync.rules.sql import Clock
from sfsync.warehouse import Warehouse


@dataclass(frozen=True)
class CheckedFinding:
    """A finding and how long it has stood."""

    finding: Finding
    first_seen: datetime
    """UTC; of this time, when it had been resolved before."""
    new: bool
    """Not seen by the check before."""

    def as_json(self) -> dict[str, Any]:
        f = self.finding
        return {
            "rule": f.rule,
            "kind": f.kind,
            "sobject": f.ref.sobject,
            "id": f.ref.id,
            "severity": f.severity,
            "message": f.message,
            "first_seen": self.first_seen.isoformat().replace("+00:00", "Z"),
            "new": self.new,
            "fix": fix_json(f.fix),
        }


@dataclass(frozen=True)
class RuleRun:
    """What one rule came to."""

    rule: str
    status: RuleStatus
    in_scope: int
    findings: int
    reason: str
    failed: bool = False
    """Its SQL raised an error: somebody has to mend the rule."""

    @property
    def rate_percent(self) -> float | None:
        """Findings per hundred records in scope; None when nothing was in scope or nothing was evaluated."""
        if self.status == "not_evaluated" or not self.in_scope:
            return None
        return 100 * self.findings / self.in_scope

    def as_json(self) -> dict[str, Any]:
        return {
            "rule": self.rule,
            "status": self.status,
            "in_scope": self.in_scope,
            "findings": self.findings,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class CheckResult:
    """Findings sorted by severity (errors first), rule, sobject, id, kind; rules sorted by code."""

    findings: list[CheckedFinding] = field(default_factory=list)
    rules: list[RuleRun] = field(default_factory=list)
    off: list[str] = field(default_factory=list)
    """Codes that were not run because the config says so."""
    resolved: int = 0
    """Findings of before that are gone."""

    @property
    def failed(self) -> list[RuleRun]:
        return [run for run in self.rules if run.failed]

    @property
    def exit_code(self) -> int:
        """1 when a rule's SQL failed, 3 with findings, else 0."""
        return 1 if self.failed else 3 if self.findings else 0

    def as_json(self) -> dict[str, Any]:
        """The `findings` and `rules` of `check --format json`."""
        return {"findings": [f.as_json() for f in self.findings], "rules": [r.as_json() for r in self.rules]}


def check(
    warehouse: Warehouse,
    rules: Sequence[Rule],
    *,
    as_of: date,
    now: datetime,
    run_id: str,
    config: RulesConfig | None = None,
    time_zone: str = "UTC",
    only: Sequence[str] = (),
) -> CheckResult:
    """Evaluate the rules, then write sfsync.findings and sfsync.rule_runs in one transaction.

    Rules read `sfsync.norm_*`: bring those up to date first (`sfsync.normalise.table.refresh`), otherwise rules that
    need them are not evaluated. A rule whose SQL fails does not stop the others. Findings of rules that were not asked
    for stay untouched; those of rules switched off, and those no longer found, are resolved.

    as_of: today in the org's time zone. now: aware, the run's moment. time_zone: the org's, IANA name.
    only: codes to evaluate, even if the config switches them off; all rules that are on when empty.
    Raises ConfigError when `only` or config names a rule, parameter or profile there is none of.
    """
    active, off = activate(sorted(rules, key=lambda rule: rule.code), config or RulesConfig(), only)
    clock = Clock(as_of, now, time_zone)
    with warehouse.read() as con:
        catalog = Catalog(warehouse, con)
        evaluations = [evaluate(catalog, rule, clock) for rule in active]
    with warehouse.write() as con:
        since = open_since(con, [e.rule.code for e in evaluations])
        checked = [_checked(f, since, now) for e in evaluations for f in e.findings]
        resolved = record(warehouse, con, evaluations, off, checked, run_id=run_id, now=now)
    runs = [_rule_run(evaluation) for evaluation in evaluations]
    return CheckResult(sorted(checked, key=_order), runs, off, resolved)


def _checked(finding: Finding, since: dict[tuple[str, str, str, str], datetime], now: datetime) -> CheckedFinding:
    seen = since.get((finding.rule, finding.kind, finding.ref.sobject, finding.ref.id))
    return CheckedFinding(finding, seen or now, seen is None)


def _rule_run(e: Evaluation) -> RuleRun:
    return RuleRun(e.rule.code, e.status, e.in_scope, len(e.findings), e.reason, e.failed)


def _order(checked: CheckedFinding) -> tuple[int, str, str, str, str]:
    f = checked.finding
    return SEVERITIES.index(f.severity), f.rule, f.ref.sobject, f.ref.id, f.kind
