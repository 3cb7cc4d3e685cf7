"""The commands on a warehouse in a file, run as a user runs them."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sfsync.cli.insight import insight
from sfsync.cli.leads import leads
from sfsync.normalise.table import refresh
from sfsync.plan.file import read_plan
from sfsync.warehouse import Warehouse
from tests.insight.world import at, d1, d1_users, fill, snapshot

Run = Callable[..., Result]
REP, GONE, QUEUE = "005000000000001AAA", "005000000000002AAA", "00G000000000001EAA"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs `group args…` with the config of a small org, which nothing here changes."""
    tmp_path = tmp_path_factory.mktemp("org")
    warehouse = Warehouse(f"duckdb:///{tmp_path / 'w.duckdb'}")
    opportunities = d1(warehouse)
    d1_users(warehouse)
    fill(warehouse, "User", {"Id": REP, "Name": "Rep", "IsActive": True})
    snapshot(warehouse, "2026-03-01", *opportunities)
    history = {"Id": "H", "OpportunityId": "O1", "StageName": "Prospecting", "CreatedDate": at("2026-02-15")}
    fill(warehouse, "OpportunityHistory", history)
    fill(warehouse, "Account", {"Id": "001000000000001AAA", "Name": "=Acme", "OwnerId": "A"})
    lead = {"Status": "Open", "IsConverted": False, "CreatedDate": at("2026-03-10"), "SystemModstamp": at("2026-03-10")}
    fill(warehouse, "Lead", {"Id": "00Q000000000001EAA", "OwnerId": QUEUE, "Company": "New", **lead},
         {"Id": "00Q000000000002EAA", "OwnerId": REP, "Company": "Old", **lead})  # fmt: skip
    refresh(warehouse, "Lead")
    refresh(warehouse, "Account")
    with warehouse.write() as con:
        meta = {"org_id": "00D000000000001EAA", "instance_url": "https://acme.my.salesforce.com", "is_sandbox": "true",
                "time_zone": "UTC"}  # fmt: skip
        warehouse.load(con, "sfsync.meta", ["key", "value"], list(meta.items()))
        fields = [["Lead", "OwnerId", 1, "reference", True], ["Lead", "SystemModstamp", 2, "datetime", False]]
        warehouse.load(con, "sfsync.fields", ["sobject", "field", "ordinal", "type", "updateable"], fields)
    warehouse.close()
    config = tmp_path / "config.yaml"
    config.write_text(
        "org: {instance_url: 'https://acme.my.salesforce.com', auth: session, session_id: x}\n"
        f"warehouse: duckdb:///{tmp_path / 'w.duckdb'}\n"
    )

    def invoke(group: Any, *args: str) -> Result:
        return CliRunner().invoke(group, [*args, "--config", str(config)])

    return invoke


COMMANDS = [
    ["pipeline"],
    ["pipeline", "--deals", "--stage", "Proposal"],
    ["forecast", "--split", "month"],
    ["forecast", "--stage", "Proposal=0.5", "--stage", "Negotiation"],
    ["forecast", "--by", "owner"],
    ["waterfall", "--from", "2026-03-01"],
    ["waterfall", "--from", "2026-03-01", "--window", "this-year", "--deals"],
    ["accuracy", "--period", "2026-02", "--periods", "2"],
    ["accuracy", "--refinement", "--period", "2026-02"],
    ["winrate", "--by", "owner"],
    ["stages"],
    ["stages", "--opportunity", "O1"],
    ["funnel"],
    ["funnel", "--events", "--period", "FY2027"],
    ["ageing", "--terminal-status", "Dead"],
    ["response", "--period", "2026-03", "--sla-hours", "4"],
    ["slippage", "--period", "Q1 FY2027"],
    ["account", "acme"],
]


@pytest.mark.parametrize("args", COMMANDS, ids=" ".join)
def test_every_command_speaks_all_formats(run: Run, args: list[str]) -> None:
    shown = run(insight, *args)
    assert shown.exit_code == 0, shown.output
    document = json.loads(run(insight, *args, "--format", "json").output)
    assert document["command"] == f"insight {args[0]}"
    assert document["exit_code"] == 0
    for table in document["tables"]:
        assert table["title"] in shown.output
        assert all(set(row) == set(table["columns"]) for row in table["rows"])
    rows = list(csv.reader(io.StringIO(run(insight, *args, "--format", "csv").output)))
    assert len(rows) == 1 + sum(len(table["rows"]) for table in document["tables"])


def test_pipeline_prints_money_and_totals(run: Run) -> None:
    shown = run(insight, "pipeline").output
    assert "165,000.00" in shown
    assert "total without omitted" in shown
    document = json.loads(run(insight, "pipeline", "--format", "json", "--as-of", "2026-03-01").output)
    assert [r["amount"] for r in document["tables"][0]["rows"] if r["line"] == "total"] == [165000.0]
    assert document["tables"][0]["parameters"]["as_of"] == "2026-03-01"


def test_formulas_do_not_reach_a_spreadsheet(run: Run) -> None:
    assert "'=Acme" in run(insight, "account", "acme", "--format", "csv").output


def test_a_wrong_period_or_stage_is_said_with_exit_code_2(run: Run) -> None:
    for args in (["pipeline", "--owner", "nobody"], ["forecast", "--period", "soon"], ["forecast", "--stage", "Nope"]):
        assert run(insight, *args).exit_code == 2, args


def test_leads_are_scored_and_assigned_into_a_plan(run: Run, tmp_path: Path) -> None:
    model = tmp_path / "model.yaml"
    model.write_text(f"assign:\n  default_pool: all\n  pools:\n    all: {{members: [{REP}]}}\n")
    scored = json.loads(run(leads, "score", "--format", "json").output)
    assert [r["tier"] for r in scored["tables"][0]["rows"]] == ["D", "D"]
    out = tmp_path / "assign.jsonl"
    result = run(leads, "assign", "--model", str(model), "--out", str(out), "--format", "json", "-q")
    document = json.loads(result.output)
    assert document["changes"]["update"] == 1
    (change,) = read_plan(out).changes
    assert (change.ref.id, change.before["OwnerId"], change.after) == ("00Q000000000001EAA", QUEUE, {"OwnerId": REP})
    assert change.because[0]["rule"] == "ASSIGN-POOL"
    assert change.because[0]["state"] == {"last": REP}
    assert change.confidence == "assisted"
    assert [r["guard"] for r in document["refused"]] == ["GUARD-12"]  # one of two leads is more than 5 %


def test_the_commands_import_nothing_heavy_for_their_help() -> None:
    code = (
        "import sys, sfsync.cli.insight, sfsync.cli.leads; "
        "print([m for m in ('duckdb', 'sqlalchemy', 'sqlglot', 'pandas') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_record_that_is_not_there_is_an_error_and_15_characters_are_enough(run: Run) -> None:
    for args, what in ((["stages", "--opportunity", "006000000000009AAA"], "Opportunity"),
                       (["ageing", "--lead", "00Q000000000009EAA"], "Lead")):  # fmt: skip
        result = run(insight, *args)
        assert result.exit_code == 2
        assert f'there is no {what} "{args[-1]}" in the mirror' in result.stderr
    assert run(insight, "ageing", "--lead", "00Q000000000001").exit_code == 0


def test_what_cannot_be_divided_is_not_nought(run: Run) -> None:
    said = run(insight, "winrate", "--owner", REP).stdout
    assert "velocity per day: n/a\n" in said
    assert "trailing win rate: n/a\n" in said
