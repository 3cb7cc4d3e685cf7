"""Forecast of a period: by category (single and cumulative), or by the stages the organisation chooses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from sfsync.errors import ConfigError, nearest
from sfsync.insight.deals import Deals, State
from sfsync.insight.fiscal import Kind, Period
from sfsync.insight.money import Tally, total
from sfsync.insight.source import Source
from sfsync.insight.table import Table, counted, make, money

CATEGORIES = ("Closed", "Forecast", "MostLikely", "BestCase", "Pipeline")
"""API values of ForecastCategory; `Forecast` is the one labelled Commit."""
CUMULATIVE: Mapping[str, tuple[str, ...]] = {
    "Closed": ("Closed",),
    "Commit": ("Closed", "Forecast"),
    "MostLikely": ("Closed", "Forecast", "MostLikely"),
    "BestCase": ("Closed", "Forecast", "MostLikely", "BestCase"),
    "OpenPipeline": ("Forecast", "MostLikely", "BestCase", "Pipeline"),
}
"""Measure → the categories it adds up."""
MEASURES = tuple(CUMULATIVE)
Factor = Literal["full", "probability"] | Decimal

CATEGORY = "CASE WHEN d.is_won IS TRUE THEN 'Closed' ELSE COALESCE(d.category, 'Pipeline') END"
"""Won deals are Closed; a deal without category is in Pipeline."""
IN_FORECAST = "COALESCE(d.category, 'Pipeline') <> 'Omitted' AND (d.is_won IS TRUE OR d.is_closed IS FALSE)"
"""Not omitted and not lost: whatever a lost deal's category says, it is no revenue."""


def by_category(source: Source, period: Period, *, split: Kind | None = None, carry_past_due: bool = False) -> Table:
    """Forecast by category: for the period, and for each month or quarter in it when `split` says so.

    Two rows per period. `single`: each category alone. `cumulative`: Commit = Closed + Commit and so on; OpenPipeline
    is all open categories without Closed. Past-due open deals inside the period are included and shown. carry_past_due
    takes open deals of earlier close dates into the period.
    """
    deals = Deals(source)
    state = deals.at(source.as_of)
    parts = [period] if split in (None, period.kind) else [*source.fiscal.split(period, split or "month"), period]
    rows: list[dict[str, Any]] = []
    notes: list[str | None] = [state.note]
    for part in parts:
        found, past_due, strange = category_tallies(deals, state, part, carry_past_due and part.start == period.start)
        rows += _rows(part, found, past_due)
    left_out = total(found.values()).n_no_rate
    notes += [
        *deals.rates.notes(left_out),
        counted(
            strange,
            "open opportunity with category Closed left out",
            "open opportunities with category Closed left out",
        ),
    ]
    columns = ("period", "basis", "Closed", "Commit", "MostLikely", "BestCase", "Pipeline", "OpenPipeline")
    return make(
        f"Forecast by category, {period.label}",
        (*columns, "n", "n_no_amount", "n_no_rate", "past_due", "n_past_due"),
        rows,
        notes=notes,
        parameters={**_parameters(source, period), "carry_past_due": carry_past_due},
    )


def category_tallies(
    deals: Deals, state: State, period: Period, carry_past_due: bool = False
) -> tuple[dict[str, Tally], Tally, int]:
    """(category → tally, the open past-due part of it, how many open deals were left out for being in Closed)."""
    by_owner, past_due, strange = owner_tallies(deals, state, period, carry_past_due)
    tallies: dict[str, Tally] = {category: Tally() for category in CATEGORIES}
    for own in by_owner.values():
        for category, tally in own.items():
            tallies[category].add(tally)
    return tallies, past_due, strange


def owner_tallies(
    deals: Deals, state: State, period: Period, carry_past_due: bool = False
) -> tuple[dict[str, dict[str, Tally]], Tally, int]:
    """The same by owner: (owner → category → tally, past due, left out)."""
    keys = {
        "owner": "COALESCE(d.owner, '(none)')",
        "category": CATEGORY,
        "past_due": "d.is_closed IS FALSE AND d.close_date < as_of()",
        "won": "d.is_won",
    }
    found = deals.sums(state, keys, f"{IN_FORECAST} AND {_within(carry_past_due)}", **_days(period))
    tallies: dict[str, dict[str, Tally]] = {}
    past_due, strange = Tally(), 0
    for row, tally in found:
        if row.category == "Closed" and not row.won:
            strange += tally.n
            continue
        category = row.category if row.category in CATEGORIES else "Pipeline"
        tallies.setdefault(row.owner, {}).setdefault(category, Tally()).add(tally)
        if row.past_due:
            past_due.add(tally)
    return tallies, past_due, strange


def measure(tallies: Mapping[str, Tally], name: str) -> Decimal:
    """One cumulative measure, unrounded."""
    return sum((tallies[c].amount for c in CUMULATIVE[name] if c in tallies), Decimal(0))


def by_stage(
    source: Source,
    period: Period,
    stages: Mapping[str, str | Decimal | int | float],
    *,
    split: Kind | None = None,
    carry_past_due: bool = False,
) -> Table:
    """Forecast as won revenue of the period plus open deals in the chosen stages, each counted by its factor.

    stages: stage → `full`, `probability` (the record's) or a number 0..1. A closed stage among them is ignored; an
    unknown one, or another factor, raises ConfigError.
    """
    deals = Deals(source)
    factors = _factors(deals, stages)
    state = deals.at(source.as_of)
    parts = [period] if split in (None, period.kind) else [*source.fiscal.split(period, split or "month"), period]
    rows = [row for part in parts for row in _stage_rows(deals, state, part, factors, carry_past_due, period)]
    ignored = [name for name in stages if deals.by_name[name].is_closed]
    left_out = rows[-1]["n_no_rate"]
    return make(
        f"Forecast by stage, {period.label}",
        ("period", "line", "factor", "n", "amount", "forecast", "n_no_amount", "n_no_rate", "past_due", "n_past_due"),
        rows,
        notes=[state.note, *deals.rates.notes(left_out), *(f'"{n}" is a closed stage: ignored' for n in ignored)],
        parameters={
            **_parameters(source, period),
            "stages": {k: str(v) for k, v in stages.items()},
            "carry_past_due": carry_past_due,
        },
    )


def _stage_rows(
    deals: Deals, state: State, part: Period, factors: Mapping[str, Factor], carry: bool, period: Period
) -> list[dict[str, Any]]:
    carry = carry and part.start == period.start
    keys = {"stage": "d.stage", "won": "d.is_won", "past_due": "d.is_closed IS FALSE AND d.close_date < as_of()"}
    where = f"(d.is_won IS TRUE OR (d.is_closed IS FALSE AND d.stage IN (cfg('chosen')))) AND {_within(carry)}"
    found = deals.sums(state, keys, where, chosen=list(factors), **_days(part))
    lines: dict[str, Tally] = {"won": Tally(), **{name: Tally() for name in factors}}
    past: dict[str, Tally] = {name: Tally() for name in lines}
    for row, tally in found:
        lines["won" if row.won else row.stage].add(tally)
        if row.past_due:
            past[row.stage].add(tally)
    rows: list[dict[str, Any]] = []
    forecast = Decimal(0)
    for name, tally in lines.items():
        factor: Factor = "full" if name == "won" else factors[name]
        counted_amount = _counted(tally, factor)
        forecast += counted_amount
        rows.append(_stage_row(part, name, str(factor), tally, counted_amount, past[name]))
    rows.append(_stage_row(part, "total", None, total(lines.values()), forecast, total(past.values())))
    return rows


def _stage_row(
    part: Period, line: str, factor: str | None, tally: Tally, forecast: Decimal, past: Tally
) -> dict[str, Any]:
    shown = tally.shown()
    return {
        "period": part.label,
        "line": line,
        "factor": factor,
        **{k: shown[k] for k in ("n", "amount", "n_no_amount", "n_no_rate")},
        "forecast": money(forecast),
        "past_due": money(past.amount),
        "n_past_due": past.n,
    }


def _counted(tally: Tally, factor: Factor) -> Decimal:
    if factor == "full":
        return tally.amount
    return tally.weighted if factor == "probability" else tally.amount * Decimal(factor)


def _factors(deals: Deals, stages: Mapping[str, Any]) -> dict[str, Factor]:
    problems: list[str] = []
    found: dict[str, Factor] = {}
    if not stages:
        problems.append("forecast by stage needs at least one stage, as `--stage Proposal=0.5`.")
    for name, given in stages.items():
        if name not in deals.by_name:
            problems.append(f'there is no stage "{name}".{nearest(name, list(deals.by_name))}')
            continue
        factor = _factor(given)
        if factor is None:
            problems.append(f'the factor of "{name}" is "{given}"; it must be full, probability or a number 0..1.')
        elif not deals.by_name[name].is_closed:
            found[name] = factor
    if problems:
        raise ConfigError(problems)
    return found


def _factor(given: Any) -> Factor | None:
    if given in ("full", "probability"):
        return "full" if given == "full" else "probability"
    try:
        number = Decimal(str(given))
    except InvalidOperation:
        return None
    return number if number.is_finite() and 0 <= number <= 1 else None


def _rows(part: Period, found: Mapping[str, Tally], past_due: Tally) -> list[dict[str, Any]]:
    every = total(found.values())
    common = {
        "period": part.label,
        "n": every.n,
        "n_no_amount": every.n_no_amount,
        "n_no_rate": every.n_no_rate,
        "past_due": money(past_due.amount),
        "n_past_due": past_due.n,
    }
    single = {"Commit" if c == "Forecast" else c: money(found[c].amount) for c in CATEGORIES}
    cumulative = {name: money(measure(found, name)) for name in MEASURES}
    return [{"basis": "single", **common, **single}, {"basis": "cumulative", **common, **cumulative}]


def _within(carry_past_due: bool) -> str:
    inside = "d.close_date BETWEEN CAST(:start AS DATE) AND CAST(:end AS DATE)"
    earlier = "(d.is_closed IS FALSE AND d.close_date < CAST(:start AS DATE))"
    return f"({inside} OR {earlier})" if carry_past_due else inside


def _days(period: Period) -> dict[str, Any]:
    return {"start": period.start, "end": period.end}


def _parameters(source: Source, period: Period) -> dict[str, Any]:
    return {
        **source.common,
        "period": period.label,
        "from": period.start,
        "to": period.end,
        "amount_field": source.settings.amount_field,
    }


def stage_options(given: Sequence[str]) -> dict[str, str]:
    """`["Proposal=0.5", "Negotiation"]` → {"Proposal": "0.5", "Negotiation": "full"}."""
    pairs = (text.rpartition("=") if "=" in text else (text, "", "full") for text in given)
    return {name.strip(): factor.strip() for name, _, factor in pairs}
