from __future__ import annotations

from pathlib import Path

import click

from sfsync.cli.common import Output, config_option, emit, progress, shared


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), default="plan.jsonl")
@config_option
@click.option("--accept-assisted", is_flag=True, help="Push undecided lines of confidence `assisted` too.")
@click.option("--allow-large", is_flag=True, help="Push a plan above push.max_rows or push.max_share.")
@shared
def push(file: Path, config: Path | None, accept_assisted: bool, allow_large: bool, output: Output) -> None:
    """Write a plan's accepted lines to the org.

    Pushed are lines accepted by a person, and undecided ones of confidence `auto`. Each record is read again just
    before: what already is so is left, what somebody changed meanwhile is not written (`stale`). Pushing the same plan
    again does only what is left. Exit code 3: some lines are stale, refused, failed or unknown.
    """
    from sfsync import api
    from sfsync.plan.codec import KEYS

    run = api.new_run("push")
    with progress(output) as tell:
        result = api.push(
            config, file, accept_assisted=accept_assisted, allow_large=allow_large, progress=tell, run=run
        )
    document = result.as_json()
    rows = [{"outcome": status, "count": n} for status, n in document["outcomes"].items() if n]
    say = f"{sum(document['outcomes'].values())} changes, {run.api_calls} API calls"
    others = sum(n for why, n in result.left_out.items() if why in KEYS)
    if left := sum(result.left_out.values()) - others:
        say += f"; {left} lines nobody accepted were left out (see `sfsync plan accept`)"
    if others:
        say += f"; {others} merges, conversions and new records were left out, a push only updates"
    say += "".join(
        f"\n{f['status']} {f['sobject']} {f['id']}: {f['code']} {f['message']}" for f in document["failures"][:20]
    )
    emit(output, {**run.envelope(), **document}, rows, say)
    raise click.exceptions.Exit(run.exit_code)
