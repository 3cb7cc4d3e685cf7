"""From a proposed owner to the org and back: nothing is left to propose."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sfsync.insight.source import TERMINAL_STATUSES
from sfsync.warehouse import Warehouse
from tests.cli.conftest import Shell

INBOUND = "the queue"


@pytest.fixture
def model(pulled: Shell) -> Path:
    """Three active reps take turns; who is never given anything triages."""
    users = [u for u in pulled.server.org.dump("User") if u["IsActive"] and u["UserType"] == "Standard"]
    a, b, c, triage = (u["Id"] for u in users[-4:])
    path = pulled.folder / "model.yaml"
    path.write_text(
        f"assign:\n  triage: {triage}\n  default_pool: europe\n  lead_cap: 10000\n  not_reps: [{triage}]\n  pools:\n"
        f"    europe: {{members: [{a}, {b}]}}\n    big: {{members: [{c}, {a}], method: capacity}}\n"
        "  territories:\n    - {pool: big, sources: [Web]}\n",
        encoding="utf-8",
    )
    return path


def proposals(shell: Shell, model: Path, *more: str) -> dict[str, dict[str, Any]]:
    """Lead → proposal, of leads that move."""
    found = shell.json("leads", "assign", "--model", str(model), *more)
    return {r["id"]: r for r in found["tables"][0]["rows"] if r["to"] is not None}


def lines(plan: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in plan.read_text(encoding="utf-8").splitlines()[1:]]


def given_out(plan: Path) -> dict[str, dict[str, Any]]:
    """Lead → line that gives it a new owner."""
    updates = [line for line in lines(plan) if line["op"] == "update" and line["sobject"] == "Lead"]
    return {line["id"]: line for line in updates if "OwnerId" in line["after"]}


def owners(shell: Shell) -> dict[str, str]:
    return {r["Id"]: r["OwnerId"] for r in shell.server.org.dump("Lead")}


def test_proposals_are_reviewed_pushed_and_pulled_and_none_are_left(pulled: Shell, model: Path) -> None:
    plan = pulled.folder / "leads.jsonl"
    found = proposals(pulled, model, "--out", str(plan))
    assert {"POOL", "TERRITORY"} <= {r["step"] for r in found.values()}
    wanted = {line["id"]: line["after"]["OwnerId"] for line in lines(plan)}
    assert wanted.keys() == found.keys()
    assert all(line["because"][0]["kind"] == "reassign" for line in lines(plan))
    assert "because ASSIGN-POOL" in pulled.run("plan", "show", str(plan)).output

    assert sum(pulled.json("push", str(plan), "--allow-large")["outcomes"].values()) == 0  # nobody accepted a line
    taken, refused = sorted(wanted)[0], sorted(wanted)[1]
    elsewhere = next(o for o in wanted.values() if o != wanted[taken])
    org = pulled.server.org
    org.save("update", "Lead", [{"Id": taken, "OwnerId": elsewhere}], org.caller())
    pulled.run("plan", "accept", str(plan))
    pulled.run("plan", "refuse", str(plan), "--id", refused)
    pushed = pulled.json("push", str(plan), "--allow-large", code=3)
    assert {k: n for k, n in pushed["outcomes"].items() if n} == {"applied": len(wanted) - 2, "stale": 1}
    assert pushed["failures"][0]["id"] == taken
    after = owners(pulled)
    assert {id for id, owner in wanted.items() if after[id] != owner} == {taken, refused}
    assert after[taken] == elsewhere

    pulled.run("pull")
    assert list(proposals(pulled, model)) == [refused]


def test_a_formulas_deal_is_compared_on_request(pulled: Shell, model: Path) -> None:
    found = pulled.json("leads", "assign", "--model", str(model), "--compare-modulo", "Company")
    assert [t["title"] for t in found["tables"]] == ["Proposed owners", "MOD(VALUE(Company), n) when n changes by one"]
    assert {r["pool"] for r in found["tables"][1]["rows"]} == {"europe", "big"}
    assert "no Compny" in pulled.run("leads", "assign", "--compare-modulo", "Compny", code=2).output
    text = pulled.run("leads", "assign", "--model", str(model), "--compare-modulo", "Company", "--format", "csv").stdout
    assert text.startswith("table,id,step,from,to,detail,pool,members,then,leads,change_hands,change_hands_percent")


def test_a_plan_of_fixes_gives_out_the_waiting_leads_as_well(pulled: Shell, model: Path) -> None:
    pulled.run("check", code=None)
    plan, plain = pulled.folder / "all.jsonl", pulled.folder / "plain.jsonl"
    pulled.run("plan", "--out", str(plain))
    pulled.run("plan", "--assign-leads", "--model", str(model), "--out", str(plan))
    found = proposals(pulled, model)
    given = given_out(plan)
    assert given.keys() == found.keys()
    assert any(len(line["after"]) > 1 for line in given.values())  # a new owner and a correction in one write
    others = [line for line in lines(plan) if line.get("id") not in given]
    assert [line for line in lines(plain) if line.get("id") not in given] == others

    pushed = pulled.json("push", str(plan), "--accept-assisted", "--allow-large")
    assert pushed["outcomes"]["applied"] == sum(line["op"] == "update" for line in lines(plan))
    pulled.run("pull")
    assert proposals(pulled, model) == {}


def test_a_plan_leaves_leads_alone_whose_status_the_config_calls_an_end(pulled: Shell, model: Path) -> None:
    waiting = proposals(pulled, model)
    status = {r["Id"]: r["Status"] for r in pulled.server.org.dump("Lead")}
    ended, _ = Counter(status[id] for id in waiting).most_common(1)[0]
    with pulled.config.open("a", encoding="utf-8") as config:
        ends = json.dumps([*TERMINAL_STATUSES, ended])
        config.write(f"rules: {{params: {{v_lead_status: {{closed_unconverted_statuses: {ends}}}}}}}\n")
    plan = pulled.folder / "some.jsonl"
    pulled.run("plan", "--assign-leads", "--model", str(model), "--out", str(plan))
    given = given_out(plan).keys()
    assert given == proposals(pulled, model).keys() != waiting.keys()
    assert {status[id] for id in given} == {status[id] for id in waiting} - {ended}


def test_a_plan_takes_a_lead_from_a_rep_when_leads_assign_does(pulled: Shell, model: Path) -> None:
    """Nobody has touched what the first plan gave away; only the web's leads have no time left."""
    first, second = pulled.folder / "first.jsonl", pulled.folder / "second.jsonl"
    pulled.run("leads", "assign", "--model", str(model), "--out", str(first))
    pulled.json("push", str(first), "--accept-assisted", "--allow-large")
    pulled.run("pull")
    warehouse = Warehouse(f"duckdb:///{pulled.folder / 'w.duckdb'}")
    with warehouse.write() as con:  # as if it had been two hours ago
        con.exec_driver_sql("UPDATE sfsync.assignments SET assigned_at = assigned_at - INTERVAL '2 hours'")
    warehouse.close()
    assert proposals(pulled, model) == {}
    with pulled.config.open("a", encoding="utf-8") as config:
        config.write("rules: {params: {ACT-005: {response_sla_hours: 1000, sla_hours_by_source: {Web: '1'}}}}\n")
    found = proposals(pulled, model)
    asked = pulled.json("leads", "assign", "--model", str(model))["tables"][0]["rows"]
    web = {r["Id"] for r in pulled.server.org.dump("Lead") if r["LeadSource"] == "Web"}
    reps = {line["id"] for line in lines(first) if line["because"][0]["rule"] != "ASSIGN-FALLBACK"}
    assert {r["id"] for r in asked if r["step"] == "UNTOUCHED"} == reps & web
    assert found  # not all of them: some have nobody to go to
    assert {r["step"] for r in found.values()} == {"UNTOUCHED"}
    pulled.run("plan", "--assign-leads", "--model", str(model), "--out", str(second))
    assert given_out(second).keys() == found.keys()
    assert proposals(pulled, model, "--sla-hours", "3") == {}  # for every source


def test_somebody_who_left_since_the_plan_is_given_nothing(pulled: Shell, model: Path) -> None:
    plan = pulled.folder / "leads.jsonl"
    pulled.run("leads", "assign", "--model", str(model), "--out", str(plan))
    wanted = {line["id"]: line["after"]["OwnerId"] for line in lines(plan)}
    left = next(iter(wanted.values()))
    org = pulled.server.org
    org.save("update", "User", [{"Id": left, "IsActive": False}], org.caller())
    pushed = pulled.json("push", str(plan), "--accept-assisted", "--allow-large", code=3)
    assert {(f["status"], f["code"]) for f in pushed["failures"]} == {("refused", "GUARD-06")}
    assert {f["id"] for f in pushed["failures"]} == {id for id, owner in wanted.items() if owner == left}


def last_turns(plan: Path) -> dict[str, int]:
    found: dict[str, int] = {}
    for reason in (b for line in lines(plan) for b in line["because"] if "turn" in b):
        found[reason["pool"]] = max(found.get(reason["pool"], 0), reason["turn"])
    return found


def stands(shell: Shell) -> dict[str, int]:
    rows = shell.json("query", "select pool, max(turn) as turn from sfsync.assignments where turn > 0 group by pool")
    return {r["pool"]: r["turn"] for r in rows["rows"]}


def test_a_turn_is_used_up_by_a_push_and_not_by_a_proposal(pulled: Shell, model: Path) -> None:
    plan = pulled.folder / "leads.jsonl"
    first = proposals(pulled, model, "--out", str(plan))
    assert proposals(pulled, model) == first
    pulled.run("push", str(plan), "--accept-assisted", "--allow-large")
    assert stands(pulled) == last_turns(plan)
    measured = pulled.json("leads", "measures", "--model", str(model))["tables"]
    steps = Counter(r["step"] for r in first.values())
    assert {r["line"]: r["leads"] for r in measured[0]["rows"]} == {**steps, "all": len(first)}
    # Also before the next pull; who triages takes no leads.
    assert measured[2]["rows"][-1]["given"] == len(first) - steps["FALLBACK"]
    pulled.run("pull")
    assert pulled.json("leads", "measures", "--model", str(model))["tables"][2]["rows"] == measured[2]["rows"]
    assert {"europe", "big"} == stands(pulled).keys()


def test_pushing_an_older_plan_again_does_not_set_the_turns_back(pulled: Shell, model: Path) -> None:
    older, newer = pulled.folder / "older.jsonl", pulled.folder / "newer.jsonl"
    proposals(pulled, model, "--out", str(older))
    queue = next(r["OwnerId"] for r in pulled.server.org.dump("Lead") if r["OwnerId"].startswith("00G"))
    pulled.run("push", str(older), "--accept-assisted", "--allow-large")
    fresh = [{"LastName": f"Fresh {n}", "Company": f"Fresh {n}", "OwnerId": queue, "LeadSource": "Web"} for n in "ABC"]
    org = pulled.server.org
    assert all(saved.success for saved in org.save("insert", "Lead", fresh, org.caller()))
    pulled.run("pull")
    assert len(proposals(pulled, model, "--out", str(newer))) == len(fresh)
    assert last_turns(newer) == {"big": last_turns(older)["big"] + len(fresh)}
    pulled.run("push", str(newer), "--accept-assisted", "--allow-large")
    then = stands(pulled)
    again = pulled.json("push", str(older), "--accept-assisted", "--allow-large")
    assert again["outcomes"]["already"] == len(lines(older))
    assert stands(pulled) == then
    assert then["big"] == last_turns(newer)["big"]
