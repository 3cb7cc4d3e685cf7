from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from sfsync.cli.common import Output, config_option, emit, note, progress, shared

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@config_option
@click.option("--out", type=FILE, default="report.html", show_default=True, help="*.html, *.xlsx or *.json.")
@click.option("--client", metavar="NAME", help="Whose report it is.  [default: as configured, or the org's name]")
@click.option("--logo", type=FILE, help="PNG, JPEG or SVG of at most 512 KB.  [default: as configured]")
@click.option(
    "--sections", metavar="LIST", help="Only these, as summary,rules,pipeline.  [default: as configured, or all]"
)
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

    run = api.new_run("report")
    with progress(output) as tell:
        made = api.report(
            config,
            out=out,
            client=client,
            logo=logo,
            sections=[name.strip() for name in sections.split(",")] if sections else (),
            rows=rows,
            as_of=as_of.date() if as_of else None,
            checking=checking,
            progress=tell,
            on_wait=lambda who: note(output, who),
            run=run,
        )
    document = {**run.envelope(), "out": str(out), **made.summary(), "files": list(made.files)}
    rows_ = [{"section": s.key, "title": s.title} for s in made.sections]
    counts = ", ".join(f"{n:,} {severity}" for severity, n in made.findings.items())
    score = f"score {made.score.value} of 100"
    if made.score.value is None:
        score = f"no score ({made.score.missing.rstrip('.')})"
    beside = f", {len(made.files)} lists in {out.stem}_files" if made.files else ""
    emit(output, document, rows_ if output.format == "csv" else [], f"{out}: {score}; open findings: {counts}{beside}")
    for broken in made.failed:
        note(output, f"could not be made: {broken}")
    raise click.exceptions.Exit(run.exit_code)
