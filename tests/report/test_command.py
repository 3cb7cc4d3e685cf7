from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from sfsync.cli.report import report
from tests.report.world import World


def run(world: World, *args: Any, code: int = 0) -> Result:
    result = CliRunner().invoke(report, ["--config", str(world.path), *map(str, args)])
    assert result.exit_code == code, result.output + result.stderr
    return result


def test_the_command_writes_the_file_and_keeps_the_run(world: World, tmp_path: Path) -> None:
    out = tmp_path / "audit.html"
    said = run(world, "--out", out, "--client", "Acme").stdout
    assert out.read_text(encoding="utf-8").count("<h2") == 8
    [(code, summary)] = world.rows("SELECT exit_code, summary FROM sfsync.runs WHERE command = 'report'")
    kept = json.loads(summary)
    assert code == 0
    assert f"score {kept['score']} of 100" in said
    assert "Acme" not in summary
    run(world, "--out", out, "--sections", "summary")
    assert "Changed since the report of" in out.read_text(encoding="utf-8")


def test_a_mirror_newer_than_the_last_check_is_checked_first(world: World, tmp_path: Path) -> None:
    out = tmp_path / "r.json"
    count = "SELECT count(*) FROM sfsync.runs WHERE command = 'check'"
    run(world, "--out", out, "--sections", "summary")
    assert world.rows(count) == [(1,)]
    world.sql("DELETE FROM sfsync.runs WHERE command = 'check'")
    run(world, "--out", out, "--sections", "summary", "--no-check")
    assert world.rows(count) == [(0,)]
    run(world, "--out", out, "--sections", "summary")
    assert world.rows(count) == [(1,)]


def test_json_on_stdout_names_the_file_and_the_score(world: World, tmp_path: Path) -> None:
    out = tmp_path / "r.xlsx"
    document = json.loads(run(world, "--out", out, "--format", "json", "--rows", 5).stdout)
    assert document["command"] == "report"
    assert document["out"] == str(out)
    assert document["exit_code"] == 0
    assert 0 <= document["score"] <= 100
    assert all((tmp_path / name).exists() for name in document["files"])


def test_a_wrong_suffix_is_said_with_its_remedy(world: World, tmp_path: Path) -> None:
    said = run(world, "--out", tmp_path / "r.docx", "--no-check", code=2).stderr
    assert ".html, .xlsx or .json" in said


def test_a_broken_part_ends_with_3_and_leaves_a_report(world: World, tmp_path: Path) -> None:
    world.sql("UPDATE sfsync.clusters SET score = NULL")
    result = run(world, "--out", tmp_path / "r.html", "--sections", "duplicates,appendix", code=3)
    assert "could not be made: Duplicates" in result.stderr
    assert "Parameters used" in (tmp_path / "r.html").read_text(encoding="utf-8")
