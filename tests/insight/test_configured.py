from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sfsync import api
from sfsync.cli.insight import insight
from sfsync.config import RulesConfig
from sfsync.errors import ConfigError
from sfsync.insight.configured import SHARED, shared_settings
from sfsync.insight.source import Settings
from sfsync.rules import load_rules
from sfsync.warehouse import Warehouse
from tests.insight.world import at, d1, fill

PARAMS: dict[str, dict[str, Any]] = {
    "v_lead_status": {"closed_unconverted_statuses": ["Recycled"]},
    "FCST-009": {"dead_days": 20},
    "v_task_link": {"touch_exclude_subjects": ["Email: %"]},
    "ACT-005": {"response_sla_hours": 4, "sla_hours_by_source": {"Web": "1"}, "automatic_replies": ["away%"]},
    "OPP-008": {"amount_field": "Probability"},
}


def test_every_shared_setting_has_the_name_and_default_of_a_rules_parameter() -> None:
    rules = load_rules()
    for name, (where, default) in SHARED.items():
        owners = [rule for rule in rules if where == rule.code or where in rule.views]
        assert [rule.params[name] for rule in owners] == [default] * len(owners) != []


def test_what_the_config_does_not_say_is_left_to_the_analysis() -> None:
    assert shared_settings(RulesConfig()) == {}
    assert Settings(**shared_settings(RulesConfig(params=PARAMS))) == Settings(
        amount_field="Probability",
        closed_unconverted_statuses=["Recycled"],
        response_sla_hours=4,
        sla_hours_by_source={"Web": "1"},
        touch_exclude_subjects=["Email: %"],
        automatic_replies=["away%"],
        dead_days=20,
    )
    wrong: dict[str, dict[str, Any]] = {
        "FCST-009": {"dead_days": -1},
        "v_lead_status": {"closed_unconverted_statuses": "Recycled"},
        "v_task_link": {"touch_exclude_subjects": "Email: %"},
        "ACT-005": {"sla_hours_by_source": {"Web": "soon"}},
    }
    with pytest.raises(ConfigError) as refused:
        shared_settings(RulesConfig(params=wrong))
    assert len(refused.value.problems) == 4
    for hours in ("-1", "nan", "inf", "1e9"):
        with pytest.raises(ConfigError, match=r"ACT-005\.sla_hours_by_source: must be a mapping to a number"):
            shared_settings(RulesConfig(params={"ACT-005": {"sla_hours_by_source": {"Web": hours}}}))


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("org")
    warehouse = Warehouse(f"duckdb:///{folder / 'w.duckdb'}")
    d1(warehouse)
    leads = [("1", "Recycled"), ("2", "Open"), ("3", "Unqualified")]
    fill(warehouse, "LeadStatus", *({"Id": i, "ApiName": s, "MasterLabel": s, "SortOrder": int(i)} for i, s in leads))
    fill(warehouse, "Lead", *({"Id": i, "Status": s, "IsConverted": False, "OwnerId": "A",
                               "CreatedDate": at("2026-03-10")} for i, s in leads))  # fmt: skip
    with warehouse.write() as con:
        about = {"org_id": "00D000000000001EAA", "instance_url": "https://acme.my.salesforce.com", "time_zone": "UTC"}
        warehouse.load(con, "sfsync.meta", ["key", "value"], list(about.items()))
    warehouse.close()
    path = folder / "config.yaml"
    path.write_text(
        "org: {instance_url: 'https://acme.my.salesforce.com', auth: session, session_id: x}\n"
        f"warehouse: duckdb:///{folder / 'w.duckdb'}\nrules: {json.dumps({'params': PARAMS})}\n"
    )
    return path


def table(config: Path, *args: str) -> dict[str, Any]:
    ran = CliRunner().invoke(insight, [*args, "--config", str(config), "--format", "json"], catch_exceptions=False)
    found: dict[str, Any] = json.loads(ran.stdout)["tables"][0]
    return found


def test_commands_count_as_the_rules_do_unless_an_option_says_otherwise(config: Path) -> None:
    assert table(config, "pipeline")["parameters"]["amount_field"] == "Probability"
    assert table(config, "pipeline", "--amount-field", "Amount")["parameters"]["amount_field"] == "Amount"
    assert {r["line"]: r["leads"] for r in table(config, "ageing")["rows"]} == {"Open": 1, "Unqualified": 1, "all": 2}
    given = table(config, "ageing", "--terminal-status", "Open")["rows"]
    assert {r["line"] for r in given} == {"Recycled", "Unqualified", "all"}
    assert table(config, "response")["parameters"]["response_sla_hours"] == 4
    assert table(config, "response")["parameters"]["sla_hours_by_source"] == {"Web": "1"}
    given = table(config, "response", "--sla-hours", "9")["parameters"]
    assert (given["response_sla_hours"], "sla_hours_by_source" in given) == (9, False)


def test_the_report_counts_as_the_rules_do(config: Path) -> None:
    [appendix] = api.report(config, out=None, checking=False, sections=["appendix"]).as_json()["sections"]
    rows = [row for block in appendix["blocks"] for row in block.get("rows", ())]
    told = {(row["of"], row["name"]): row["value"] for row in rows if "of" in row}
    assert told["insight", "dead_days"] == told["FCST-009", "dead_days"] == "20"
    assert told["insight", "response_sla_hours"] == told["ACT-005", "response_sla_hours"] == "4"
