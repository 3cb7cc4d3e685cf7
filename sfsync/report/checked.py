"""What the checks came to, rule by rule: counts, rates, money at stake, and which rules matter most."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property

from sfsync.errors import SfsyncError
from sfsync.insight.deals import Deals
from sfsync.insight.table import money, percent
from sfsync.model import Severity
from sfsync.report.content import Score
from sfsync.report.making import Making
from sfsync.report.score import Judged, points, score
from sfsync.report.stored import Open, RuleState
from sfsync.rules.rule import SEVERITIES

OWNED = ("Lead", "Account", "Contact", "Opportunity")
NONE = Open(0, 0, 0, {}, {})


@dataclass
class Checked:
    """All that the checks tell, asked once."""

    making: Making

    @cached_property
    def states(self) -> dict[str, RuleState]:
        """Of the rules that are switched on and have been run."""
        found = self.making.stored.states()
        return {a.rule.code: found[a.rule.code] for a in self.making.active if a.rule.code in found}

    @cached_property
    def open(self) -> dict[str, Open]:
        return self.making.stored.open()

    @cached_property
    def severities(self) -> dict[str, Severity]:
        """Rule → its severity, as the config or the rule has it."""
        return {a.rule.code: a.severity or a.rule.severity for a in self.making.active}

    @cached_property
    def history(self) -> dict[str, dict[str, RuleState]]:
        return self.making.stored.history(list(self.checks))

    @cached_property
    def checks(self) -> dict[str, datetime]:
        return self.making.stored.checks()

    @cached_property
    def checked_at(self) -> datetime | None:
        """When the newest of these rule runs began."""
        newest = max((s.run_id for s in self.states.values()), default=None)
        return None if newest is None else self.making.stored.moment(newest)

    @cached_property
    def totals(self) -> dict[str, int]:
        counts = dict.fromkeys(SEVERITIES, 0)
        for found in self.open.values():
            for severity in counts:
                counts[severity] += found.by_severity.get(severity, 0)
        return {str(severity): n for severity, n in counts.items()}

    @cached_property
    def looked_at(self) -> bool:
        """Whether there is a record to judge: an org of settings and users alone is neither healthy nor ill."""
        live = {o["sobject"]: o["live"] for o in self.making.status["objects"]}
        kept = [live[sobject] for sobject in OWNED if sobject in live]
        return any(kept) or not kept

    @cached_property
    def judged(self) -> dict[str, Judged]:
        """The rules the score counts."""
        if not self.looked_at:
            return {}
        return {
            code: Judged(code, self.severities[code], state.in_scope, self.open.get(code, NONE).by_severity)
            for code, state in sorted(self.states.items())
            if state.status != "not_evaluated" and state.in_scope
        }

    @cached_property
    def score(self) -> Score:
        before = self.making.stored.previous_report()
        left_out = len(self.making.active) - len(self.judged)
        return score(
            self.judged.values(), left_out=left_out, before=before.score if before else None, missing=self._unjudged()
        )

    def _unjudged(self) -> str:
        """Why there is no score, where there is none."""
        if not self.states:
            return "The rules were never evaluated: run `sfsync check`."
        if not self.looked_at:
            kept = ", ".join(o["sobject"] for o in self.making.status["objects"] if o["sobject"] in OWNED)
            return f"Nothing was looked at: the mirror holds no record of {kept}."
        return "No rule had a record to look at."

    @cached_property
    def points(self) -> dict[str, Decimal]:
        return points(self.judged.values())

    @cached_property
    def stakes(self) -> dict[str, Decimal]:
        """Rule → amount of the open opportunities it flags, in the currency of the totals; empty without any."""
        try:
            deals = Deals(self.making.source)
            state = deals.at(self.making.source.as_of)
            join = (
                "JOIN (SELECT DISTINCT f.rule AS rule, f.id AS id FROM sfsync.findings f "
                f"WHERE {self.making.stored.standing} AND f.sobject = 'Opportunity') x ON x.id = d.id"
            )
            found: dict[str, Decimal] = {}
            for row, tally in deals.sums(state, {"rule": "x.rule"}, "d.is_closed IS FALSE", join=join):
                found[row.rule] = found.get(row.rule, Decimal(0)) + tally.amount
            return {rule: money(amount) for rule, amount in found.items()}
        except SfsyncError:
            return {}

    @cached_property
    def pipeline(self) -> Decimal:
        """Amount of all open opportunities."""
        deals = Deals(self.making.source)
        state = deals.at(self.making.source.as_of)
        return sum((tally.amount for _, tally in deals.sums(state, {}, "d.is_closed IS FALSE")), Decimal(0))

    @cached_property
    def order(self) -> list[str]:
        """Rules with open findings, those that matter most first."""
        return sorted(self.open, key=lambda rule: (-self._importance(rule), -self.open[rule].findings, rule))

    def _importance(self, rule: str) -> Decimal:
        """What it costs the score, or its weight times the share of the open pipeline it touches."""
        judged = self.judged.get(rule)
        if judged is None:
            return Decimal(0)
        stake = self.stakes.get(rule, Decimal(0))
        share = min(Decimal(1), stake / self.pipeline) if stake and self.pipeline else Decimal(0)
        return max(judged.cost, judged.weight * share)

    @cached_property
    def waived(self) -> dict[str, int]:
        return self.making.stored.waived()

    def rate(self, rule: str) -> Decimal | None:
        """Records with a finding nobody waived, per hundred in scope."""
        state = self.states.get(rule)
        if state is None or state.status == "not_evaluated":
            return None
        return percent(self.open.get(rule, NONE).records, state.in_scope)

    def in_scope(self, rule: str) -> int | None:
        """Records the last run of the rule looked at."""
        state = self.states.get(rule)
        return None if state is None else state.in_scope

    def change(self, rule: str) -> int | None:
        """Findings more than in the check before the last one; None where that did not evaluate the rule."""
        runs = [run[rule] for run in self.history.values() if rule in run]
        if len(runs) < 2 or runs[-2].status == "not_evaluated" or rule not in self.states:
            return None
        return self.states[rule].findings - runs[-2].findings

    def findings_over_time(self, rule: str) -> list[tuple[datetime, float]]:
        """(moment of the check, findings) of the checks that evaluated it, oldest first."""
        runs = ((self.checks[run_id], run[rule]) for run_id, run in self.history.items() if rule in run)
        return [(moment, float(state.findings)) for moment, state in runs if state.status != "not_evaluated"]

    def title(self, rule: str) -> str:
        known = self.making.rules.get(rule)
        return known.title if known else "a rule that is not there any more"

    def worst(self, rule: str) -> Severity:
        """The worst severity of its open findings."""
        found = self.open.get(rule, NONE)
        return next((s for s in SEVERITIES if s in found.by_severity), self.severities.get(rule, "info"))
