from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli.common import Output, emit, note, shared
from sfsync.config import AUTH_NEEDS
from sfsync.errors import ConfigError, InputError, OrgError

if TYPE_CHECKING:
    from sfsync.runs import Run
    from sfsync.setup.init import InitResult


@click.command()
@click.option(
    "--config",
    default="config.yaml",
    show_default=True,
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="SFSYNC_CONFIG",
    help="File to write.",
)
@click.option("--instance-url", metavar="URL", help="The org's address, as in https://acme.my.salesforce.com.")
@click.option("--auth", type=click.Choice(list(AUTH_NEEDS)), help="How to log in.  [default: client_credentials]")
@click.option("--username", help="For jwt and password.")
@click.option("--private-key-file", metavar="FILE", help="For jwt: the key whose certificate the app knows.")
@click.option("--refresh-token-file", metavar="FILE", help="For refresh_token.")
@click.option("--login-url", metavar="URL", help="For jwt: https://test.salesforce.com for a sandbox.")
@click.option("--env-prefix", default="SF", show_default=True, help="Secrets are read from PREFIX_CLIENT_ID and so on.")
@click.option("--objects", metavar="NAMES", default="Lead,Account,Contact,Opportunity", show_default=True)
@click.option("--warehouse", metavar="URL", help="As duckdb:///acme.duckdb.")
@click.option("--force", is_flag=True, help="Overwrite a config that is there.")
@click.option("--no-test", is_flag=True, help="Do not log in.")
@shared
def init(
    config: Path,
    instance_url: str | None,
    auth: str | None,
    env_prefix: str,
    objects: str,
    warehouse: str | None,
    force: bool,
    no_test: bool,
    output: Output,
    **plain: str | None,
) -> None:
    """Write a commented config.yaml, test the login, and say what a first pull keeps and costs.

    Asks for what is missing when a person is there to answer. Secrets are named in the file, never written: set the
    variables it names, as SF_CLIENT_ID and SF_CLIENT_SECRET. Exit code 1: the login fails; 2: something is missing,
    or the file is there already.
    """
    from sfsync import api
    from sfsync.setup.configfile import Answers, missing, org_address, write_config
    from sfsync.setup.init import InitResult

    if config.exists() and not force:
        raise InputError(f"{config} is there already. Name another file with --config, or overwrite it with --force.")
    person = sys.stdin.isatty()
    instance_url = instance_url or (click.prompt("Address of the org", err=True) if person else None)
    if not instance_url:
        raise InputError("--instance-url is missing, as in --instance-url https://acme.my.salesforce.com.")
    auth = auth or (_choose_auth() if person else "client_credentials")
    given = {key: value for key, value in plain.items() if value}
    if person:
        given |= {key: click.prompt(key.replace("_", " "), err=True) for key in missing(auth, given)}
    names = tuple(dict.fromkeys(name.strip() for name in objects.split(",") if name.strip()))
    answers = Answers(org_address(instance_url), auth, given, names or Answers.objects, warehouse, env_prefix)
    run = api.new_run("init")
    unset = write_config(config, answers, force=force)
    note(output, f"wrote {config}")
    result = InitResult(config)
    if unset:
        result.reason = f"set {', '.join(unset)} in the environment, then run: sfsync doctor"
        result.exit_code = 0 if no_test else 2
    elif not no_test:
        _test(config, result)
    _print(output, run, result)
    raise click.exceptions.Exit(result.exit_code)


def _choose_auth() -> str:
    kinds = click.Choice(list(AUTH_NEEDS))
    return str(click.prompt("Kind of login", default="client_credentials", type=kinds, err=True))


def _test(config: Path, result: InitResult) -> None:
    from sfsync.config import load_config
    from sfsync.setup.init import first_look

    try:
        first_look(load_config(config), result)
    except ConfigError as err:
        result.reason, result.exit_code = str(err), err.exit_code
    except OrgError as err:
        result.login = "failed" if result.login != "ok" else "ok"
        result.reason, result.exit_code = str(err), err.exit_code


def _print(output: Output, run: Run, result: InitResult) -> None:
    run.api_calls, run.exit_code = result.api_calls, result.exit_code
    costs = {e.sobject: e for e in result.cost.objects} if result.cost else {}
    rows: list[dict[str, Any]] = [
        {
            "sobject": kept.sobject,
            "rows": kept.rows,
            "fields": kept.fields,
            "api": costs[kept.sobject].api if kept.sobject in costs else None,
            "calls": costs[kept.sobject].calls if kept.sobject in costs else None,
            "MB": round(costs[kept.sobject].bytes / 1e6, 1) if kept.sobject in costs else None,
        }
        for kept in result.objects
    ]
    emit(output, {**run.envelope(), **result.as_json()}, rows, _say(result))


def _say(result: InitResult) -> str:
    if result.login != "ok":
        return f"login {result.login}" + (f": {result.reason}" if result.reason else "")
    kind = "sandbox" if result.org.get("is_sandbox") else "production"
    lines = [f"logged in to {result.org.get('name')} ({result.org.get('org_id')}, {kind})"]
    if result.cost:
        cost = result.cost
        minutes = max(cost.seconds / 60, 0.1)
        lines.append(
            f"the first pull: about {cost.calls:,} API calls, {cost.bytes / 1e6:,.1f} MB, {minutes:,.1f} minutes"
            + ("" if cost.fits else "; more than today's quota leaves, it will take several runs")
        )
    lines.append(result.reason or "next: sfsync pull")
    return "\n".join(lines)
