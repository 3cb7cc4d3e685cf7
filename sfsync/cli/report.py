from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli.common import Output, config_option, emit, note, progress, shared

if TYPE_CHECKING:
    from sfsync.api import Progress
    from sfsync.config import Config
    from sfsync.report import Report
    from sfsync.runs import Run
    from sfsync.warehouse import Warehouse

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@config_option
@click.option("--out", type=FILE, default="report.html", show_default=True, help="*.html, *.xlsx or *.json.")
@click.option("--client", metavar="NAME", help="Whose report it is.  [default: the org's name]")
@click.option("--logo", type=FILE, help="PNG, JPEG or SVG of at most 512 KB.")
@click.option("--sections", metavar="LIST", help="Only these, as summary,rules,pipeline.  [default: all]")
@click.option("--rows", type=click.IntRange(1, 10_000), default=200, show_default=True, help="The longest list shown.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="As it was at the end of this day.  [default: today]")
@click.option(
    "--check/--no-check",
    "checking",
    default=None,
    help="Evaluate the rules before.  [default: when the mirror is newer than the last check]",
)
@shared
def report(
    config: Path | None,
    out: Path,
    client: str | None,
    logo: Path | None,
    sections: str | None,
    rows: int,
    as_of: datetime | None,
    checking: bool | None,
    output: Output,
) -> None:
    """Write what the mirror and the checks say into one file to read, print or mail. Asks the org nothing.

    Exit code 0: written; 3: written, but a part of it broke and says so.
    """
    from sfsync import api
    from sfsync.report import SECTIONS

    found, run = api.configured(config), api.new_run("report")
    chosen = [name.strip() for name in sections.split(",")] if sections else SECTIONS
    options = {"client": client, "logo": logo, "sections": chosen, "rows": rows}
    with progress(output) as tell:
        warehouse = api.open_warehouse(found, on_wait=lambda who: note(output, who))
        if checking or (checking is None and _stale(warehouse)):
            api.check(found, as_of=as_of.date() if as_of else None, progress=tell)
            run = api.new_run("report")
        made = _make(found, warehouse, run, out, as_of, options, tell)
    document = {**run.envelope(), "out": str(out), **made.summary(), "files": list(made.files)}
    rows_ = [{"section": s.key, "title": s.title} for s in made.sections]
    counts = ", ".join(f"{n:,} {severity}" for severity, n in made.findings.items())
    score = "no score" if made.score.value is None else f"score {made.score.value} of 100"
    beside = f", {len(made.files)} lists in {out.stem}_files" if made.files else ""
    emit(output, document, rows_ if output.format == "csv" else [], f"{out}: {score}; open findings: {counts}{beside}")
    for broken in made.failed:
        note(output, f"could not be made: {broken}")
    raise click.exceptions.Exit(run.exit_code)


def _make(
    config: Config,
    warehouse: Warehouse,
    run: Run,
    out: Path,
    as_of: datetime | None,
    options: dict[str, Any],
    tell: Progress,
) -> Report:
    """The report, with a row in sfsync.runs for the next one to compare with."""
    from sfsync import api
    from sfsync.moments import local_day
    from sfsync.report import report as make
    from sfsync.rules import load_rules
    from sfsync.runs import recorded

    with recorded(run, warehouse) as record:
        zone = api.read_meta(warehouse).get("time_zone", "UTC")
        made = make(
            warehouse,
            rules=load_rules(config.mappings),
            config=config.rules,
            now=run.started_at,
            as_of=as_of.date() if as_of else local_day(run.started_at, zone),
            out=out,
            progress=tell,
            **options,
        )
        run.exit_code = 3 if made.failed else 0
        record.update(made.summary())
    return made


def _stale(warehouse: Warehouse) -> bool:
    """Whether the mirror was pulled after the last check, or nothing was ever checked."""
    from sfsync.report.stored import Stored

    if not warehouse.exists:
        return False
    with warehouse.read() as con:
        stored = Stored(warehouse, con)
        pulled, checked = stored.last_run("pull"), stored.last_run("check")
    return checked is None or (pulled is not None and pulled[0] > checked[0])
