"""Commands that ask no org: rules, mappings, status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from sfsync.cli import sfsync
from sfsync.runs import new_run, recorded
from sfsync.warehouse import Warehouse, tables

CONFIG = "org: {instance_url: http://127.0.0.1:1, client_id: x, client_secret: y}\nwarehouse: duckdb:///w.duckdb\n"
ENVELOPE = {"command", "run_id", "started_at", "seconds", "api_calls", "exit_code"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(CONFIG)
    return tmp_path


@pytest.mark.parametrize(
    "command", ["rules list", "rules show OPP-005", "rules new ACME-001", "rules test mine.yaml", "mappings list"]
)
def test_json_begins_with_the_same_keys_everywhere(folder, command):
    if "mine.yaml" in command:
        CliRunner().invoke(sfsync, ["rules", "new", "ACME-001"], catch_exceptions=False)
        (folder / "mappings/rules/acme_001.yaml").rename(folder / "mine.yaml")
    ran = CliRunner().invoke(sfsync, [*command.split(), "--format", "json"], catch_exceptions=False)
    document = json.loads(ran.stdout)
    assert set(document) >= ENVELOPE
    assert document["command"] == " ".join(command.split()[:2])
    assert (document["exit_code"], ran.exit_code) == (0, 0)


@pytest.mark.parametrize("command", [["mappings", "list"], ["rules", "list"]])
def test_a_broken_config_is_told_and_not_passed_over(folder, command):
    (folder / "config.yaml").write_text(f"{CONFIG}mapings: mine\n")
    ran = CliRunner().invoke(sfsync, command)
    assert ran.exit_code == 2
    assert 'unknown key "mapings". Nearest: "mappings".' in ran.stderr


def test_status_tells_a_run_without_an_end_and_an_org_not_yet_described(folder):
    warehouse = Warehouse(f"duckdb:///{folder / 'w.duckdb'}")
    with warehouse.write() as con:
        about = {"org_id": "00D5e0000000001EAA", "instance_url": "https://acme.my.salesforce.com"}
        con.execute(sa.insert(tables.meta), [{"key": k, "value": v} for k, v in about.items()])
    with recorded(new_run("pull"), warehouse):
        said = CliRunner().invoke(sfsync, ["status"], catch_exceptions=False).stdout
    assert "org (00D5e0000000001EAA) at https://acme.my.salesforce.com\n" in said
    assert said.rstrip().endswith(", not ended: it is running, or was killed")
    assert CliRunner().invoke(sfsync, ["status"]).stdout.rstrip().endswith(", exit code 0")
