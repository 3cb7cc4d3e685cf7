from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from sfsync.cli.common import Output, config_option, emit, shared

FILE = click.Path(dir_okay=False, path_type=Path)


@click.group(invoke_without_command=True)
@config_option
@click.option("--out", default="plan.jsonl", show_default=True, type=FILE, help="The plan file to write.")
@click.option("--assign-leads", is_flag=True, help="Also propose an owner for every lead that waits for one.")
@click.option("--model", type=FILE, help="How leads are given out.  [default: leads/model.yaml in the mappings folder]")
@click.option("--allow-blank-out", is_flag=True, help="Take fixes that empty a filled field; each must be accepted.")
@shared
def plan(
    config: Path | None, out: Path, assign_leads: bool, model: Path | None, allow_blank_out: bool, output: Output
) -> None:
    """Turn findings and clusters into a plan file. Nothing is written to the org.

    One change per line, with the values before and after and the reason. Review it (`plan show`, `accept`, `refuse`, or
    an editor and then `plan seal`), and push it.
    """
    if click.get_current_context().invoked_subcommand is not None:
        return
    from sfsync import api

    run = api.new_run("plan")
    made = api.plan(config, out=out, assign_leads=assign_leads, model=model, allow_blank_out=allow_blank_out, run=run)
    document = made.as_json(out)
    rows = [{"change": op, "count": n} for op, n in document["changes"].items() if n]
    rows += [{"change": "refused", "count": len(document["refused"])}] if document["refused"] else []
    say = f"{len(made.changes)} changes in {out}, for {made.org}"
    if others := sum(n for op, n in document["changes"].items() if op != "update"):
        say += f"\n{others} of them merge, convert or create: do these in Salesforce, a push only updates"
    say += "".join(f"\nrefused {r['guard']} {r['sobject']} {r['id']}: {r['reason']}" for r in document["refused"][:20])
    emit(output, {**run.envelope(), **document}, rows, say)


@plan.command()
@click.argument("file", type=FILE)
@shared
def show(file: Path, output: Output) -> None:
    """Print a plan's changes, field by field: old value → new value."""
    from sfsync.plan.file import read_plan
    from sfsync.plan.review import diff_lines, summary
    from sfsync.runs import new_run

    run = new_run("plan show")
    found = read_plan(file)
    if output.format == "table":
        for line in diff_lines(found):
            click.echo(line)
    rows: list[dict[str, Any]] = []
    if output.format == "csv":
        rows = [{"op": c.op, "sobject": c.ref.sobject, "id": c.ref.id, "after": dict(c.after)} for c in found.changes]
    about = {"org_id": found.org_id, "instance_url": found.instance_url, "is_sandbox": found.is_sandbox}
    document = {**run.envelope(), **found.as_json(file), **about}
    if output.format == "json":
        document["summary"] = summary(found)
    emit(output, document, rows, f"{len(found.changes)} changes for {found.org}")


@plan.command()
@click.argument("file", type=FILE)
@shared
def seal(file: Path, output: Output) -> None:
    """Recompute the header of a plan edited by hand, after checking every line."""
    from sfsync.plan.file import seal as seal_file
    from sfsync.runs import new_run

    run = new_run("plan seal")
    found = seal_file(file)
    emit(output, {**run.envelope(), **found.as_json(file)}, [], f"{len(found.changes)} changes in {file}")


def _deciding(name: str, help: str, decide: Callable[..., Any]) -> None:
    @plan.command(name, help=help)
    @click.argument("file", type=FILE)
    @click.option("--sobject", "sobjects", multiple=True, metavar="NAME")
    @click.option("--id", "ids", multiple=True, metavar="ID")
    @click.option("--rule", "rules", multiple=True, metavar="CODE", help="A rule's code or a cluster's Id.")
    @click.option("--field", "fields", multiple=True, metavar="NAME")
    @click.option("--confidence", "confidences", multiple=True, type=click.Choice(["auto", "assisted", "manual"]))
    @click.option("--op", "ops", multiple=True, type=click.Choice(["update", "merge", "convert", "create", "delete"]))
    @shared
    def command(file: Path, output: Output, **filters: tuple[str, ...]) -> None:
        from sfsync.plan.file import read_plan, write_plan
        from sfsync.runs import new_run

        run = new_run(f"plan {name}")
        before = read_plan(file)
        after = decide(before, **filters)
        changed = sum(a.decision != b.decision for a, b in zip(after.changes, before.changes, strict=True))
        write_plan(after, file)
        document = {**run.envelope(), "decided": changed, **after.as_json(file)}
        emit(output, document, [], f"{changed} lines decided")


def _accept(found: Any, **filters: Any) -> Any:
    from sfsync.plan.review import accept

    return accept(found, **filters)


def _refuse(found: Any, **filters: Any) -> Any:
    from sfsync.plan.review import refuse

    return refuse(found, **filters)


_deciding("accept", "Accept the lines that meet all filters; without one, all that nobody refused.", _accept)
_deciding("refuse", "Refuse the lines that meet all filters; without one, all.", _refuse)
