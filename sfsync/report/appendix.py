"""The appendix: what was not evaluated and why, the parameters used, and what the words mean."""

from __future__ import annotations

from typing import Any

from sfsync.report.checked import Checked
from sfsync.report.content import Block, Column, Section, Table, Text
from sfsync.report.making import Making

DEFINITIONS = {
    "Finding": "one offence of one record against one rule; it stands until a check no longer finds it",
    "Error, warning, info": "makes a number or a later write wrong; somebody must act; advice",
    "Waived": "a finding somebody decided to live with; it counts nowhere here",
    "Points of the score": "what the findings of a rule take from the hundred",
    "Records in scope": "the records a rule looked at: the denominator of its rate",
    "Rate": "records with a finding, per hundred records in scope; one decimal, half up",
    "Not evaluated": "a rule that could not be judged, with its reason; it never counts as passed",
    "Open pipeline": "opportunities that are not closed; amounts without a value count as 0 and are counted",
    "Open pipeline touched": "the amount of the open opportunities a rule flags, each counted once",
    "Weighted": "amount times the record's probability; by stage: times the stage's own",
    "Past due, dead": "open with a close date that has passed; that, or untouched for more than `dead_days`",
    "Forecast, single": "each category alone; Commit is the category Salesforce keeps as Forecast",
    "Forecast, cumulative": "Commit with Closed, Most Likely with Commit, Best Case with Most Likely",
    "Accuracy": "100 less the absolute error, which is |call − actual| in per cent of the actual; at least 0",
    "Fiscal quarter": "by the org's own fiscal year",
    "As of": "the day all of this is computed for, in the org's time zone",
}


def section(making: Making, checked: Checked) -> Section:
    blocks: list[Block] = []
    for what, make in (
        ("Not evaluated", lambda: [_not_evaluated(making, checked)]),
        ("Parameters", lambda: [_parameters(making)]),
        ("Definitions", lambda: [_definitions()]),
    ):
        blocks += making.block(what, make)
    return Section("appendix", "Appendix", blocks)


def _not_evaluated(making: Making, checked: Checked) -> Table | Text:
    rows: list[tuple[Any, ...]] = []
    for active in making.active:
        state = checked.states.get(active.rule.code)
        if state is None:
            rows.append((active.rule.code, active.rule.title, "never run", "run `sfsync check`"))
        elif state.status == "not_evaluated":
            rows.append((active.rule.code, active.rule.title, "not evaluated", state.reason))
        elif state.reason:
            rows.append((active.rule.code, active.rule.title, "evaluated in part", state.reason))
        elif not state.in_scope:
            rows.append((active.rule.code, active.rule.title, "nothing in scope", "no record to look at"))
    rows += [(code, making.rules[code].title, "switched off", "by the config") for code in making.off]
    if not rows:
        return Text("Every rule was evaluated in full.")
    columns = (
        Column("rule", "rule"),
        Column("title", "what", "prose"),
        Column("state", "state"),
        Column("reason", "reason", "prose"),
    )
    return Table("not-evaluated", "What was not evaluated, and why", columns, rows)


def _parameters(making: Making) -> Table:
    source = making.source
    rows: list[tuple[Any, ...]] = [
        ("report", "as_of", source.as_of.isoformat(), ""),
        ("report", "time_zone", source.clock.time_zone, ""),
        ("report", "rows", str(making.rows), ""),
        ("insight", "amount_field", source.settings.amount_field, ""),
        ("insight", "response_sla_hours", str(source.settings.response_sla_hours), ""),
        ("insight", "dead_days", str(source.settings.dead_days), ""),
        ("insight", "terminal statuses", ", ".join(source.terminal_statuses), ""),
    ]
    for active in making.active:
        for name, value in active.params.items():
            default = active.rule.params.get(name)
            rows.append((active.rule.code, name, _said(value), "" if value == default else f"default {_said(default)}"))
    columns = (
        Column("of", "of"),
        Column("name", "parameter"),
        Column("value", "value", "prose"),
        Column("changed", "changed"),
    )
    return Table("parameters", "Parameters used", columns, rows, long=True)


def _definitions() -> Table:
    columns = (Column("word", "word"), Column("meaning", "meaning", "prose"))
    return Table("definitions", "What the words mean", columns, list(DEFINITIONS.items()))


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k}: {v}" for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
