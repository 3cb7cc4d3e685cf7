"""`sfsync practice` as a user runs it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml


@contextmanager
def practice(*options: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", "from sfsync.cli import main; main()", "practice", "--port", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


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
    answer = requests.post(f"{org['instance_url']}/services/oauth2/token", form, timeout=10)
    return str(answer.json()["access_token"])


def leads(org: dict[str, Any]) -> int:
    answer = requests.get(
        f"{org['instance_url']}/services/data/v66.0/query",
        params={"q": "SELECT COUNT() FROM Lead"},
        headers={"Authorization": f"Bearer {log_in(org)}"},
        timeout=10,
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
        assert process.wait(20) == 0
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
        assert process.wait(20) == 0
    assert list(tmp_path.glob("sfsync-practice-*")) == []


def test_faults_and_json_and_an_empty_org() -> None:
    with practice("--empty", "--fault", "503:times=1,path=/query", "--format", "json") as process:
        found = json.loads(first_lines(process, "}"))
        org = {**found, "instance_url": found["url"]}
        headers = {"Authorization": f"Bearer {log_in(org)}"}
        query = f"{found['url']}/services/data/v66.0/query?q=SELECT+COUNT()+FROM+Lead"
        assert requests.get(query, headers=headers, timeout=10).status_code == 503
        assert requests.get(query, headers=headers, timeout=10).json()["totalSize"] == 0


@pytest.mark.parametrize("options", [["--fault", "nope"], ["--port", "70000"]])
def test_wrong_usage_ends_with_code_2(options: list[str]) -> None:
    with practice(*options) as process:
        assert process.wait(20) == 2
