"""What the config says about rules is looked at before a command does anything; where it says nothing, for nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Shell

WRONG = """\
rules:
  profile: integrty
  off: [OPP-999]
  params:
    DUP-001: {dedupe_within: boss}
    FCST-009: {dead_dayz: 3, dead_share: 30}
    DQ-003: {default_phone_country: Atlantis}
"""
SAID = [
    'rules.profile: there is no profile "integrty". Nearest: "integrity".',
    'rules.off: there is no rule "OPP-999". Nearest: "OPP-',
    "rules.params.DUP-001.dedupe_within: must be one of empty, record_type, not 'boss'.",
    'rules.params.FCST-009: there is no parameter "dead_dayz". Nearest: "dead_days".',
    "rules.params.FCST-009.dead_share: must be a number from 0 to 1, not 30.",
    'rules.params.DQ-003.default_phone_country: "Atlantis" is no country.',
]
COMMANDS = [
    ["pull"], ["pull", "--dry-run"], ["verify"], ["check"], ["dedupe"], ["plan"], ["report"], ["insight", "pipeline"],
    ["leads", "score"],
]  # fmt: skip


def configure(shell: Shell, rules: str) -> None:
    shell.write_config(instance_url="http://127.0.0.1:9")  # an API call would fail with another message
    with shell.config.open("a", encoding="utf-8") as config:
        config.write(rules)


@pytest.mark.parametrize("args", COMMANDS, ids=" ".join)
def test_a_wrong_value_stops_a_command_before_any_api_call(pulled: Shell, args: list[str]) -> None:
    configure(pulled, WRONG)
    out = ["--out", str(pulled.folder / "x.html")] if args == ["report"] else []
    document = pulled.json(*args, *out, code=2)
    assert [said for said in SAID if said not in document["error"]] == []
    assert document["error"].count("\n") == len(SAID) - 1
    assert document["api_calls"] == 0
    assert "check" not in [run["command"] for run in pulled.json("status")["runs"]]


def test_a_push_is_stopped_as_well(pulled: Shell) -> None:
    plan = pulled.folder / "plan.jsonl"
    pulled.run("plan", "--out", str(plan))
    configure(pulled, WRONG)
    assert "there is no profile" in pulled.json("push", str(plan), code=2)["error"]


def test_doctor_names_it_among_all_else(pulled: Shell) -> None:
    configure(pulled, WRONG)
    checks = {c["name"]: c for c in pulled.json("doctor", code=1)["checks"]}
    assert checks["rules"]["status"] == "fail"
    assert [said for said in SAID if said not in checks["rules"]["found"]] == []
    assert checks["login"]["status"] == "fail"


def test_a_rule_file_that_is_wrong_holds_up_a_check_and_no_pull(pulled: Shell) -> None:
    folder = pulled.folder / "mappings" / "rules"
    folder.mkdir(parents=True)
    (folder / "own.yaml").write_text("code: OWN-900\n", encoding="utf-8")
    with pulled.config.open("a", encoding="utf-8") as config:
        config.write("rules: {off: [OPP-001]}\n")
    pulled.run("pull")
    assert "own.yaml" in pulled.json("check", code=2)["error"]
    assert "own.yaml" in {c["name"]: c for c in pulled.json("doctor", code=1)["checks"]}["rules"]["found"]


@pytest.mark.parametrize(
    ("rules", "imported"), [("", False), ("rules: {}\n", False), ("rules: {off: [DQ-006]}\n", True)]
)
def test_a_pull_reads_rules_only_where_the_config_names_some(pulled: Shell, rules: str, imported: bool) -> None:
    configure(pulled, rules)
    code = (
        "import sys\nfrom sfsync.cli import main\n"
        "try: main(['pull'])\nexcept SystemExit: pass\nprint('sqlglot' in sys.modules)\n"
    )
    here: Path = pulled.folder
    ran = subprocess.run([sys.executable, "-c", code], cwd=here, env=dict(os.environ), capture_output=True, text=True)
    assert "127.0.0.1:9" in ran.stderr
    assert ran.stdout.strip() == str(imported)
