from __future__ import annotations

from pathlib import Path

import click

from sfsync.cli.common import Output, config_option, emit, fail, own_mappings, shared
from sfsync.errors import nearest


@click.group()
def rules() -> None:
    """List, show and test rules: the shipped ones and those in your own mappings folder."""


@rules.command("list")
@config_option
@shared
def list_(config: Path | None, output: Output) -> None:
    """Every rule with its severity and title."""
    from sfsync.rules import load_rules
    from sfsync.runs import new_run

    run = new_run("rules list")
    found = load_rules(own_mappings(config))
    rows = [
        {
            "code": r.code,
            "severity": r.severity,
            "objects": list(r.objects),
            "fix": [f.confidence for f in r.fixes],
            "title": r.title,
        }
        for r in found
    ]
    emit(output, {**run.envelope(), "rules": rows}, rows, f"{len(rows)} rules")


@rules.command()
@click.argument("code")
@config_option
@shared
def show(code: str, config: Path | None, output: Output) -> None:
    """One rule: why, what it needs, its SQL and its fix."""
    from sfsync.rules import describe, load_rules
    from sfsync.runs import new_run

    run = new_run("rules show")
    found = {r.code: r for r in load_rules(own_mappings(config))}
    rule = found.get(code.upper())
    if rule is None:
        fail(f'no rule "{code}".{nearest(code, list(found))} See `sfsync rules list`.', 2)
    emit(output, {**run.envelope(), "code": rule.code, "text": describe(rule)}, [], describe(rule))


@rules.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@config_option
@shared
def test(files: tuple[Path, ...], config: Path | None, output: Output) -> None:
    """Run the examples inside rule files: all rules, or only the FILES given. Exit code 1: an example disagrees."""
    from sfsync.rules import load_rules, test_rules
    from sfsync.rules.load import read_rule
    from sfsync.runs import new_run

    run = new_run("rules test")
    chosen = [read_rule(f) for f in files] if files else load_rules(own_mappings(config))
    results = test_rules(chosen)
    wrong = [r for r in results if not r.ok]
    run.exit_code = 1 if wrong else 0
    rows = [{"rule": r.rule, "example": r.example, "problem": r.problem} for r in wrong]
    document = {**run.envelope(), "examples": len(results), "failed": rows}
    emit(output, document, rows, f"{len(results)} examples of {len(chosen)} rules, {len(wrong)} disagree")
    raise click.exceptions.Exit(run.exit_code)


@rules.command()
@click.argument("code")
@config_option
@shared
def new(code: str, config: Path | None, output: Output) -> None:
    """Write a commented, runnable rule file with examples into your own mappings folder."""
    from sfsync.config import load_config
    from sfsync.rules.scaffold import new_rule
    from sfsync.runs import new_run

    run = new_run("rules new")
    settings = load_config(config)
    path = new_rule(code, settings.mappings or settings.path.parent / "mappings")
    document = {**run.envelope(), "code": code, "file": str(path)}
    emit(output, document, [], f"{path}\nEdit it, then: sfsync rules test {path}")
