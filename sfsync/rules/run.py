"""Run rules over the warehouse and keep the life of their findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Literal, get_args

from sfsync.config import RulesConfig
from sfsync.errors import InputError, nearest
from sfsync.model import Finding
from sfsync.moments import iso
from sfsync.rules.evaluate import Catalog, Evaluation, RuleStatus, evaluate
from sfsync.rules.findings import open_since, record
from sfsync.rules.fixes import fix_json
from sfsync.rules.rule import SEVERITIES, Rule
from sfsync.rules.settings import activate
from sfsync.rules.sql import Clock
from sfsync.rules.waivers import Waiver, Waivers, read_waivers
from sfsync.warehouse import Warehouse

FailOn = Literal["error", "warning", "info", "new-error", "new", "never"]
"""What makes a check end with 3: findings of at least that severity, or new ones. All are at least info."""


@dataclass(frozen=True)
class CheckedFinding:
    """A finding and how long it has stood."""

    finding: Finding
    first_seen: datetime
    """UTC; of this time, when it had been resolved before."""
    new: bool
    """Not seen by the check before."""
    waiver: Waiver | None = None
    """Somebody decided that it may stay."""

    @property
    def waived(self) -> bool:
        return self.waiver is not None

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
            "waived": self.waived,
            "waiver": None if self.waiver is None else self.waiver.as_json(),
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
    waived: int = 0
    """Of `findings`."""

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
            "waived": self.waived,
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
    fail_on: FailOn = "info"
    since: datetime | None = None
    """Only findings first seen at or after this moment are in `findings`; `rules` count all."""

    @property
    def failed(self) -> list[RuleRun]:
        return [run for run in self.rules if run.failed]

    @property
    def counted(self) -> list[CheckedFinding]:
        """The findings nobody waived."""
        return [f for f in self.findings if not f.waived]

    @property
    def exit_code(self) -> int:
        """1 when a rule's SQL failed, 3 when a finding nobody waived is one to fail on, else 0."""
        return 1 if self.failed else 3 if any(self._fails(f) for f in self.counted) else 0

    def failing_on(self, fail_on: str) -> CheckResult:
        """The same, with another exit code. Raises InputError, with the nearest, for what is not a FailOn."""
        for known in get_args(FailOn):
            if known == fail_on:
                return replace(self, fail_on=known)
        raise InputError(
            f'a check cannot fail on "{fail_on}".{nearest(fail_on, get_args(FailOn))} '
            f"It can on {', '.join(get_args(FailOn))}."
        )

    def seen_since(self, moment: datetime) -> CheckResult:
        """Only the findings first seen at or after an aware moment."""
        return replace(self, findings=[f for f in self.findings if f.first_seen >= moment], since=moment)

    def as_json(self) -> dict[str, Any]:
        """What `check --format json` says besides the keys of every command."""
        return {
            "findings": [f.as_json() for f in self.findings],
            "rules": [r.as_json() for r in self.rules],
            "resolved": self.resolved,
            "waived": len(self.findings) - len(self.counted),
            "fail_on": self.fail_on,
            "since": None if self.since is None else iso(self.since),
        }

    def _fails(self, checked: CheckedFinding) -> bool:
        if self.fail_on in ("new", "new-error"):
            return checked.new and (self.fail_on == "new" or checked.finding.severity == "error")
        if self.fail_on == "never":
            return False
        return SEVERITIES.index(checked.finding.severity) <= SEVERITIES.index(self.fail_on)


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
    for stay untouched; those of rules switched off, and those no longer found, are resolved. Waivers that hold on the
    day `as_of` mark what they cover.

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
        waivers = Waivers(read_waivers(warehouse, con), as_of)
        checked = [_checked(f, since, now, waivers) for e in evaluations for f in e.findings]
        resolved = record(warehouse, con, evaluations, off, checked, run_id=run_id, now=now, today=as_of)
    waived = Counter(c.finding.rule for c in checked if c.waived)
    runs = [replace(_rule_run(e), waived=waived[e.rule.code]) for e in evaluations]
    return CheckResult(sorted(checked, key=_order), runs, off, resolved)


def _checked(
    finding: Finding, since: dict[tuple[str, str, str, str], datetime], now: datetime, waivers: Waivers
) -> CheckedFinding:
    seen = since.get((finding.rule, finding.kind, finding.ref.sobject, finding.ref.id))
    return CheckedFinding(finding, seen or now, seen is None, waivers.of(finding))


def _rule_run(e: Evaluation) -> RuleRun:
    return RuleRun(e.rule.code, e.status, e.in_scope, len(e.findings), e.reason, e.failed)


def _order(checked: CheckedFinding) -> tuple[int, str, str, str, str]:
    f = checked.finding
    return SEVERITIES.index(f.severity), f.rule, f.ref.sobject, f.ref.id, f.kind
