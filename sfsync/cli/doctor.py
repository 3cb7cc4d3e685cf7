from __future__ import annotations

from pathlib import Path

import click

from sfsync.cli.common import Output, config_option, emit, shared


@click.command()
@config_option
@shared
def doctor(config: Path | None, output: Output) -> None:
    """Check config, warehouse, login, rights, quota, mappings, disk and clock, and say what to do.

    Every check is made even when one fails. Exit code 0: nothing fails; 1: something does.
    """
    from sfsync import api
    from sfsync.doctor import doctor as examine

    run = api.new_run("doctor")
    result = examine(config)
    run.api_calls, run.exit_code = result.api_calls, result.exit_code
    rows = [{"status": c.status, "check": c.name, "found": c.found, "what to do": c.advice} for c in result.checks]
    failed = sum(c.status == "fail" for c in result.checks)
    warned = sum(c.status == "warn" for c in result.checks)
    say = f"{failed} failed, {warned} warnings · {run.api_calls} API calls, {run.seconds:.1f} s"
    emit(output, {**run.envelope(), **result.as_json()}, rows, say)
    raise click.exceptions.Exit(run.exit_code)
