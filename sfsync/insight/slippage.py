"""Slippage: deals that were to close in a period and did not, pushed close dates, and how stale the pipeline is."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from sfsync.errors import InputError
from sfsync.insight.deals import Deals, state_notes
from sfsync.insight.fiscal import Period
from sfsync.insight.money import Tally, total
from sfsync.insight.source import Source
from sfsync.insight.table import Spread, Table, make, money, percent, tenth
from sfsync.insight.touch import touched, touches

AGES = ((0, 90), (91, 180), (181, 365), (366, None))


def slip_rate(source: Source, period: Period) -> Table:
    """What became of the deals that stood, at the start of the period, to close in it; by count and by start amount.

    Rows: won, lost, slipped (still open at its end, past due or re-dated), removed, total. A period that has not ended
    is judged as of today and says so. The start is the end of the day before the period.
    """
    deals = Deals(source)
    if period.start > source.as_of:
        raise InputError(f"{period.label} has not begun; nothing can have slipped.")
    start = deals.at(period.start - timedelta(days=1))
    end = deals.at(min(period.end, source.as_of))
    fate = (
        "CASE WHEN e.id IS NULL THEN 'removed' WHEN e.is_won IS TRUE THEN 'won' "
        "WHEN e.is_closed IS TRUE THEN 'lost' ELSE 'slipped' END"
    )
    found = deals.sums(
        start,
        {"fate": fate},
        "d.is_closed IS FALSE AND d.close_date BETWEEN CAST(:start AS DATE) AND CAST(:end AS DATE)",
        join=f"LEFT JOIN ({end.sql}) e ON e.id = d.id",
        start=period.start,
        end=period.end,
    )
    fates = {name: total(t for r, t in found if r.fate == name) for name in ("won", "lost", "slipped", "removed")}
    every = total(fates.values())
    rows = [_slip_row(name, tally, every) for name, tally in {**fates, "total": every}.items()]
    return make(
        f"Slippage, {period.label}",
        ("line", "n", "amount", "count_percent", "amount_percent"),
        rows,
        facts={"slip_rate_percent": percent(fates["slipped"].n, every.n)},
        notes=[
            deals.first_hand_note,
            *state_notes([start, end]),
            *deals.rates.notes(every.n_no_rate),
            f"{period.label} has not ended: as of {source.as_of}" if source.as_of < period.end else None,
        ],
        parameters={**source.common, "period": period.label, "from": period.start, "to": period.end},
    )


def pushes(source: Source) -> Table:
    """Open deals by how often their close date was moved later, with amount, average push and quarter-crossing ones."""
    source.need("OpportunityHistory", "OpportunityId", "CloseDate", "CreatedDate")
    deals = Deals(source)
    state = deals.at(source.as_of)
    crossing = f"{_quarter_index(source, 'p.to_close')} > {_quarter_index(source, 'p.from_close')}"
    moved = (
        "SELECT p.id, COUNT(*) AS pushes, SUM(days_between(p.from_close, p.to_close)) AS days, "
        f"SUM(CASE WHEN {crossing} THEN 1 ELSE 0 END) AS crossing FROM (SELECT h.OpportunityId AS id, "
        "h.StageName AS stage, h.CloseDate AS to_close, LAG(h.CloseDate) OVER (PARTITION BY h.OpportunityId "
        "ORDER BY h.CreatedDate, h.Id) AS from_close FROM live.OpportunityHistory h "
        "WHERE local_date(h.CreatedDate) <= as_of()) p WHERE p.to_close > p.from_close "
        "AND p.stage NOT IN (cfg('closed_stages')) GROUP BY p.id"
    )
    keys = {"pushes": "COALESCE(m.pushes, 0)", "days": "COALESCE(m.days, 0)", "crossing": "COALESCE(m.crossing, 0)"}
    found = deals.sums(state, keys, "d.is_closed IS FALSE", join=f"LEFT JOIN ({moved}) m ON m.id = d.id")
    rows = []
    for count in sorted({int(r.pushes) for r, _ in found}):
        of = [(r, t) for r, t in found if int(r.pushes) == count]
        tally = total(t for _, t in of)
        pushed_days = sum(int(r.days) * t.n for r, t in of)
        rows.append(
            {
                "pushes": count,
                "n": tally.n,
                "amount": money(tally.amount),
                "quarter_pushes": sum(int(r.crossing) * t.n for r, t in of),
                "days_per_push": tenth(Decimal(pushed_days) / (count * tally.n)) if count and tally.n else None,
            }
        )
    every = total(t for _, t in found)
    often = total(t for r, t in found if r.pushes >= 2)
    days = Spread((int(r.days), t.n) for r, t in found if r.pushes)
    count = sum(int(r.pushes) * t.n for r, t in found)
    return make(
        "Pushed close dates of open opportunities",
        ("pushes", "n", "amount", "quarter_pushes", "days_per_push"),
        rows,
        facts={
            "twice_or_more_percent": percent(often.amount, every.amount),
            "days_per_push": tenth(Decimal(days.sum) / count) if count else None,
            "days_per_pushed_deal": tenth(days.mean),
        },
        notes=[state.note, *deals.rates.notes(every.n_no_rate)],
        parameters=source.common,
    )


def stale(source: Source) -> Table:
    """Open pipeline without omitted, by days since the last touch or, without one, since creation."""
    deals = Deals(source)
    state = deals.at(source.today)
    touch = touched(source, "Opportunity", "o")
    age = f"days_between(COALESCE({touch}, d.created), as_of())"
    join = f"LEFT JOIN live.Opportunity o ON o.Id = d.id {touches(source, 'Opportunity', 'o')}"
    where = "d.is_closed IS FALSE AND COALESCE(d.category, 'Pipeline') <> 'Omitted'"
    found = deals.sums(state, {"age": age}, where, join=join)
    every = total(t for _, t in found)
    rows: list[dict[str, Any]] = []
    for low, high in AGES:
        tally = total(t for r, t in found if _in(r.age, low, high))
        label = f"over {low - 1}" if high is None else f"{low}-{high}"
        rows.append(_slip_row(label, tally, every))
    rows.append(_slip_row("total", every, every))
    return make(
        "Open pipeline by days since the last touch",
        ("line", "n", "amount", "count_percent", "amount_percent"),
        rows,
        notes=[*deals.rates.notes(every.n_no_rate)],
        parameters=source.common,
    )


def _in(age: int | None, low: int, high: int | None) -> bool:
    days = max(age or 0, 0)
    return days >= low and (high is None or days <= high)


def _slip_row(line: str, tally: Tally, every: Tally) -> dict[str, Any]:
    return {
        "line": line,
        "n": tally.n,
        "amount": money(tally.amount),
        "count_percent": percent(tally.n, every.n),
        "amount_percent": percent(tally.amount, every.amount),
    }


def _quarter_index(source: Source, day: str) -> str:
    """A number that grows by one with every fiscal quarter."""
    shifted = f"(EXTRACT(YEAR FROM {day}) * 12 + EXTRACT(MONTH FROM {day}) - {source.fiscal.start_month})"
    return f"FLOOR({shifted} / 3.0)"
