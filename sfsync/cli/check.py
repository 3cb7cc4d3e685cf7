from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from sfsync.cli.common import Output, config_option, emit, note, progress, shared


@click.command()
@config_option
@click.option("--rule", "rules", multiple=True, metavar="CODE", help="Only this rule; may be given again.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Evaluate as if it were this day.")
@click.option("--list", "every", is_flag=True, help="List every finding, not only a line per rule.")
@shared
def check(config: Path | None, rules: tuple[str, ...], as_of: datetime | None, every: bool, output: Output) -> None:
    """Evaluate the rules on the mirror. Asks the org nothing.

    Exit code 0: no findings; 3: findings; 1: a rule's SQL failed. A rule that could not be evaluated says why and never
    counts as passed.
    """
    from sfsync import api

    run = api.new_run("check")
    with progress(output) as tell:
        result = api.check(config, rules=rules, as_of=as_of.date() if as_of else None, progress=tell, run=run)
    document = result.as_json()
    if every or output.format == "csv":
        keys = ("severity", "rule", "kind", "sobject", "id", "message")
        rows = [{k: f[k] for k in keys} for f in document["findings"]]
    else:
        rows = [{**r, "rate": _rate(r["findings"], r["in_scope"], r["status"])} for r in document["rules"]]
    counts = {s: sum(f["severity"] == s for f in document["findings"]) for s in ("error", "warning", "info")}
    new = sum(f["new"] for f in document["findings"])
    say = (
        f"{len(document['findings'])} findings: "
        + ", ".join(f"{n} {s}" for s, n in counts.items())
        + f"; {new} new, {result.resolved} resolved since the last check"
    )
    emit(output, {**run.envelope(), **document}, rows, say)
    for failed in result.failed:
        note(output, f"{failed.rule} could not be evaluated: {failed.reason}")
    raise click.exceptions.Exit(run.exit_code)


def _rate(findings: int, scope: int, status: str) -> str:
    return "" if status == "not_evaluated" or not scope else f"{100 * findings / scope:.1f} %"
