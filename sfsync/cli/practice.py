"""`sfsync practice`: serve a local practice org until Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli.common import Output, emit, note, progress, shared
from sfsync.errors import InputError

if TYPE_CHECKING:
    from sfsync.practice.org import PracticeOrg
    from sfsync.practice.serve import PracticeServer

CONFIG = """\
org:
  instance_url: {url}
  auth: client_credentials
  client_id: {client_id}
  client_secret: {client_secret}
warehouse: duckdb:///practice.duckdb
"""


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8333, show_default=True, help="0 takes any free port.")
@click.option(
    "--leads", type=click.IntRange(1, 1_500_000), default=2000, show_default=True, help="How many leads to make up."
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed makes the same people.")
@click.option(
    "--state",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep the org in this file; a file that holds an org is served as it is.",
)
@click.option("--fault", "faults", multiple=True, metavar="TEXT", help="Order a fault, as 503:times=2,path=/query.")
@click.option("--empty", is_flag=True, help="No made-up records.")
@shared
def practice(
    port: int, leads: int, seed: int, state: Path | None, faults: tuple[str, ...], empty: bool, output: Output
) -> None:
    """Serve a local practice org.

    It speaks Salesforce's REST, Bulk and SOAP APIs on this machine only, with made-up people in it and
    planted defects. Prints a config that reaches it, then serves until Ctrl-C. /practice/ on the same port shows
    its state and orders faults.
    """
    from sfsync.practice.faults import Fault
    from sfsync.practice.serve import serve_forever

    try:
        ordered = [Fault.parse(text) for text in faults]
    except ValueError as err:
        raise InputError(f"--fault: {err}") from err
    org = _open(state)
    try:
        if not empty:
            _fill(org, leads, seed, output)
        serve_forever(org, port=port, ready=_ready(ordered, output))
    except OSError as err:
        raise InputError(f"Port {port} cannot be used: {err.strerror}. Choose another with --port.") from err
    finally:
        org.close()


def _open(state: Path | None) -> PracticeOrg:
    """Raises InputError for a file that holds no org and cannot become one."""
    import duckdb

    from sfsync.practice.org import PracticeOrg

    try:
        return PracticeOrg(state)
    except (duckdb.Error, ValueError) as err:
        said = str(err).splitlines()[0]
        raise InputError(
            f"--state {state} cannot be used: {said}. Name another file, new or of a practice org."
        ) from err


def _fill(org: PracticeOrg, leads: int, seed: int, output: Output) -> None:
    """Make up records, unless the org already has some."""
    from sfsync.practice.generate import generate

    if any(c["count"] for c in org.record_count(["Lead"])["sObjects"]):
        note(output, "The state file already holds an org; serving it as it is.")
        return
    with progress(output) as tell:
        generate(org, leads=leads, seed=seed, progress=tell)


def _ready(faults: list[Any], output: Output) -> Callable[[PracticeServer], None]:
    def ready(server: PracticeServer) -> None:
        for fault in faults:
            server.faults.add(fault)
        given = {
            "url": server.url,
            "client_id": server.credentials.client_id,
            "client_secret": server.credentials.client_secret,
        }
        emit(output, {"command": "practice", **given}, [], CONFIG.format(**given))
        note(output, f"Serving {server.url}; its state is at {server.url}/practice/. Stop with Ctrl-C.")

    return ready
