"""The report as a verb of the library."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfsync import api
from sfsync.errors import InputError, WarehouseError
from sfsync.report import run_report
from sfsync.runs import Run, new_run
from sfsync.warehouse import Warehouse
from tests.report.world import World


class Checks:
    """A check that counts how often it is asked for, and does one."""

    def __init__(self, world: World):
        self.world, self.times = world, 0

    def __call__(self) -> None:
        self.times += 1
        api.check(self.world.path)


def made(world: World, checks: Checks, **options: object) -> Run:
    run = new_run("report")
    run_report(world.config, world.warehouse(), check=checks, run=run, sections=["summary"], **options)  # type: ignore[arg-type]
    return run


def test_the_report_is_written_and_the_run_kept(world: World) -> None:
    checks = Checks(world)
    run = made(world, checks, out=world.folder / "r.html")
    assert (world.folder / "r.html").exists()
    assert world.rows("SELECT run_id, exit_code FROM sfsync.runs WHERE command = 'report'") == [(run.run_id, 0)]
    assert checks.times == 0


def test_the_rules_are_evaluated_when_the_mirror_is_newer_and_the_report_comes_after(world: World) -> None:
    checks = Checks(world)
    made(world, checks, out=None, checking=False)
    world.sql(
        "UPDATE sfsync.runs SET command = 'pull', run_id = 'Z' || run_id, started_at = now() WHERE command = 'check'"
    )
    run = made(world, checks, out=None)
    [(checked,)] = world.rows("SELECT max(started_at) FROM sfsync.runs WHERE command = 'check'")
    assert checks.times == 1
    assert checked < run.started_at
    made(world, checks, out=None, checking=True)
    assert checks.times == 2


def test_what_cannot_be_written_is_refused_before_anything_is_evaluated(world: World) -> None:
    checks = Checks(world)
    for options in ({"out": "r.docx"}, {"out": None, "logo": world.folder / "none.png"}):
        with pytest.raises(InputError):
            made(world, checks, checking=True, **options)
    assert checks.times == 0


def test_before_the_first_pull_there_is_nothing_to_report(world: World, tmp_path: Path) -> None:
    empty = Warehouse(f"duckdb:///{tmp_path / 'none.duckdb'}")
    with pytest.raises(WarehouseError, match="sfsync pull"):
        run_report(world.config, empty, check=Checks(world), out=None)
