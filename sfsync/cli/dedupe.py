from __future__ import annotations

from pathlib import Path

import click

from sfsync.cli.common import Output, config_option, emit, progress, shared


@click.command()
@config_option
@shared
def dedupe(config: Path | None, output: Output) -> None:
    """Find leads that are one real person, and the record of each that would survive. Asks the org nothing.

    Same mirror, same output. Exit code 0: no duplicates; 3: some were found. `merge` is safe to merge, `review` wants a
    person's eye. Nothing is merged.
    """
    from sfsync import api

    run = api.new_run("dedupe")
    with progress(output) as tell:
        result = api.dedupe(config, progress=tell, run=run)
    document = result.as_json()
    rows = [
        {
            "cluster": c["cluster"],
            "decision": c["decision"],
            "score": c["score"],
            "records": len(c["records"]),
            "master": next(r["id"] for r in c["records"] if r["master"]),
            "others": [r["id"] for r in c["records"] if not r["master"]],
        }
        for c in document["clusters"]
    ]
    sure = sum(c["decision"] == "merge" for c in document["clusters"])
    say = f"{len(rows)} clusters: {sure} to merge, {len(rows) - sure} to review"
    emit(output, {**run.envelope(), **document}, rows, say)
    raise click.exceptions.Exit(run.exit_code)
