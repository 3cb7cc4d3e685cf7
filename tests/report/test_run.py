"""The report as a verb of the library."""

from __future__ import annotations

import base64
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner

from sfsync import api
from sfsync.cli.report import report
from sfsync.errors import ConfigError, InputError, WarehouseError
from sfsync.practice.org import PracticeOrg
from sfsync.practice.serve import PracticeServer
from sfsync.report import run_report
from sfsync.runs import Run, new_run
from sfsync.warehouse import Warehouse
from tests.report.world import World, texts

PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=")


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


def test_client_logo_and_sections_come_from_the_config_where_the_call_names_none(world: World) -> None:
    (world.folder / "logo.png").write_bytes(PIXEL)
    text = world.path.read_text(encoding="utf-8")
    world.path.write_text(
        f"{text}report:\n  client: Acme Ltd\n  logo: logo.png\n  sections: [appendix, summary]\n", encoding="utf-8"
    )
    configured = api.report(world.path, out=None)
    assert [s.key for s in configured.sections] == ["summary", "appendix"]
    assert configured.title.startswith("Acme Ltd")
    assert (configured.logo or "").startswith("data:image/png;base64,")
    asked = api.report(world.path, out=None, client="Other", sections=["funnel"])
    assert [s.key for s in asked.sections] == ["funnel"]
    assert asked.title.startswith("Other")


@pytest.mark.parametrize(
    ("setting", "said"),
    [("customer: Acme", 'unknown key "report.customer"'), ("sections: summary", "report.sections is a list")],
)
def test_a_wrong_report_setting_is_a_problem_of_the_config(world: World, setting: str, said: str) -> None:
    text = world.path.read_text(encoding="utf-8")
    world.path.write_text(f"{text}report:\n  {setting}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        api.report(world.path, out=None)


def test_an_org_without_records_gets_no_score_and_is_told_why(tmp_path: Path) -> None:
    world = World(tmp_path)
    org = PracticeOrg()
    try:
        with PracticeServer(org) as server:
            given = server.credentials
            world.path.write_text(
                f"org:\n  instance_url: {server.url}\n  client_id: {given.client_id}\n"
                f"  client_secret: {given.client_secret}\nwarehouse: duckdb:///w.duckdb\n",
                encoding="utf-8",
            )
            assert api.pull(world.path).exit_code == 0
    finally:
        org.close()
    found = api.report(world.path, out=world.folder / "r.html", sections=["summary", "pipeline", "funnel"])
    assert found.charts() == {}
    assert {"pipeline-table", "waterfall-table", "events"} <= set(found.tables())
    assert world.rows("SELECT count(*) FROM sfsync.rule_runs WHERE status = 'ok' AND in_scope > 0")[0][0] > 0
    assert found.score.value is None
    said = " ".join(texts(found.section("summary").blocks, "problem"))
    assert "Nothing was looked at: the mirror holds no record of Account, Contact, Lead, Opportunity." in said
    page = (world.folder / "r.html").read_text(encoding="utf-8")
    assert "<b>–</b>" in page
    assert "100 of 100" not in page
    result = CliRunner().invoke(report, ["--config", str(world.path), "--out", str(world.folder / "r.xlsx")])
    assert "no score (Nothing was looked at" in result.stdout
    sheet = openpyxl.load_workbook(world.folder / "r.xlsx")["Summary"]
    assert "Health score: none" in [row[0].value for row in sheet.iter_rows()]


def test_before_the_first_pull_there_is_nothing_to_report(world: World, tmp_path: Path) -> None:
    empty = Warehouse(f"duckdb:///{tmp_path / 'none.duckdb'}")
    with pytest.raises(WarehouseError, match="sfsync pull"):
        run_report(world.config, empty, check=Checks(world), out=None)
