from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli.common import Output, config_option, emit, note, objects_option, progress, shared

if TYPE_CHECKING:
    from sfsync.verify import ObjectProof

SHOWN = 20


@click.command()
@config_option
@objects_option
@click.option("--ids", is_flag=True, help="Compare every Id, stamp and deletion flag, not only counts.")
@click.option(
    "--sample", default=0, metavar="N", type=click.IntRange(0), help="Compare every cell of N rows per object."
)
@click.option("--seed", default=0, show_default=True, help="Another seed samples other rows.")
@click.option("--repair", is_flag=True, help="Bring the differing rows of the mirror up to the org.")
@click.option("--allow-large", is_flag=True, help="Let --repair mark more than 5 % or 1,000 rows of an object as gone.")
@shared
def verify(
    config: Path | None,
    objects: list[str],
    ids: bool,
    sample: int,
    seed: int,
    repair: bool,
    allow_large: bool,
    output: Output,
) -> None:
    """Prove that the mirror holds what the org held at the last pull, and name every row that differs.

    Rows that changed in the org since then are left out on both sides, so a busy org is no difference. Exit code 0
    means equal as far as was compared (or made equal by --repair), 3 different, 1 that an object was not compared.
    """
    from sfsync import api

    run = api.new_run("verify")
    with progress(output) as tell:
        result = api.verify(
            config,
            objects=objects,
            ids=ids,
            sample=sample,
            seed=seed,
            repair=repair,
            allow_large=allow_large,
            progress=tell,
            on_wait=lambda text: note(output, text),
            run=run,
        )
    cells = _differences(result.objects)
    rows = cells if output.format == "csv" else [_row(o) for o in result.objects]
    emit(output, {**run.envelope(), **result.as_json()}, rows, _say(cells, run.api_calls, run.seconds))
    for found in result.objects:
        for text in found.notes:
            note(output, f"{found.sobject}: {text}")
        if found.error:
            click.echo(f"sfsync: {found.sobject} was not compared: {found.error}", err=True)
    raise click.exceptions.Exit(run.exit_code)


def _row(found: ObjectProof) -> dict[str, Any]:
    return {
        "sobject": found.sobject,
        "org": found.org,
        "mirror": found.mirror,
        "compared": found.compared,
        "sampled": found.sampled,
        "changed since": found.changed_since,
        "missing": len(found.missing),
        "extra": len(found.extra),
        "different": len({d.id for d in found.different}),
        "mended": found.reread + found.tombstoned,
        "ok": found.ok,
    }


def _differences(objects: Sequence[ObjectProof]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for o in objects:
        blank = {"field": None, "org": None, "mirror": None}
        rows += [{"sobject": o.sobject, "kind": "missing", "id": id, **blank, "why": None} for id in o.missing]
        rows += [{"sobject": o.sobject, "kind": "extra", "id": id, **blank, "why": o.reasons.get(id)} for id in o.extra]
        rows += [{"sobject": o.sobject, "kind": "different", **vars(d)} for d in o.different]
    return rows


def _say(rows: Sequence[dict[str, Any]], calls: int, seconds: float) -> str:
    lines = []
    for row in rows[:SHOWN]:
        why = f" ({row['why']})" if row["why"] else ""
        cell = f".{row['field']}: {row['org']!s} in the org, {row['mirror']!s} in the mirror" if row["field"] else ""
        lines.append(f"{row['kind']:<9} {row['sobject']} {row['id']}{cell}{why}")
    if len(rows) > SHOWN:
        lines.append(f"… and {len(rows) - SHOWN:,} more; --format json lists them")
    return "\n".join([*lines, f"{calls} API calls, {seconds:.1f} s"])
