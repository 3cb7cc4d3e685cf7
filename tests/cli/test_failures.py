"""A command that comes to nothing says so as JSON too: one document, whatever the fault."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from sfsync.warehouse import Warehouse
from sfsync.warehouse.file_lock import run_lock
from tests.cli.conftest import Shell
from tests.cli.test_streams import ASCII, command

KEYS = ["command", "run_id", "started_at", "seconds", "api_calls", "exit_code", "error"]
CONFIG = "org: {instance_url: http://127.0.0.1:1, client_id: x, client_secret: y}\nwarehouse: duckdb:///w.duckdb\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A config and an empty warehouse, in a folder whose name is not ASCII."""
    here = tmp_path / "ä"
    here.mkdir()
    (here / "config.yaml").write_text(CONFIG)
    with Warehouse(f"duckdb:///{here / 'w.duckdb'}").write():
        pass
    return here


def said(folder: Path, *args: str, **options: Any) -> tuple[str, dict[str, Any]]:
    """(stderr, the document) of a command that fails."""
    ran = command(folder, *args, **options)
    document = json.loads(ran.stdout)
    assert list(document) == KEYS
    assert document["exit_code"] == ran.returncode
    return ran.stderr, document


def test_a_command_that_fails_prints_its_envelope_and_the_error(shell: Shell) -> None:
    for args in (["status"], ["check", "waivers"], ["plan", "--assign-leads"], ["insight", "pipeline"]):
        ran = shell.run(*args, "--format", "json", code=1)
        document = json.loads(ran.stdout)
        assert list(document) == KEYS
        assert (document["command"], document["exit_code"]) == (" ".join(a for a in args if a[0] != "-"), 1)
        assert document["error"].endswith("Run `sfsync pull` first.")
        assert ran.stderr == f"sfsync: {document['error']}\n"
        assert shell.run(*args, code=1).stdout == ""


def test_a_recorded_run_has_one_id(pulled: Shell) -> None:
    pulled.write_config(instance_url="http://127.0.0.1:9")
    document = pulled.json("pull", code=1)
    assert "127.0.0.1:9" in document["error"]
    last = pulled.json("status")["runs"][0]
    assert (last["run_id"], last["exit_code"]) == (document["run_id"], 1)


def test_a_held_lock_and_a_wrong_config_keep_their_codes(pulled: Shell) -> None:
    with run_lock(pulled.folder / "w.duckdb", "push"):
        assert pulled.json("dedupe", code=5)["exit_code"] == 5
    with pulled.config.open("a", encoding="utf-8") as config:
        config.write("pulll: {}\n")
    document = pulled.json("pull", code=2)
    assert (document["exit_code"], document["api_calls"]) == (2, 0)
    assert 'unknown key "pulll". Nearest: "pull".' in document["error"]


def test_what_the_command_line_itself_refuses_is_a_document(folder: Path) -> None:
    stderr, document = said(folder, "plan", "show", "--frob", "--format", "json")
    assert (document["command"], document["exit_code"]) == ("plan show", 2)
    assert "--frob" in document["error"]
    assert document["error"] in stderr
    assert said(folder, "stats", "--format=json")[1]["command"] == "sfsync"
    assert said(folder, "rules", "show", "OPP-0001", "--format", "json")[1]["error"].startswith('no rule "OPP-0001".')
    assert said(folder, "insight", "account", "--format", "json")[1]["command"] == "insight account"


def test_a_file_that_cannot_be_written_is_in_the_document(folder: Path) -> None:
    (folder / "w.duckdb.lock").unlink(missing_ok=True)
    (folder / "w.duckdb.lock").mkdir()
    stderr, document = said(folder, "pull", "--format", "json")
    assert "w.duckdb.lock" in document["error"]
    assert stderr == f"sfsync: {document['error']}\n"


@pytest.mark.skipif(os.name != "posix", reason="needs a path that the locale cannot read")
def test_a_fault_of_ours_is_in_the_document(folder: Path) -> None:
    stderr, document = said(folder, "status", "--format", "json", env=ASCII)
    assert (document["command"], document["exit_code"]) == ("status", 1)
    assert document["error"].startswith("unexpected UnicodeEncodeError at sfsync/")
    assert document["seconds"] > 0
    assert "Traceback" not in stderr
