"""Write the generated pages: `python docs/generate.py`. A test keeps them current."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent


def tables_page() -> str:
    from sfsync.warehouse.tables import metadata

    lines = [
        "# Tables of the warehouse",
        "",
        "Three schemas. Names are never quoted: `select ConvertedAccountId from live.Lead` works as it stands.",
        "Times are UTC.",
        "",
        "- `salesforce.<sObject>`: the mirror, deleted rows included; columns are the API field names, then "
        "`_deleted_reason` (null while the record lives; `deleted`, `merged`, `purged` or `not_visible`) and "
        "`_pulled_at` (when the row was last written here).",
        "- `live.<sObject>`: the same without deleted rows. What rules and people query.",
        "- `sfsync.<table>`: everything of ours, described below. Columns are added from time to time, never renamed.",
        "",
        "Column types of the mirror come from describe alone: Ids and text are text, verbatim (empty is null); "
        "currency, percent and double are exact decimals of the described precision and scale (formulas with room for "
        "more digits); int is a 64-bit integer; datetime is an instant in UTC; date, time and boolean are themselves; "
        "a multi-select picklist is its text, `A;B`. Compound addresses and locations are left out, their parts kept.",
        "",
        "`sfsync.norm_<sObject>` holds the normalised values of live records (e-mail, phone, company, person, country, "
        "web domain), computed once per change; key: Id.",
        "",
    ]
    for table in sorted(metadata.tables.values(), key=lambda t: t.name):
        lines += [f"## sfsync.{table.name}", "", str(table.comment), "", "| column | type | meaning |", "|---|---|---|"]
        lines += [f"| {c.name} | {_kind(c)} | {c.comment or ''} |" for c in table.columns]
        lines.append("")
    return "\n".join(lines)


def rules_page() -> str:
    from sfsync.rules import load_rules

    found = load_rules()
    lines = [
        "# Rules",
        "",
        f"The {len(found)} shipped rules. `sfsync rules show CODE` prints one with its SQL; a file of the same code in "
        "your own mappings folder changes only the keys it gives. Fixes are proposals: `auto` is pushed from a plan "
        "unless refused, `assisted` after somebody accepted it, advice is for people.",
        "",
        "| code | severity | title | fix |",
        "|---|---|---|---|",
    ]
    for rule in found:
        fixes = ", ".join(dict.fromkeys(f.confidence for f in rule.fixes)) or "advice"
        lines.append(f"| [{rule.code}](#{rule.code.lower()}) | {rule.severity} | {rule.title} | {fixes} |")
    for rule in found:
        lines += [
            "",
            f"## {rule.code}",
            "",
            f"**{rule.title}** · {rule.severity} · {rule.basis} rule",
            "",
            rule.why.strip(),
        ]
        lines += ["", "- Needs: " + "; ".join(f"{t} ({', '.join(c)})" for t, c in rule.needs.items())]
        lines += [f"- Parameter `{name}`, default `{default!r}`" for name, default in rule.params.items()]
        for fix in rule.fixes:
            which = f" for {', '.join(fix.kinds)}" if fix.kinds else ""
            lines.append(f"- Fix ({fix.confidence}){which}: sets {', '.join(fix.set)}")
        if rule.advice:
            lines.append(f"- Otherwise: {rule.advice.strip()}")
        if rule.source:
            lines.append(f"- Source: {rule.source.strip()}")
    return "\n".join(lines)


def commands_page() -> str:

    from sfsync.cli import COMMANDS, sfsync

    # As the command line makes it: a command keeps the help option it first answered with.
    root = sfsync.make_context("sfsync", ["--help"], resilient_parsing=True, terminal_width=100)
    lines = ["# Commands", "", "Every command and its options, as `--help` prints them.", ""]
    for name in COMMANDS:
        command = sfsync.get_command(root, name)
        assert command is not None
        lines += _help(command, name, root, 2)
    return "\n".join(lines)


def _help(command: object, name: str, parent: object, level: int) -> list[str]:
    import click

    assert isinstance(command, click.Command)
    assert isinstance(parent, click.Context)
    context = click.Context(command, info_name=name, parent=parent, max_content_width=100, terminal_width=100)
    lines = [f"{'#' * level} {context.command_path}", "", "```", command.get_help(context), "```", ""]
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            lines += _help(found, child, context, level + 1)
    return lines


def _kind(column: object) -> str:
    kind = str(column.type).lower()  # type: ignore[attr-defined]
    return {"datetime": "timestamp with time zone", "bigint": "integer", "numeric(38, 9)": "decimal"}.get(kind, kind)


PAGES = {"tables.md": tables_page, "commands.md": commands_page, "rules.md": rules_page}

if __name__ == "__main__":
    for file, page in PAGES.items():
        (HERE / file).write_text(page() + ("" if page().endswith("\n") else "\n"), encoding="utf-8")
