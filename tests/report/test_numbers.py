"""Every number of the business in the report is the one its command says."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from sfsync.cli.insight import insight
from sfsync.report.content import Report
from tests.report.world import World

SAID = {
    "pipeline-table": "pipeline",
    "stale": "slippage",
    "win-rate": "winrate --period last-quarter --by source",
    "stage-conversion": "stages --period this-year",
    "time-in-stage": "stages --period this-year",
    "slippage": "slippage --period last-quarter",
    "forecast-table": "forecast --period this-quarter --split month",
    "forecast-next-table": "forecast --period next-quarter --split month",
    "roll-up": "forecast --period this-quarter --by owner",
    "accuracy": "accuracy --period last-quarter --periods 4",
    "cohort": "funnel --period this-year",
    "ageing": "ageing",
    "response": "response --period last-quarter",
}
"""Table of the report → the command with the same numbers."""


@pytest.fixture(scope="module")
def made(mirrored: World) -> Report:
    return mirrored.report(sections=["pipeline", "forecast", "funnel"], rows=5000)


@pytest.mark.parametrize("key", SAID)
def test_a_table_of_the_report_holds_the_numbers_of_its_command(mirrored: World, made: Report, key: str) -> None:
    words = [*SAID[key].split(), "--as-of", made.as_of.isoformat(), "--config", str(mirrored.path), "--format", "json"]
    result = CliRunner().invoke(insight, words)
    assert result.exit_code == 0, result.output
    table = made.tables()[key]
    [told] = [t for t in json.loads(result.stdout)["tables"] if t["title"] == table.title]
    numbers = [c.name for c in table.columns if c.kind in ("number", "money", "percent", "days", "hours")]
    assert numbers
    shown = [{name: row[name] for name in numbers} for row in table.as_json()["rows"]]
    assert shown == [{name: row[name] for name in numbers} for row in told["rows"]][: len(shown)]
    assert len(shown) == min(len(told["rows"]), 40 if key == "roll-up" else 5000)
