from __future__ import annotations

from pathlib import Path

import click

from sfsync.cli.common import Output, config_option, emit, shared


@click.command()
@config_option
@shared
def status(config: Path | None, output: Output) -> None:
    """Say what the warehouse holds and how fresh it is. Asks the org nothing."""
    from sfsync import api

    run = api.new_run("status")
    found = api.status(config)
    org = found["org"]
    kind = {"true": ", sandbox", "false": ", production"}.get(org["is_sandbox"] or "", "")
    open_findings = ", ".join(f"{n} {severity}" for severity, n in found["findings"].items())
    say = (
        f"{org['org_name'] or 'org'} ({org['org_id']}{kind}) at {org['instance_url']}\n"
        f"open findings: {open_findings} · clusters: {found['clusters']['merge']} to merge, "
        f"{found['clusters']['review']} to review"
    )
    if quota := found["quota"]:
        say += f"\nAPI requests: {quota['used']:,} of {quota['limit']:,} used in 24 hours, as of {quota['seen_at']}"
    if found["runs"]:
        last = found["runs"][0]
        end = (
            "not ended: it is running, or was killed" if last["exit_code"] is None else f"exit code {last['exit_code']}"
        )
        say += f"\nlast run: {last['command']} at {last['started_at']}, {end}"
    rows = [
        {**{k: o[k] for k in ("sobject", "rows", "live", "late", "until")}, "age": _age(o["age_seconds"])}
        for o in found["objects"]
    ]
    emit(output, {**run.envelope(), **found}, rows, say)


def _age(seconds: int) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
