from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli.common import Output, config_option, note, shared
from sfsync.cli.insight import DAY, open_mirror, show, sla_option, terminal_option

if TYPE_CHECKING:
    from sfsync.config import Config

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
@click.option("--limit", type=click.IntRange(1), help="Only the first so many.")
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
        show("leads score", output, [score_table(source, how.scoring, limit=limit)])


@leads.command()
@config_option
@click.option("--reassign-owned", is_flag=True, help="Also leads that an active user owns already.")
@click.option("--out", type=FILE, help="Write the proposals to this plan file, to be reviewed and pushed.")
@MODEL
@terminal_option
@shared
def assign(
    config: Path | None,
    reassign_owned: bool,
    out: Path | None,
    model: Path | None,
    terminal: tuple[str, ...],
    output: Output,
) -> None:
    """Propose an owner for every lead that waits in a queue, with an inactive user or at an intake user.

    Nothing is written to the org. With --out the proposals become a plan: review it with `plan show`, `plan accept`.
    """
    from sfsync.leads.assign import assign as propose
    from sfsync.leads.assign import assign_table
    from sfsync.leads.model import load_model, model_path
    from sfsync.leads.plan import wanted
    from sfsync.plan.build import build_file
    from sfsync.plan.guards import Guards

    loaded: list[Config] = []
    with open_mirror(config, None, {}, loaded, closed_unconverted_statuses=terminal or None) as source:
        how = load_model(model_path(model, loaded[0].mappings))
        found = propose(source, how, reassign_owned=reassign_owned)
        more: dict[str, Any] = {}
        if out is not None:
            meta = source.warehouse.meta(source.con)
            made = build_file(
                source.warehouse, wanted(found, meta, source.clock.now, Guards.of(loaded[0].push)), out, con=source.con
            )
            more = made.as_json(out)
        show("leads assign", output, [assign_table(source, found)], **more)
    if out is not None:
        note(output, f"{more['changes']['update']} changes in {out}")
        for refused in more["refused"][:20]:
            note(output, f"refused {refused['guard']} {refused['sobject']} {refused['id']}: {refused['reason']}")
