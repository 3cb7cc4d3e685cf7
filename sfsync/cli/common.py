"""What the commands share: options, errors on stderr, progress, results on stdout."""

from __future__ import annotations

import csv
import functools
import json
import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from sfsync.errors import SfsyncError

if TYPE_CHECKING:
    from sfsync.runs import Run

RUN = "sfsync.run"
"""Where click's context keeps when the command began."""
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Output:
    """How the user wants results: `format` is table, json or csv."""

    format: str = "table"
    quiet: bool = False
    verbose: int = 0

    @property
    def live(self) -> bool:
        """Whether progress may be drawn: a person is watching stderr."""
        return not self.quiet and sys.stderr.isatty()


def shared(command: F) -> F:
    """The options every command has, and the one place where errors become messages and exit codes."""

    @click.option(
        "--format", "format_", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True
    )
    @click.option("-q", "--quiet", is_flag=True, help="No progress and no notes on stderr.")
    @click.option("-v", "--verbose", count=True, help="Log to stderr; twice for every request.")
    @functools.wraps(command)
    def wrapper(*args: Any, format_: str, quiet: bool, verbose: int, **kwargs: Any) -> Any:
        from sfsync.runs import new_run

        _log_to_stderr(verbose)
        context = click.get_current_context()
        context.meta[RUN] = new_run(context.command_path.removeprefix("sfsync "))
        try:
            return command(*args, output=Output(format_, quiet, verbose), **kwargs)
        except SfsyncError as err:
            fail(str(err), err.exit_code, err.run)

    return wrapper  # type: ignore[return-value]


def config_option(command: F) -> F:
    option = click.option(
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        envvar="SFSYNC_CONFIG",
        help="Config file.  [default: $SFSYNC_CONFIG, then ./config.yaml]",
    )
    return option(command)


def objects_option(command: F) -> F:
    """--objects as a list of names, each once; empty without it."""
    option = click.option(
        "--objects",
        metavar="NAMES",
        callback=lambda context, option, given: names(given),
        help="Only these, comma-separated, with the helpers they need.",
    )
    return option(command)


def names(given: str | None) -> list[str]:
    """What a comma-separated option names, each once, in its order."""
    return list(dict.fromkeys(name.strip() for name in (given or "").split(",") if name.strip()))


def own_mappings(config: Path | None) -> Path | None:
    """The user's folder of mappings and rules; None without a config, for what is shipped needs none."""
    if config is None and not Path("config.yaml").exists():
        return None
    from sfsync.config import load_config

    return load_config(config).mappings


def fail(message: str, code: int, run: Run | None = None) -> NoReturn:
    """End the command: a line on stderr; as JSON, the document that says so. run: the recorded one that failed."""
    click.echo(f"sfsync: {redact(message)}", err=True)
    context = click.get_current_context()
    if context.params.get("format_") == "json":
        began: Run = context.meta[RUN]
        tell_failure(run if run is not None and run.command == began.command else began, message, code)
    raise click.exceptions.Exit(code)


def tell_failure(run: Run, message: str, code: int) -> None:
    """The document of a command that has no result."""
    click.echo(
        json.dumps({**run.envelope(), "exit_code": code, "error": redact(message)}, ensure_ascii=False, indent=2)
    )


def note(output: Output, message: str) -> None:
    if not output.quiet:
        click.echo(redact(message), err=True)


def emit(output: Output, document: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], say: str = "") -> None:
    """Print one result: the whole document as JSON, or its rows as CSV or as a table followed by a line of text."""
    if output.format == "json":
        click.echo(json.dumps(document, ensure_ascii=False, indent=2, default=_plain))
    elif output.format == "csv":
        _csv(rows)
    else:
        if rows:
            table(rows)
        if say:
            click.echo(say)


def table(rows: Sequence[Mapping[str, Any]]) -> None:
    """Aligned columns, numbers to the right; plain text when stdout is not a terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    terminal = sys.stdout.isatty()
    drawn = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold" if terminal else "")
    for name in rows[0]:
        numeric = all(isinstance(r.get(name), (int, float)) or r.get(name) is None for r in rows)
        drawn.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(_shown(row.get(name))) for name in rows[0]))
    Console(file=sys.stdout, width=None if terminal else 160, highlight=False).print(drawn)


@contextmanager
def progress(output: Output) -> Iterator[Callable[[str, int, int | None], None]]:
    """A callback (what, done, of how many) that draws bars on stderr while a person watches, and nothing otherwise."""
    if not output.live:
        yield lambda what, done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    bars: dict[str, TaskID] = {}
    columns = (TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as drawn:

        def tell(what: str, done: int, total: int | None) -> None:
            if what not in bars:
                bars[what] = drawn.add_task(what, total=total)
            drawn.update(bars[what], completed=done, total=total)

        yield tell


def redact(text: str) -> str:
    """Session tokens never reach a screen or a log, wherever they came from."""
    import re

    return re.sub(r"00D[A-Za-z0-9]{12,15}![A-Za-z0-9._]+", "[token]", text)


class _Redacting(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def _log_to_stderr(verbose: int) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Redacting("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger("sfsync")
    root.handlers = [handler]
    root.propagate = False
    root.setLevel([logging.ERROR, logging.INFO, logging.DEBUG][min(verbose, 2)])


def _csv(rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(rows[0].keys())
    writer.writerows([_shown(v) if isinstance(v, (list, dict)) else v for v in row.values()] for row in rows)


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, (list, tuple)):
        return ", ".join(str(v) for v in value)
    return str(value)


def _plain(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
