"""Open pipeline by stage: everything not yet won or lost, and what probability makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sfsync.errors import InputError, nearest
from sfsync.insight.deals import Deals, State
from sfsync.insight.money import Tally, total
from sfsync.insight.source import Source
from sfsync.insight.table import Table, counted, exact, make, money
from sfsync.insight.touch import touched, touches

DEALS = ("id", "name", "stage", "owner", "close_date", "amount", "currency", "probability", "category")
COLUMNS = ("line", "stage", "n", "amount", "n_no_amount", "n_no_rate", "weighted", "weighted_by_stage")


def pipeline(source: Source, *, exclude_omitted: bool = False) -> Table:
    """Open opportunities by stage in the order of the sales process, then totals.

    `line` is stage, omitted (forecast category Omitted, on a line of its own), total, total without omitted, past due
    (close date before as_of; part of the total) and dead (past due or untouched for `dead_days`; part of the total
    without omitted) with what remains without it. `weighted` uses the record's probability, `weighted_by_stage` the
    stage's default: their difference is what overrides do. Raises InputError when the mirror lacks what it takes.
    """
    deals = Deals(source)
    state = deals.at(source.as_of)
    keys = {
        "stage": "d.stage",
        "omitted": "COALESCE(d.category = 'Omitted', FALSE)",
        "past_due": "COALESCE(d.close_date < as_of(), FALSE)",
        "private": "d.is_private",
    }
    found = deals.sums(state, keys, "d.is_closed IS FALSE")
    kept = [(row, tally) for row, tally in found if not (exclude_omitted and row.omitted)]
    rows = _stages(deals, kept)
    rows.append(_line("total", tally_of(kept)))
    if not exclude_omitted:
        rows.append(_line("total without omitted", total(t for r, t in kept if not r.omitted)))
    rows.append(_line("past due", total(t for r, t in kept if r.past_due)))
    if state.origin == "mirror":
        rows += _dead(deals, state)
    private = total(t for r, t in kept if r.private).n
    return make(
        "Open pipeline",
        COLUMNS,
        rows,
        parameters={**source.common, "amount_field": source.settings.amount_field, "exclude_omitted": exclude_omitted},
        notes=[
            state.note,
            *deals.rates.notes(tally_of(kept).n_no_rate),
            counted(private, "private opportunity is among them", "private opportunities are among them"),
            *_unknown_stages(deals, kept),
        ],
    )


def open_deals(source: Source, stage: str | None = None) -> Table:
    """The opportunities behind the pipeline, largest first; amounts in their own currency.

    stage: only of this one. Raises InputError, with the nearest, for a stage that neither the org nor a deal has.
    """
    deals = Deals(source)
    rows = list(each_open_deal(deals, stage))
    if not rows and stage is not None and stage not in deals.by_name:
        raise InputError(f'there is no stage "{stage}".{nearest(stage, list(deals.by_name))}')
    return make("Open opportunities", DEALS, rows, parameters=source.common, notes=[deals.at(source.as_of).note])


def each_open_deal(deals: Deals, stage: str | None = None) -> Iterator[dict[str, Any]]:
    """The rows of `open_deals` one by one, however many there are; see `Source.stream`."""
    source = deals.source
    state = deals.at(source.as_of)
    where = "d.is_closed IS FALSE" + ("" if stage is None else " AND d.stage = :stage")
    sql = (
        f"SELECT {', '.join(f'd.{name}' for name in DEALS)} "
        f"FROM ({state.sql}) d WHERE {where} AND {source.owned('d.owner')} ORDER BY d.amount DESC NULLS LAST, d.id"
    )
    users = source.users
    for r in deals.stream(sql, **({} if stage is None else {"stage": stage})):
        yield {
            **{name: getattr(r, name) for name in DEALS},
            "owner": users.get(r.owner, r.owner),
            "amount": None if r.amount is None else money(r.amount),
            "probability": None if r.probability is None else exact(r.probability),
        }


def tally_of(found: list[tuple[Any, Tally]]) -> Tally:
    return total(tally for _, tally in found)


def _stages(deals: Deals, found: list[tuple[Any, Tally]]) -> list[dict[str, Any]]:
    lines: dict[tuple[str, bool], Tally] = {}
    for row, tally in found:
        lines.setdefault((row.stage, row.omitted), Tally()).add(tally)
    ordered = sorted(lines, key=lambda key: (deals.order(key[0]), key[1]))
    return [_line("omitted" if omitted else "stage", lines[stage, omitted], stage) for stage, omitted in ordered]


def _dead(deals: Deals, state: State) -> list[dict[str, Any]]:
    """FCST-009: open, in the forecast, and past due or long untouched."""
    source = deals.source
    touch = touched(source, "Opportunity", "o")
    join = f"LEFT JOIN live.Opportunity o ON o.Id = d.id {touches(source, 'Opportunity', 'o')}"
    dead = f"d.close_date < as_of() OR days_between(COALESCE({touch}, d.created), as_of()) > :dead_days"
    where = "d.is_closed IS FALSE AND COALESCE(d.category, 'Pipeline') <> 'Omitted'"
    keys = {"dead": f"COALESCE({dead}, FALSE)"}
    found = deals.sums(state, keys, where, join=join, dead_days=source.settings.dead_days)
    return [
        _line("dead", total(t for r, t in found if r.dead)),
        _line("total without omitted and dead", total(t for r, t in found if not r.dead)),
    ]


def _unknown_stages(deals: Deals, found: list[tuple[Any, Tally]]) -> list[str]:
    unknown = sorted({r.stage or "(empty)" for r, _ in found if r.stage not in deals.by_name})
    names = {stage.name for stage in deals.stages}
    by_label = sorted({r.stage for r, _ in found if r.stage in deals.by_name and r.stage not in names})
    return [
        *(f'stage "{stage}" is not among the org\'s stages (OPP-002)' for stage in unknown),
        *(f'stage "{stage}" was matched by its label, not its API name' for stage in by_label),
    ]


def _line(line: str, tally: Tally, stage: str | None = None) -> dict[str, Any]:
    return {"line": line, "stage": stage, **tally.shown()}
