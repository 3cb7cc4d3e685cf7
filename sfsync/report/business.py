"""Pipeline, forecast and funnel: the analyses of sfsync.insight, with the drawings that go with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from sfsync.insight import (
    accuracy,
    ageing,
    forecast,
    funnel,
    pipeline,
    response,
    rollup,
    slippage,
    stages,
    waterfall,
    winrate,
)
from sfsync.insight import table as insight
from sfsync.insight.deals import Deals
from sfsync.report.content import Block, Chart, Facts, Section
from sfsync.report.making import Making, facts_of, from_insight

DEALS = 25
PEOPLE = 40
PERIODS = 4
MONTHS = 12
CATEGORIES = {"MostLikely": "Most Likely", "BestCase": "Best Case"}


def pipeline_section(making: Making) -> Section:
    """Open pipeline by stage, how it moved this quarter, how stale it is, the largest deals, and how deals go."""
    parts = (
        ("Open pipeline", _pipeline),
        ("Movement of the pipeline", _waterfall),
        ("Staleness", _stale),
        ("Largest open opportunities", _deals),
        ("Win rate", _win_rate),
        ("Stage conversion", _conversion),
        ("Time in stage", _time_in_stage),
        ("Slippage", _slippage),
    )
    return _section(making, "pipeline", "Pipeline", parts)


def forecast_section(making: Making) -> Section:
    """This quarter and the next by category, along the managers, and how good earlier calls were."""
    parts = (("Forecast", _forecast), ("Forecast by manager", _roll_up), ("Forecast accuracy", _accuracy))
    return _section(making, "forecast", "Forecast", parts)


def funnel_section(making: Making) -> Section:
    """Leads created, converted, won; by source; age of what waits; first response."""
    parts = (
        ("Leads month by month", _events),
        ("Lead funnel", _cohort),
        ("Age of active leads", _ageing),
        ("First response", _response),
    )
    return _section(making, "funnel", "Lead funnel", parts)


def _section(making: Making, key: str, title: str, parts: Sequence[tuple[str, Any]]) -> Section:
    blocks: list[Block] = []
    for what, make in parts:
        blocks += making.block(what, partial(make, making))
    return Section(key, title, blocks)


# -- pipeline


def _pipeline(making: Making) -> Iterable[Block]:
    found = pipeline.pipeline(making.source)
    lines = [{**r, "stage": _stage(r)} for r in found.rows]
    drawn = [r for r in lines if r["line"] in ("stage", "omitted")]
    labels, amounts = [str(r["stage"]) for r in drawn], [r["amount"] for r in drawn]
    yield _bars("pipeline-by-stage", "Open pipeline by stage, amount", labels, amounts)
    yield from_insight("pipeline-table", replace(found, rows=lines), leave_out=("line",))


def _stage(line: Mapping[str, Any]) -> str:
    """What a line of the pipeline is of: a stage, or a total that needs no second word."""
    if line["line"] == "omitted":
        return f"{line['stage']} (omitted)"
    return str(line["stage"] if line["line"] == "stage" else line["line"])


def _waterfall(making: Making) -> Iterable[Block]:
    source = making.source
    quarter = source.fiscal.period("quarter", source.as_of)
    found = waterfall.waterfall(source, quarter.start - timedelta(days=1), source.as_of)
    amounts = [r["amount"] for r in found.rows]
    labels = [str(r["bar"]).replace("_", " ") for r in found.rows]
    said = f"From {amounts[0]:,} at the start to {amounts[-1]:,} at the end; " + ", ".join(
        f"{label} {amount:+,}" for label, amount in zip(labels[1:-1], amounts[1:-1], strict=True) if amount
    )
    values = {"amount": [float(a) for a in amounts]}
    yield Chart("waterfall", f"Pipeline this quarter ({quarter.label})", "waterfall", labels, values, "", said)
    yield from_insight("waterfall-table", found, labels={"bar": "what happened"})
    yield _facts("Movement in numbers", found)


def _stale(making: Making) -> Iterable[Block]:
    found = slippage.stale(making.source)
    yield from_insight("stale", found, labels={"line": "days since the last touch"})


def _deals(making: Making) -> Iterable[Block]:
    deals = Deals(making.source)
    limit = min(DEALS, making.rows)
    rows = ([row[name] for name in pipeline.DEALS] for row in pipeline.each_open_deal(deals))
    shown, total, file = making.cut("deals", pipeline.DEALS, rows, lambda place, _: place < limit)
    first = [dict(zip(pipeline.DEALS, row, strict=True)) for row in shown]
    note = deals.at(making.source.as_of).note
    table = from_insight("deals", insight.make("Largest open opportunities", pipeline.DEALS, first, notes=[note]))
    yield replace(table, total=total, file=file)


def _win_rate(making: Making) -> Iterable[Block]:
    source = making.source
    last = source.fiscal.parse("last-quarter", source.as_of)
    found = winrate.win_rate(source, last, by="source")
    yield from_insight("win-rate", found, labels={"line": "source"})
    yield _facts("Over the last 365 days", found)


def _conversion(making: Making) -> Iterable[Block]:
    source = making.source
    found = stages.stage_conversion(source, source.fiscal.period("year", source.as_of))
    steps = [r for r in found.rows if r["reached"] is not None]
    values = [float(r["reached"]) for r in steps]
    labels = [str(r["stage"]) for r in steps]
    said = ", ".join(f"{label} {value:,.0f}" for label, value in zip(labels, values, strict=True))
    yield Chart("stage-funnel", found.title, "funnel", labels, {"reached": values}, "opportunities", said)
    yield from_insight("stage-conversion", found)


def _time_in_stage(making: Making) -> Iterable[Block]:
    yield from_insight("time-in-stage", stages.time_in_stage(making.source))


def _slippage(making: Making) -> Iterable[Block]:
    source = making.source
    last = source.fiscal.parse("last-quarter", source.as_of)
    yield from_insight("slippage", slippage.slip_rate(source, last))


# -- forecast


def _forecast(making: Making) -> Iterable[Block]:
    source = making.source
    quarter = source.fiscal.period("quarter", source.as_of)
    after = source.fiscal.period("quarter", quarter.end + timedelta(days=1))
    for key, period in (("forecast", quarter), ("forecast-next", after)):
        found = forecast.by_category(source, period, split="month")
        whole = next(r for r in found.rows if r["period"] == period.label and r["basis"] == "single")
        labels = [c for c in ("Closed", "Commit", "MostLikely", "BestCase", "Pipeline") if whole.get(c) is not None]
        shown = [CATEGORIES.get(c, c) for c in labels]
        yield _bars(f"{key}-chart", f"{found.title}, amount", shown, [whole[c] for c in labels])
        yield from_insight(f"{key}-table", found)


def _roll_up(making: Making) -> Iterable[Block]:
    source = making.source
    found = rollup.roll_up(source, source.fiscal.period("quarter", source.as_of))
    yield making.shorten(from_insight("roll-up", found, leave_out=("id",)), found, min(PEOPLE, making.rows))


def _accuracy(making: Making) -> Iterable[Block]:
    source = making.source
    last = source.fiscal.parse("last-quarter", source.as_of)
    found = accuracy.accuracy(source, source.fiscal.before(last, PERIODS - 1))
    judged = [r for r in found.rows if r["forecast"] is not None and r["actual"] is not None and r["call_day"]]
    if len(judged) > 1:
        series = {name: [float(r[name]) for r in judged] for name in ("forecast", "actual")}
        said = "; ".join(f"{r['period']}: called {r['forecast']:,}, came {r['actual']:,}" for r in judged)
        labels = [str(r["period"]) for r in judged]
        yield Chart("accuracy-chart", "Commit as called, and what came", "lines", labels, series, "", said)
    empty = [c for c in found.columns if all(r[c] is None for r in found.rows)]
    yield from_insight("accuracy", found, leave_out=empty)


# -- funnel


def _events(making: Making) -> Iterable[Block]:
    source = making.source
    months = source.fiscal.before(source.fiscal.period("month", source.as_of), MONTHS - 1)
    found = funnel.events(source, months)
    names = [c for c in found.columns if c != "period"]
    series = {name: [None if r[name] is None else float(r[name]) for r in found.rows] for name in names}
    labels = [str(r["period"]) for r in found.rows]
    said = "; ".join(f"{name}: {sum(v or 0 for v in values):,.0f} in all" for name, values in series.items())
    yield Chart("events-chart", found.title, "lines", labels, series, "", said)
    yield from_insight("events", found)


def _cohort(making: Making) -> Iterable[Block]:
    source = making.source
    found = funnel.cohort(source, source.fiscal.period("year", source.as_of))
    every = found.rows[-1]
    steps = {"Leads": "leads", "Converted": "converted", "With opportunity": "with_opportunity", "Won": "won"}
    values = [float(every[name]) for name in steps.values() if every[name] is not None]
    labels = [label for label, name in steps.items() if every[name] is not None]
    said = ", ".join(f"{label} {value:,.0f}" for label, value in zip(labels, values, strict=True))
    yield Chart("lead-funnel", found.title, "funnel", labels, {"leads": values}, "leads", said)
    yield making.shorten(from_insight("cohort", found, labels={"line": "lead source"}), found, making.rows)
    yield _facts("Conversion in numbers", found)


def _ageing(making: Making) -> Iterable[Block]:
    found = ageing.ageing(making.source)
    every = found.rows[-1]
    buckets = [c for c in found.columns if c not in ("line", "leads", "median_days", "oldest_days")]
    labels = [f"{b.replace('_', ' ')} days" for b in buckets]
    yield _bars(
        "ageing-chart", "Active leads by days since creation", labels, [every[b] or 0 for b in buckets], "leads"
    )
    yield making.shorten(from_insight("ageing", found, labels={"line": "status"}), found, making.rows)


def _response(making: Making) -> Iterable[Block]:
    source = making.source
    found = response.first_response(source, source.fiscal.parse("last-quarter", source.as_of))
    yield making.shorten(from_insight("response", found, labels={"line": "lead source"}), found, making.rows)


# -- drawing


def _bars(key: str, title: str, labels: Sequence[str], values: Sequence[Any], unit: str = "") -> Chart:
    said = ", ".join(f"{label} {value:,}" for label, value in zip(labels, values, strict=True))
    return Chart(key, title, "bars", labels, {unit or "amount": [float(v) for v in values]}, unit, said)


def _facts(title: str, found: insight.Table) -> Facts:
    facts: Mapping[str, Any] = facts_of(found)
    return Facts(title, facts)
