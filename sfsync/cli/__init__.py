"""The command line. Commands are imported when they are called, so that help is instant."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

COMMANDS = {
    "init": "Write a config, test the login, say what the first pull costs.",
    "doctor": "Check config, login, rights, quota, warehouse, mappings and clock.",
    "pull": "Copy what changed in the org into the warehouse.",
    "verify": "Prove the mirror against the org, name what differs, mend it.",
    "check": "Evaluate the rules on the mirror.",
    "dedupe": "Find duplicate leads.",
    "leads": "Score leads and propose owners.",
    "insight": "Pipeline, forecast, waterfall, win rate, funnel and more.",
    "plan": "Turn findings and clusters into a plan file; show, accept, refuse its lines.",
    "push": "Write the accepted lines of a plan to the org.",
    "report": "Write the audit as one HTML file, or XLSX, or JSON.",
    "status": "Say what the warehouse holds and how fresh it is.",
    "query": "Run one SELECT on the warehouse.",
    "rules": "List, show and test rules.",
    "mappings": "List, check and write mappings: what is kept of each sObject.",
    "practice": "Serve a local practice org.",
    "demo": "Run the whole loop against a practice org.",
}


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"sfsync.cli.{name}")
        return getattr(module, name)  # type: ignore[no-any-return]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        from sfsync.errors import nearest

        if args and args[0] not in COMMANDS:
            ctx.fail(f'no command "{args[0]}".{nearest(args[0], list(COMMANDS))}')
        return super().resolve_command(ctx, args)


@click.command(
    cls=_Lazy,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done · 1 failed · 2 wrong usage or configuration · 3 done, with findings or failed rows · "
    "4 stopped at the API quota floor, nothing lost · 5 another run holds the lock",
)
@click.version_option(package_name="sfsync", prog_name="sfsync")
def sfsync() -> None:
    """Keep a faithful local copy of a Salesforce org, say what is wrong in it, and mend it safely."""


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    try:
        code = sfsync.main(args, prog_name="sfsync", standalone_mode=False)
    except click.ClickException as err:
        err.show()
        code = err.exit_code
    except click.exceptions.Abort:
        click.echo("interrupted; what was committed is kept, run the command again to go on.", err=True)
        code = 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code if isinstance(code, int) else 0)
