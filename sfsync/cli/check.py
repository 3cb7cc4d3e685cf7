from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli.common import Output, config_option, emit, note, progress, shared, table

if TYPE_CHECKING:
    from sfsync.rules import CheckResult
    from sfsync.rules.result import CheckedFinding

DAY = click.DateTime(["%Y-%m-%d"])
PAGE = 1_000
"""Findings in one table: its columns are as wide as the widest of so many."""
SEVERITIES = ("error", "warning", "info")
LISTED = ("severity", "rule", "kind", "sobject", "id", "message")
RULE = click.option("--rule", required=True, metavar="CODE")
IDS = click.option("--id", "ids", multiple=True, metavar="ID", help="Only this record's; may be given again.")
KIND = click.option("--kind", metavar="KIND", help="Only this case of the rule.")


@click.group(invoke_without_command=True)
@config_option
@click.option("--rule", "rules", multiple=True, metavar="CODE", help="Only this rule; may be given again.")
@click.option("--profile", metavar="NAME", help="Only the rules of this profile.  [default: the config's]")
@click.option("--as-of", type=DAY, help="Evaluate as if it were this day; another than today keeps nothing.")
@click.option("--since", metavar="DATE|RUN", help="Only findings first seen since that day, or after that run began.")
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "info", "new-error", "new", "never"]),
    default="info",
    show_default=True,
    help="Exit code 3 only for findings at least so severe, or for new ones.",
)
@click.option("--list", "every", is_flag=True, help="List every finding, not only a line per rule.")
@shared
def check(
    config: Path | None,
    rules: tuple[str, ...],
    profile: str | None,
    as_of: datetime | None,
    since: str | None,
    fail_on: str,
    every: bool,
    output: Output,
) -> None:
    """Evaluate the rules on the mirror. Asks the org nothing.

    Exit code 0: no findings; 3: findings; 1: a rule's SQL failed. A rule that could not be evaluated says why and never
    counts as passed. Waived findings are shown, and do not count.
    """
    if click.get_current_context().invoked_subcommand is not None:
        return
    from sfsync import api

    run = api.new_run("check")
    with progress(output) as tell:
        result = api.check(
            config,
            rules=rules,
            as_of=as_of.date() if as_of else None,
            profile=profile,
            since=since,
            fail_on=fail_on,
            progress=tell,
            run=run,
        )
    summary = result.summary()
    if output.format == "json":
        _json(run.envelope(), result, summary)
    elif output.format == "csv":
        _csv(result)
    elif every:
        _tables(output, result, _summary(result, summary))
    else:
        emit(output, {}, _rules(result, summary), _summary(result, summary))
    for failed in result.failed:
        note(output, f"{failed.rule} could not be evaluated: {failed.reason}")
    raise click.exceptions.Exit(run.exit_code)


@check.command()
@config_option
@RULE
@IDS
@KIND
@click.option("--reason", required=True, metavar="TEXT", help="Why the finding may stay.")
@click.option("--until", type=DAY, help="The last day.  [default: until it is taken back]")
@click.option("--who", metavar="NAME", help="Who decided.  [default: your login name]")
@shared
def waive(
    config: Path | None,
    rule: str,
    ids: tuple[str, ...],
    kind: str | None,
    reason: str,
    until: datetime | None,
    who: str | None,
    output: Output,
) -> None:
    """Let findings stay, for a reason: one record's, or all of a rule.

    They are still found and shown, but do not count for the exit code, and their fixes are not planned. The same
    waiver given again replaces the first.
    """
    from sfsync import api

    run = api.new_run("check waive")
    made = api.waive(
        _config(config),
        rule=rule,
        ids=ids,
        kind=kind,
        reason=reason,
        until=until.date() if until else None,
        who=_login() if who is None else who,
        run=run,
    )
    _emit_waivers(output, run, [w.as_json() for w in made], f"{len(made)} waived")


@check.command()
@config_option
@RULE
@IDS
@KIND
@shared
def unwaive(config: Path | None, rule: str, ids: tuple[str, ...], kind: str | None, output: Output) -> None:
    """Take waivers back: those that name the record and the kind, or all of the rule."""
    from sfsync import api

    run = api.new_run("check unwaive")
    gone = api.unwaive(_config(config), rule=rule, ids=ids, kind=kind, run=run)
    _emit_waivers(output, run, [w.as_json() for w in gone], f"{len(gone)} taken back")


@check.command()
@config_option
@shared
def waivers(config: Path | None, output: Output) -> None:
    """List the waivers, expired ones too, with the open findings each covers."""
    from sfsync import api

    run = api.new_run("check waivers")
    found = api.waivers(_config(config))
    expired = sum(w["expired"] for w in found)
    _emit_waivers(output, run, found, f"{len(found)} waivers, {expired} expired")


def _config(own: Path | None) -> Path | None:
    """The option may stand before the subcommand too."""
    above = click.get_current_context().parent
    return own or (above.params.get("config") if above else None)


def _login() -> str:
    from getpass import getuser

    try:
        return getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return ""


def _emit_waivers(output: Output, run: Any, found: Sequence[dict[str, Any]], say: str) -> None:
    emit(output, {**run.envelope(), "waivers": found}, found, say)


def _json(envelope: Mapping[str, Any], result: CheckResult, summary: Mapping[str, Any]) -> None:
    """One document, its findings written as they are read: there may be millions."""
    head, tail = (json.dumps(part, ensure_ascii=False, indent=2) for part in (envelope, summary))
    write = sys.stdout.write
    write(f'{head.removesuffix("}").rstrip()},\n  "findings": [')
    between = "\n    "
    for found in result.findings:
        write(between + json.dumps(found.as_json(), ensure_ascii=False, indent=2).replace("\n", "\n    "))
        between = ",\n    "
    write(("\n  ]," if len(result.findings) else "],") + tail.removeprefix("{") + "\n")


def _csv(result: CheckResult) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    if len(result.findings):
        writer.writerow([*LISTED, "waived"])
    for found in result.findings:
        writer.writerow([*_listed(found).values(), found.waived])


def _tables(output: Output, result: CheckResult, say: str) -> None:
    """Findings, those waived apart; a table is drawn of so many at a time."""
    open_, waived = result.waived < len(result.findings), result.waived
    for page in _pages(_listed(f) for f in result.findings if not f.waived) if open_ else ():
        table(page)
    click.echo(say)
    if waived:
        click.echo("\nWaived:")
        for page in _pages({**_listed(f), **_short(f.waiver.as_json())} for f in result.findings if f.waiver):
            table(page)


def _pages(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    rows = iter(rows)
    while page := list(islice(rows, PAGE)):
        yield page


def _listed(found: CheckedFinding) -> dict[str, Any]:
    f = found.finding
    return dict(zip(LISTED, (f.severity, f.rule, f.kind, f.ref.sobject, f.ref.id, f.message), strict=True))


def _rules(result: CheckResult, summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A line per rule; with --since also how many of its findings are that young."""
    young = Counter[str]()
    for count in result.counted:
        young[count.rule] += count.findings
    any_waived = any(r.waived for r in result.rules)
    rows = []
    for run, told in zip(result.rules, summary["rules"], strict=True):
        row = {k: v for k, v in told.items() if k not in ("waived", "records")}
        row["rate"] = "" if run.rate_percent is None else f"{run.rate_percent:.1f} %"
        if any_waived:
            row["waived"] = run.waived
        if result.since is not None:
            row["since"] = young[run.rule]
        rows.append(row)
    return rows


def _short(waiver: dict[str, Any]) -> dict[str, Any]:
    return {k: waiver[k] for k in ("reason", "who", "until")}


def _summary(result: CheckResult, summary: Mapping[str, Any]) -> str:
    by_severity = Counter[str]()
    for count in result.counted:
        by_severity[count.severity] += count.findings
    new = sum(count.findings for count in result.counted if count.new)
    return (
        f"{by_severity.total()} findings"
        + (f" first seen since {summary['since']}" if result.since else "")
        + ": "
        + ", ".join(f"{by_severity[s]} {s}" for s in SEVERITIES)
        + (f"; {result.waived} waived" if result.waived else "")
        + (
            f"; as of {result.replay_of}: {new} not standing today, nothing kept"
            if result.replay_of
            else f"; {new} new, {result.resolved} resolved since the last check"
        )
    )
