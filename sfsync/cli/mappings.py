from __future__ import annotations

from pathlib import Path

import click

from sfsync.cli.common import Output, config_option, emit, own_mappings, progress, shared


@click.group()
def mappings() -> None:
    """List and check mappings, or write a new one: which objects and fields are kept."""


@mappings.command("list")
@config_option
@shared
def list_(config: Path | None, output: Output) -> None:
    """Every mapping, shipped and your own. Asks the org nothing."""
    from sfsync.mapping import load_mappings
    from sfsync.runs import new_run
    from sfsync.setup.mappings import is_shipped

    run = new_run("mappings list")
    folder = own_mappings(config)
    rows = [
        {
            "sobject": m.sobject,
            "source": "shipped" if is_shipped(m) else "user",
            "fields": "all" if m.fields is None else str(len(m.fields)),
            "track": list(m.track),
            "needs": list(m.needs),
            "file": str(m.path),
        }
        for m in sorted(load_mappings(folder).values(), key=lambda m: m.sobject)
    ]
    shown = [{k: v for k, v in row.items() if k != "file"} for row in rows] if output.format == "table" else rows
    emit(output, {**run.envelope(), "mappings": rows}, shown, f"{len(rows)} mappings")


@mappings.command()
@click.argument("names", nargs=-1, metavar="[SOBJECT]...")
@config_option
@shared
def check(names: tuple[str, ...], config: Path | None, output: Output) -> None:
    """Hold the mappings against the org: unknown fields, fields this user cannot write, types that changed.

    All of them, or only those of the SOBJECTs given. Exit code 2: a mapping must be corrected.
    """
    from sfsync import api
    from sfsync.errors import MappingError, nearest
    from sfsync.mapping import load_mappings
    from sfsync.setup.mappings import check_mappings, stored_fields

    run = api.new_run("mappings check")
    settings = api.configured(config)
    known = load_mappings(settings.mappings)
    folded = {name.casefold(): name for name in known}
    if unknown := [n for n in names if n.casefold() not in folded]:
        raise MappingError([f'no mapping for sObject "{n}".{nearest(n, list(known))}' for n in unknown])
    chosen = [known[folded[n.casefold()]] for n in names] or [known[n] for n in sorted(known)]
    with progress(output) as tell, api.connect(settings) as org:
        tell("mappings", 0, len(chosen))
        result = check_mappings(org, chosen, stored_fields(api.open_warehouse(settings)))
        run.api_calls = org.usage.calls
    run.exit_code = result.exit_code
    rows = [
        {
            "sobject": m.sobject,
            "source": "shipped" if m.shipped else "user",
            "fields": m.fields,
            "problems": len(m.problems),
            "notes": len(m.notes),
        }
        for m in result.mappings
    ]
    says = [p for m in result.mappings for p in m.problems]
    says += [f"{m.sobject}: {n}" for m in result.mappings for n in m.notes]
    emit(output, {**run.envelope(), **result.as_json()}, rows, "\n".join(says))
    raise click.exceptions.Exit(run.exit_code)


@mappings.command()
@click.argument("sobject")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write.  [default: in `mappings:`]"
)
@click.option("--list-fields", is_flag=True, help="Name every field with its type, instead of `fields: all`.")
@config_option
@shared
def new(sobject: str, out: Path | None, list_fields: bool, config: Path | None, output: Output) -> None:
    """Write a mapping for SOBJECT from its describe. A file that exists is left alone."""
    from sfsync import api
    from sfsync.scaffold import new_mapping, offers_bulk, write_mapping

    run = api.new_run("mappings new")
    settings = api.configured(config)
    folder = settings.mappings or settings.path.parent / "mappings"
    path = out or folder / f"{sobject.lower()}.yaml"
    with api.connect(settings) as org:
        describe = org.describe(sobject)
        name = str(describe["name"])
        text = new_mapping(describe, bulk=offers_bulk(org, name), every_field=not list_fields)
        run.api_calls = org.usage.calls
    write_mapping(path, text)
    say = f"wrote {path}\nname {name} in `objects:` of {settings.path.name} to keep it"
    if path.resolve().parent != folder.resolve():
        say += f"; sfsync reads mappings from {folder}"
    emit(output, {**run.envelope(), "sobject": name, "file": str(path), "text": text}, [], say)
