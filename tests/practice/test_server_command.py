"""`sfsync practice` as a user runs it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
import requests
import yaml
from click.testing import CliRunner

from sfsync.cli import sfsync
from sfsync.cli.practice import practice as command
from sfsync.practice.generate.layout import MAX_LEADS


@contextmanager
def practice(*options: str) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-c", "from sfsync.cli import main; main()", "practice", "--port", "0", *options]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def first_lines(process: subprocess.Popen[str], last: str) -> str:
    """What it prints up to the line that begins with `last`."""
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if line.startswith(last):
            break
    return text


def log_in(org: dict[str, Any]) -> str:
    form = {"grant_type": "client_credentials", "client_id": org["client_id"], "client_secret": org["client_secret"]}
    answer = requests.post(f"{org['instance_url']}/services/oauth2/token", form, timeout=60)
    return str(answer.json()["access_token"])


def leads(org: dict[str, Any]) -> int:
    answer = requests.get(
        f"{org['instance_url']}/services/data/v66.0/query",
        params={"q": "SELECT COUNT() FROM Lead"},
        headers={"Authorization": f"Bearer {log_in(org)}"},
        timeout=60,
    )
    return int(answer.json()["totalSize"])


def test_it_prints_a_config_that_works_and_keeps_its_state(tmp_path: Path) -> None:
    state = str(tmp_path / "org.duckdb")
    with practice("--leads", "40", "--seed", "3", "--state", state) as process:
        org = yaml.safe_load(first_lines(process, "warehouse:"))["org"]
        assert org["auth"] == "client_credentials"
        count = leads(org)
        assert count > 0
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    with practice("--state", state) as process:
        again = yaml.safe_load(first_lines(process, "warehouse:"))["org"]
        assert (again["client_secret"], leads(again)) == (org["client_secret"], count)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: signal.Signals) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with practice("--empty") as process:
        first_lines(process, "warehouse:")
        assert list(tmp_path.glob("sfsync-practice-*"))
        process.send_signal(ending)
        assert process.wait(60) == 0
    assert list(tmp_path.glob("sfsync-practice-*")) == []


def test_faults_and_json_and_an_empty_org() -> None:
    with practice("--empty", "--fault", "503:times=1,path=/query", "--format", "json") as process:
        found = json.loads(first_lines(process, "}"))
        org = {**found, "instance_url": found["url"]}
        headers = {"Authorization": f"Bearer {log_in(org)}"}
        query = f"{found['url']}/services/data/v66.0/query?q=SELECT+COUNT()+FROM+Lead"
        assert requests.get(query, headers=headers, timeout=60).status_code == 503
        assert requests.get(query, headers=headers, timeout=60).json()["totalSize"] == 0


def a_folder(tmp_path: Path) -> str:
    return str(tmp_path)


def a_mirror(tmp_path: Path) -> str:
    with duckdb.connect(str(tmp_path / "mirror.duckdb")) as connection:
        connection.execute("CREATE SCHEMA salesforce; CREATE TABLE salesforce.Lead (Id VARCHAR)")
    return str(tmp_path / "mirror.duckdb")


def a_config(tmp_path: Path) -> str:
    (tmp_path / "config.yaml").write_text("org: {}\n" * 1000, encoding="utf-8")
    return str(tmp_path / "config.yaml")


@pytest.mark.parametrize("state", [a_folder, a_mirror, a_config, lambda path: str(path / "nowhere" / "org.duckdb")])
def test_a_state_that_is_no_org_is_refused_and_left_alone(tmp_path: Path, state: Callable[[Path], str]) -> None:
    named = state(tmp_path)
    before = {file: file.read_bytes() for file in tmp_path.glob("*")}
    result = CliRunner().invoke(sfsync, ["practice", "--port", "0", "--empty", "--state", named])
    assert result.exit_code == 2
    assert named in (result.stderr or str(result.exception))
    assert {file: file.read_bytes() for file in tmp_path.glob("*")} == before


@pytest.mark.parametrize("options", [["--fault", "nope"], ["--port", "70000"], ["--leads", "9999999"]])
def test_wrong_usage_ends_with_code_2(options: list[str]) -> None:
    result = CliRunner().invoke(sfsync, ["practice", "--port", "0", *options])
    assert result.exit_code == 2
    assert options[1] in (result.stderr or str(result.exception))


def test_as_many_leads_can_be_asked_for_as_can_be_made() -> None:
    [leads] = [option for option in command.params if option.name == "leads"]
    assert leads.type.max == MAX_LEADS
