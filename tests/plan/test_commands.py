"""`sfsync plan show | accept | refuse | seal`, which ask neither the org nor the warehouse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sfsync.cli import sfsync
from sfsync.plan.file import write_plan
from tests.plan.test_review import PLAN


@pytest.mark.parametrize(
    ("command", "decided"), [("show", None), ("accept", 2), ("refuse", 2), ("accept --rule DQ-001", 1), ("seal", None)]
)
def test_json_has_the_keys_of_every_command_and_of_a_plan(tmp_path: Path, command: str, decided: int | None) -> None:
    file = tmp_path / "plan.jsonl"
    write_plan(PLAN, file)
    verb, *options = command.split()
    ran = CliRunner().invoke(sfsync, ["plan", verb, str(file), *options, "--format", "json"], catch_exceptions=False)
    document: dict[str, Any] = json.loads(ran.stdout)
    assert list(document)[:6] == ["command", "run_id", "started_at", "seconds", "api_calls", "exit_code"]
    assert (document["command"], document["api_calls"]) == (f"plan {verb}", 0)
    assert (document["exit_code"], ran.exit_code) == (0, 0)
    assert (document["plan"], document["refused"], document.get("decided")) == (str(file), [], decided)
    assert document["changes"] == {"update": 2, "merge": 0, "convert": 0, "create": 0, "delete": 0}
    assert document["digest"] == json.loads(file.read_text().splitlines()[0])["digest"]
