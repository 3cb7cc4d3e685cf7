"""The command line. Commands are imported when they are called, so that help is instant."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
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
    """Run the command line and exit with its code. Whatever goes wrong ends as one line on stderr.

    With `--format json` it ends as a document on stdout besides.
    """
    began, says = time.monotonic(), ""
    _open_streams()
    os.umask(0o077)  # whatever is written holds an org's data: DuckDB's log, pages on disk, plans, reports
    try:
        code = sfsync.main(args, prog_name="sfsync", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as err:
        err.show()
        code, says = err.exit_code, err.format_message()
    except click.exceptions.Abort:
        code, says = 1, _interrupted()
    except BrokenPipeError:
        _forget_stdout()
        code = 1
    except OSError as err:
        code, says = 1, _no_file(err)
    except Exception as err:
        code, says = 1, _interrupted() if _is_interrupt(err) else _crashed(err)
    if says:
        _document(sys.argv[1:] if args is None else args, began, says, code)
    sys.exit(code if isinstance(code, int) else 0)


def _open_streams() -> None:
    """Files and pipes get UTF-8 whatever the locale, unless PYTHONIOENCODING says otherwise; nothing is unprintable."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by the caller, as in `sfsync status >&-`
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - until the process ends
        elif isinstance(stream, io.TextIOWrapper):
            own = stream.isatty() or "PYTHONIOENCODING" in os.environ
            stream.reconfigure(encoding=None if own else "utf-8", errors="backslashreplace")


def _forget_stdout() -> None:
    """What is still buffered for a reader that is gone, or a full disk, must not fail once more at the exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _document(args: Sequence[str], began: float, says: str, code: int) -> None:
    """What a command ends with as JSON when it could not even say so itself."""
    if not any(pair == ("--format", "json") or pair[0] == "--format=json" for pair in pairwise([*args, ""])):
        return
    from sfsync.cli.common import tell_failure
    from sfsync.runs import new_run

    run = new_run(_command(args))
    run.clock = began
    run.started_at -= timedelta(seconds=run.seconds)
    tell_failure(run, says, code)


def _command(args: Sequence[str]) -> str:
    """`plan show` of its arguments."""
    command: click.Command = sfsync
    names = []
    for word in args:
        found = command.get_command(click.Context(command), word) if isinstance(command, click.Group) else None
        if found is None:
            break
        names.append(word)
        command = found
    return " ".join(names) or "sfsync"


def _interrupted() -> str:
    says = "interrupted; what was committed is kept, run the command again to go on."
    click.echo(says, err=True)
    return says


def _is_interrupt(err: Exception) -> bool:
    """DuckDB turns a Ctrl-C in the middle of a statement into this."""
    return isinstance(err, RuntimeError) and str(err) == "Query interrupted"


def _no_file(err: OSError) -> str:
    if err.filename is None:  # no file but the result itself could not be written
        _forget_stdout()
    says = f"{err.filename or 'the output'}: {err.strerror or type(err).__name__}"
    says += ". What was committed is kept; run the command again."
    click.echo(f"sfsync: {says}", err=True)
    return says if err.filename is not None else ""


def _crashed(err: Exception) -> str:
    """A fault of ours. Its message and traceback may hold values of the org, so they are shown only when asked for."""
    import logging
    import traceback

    from sfsync.cli.common import redact

    package = os.path.dirname(os.path.dirname(__file__))
    last = [frame for frame in traceback.extract_tb(err.__traceback__) if frame.filename.startswith(package)][-1]
    where = f"{os.path.relpath(last.filename, os.path.dirname(package))}:{last.lineno}"
    says = (
        f"unexpected {type(err).__name__} at {where}. What was committed is kept. Please report it, with the "
        "traceback that the same command and -v gives."
    )
    click.echo(f"sfsync: {says}", err=True)
    if logging.getLogger("sfsync").isEnabledFor(logging.INFO):
        click.echo(redact("".join(traceback.format_exception(err))), err=True)
    return says
