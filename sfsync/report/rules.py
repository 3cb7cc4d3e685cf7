"""The rules: which found something, how often, since when, on which records, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC
from functools import partial
from typing import Any

from sfsync.report.checked import NONE, Checked
from sfsync.report.content import Block, Column, Group, Record, Section, Table, Text
from sfsync.report.csvfiles import write_findings
from sfsync.report.making import Making, over_time
from sfsync.report.stored import Open
from sfsync.rules.rule import SEVERITIES, Rule

TOP = 10
PROPOSED = {"auto": "sfsync can set {}.", "assisted": "sfsync can propose {}, for a person to confirm."}
Known = Mapping[tuple[str, str], tuple[str | None, str | None]]
"""(sobject, id) → (name, owner's name)."""

RULE, SEVERITY = Column("rule", "rule", "rule"), Column("severity", "severity", "severity")
_SAID: dict[str, tuple[Column, Callable[[Checked, str], Any]]] = {
    "place": (Column("place", "", "number"), lambda checked, code: checked.order.index(code) + 1),
    "rule": (RULE, lambda _, code: code),
    "title": (Column("title", "what", "prose"), Checked.title),
    "severity": (SEVERITY, Checked.worst),
    "findings": (Column("findings", "findings", "number"), lambda checked, code: checked.open[code].findings),
    "in_scope": (Column("in_scope", "records in scope", "number"), Checked.in_scope),
    "rate": (Column("rate", "rate %", "percent"), Checked.rate),
    "change": (Column("change", "change since the check before", "number"), Checked.change),
    "fixes": (Column("fixes", "with a proposed fix", "number"), lambda checked, code: checked.open[code].fixes),
    "open_amount": (
        Column("open_amount", "open pipeline touched", "money"),
        lambda checked, code: checked.stakes.get(code),
    ),
    "points": (
        Column("points", "points of the score", "number"),
        lambda checked, code: checked.points.get(code),
    ),
}
"""What a list of rules can say of each."""


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


def top(checked: Checked) -> Table:
    """The ten rules whose findings matter most."""
    names = ("place", "rule", "title", "severity", "findings", "rate", "open_amount", "points")
    note = (
        "Ordered by the larger of what the rule costs the score, and its weight times the share of the open "
        "pipeline's amount it touches."
    )
    return _list(checked, "top", "What matters most", checked.order[:TOP], names, note)


def _overview(checked: Checked) -> Table:
    names = ("rule", "title", "severity", "findings", "in_scope", "rate", "change", "fixes")
    codes = sorted(checked.open, key=lambda code: (SEVERITIES.index(checked.worst(code)), code))
    evaluated = sum(state.status != "not_evaluated" for state in checked.states.values())
    note = f"{evaluated} of {len(checked.making.active)} rules were evaluated; {len(codes)} have open findings."
    if waived := sum(checked.waived.values()):
        note += f" {waived:,} findings are waived and not among these."
    return _list(checked, "rules-overview", "Rules with findings", codes, names, note)


def _list(checked: Checked, key: str, title: str, codes: Sequence[str], names: Sequence[str], note: str) -> Table:
    """Rules with what _SAID says of them; what it says of none is left out."""
    rows = [[_SAID[name][1](checked, code) for name in names] for code in codes]
    kept = [place for place in range(len(names)) if not rows or any(row[place] is not None for row in rows)]
    columns = tuple(_SAID[names[place]][0] for place in kept)
    return Table(key, title, columns, [tuple(row[place] for place in kept) for row in rows], (note,))


def _rule(making: Making, checked: Checked, code: str, rows: Sequence[Any], known: Known) -> Iterable[Block]:
    rule, found = making.rules.get(code), checked.open.get(code, NONE)
    blocks: list[Block] = []
    if rule is not None:
        blocks.append(Text(rule.why, "why"))
    blocks.append(Text(_rate_said(checked, code, found)))
    runs = [(f"{moment:%Y-%m-%d}", n) for moment, n in checked.findings_over_time(code)]
    trend = over_time(f"trend-{code}", "Findings over time", "findings", runs)
    if trend is not None:
        blocks.append(trend)
    if rule is not None and (fix := _fix_said(rule, found)):
        blocks.append(Text(fix, "fix"))
    blocks.append(_records(making, code, found, rows, known))
    return [Group(f"rule-{code}", f"{code} · {checked.title(code)}", blocks, checked.worst(code))]


def _records(making: Making, code: str, found: Open, rows: Sequence[Any], known: Known) -> Table:
    listed: list[tuple[Any, ...]] = []
    for r in rows:
        name, owner = known.get((r.sobject, r.id), (None, None))
        day = r.first_seen.astimezone(UTC).date()
        fix = "yes" if r.fixable else ""
        listed.append((Record(r.sobject, r.id, name), r.sobject, r.severity, r.message, owner, day, fix))
    file = None
    if found.findings > len(rows) and making.files is not None:
        write_findings(making.files / f"{code}.csv", making.stored.every(code))
        file = f"{making.files.name}/{code}.csv"
        making.written.append(file)
    columns: tuple[Column, ...] = (
        Column("record", "record", "record"),
        Column("sobject", "object"),
        SEVERITY,
        Column("message", "finding", "prose"),
        Column("owner", "owner"),
        Column("first_seen", "first seen", "date"),
        Column("fix", "fix proposed"),
    )
    if not found.fixes:
        columns, listed = columns[:-1], [row[:-1] for row in listed]
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
    """The advice, and what a plan would write."""
    said = [rule.advice.strip()] if rule.advice.strip() else []
    for fix in rule.fixes:
        fields = ", ".join(sorted(name.lstrip(":") for name in {**fix.set, **dict.fromkeys(fix.clear, "")}))
        what = {"merge": "the merge", "convert": "the conversion", "create": f"a new {fix.sobject}"}.get(fix.op, fields)
        if fix.confidence in PROPOSED and what:
            said.append(PROPOSED[fix.confidence].format(what))
    if found.fixes:
        many = "finding has" if found.fixes == 1 else "findings have"
        said.append(f"{found.fixes:,} {many} a proposed fix: `sfsync plan` lists them for review.")
    return " ".join(dict.fromkeys(said))
