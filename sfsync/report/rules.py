"""The rules: which found something, how often, since when, on which records, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property, partial
from typing import Any

from sfsync.errors import SfsyncError
from sfsync.insight.deals import Deals
from sfsync.insight.table import money, percent
from sfsync.model import Severity
from sfsync.report.content import Block, Chart, Column, Group, Record, Score, Section, Table, Text
from sfsync.report.csvfiles import write_findings
from sfsync.report.making import Making
from sfsync.report.score import Judged, points, score
from sfsync.report.stored import Open, RuleState
from sfsync.rules.rule import SEVERITIES, Rule

TOP = 10
_NONE = Open(0, 0, 0, {}, {})


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
    def judged(self) -> dict[str, Judged]:
        """The rules the score counts."""
        return {
            code: Judged(code, self.severities[code], state.in_scope, self.open.get(code, _NONE).by_severity)
            for code, state in sorted(self.states.items())
            if state.status != "not_evaluated" and state.in_scope
        }

    @cached_property
    def score(self) -> Score:
        before = self.making.stored.previous_report()
        left_out = len(self.making.active) - len(self.judged)
        return score(self.judged.values(), left_out=left_out, before=before.score if before else None)

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
        return percent(self.open.get(rule, _NONE).records, state.in_scope)


def section(making: Making, checked: Checked) -> Section:
    """An overview of all rules with findings, then each with its records."""
    if not checked.states:
        return Section("rules", "Findings by rule", [Text("No check has been run yet. Run `sfsync check`.", "problem")])
    listed = {code: making.stored.first(code, making.rows) for code in checked.order}
    known = making.known((r.sobject, r.id) for rows in listed.values() for r in rows)
    blocks: list[Block] = [_overview(checked)]
    for code in checked.order:
        make = partial(_rule, making, checked, code, listed[code], known)
        blocks += making.block(f"Rule {code}", make)
    return Section("rules", "Findings by rule", blocks)


def top(making: Making, checked: Checked) -> Table:
    """The ten rules whose findings matter most."""
    rows = [
        (
            place,
            code,
            _title(making, code),
            _worst(checked, code),
            checked.open[code].findings,
            checked.rate(code),
            checked.stakes.get(code),
            checked.points.get(code),
        )
        for place, code in enumerate(checked.order[:TOP], 1)
    ]
    columns = (
        Column("place", "", "number"),
        Column("rule", "rule", "rule"),
        Column("title", "what"),
        Column("severity", "severity", "severity"),
        Column("findings", "findings", "number"),
        Column("rate", "rate %", "percent"),
        Column("open_amount", "open pipeline touched", "money"),
        Column("points", "points of the score", "number"),
    )
    return Table(
        "top",
        "What matters most",
        columns,
        rows,
        (
            "Ordered by the larger of what the rule costs the score, and its weight times the share of the open "
            "pipeline's amount it touches.",
        ),
    )


def _overview(checked: Checked) -> Table:
    rows: list[tuple[Any, ...]] = []
    for code in sorted(checked.open, key=lambda c: (SEVERITIES.index(_worst(checked, c)), c)):
        state, found = checked.states.get(code), checked.open[code]
        before = _before(checked, code)
        rows.append(
            (
                code,
                _title(checked.making, code),
                _worst(checked, code),
                found.findings,
                state.in_scope if state else None,
                checked.rate(code),
                None if before is None or state is None else state.findings - before,
                found.fixes,
            )
        )
    columns: tuple[Column, ...] = (
        Column("rule", "rule", "rule"),
        Column("title", "what"),
        Column("severity", "severity", "severity"),
        Column("findings", "findings", "number"),
        Column("in_scope", "records in scope", "number"),
        Column("rate", "rate %", "percent"),
        Column("change", "change since the check before", "number"),
        Column("fixes", "with a proposed fix", "number"),
    )
    if all(row[6] is None for row in rows):  # the first check
        columns, rows = (*columns[:6], *columns[7:]), [(*row[:6], *row[7:]) for row in rows]
    evaluated = sum(s.status != "not_evaluated" for s in checked.states.values())
    said = f"{evaluated} of {len(checked.making.active)} rules were evaluated; {len(rows)} have open findings."
    if waived := sum(checked.waived.values()):
        said += f" {waived:,} findings are waived and not among these."
    notes = (said,)
    return Table("rules-overview", "Rules with findings", columns, rows, notes)


def _rule(
    making: Making,
    checked: Checked,
    code: str,
    rows: Sequence[Any],
    known: Mapping[tuple[str, str], tuple[str | None, str | None]],
) -> list[Block]:
    rule, found = making.rules.get(code), checked.open.get(code, _NONE)
    blocks: list[Block] = []
    if rule is not None:
        blocks.append(Text(rule.why, "why"))
    blocks.append(Text(_rate_said(checked, code, found)))
    trend = _trend(checked, code)
    if trend is not None:
        blocks.append(trend)
    if rule is not None and (fix := _fix_said(rule, found)):
        blocks.append(Text(fix, "fix"))
    blocks.append(_records(making, code, found, rows, known))
    return [Group(f"rule-{code}", f"{code} · {_title(making, code)}", blocks, _worst(checked, code))]


def _records(
    making: Making,
    code: str,
    found: Open,
    rows: Sequence[Any],
    known: Mapping[tuple[str, str], tuple[str | None, str | None]],
) -> Table:
    listed = []
    for r in rows:
        name, owner = known.get((r.sobject, r.id), (None, None))
        listed.append(
            (
                Record(r.sobject, r.id, name),
                r.sobject,
                r.severity,
                r.message,
                owner,
                r.first_seen.astimezone(UTC).date(),
                "yes" if r.fixable else "",
            )
        )
    file = None
    if found.findings > len(rows) and making.files is not None:
        write_findings(making.files / f"{code}.csv", making.stored.every(code))
        file = f"{making.files.name}/{code}.csv"
        making.written.append(file)
    columns = (
        Column("record", "record", "record"),
        Column("sobject", "object"),
        Column("severity", "severity", "severity"),
        Column("message", "finding"),
        Column("owner", "owner"),
        Column("first_seen", "first seen", "date"),
        Column("fix", "fix proposed"),
    )
    total = found.findings if found.findings > len(rows) else None
    return Table(f"records-{code}", "Records", columns, listed, (), total, file, long=True)


def _rate_said(checked: Checked, code: str, found: Open) -> str:
    state, rate = checked.states.get(code), checked.rate(code)
    said = f"{found.findings:,} finding{'s' * (found.findings != 1)} on {found.records:,} record"
    said += "s" * (found.records != 1)
    if len(found.by_severity) > 1:
        said += " (" + ", ".join(f"{found.by_severity[s]:,} {s}" for s in SEVERITIES if s in found.by_severity) + ")"
    if state is not None and rate is not None:
        said += f"; {rate} % of {state.in_scope:,} records in scope"
    if waived := checked.waived.get(code):
        said += f"; {waived:,} more are waived"
    if state is None or state.status == "not_evaluated":
        said += "; these stand from an earlier check, the last one could not evaluate the rule"
    if stake := checked.stakes.get(code):
        said += f". Open pipeline touched: {stake:,}"
    if state is not None and state.reason:
        said += f". {state.reason}"
    own = next((a for a in checked.making.active if a.rule.code == code), None)
    if own is not None and own.severity and own.severity != own.rule.severity:
        said += f". Severity set by the config: {own.rule.severity} → {own.severity}"
    return said + "."


def _fix_said(rule: Rule, found: Open) -> str:
    said = []
    for fix in rule.fixes:
        fields = ", ".join(sorted(name.lstrip(":") for name in {**fix.set, **dict.fromkeys(fix.clear, "")}))
        if fix.confidence != "manual" and fields:
            said.append(f"{fix.confidence}: sets {fields}")
    text = f"{'; '.join(said)}. " if said else ""
    if found.fixes:
        text += f"{found.fixes:,} of the findings have a proposed fix; `sfsync plan` puts them into a plan to review. "
    return (text + rule.advice).strip()


def _before(checked: Checked, code: str) -> int | None:
    """Findings in the check before the last one, None where that did not evaluate the rule."""
    runs = [run[code] for run in checked.history.values() if code in run]
    return runs[-2].findings if len(runs) > 1 and runs[-2].status != "not_evaluated" else None


def _trend(checked: Checked, code: str) -> Chart | None:
    """Findings over time; None before the third check."""
    runs = [(day, run[code].findings) for day, run in _evaluated(checked, code)]
    if len(runs) < 3:
        return None
    labels = [f"{day:%Y-%m-%d}" for day, _ in runs]
    values = [float(n) for _, n in runs]
    said = f"{code}: {runs[0][1]:,} findings on {labels[0]}, {runs[-1][1]:,} on {labels[-1]}."
    return Chart(f"trend-{code}", "Findings over time", "lines", labels, {"findings": values}, "", said)


def _evaluated(checked: Checked, code: str) -> Iterable[tuple[datetime, Mapping[str, RuleState]]]:
    for run_id, run in checked.history.items():
        if code in run and run[code].status != "not_evaluated":
            yield checked.checks[run_id], run


def _title(making: Making, code: str) -> str:
    rule = making.rules.get(code)
    return rule.title if rule else "a rule that is not there any more"


def _worst(checked: Checked, code: str) -> Severity:
    found = checked.open.get(code, _NONE)
    return next((s for s in SEVERITIES if s in found.by_severity), checked.severities.get(code, "info"))
