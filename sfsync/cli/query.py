from __future__ import annotations

from pathlib import Path

import click

from sfsync.cli.common import Output, config_option, emit, shared


@click.command()
@click.argument("sql")
@config_option
@shared
def query(sql: str, config: Path | None, output: Output) -> None:
    """Run one SELECT on the warehouse; it cannot change anything.

    Tables: live.Lead (without deleted rows), salesforce.Lead (with them), sfsync.findings and the like.
    """
    from sfsync import api

    run = api.new_run("query")
    columns, rows = api.query_rows(config, sql)
    named = [dict(zip(columns, row, strict=True)) for row in rows]
    emit(output, {**run.envelope(), "columns": columns, "rows": named}, named, f"{len(named)} rows")
