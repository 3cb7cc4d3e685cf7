from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sfsync.cli.common import Output, config_option, emit, note, objects_option, progress, shared

if TYPE_CHECKING:
    from sfsync.runs import Run


@click.command()
@config_option
@objects_option
@click.option("--full", is_flag=True, help="Read every row again, not only what changed.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Read again what changed since this day (UTC).")
@click.option("--sweep", is_flag=True, help="Compare all Ids with the org now, not only once in pull.reconcile_every.")
@click.option("--allow-large", is_flag=True, help="Let a sweep mark more than 5 % or 1,000 rows of an object as gone.")
@click.option("--dry-run", is_flag=True, help="Say what the pull would cost: calls, bytes, minutes. Reads no rows.")
@shared
def pull(
    config: Path | None,
    objects: list[str],
    full: bool,
    since: datetime | None,
    sweep: bool,
    allow_large: bool,
    dry_run: bool,
    output: Output,
) -> None:
    """Copy what changed in the org into the warehouse.

    Exit code 0 means complete: every object has as many rows as Salesforce promised, and its cursor has moved.
    Run it again after any failure; nothing is lost and nothing is read in vain.
    """
    from sfsync import api

    run = api.new_run("pull")
    if dry_run:
        _estimate(config, objects, full, run, output)
        return
    moment = since.replace(tzinfo=UTC) if since else None
    with progress(output) as tell:
        result = api.pull(
            config,
            objects=objects,
            full=full,
            since=moment,
            sweep=sweep,
            allow_large=allow_large,
            progress=tell,
            run=run,
        )
    shown = ("sobject", "api", "read", "inserted", "updated", "deleted", "late", "rows", "complete")
    document = result.as_json()
    emit(
        output,
        {**run.envelope(), **document},
        [{k: row[k] for k in shown} for row in document["objects"]],
        f"{run.api_calls} API calls, {run.seconds:.1f} s",
    )
    for row in result.objects:
        for warning in row.warnings:
            note(output, f"{row.sobject}: {warning}")
        if row.error:
            click.echo(f"sfsync: {row.sobject} was not pulled: {row.error}", err=True)
    if result.left_out:
        note(output, f"left out, the org does not offer them to this user: {', '.join(result.left_out)}")
    if result.stopped:
        click.echo(f"sfsync: {result.stopped}", err=True)
    raise click.exceptions.Exit(run.exit_code)


def _estimate(config: Path | None, objects: list[str], full: bool, run: Run, output: Output) -> None:
    from sfsync import api

    cost = api.pull_cost(config, objects=objects, full=full, run=run)
    document = cost.as_json()
    rows = [{k: v for k, v in o.items() if k != "reason"} for o in document["objects"]]
    size = f"{cost.bytes / 1e6:.1f} MB, {cost.seconds / 60:.1f} minutes"
    say = f"about {cost.calls} API calls, {size}; {document['looked']} were spent on finding out"
    if not cost.fits:
        say += "\nThat does not fit today's quota and floor: the pull would stop and go on tomorrow."
    emit(output, {**run.envelope(), **document}, rows, say)
