from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli.common import Output, config_option, note, shared
from sfsync.cli.insight import DAY, open_mirror, period_option, show, sla_option, terminal_option

if TYPE_CHECKING:
    from sfsync.config import Config
    from sfsync.insight.table import Table

DRAWN = 200
"""Leads of a table on the screen when nobody asked for a number."""
FILE = click.Path(dir_okay=False, path_type=Path)
MODEL = click.option(
    "--model", type=FILE, help="How to score and distribute.  [default: leads/model.yaml in the mappings folder]"
)


@click.group()
def leads() -> None:
    """Which leads to work first, and who should. Asks the org nothing."""


@leads.command()
@config_option
@click.option("--as-of", type=DAY, help="Evaluate as if it were this day.")
@click.option("--limit", type=click.IntRange(1), help="Only the first so many.  [default: all; 200 on the screen]")
@MODEL
@sla_option
@terminal_option
@shared
def score(
    config: Path | None,
    as_of: datetime | None,
    limit: int | None,
    model: Path | None,
    sla_hours: int | None,
    terminal: tuple[str, ...],
    output: Output,
) -> None:
    """Score active leads for fit and engagement, with the reason for every point, in work order."""
    from sfsync.leads.model import load_model, model_path
    from sfsync.leads.score import score_table

    loaded: list[Config] = []
    day = as_of.date() if as_of else None
    settings = {"response_sla_hours": sla_hours, "closed_unconverted_statuses": terminal or None}
    with open_mirror(config, day, {}, loaded, **settings) as source:
        how = load_model(model_path(model, loaded[0].mappings))
        hint = "--limit and --format csv show more" if limit is None else None
        _show_long("leads score", output, score_table(source, how.scoring, limit=limit), hint)


def _show_long(
    command: str, output: Output, found: Table, hint: str | None, also: Sequence[Table] = (), **more: Any
) -> None:
    """However many rows there are: one by one as JSON and CSV; drawn, the first ones.

    hint: how to see the others; None draws all. also: short tables after it. more: keys of the JSON document.
    """
    from dataclasses import replace

    if output.format == "json":
        from sfsync import api
        from sfsync.insight.table import plain

        table = replace(found, rows=()).as_json()
        table["rows"] = Rows(plain(dict(row)) for row in found.rows)
        document = {**api.new_run(command).envelope(), "tables": [table, *(t.as_json() for t in also)], **more}
        json.dump(document, sys.stdout, ensure_ascii=False, indent=2, default=str)
        click.echo()
    elif output.format == "table" and hint and len(found.rows) > DRAWN:
        cut = f"these are the first {DRAWN} of {len(found.rows):,} leads; {hint}"
        show(command, output, [replace(found, rows=found.rows[:DRAWN], notes=(*found.notes, cut)), *also])
    else:
        show(command, output, [found, *also])


class Rows(list[Any]):
    """Rows that `json` writes one by one, as they are made."""

    def __init__(self, rows: Iterable[Any]):
        super().__init__()
        self._rows = iter(rows)
        self._first = list(islice(self._rows, 1))

    def __bool__(self) -> bool:
        return bool(self._first)

    def __len__(self) -> int:
        return len(self._first)

    def __iter__(self) -> Iterator[Any]:
        return chain(self._first, self._rows)


@leads.command()
@config_option
@click.option("--as-of", type=DAY, help="Evaluate as if it were this day.")
@click.option("--by", type=click.Choice(["source", "campaign"]), default="source", show_default=True)
@click.option("--after", type=click.IntRange(0), default=7, show_default=True, help="Score a lead so many days old.")
@click.option(
    "--min-conversions", type=click.IntRange(1), default=50, show_default=True, help="With fewer, nothing is judged."
)
@MODEL
@shared
def validate(
    config: Path | None,
    as_of: datetime | None,
    by: str,
    after: int,
    min_conversions: int,
    model: Path | None,
    output: Output,
) -> None:
    """Did past leads of a high score convert more often? Each is scored with what was known of it then."""
    from sfsync.leads.model import load_model, model_path
    from sfsync.leads.validate import validate as judge

    loaded: list[Config] = []
    with open_mirror(config, as_of.date() if as_of else None, {}, loaded) as source:
        how = load_model(model_path(model, loaded[0].mappings))
        found = judge(source, how.scoring, by=by, after=after, min_conversions=min_conversions)
        show("leads validate", output, found)


@leads.command()
@config_option
@period_option
@click.option("--by", type=click.Choice(["reason", "owner", "pool"]), default="reason", show_default=True)
@MODEL
@sla_option
@terminal_option
@shared
def measures(
    config: Path | None,
    period: str,
    by: str,
    model: Path | None,
    sla_hours: int | None,
    terminal: tuple[str, ...],
    output: Output,
) -> None:
    """Does the distribution work? Reasons, time to assignment, who takes leads up in time, load per rep."""
    from sfsync.leads.measures import measures as measure
    from sfsync.leads.model import load_model, model_path

    loaded: list[Config] = []
    settings = {"response_sla_hours": sla_hours, "closed_unconverted_statuses": terminal or None}
    with open_mirror(config, None, {}, loaded, **settings) as source:
        how = load_model(model_path(model, loaded[0].mappings))
        found = measure(source, source.fiscal.parse(period, source.as_of), how.assign, by=by)
        show("leads measures", output, found)


@leads.command()
@config_option
@click.option("--reassign-owned", is_flag=True, help="Also leads that an active user owns already.")
@click.option("--out", type=FILE, help="Write the proposals to this plan file, to be reviewed and pushed.")
@click.option(
    "--compare-modulo",
    metavar="FIELD",
    help="Also what a formula MOD(VALUE(FIELD), n) would move, FIELD an auto-number.",
)
@MODEL
@sla_option
@terminal_option
@shared
def assign(
    config: Path | None,
    reassign_owned: bool,
    out: Path | None,
    compare_modulo: str | None,
    model: Path | None,
    sla_hours: int | None,
    terminal: tuple[str, ...],
    output: Output,
) -> None:
    """Propose an owner for every lead that waits in a queue, with an inactive user or at an intake user.

    And the next one for leads that a plan gave to somebody who was not in touch within the response SLA. Nothing is
    written to the org. With --out the proposals become a plan: review it with `plan show`, `plan accept`.
    """
    from sfsync.leads.assign import assign as propose
    from sfsync.leads.assign import assign_table
    from sfsync.leads.model import load_model, model_path
    from sfsync.leads.modulo import modulo
    from sfsync.leads.plan import wanted
    from sfsync.plan.build import build_file
    from sfsync.plan.guards import Guards

    loaded: list[Config] = []
    settings = {"response_sla_hours": sla_hours, "closed_unconverted_statuses": terminal or None}
    with open_mirror(config, None, {}, loaded, **settings) as source:
        how = load_model(model_path(model, loaded[0].mappings))
        found = propose(source, how, reassign_owned=reassign_owned)
        also = [modulo(source, how.assign, compare_modulo)] if compare_modulo else []
        more: dict[str, Any] = {}
        if out is not None:
            meta = source.warehouse.meta(source.con)
            made = build_file(
                source.warehouse, wanted(found, meta, source.clock.now, Guards.of(loaded[0].push)), out, con=source.con
            )
            more = made.as_json(out)
        _show_long("leads assign", output, assign_table(source, found), "--format csv shows all", also, **more)
    if out is not None:
        note(output, f"{more['changes']['update']} changes in {out}")
        for refused in more["refused"][:20]:
            note(output, f"refused {refused['guard']} {refused['sobject']} {refused['id']}: {refused['reason']}")
