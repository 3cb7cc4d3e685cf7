from __future__ import annotations

import json


def test_pull_check_dedupe_plan_push_pull_and_the_second_plan_is_empty(shell):
    pulled = shell.json("pull")
    assert all(o["complete"] for o in pulled["objects"])
    assert {o["sobject"]: o["rows"] for o in pulled["objects"]}["Lead"] == 400

    planted = {(code, id) for kind, code, id in truth(shell) if kind == "defect"}
    chosen = [arg for code in sorted({code for code, _ in planted}) for arg in ("--rule", code)]
    checked = shell.json("check", *chosen, code=3)
    found = {(f["rule"], f["id"]) for f in checked["findings"]}
    assert planted <= found
    assert not {f for f in found - planted if f[0] in {code for code, _ in planted}}

    clusters = shell.json("dedupe", code=3)["clusters"]
    assert clusters
    for cluster in clusters:
        assert cluster["decision"] in ("merge", "review")
        assert sum(r["master"] for r in cluster["records"]) == 1

    plan = shell.folder / "plan.jsonl"
    planned = shell.json("plan", "--out", str(plan))
    assert planned["changes"]["update"] > 0
    header = json.loads(plan.read_text(encoding="utf-8").splitlines()[0])
    assert header["digest"] == planned["digest"]

    pushed = shell.json("push", str(plan), "--accept-assisted", "--allow-large")
    assert pushed["outcomes"]["applied"] == planned["changes"]["update"]
    assert pushed["failures"] == []
    merges = planned["changes"]["merge"]
    assert (merges > 0, pushed["left_out"]) == (True, {"merge": merges})

    again = shell.json("push", str(plan), "--accept-assisted", "--allow-large")
    assert again["outcomes"]["applied"] == 0
    assert again["outcomes"]["already"] == planned["changes"]["update"]

    shell.run("pull")
    after = shell.json("check", *chosen, code=None)
    lines = updates(plan)
    codes = {code for code, _ in planted}
    fixed = {(b["rule"], line["id"]) for line in lines for b in line["because"] if b.get("rule") in codes}
    assert fixed
    assert {(f["rule"], f["id"]) for f in after["findings"]} & fixed == set()
    shell.run("dedupe", code=None)
    second = shell.json("plan", "--out", str(shell.folder / "second.jsonl"))
    assert second["changes"] == {"update": 0, "merge": merges, "convert": 0, "create": 0, "delete": 0}


def test_an_undecided_assisted_line_is_not_pushed_until_somebody_accepts_it(checked):
    plan = checked.folder / "plan.jsonl"
    checked.run("plan", "--out", str(plan))
    lines = updates(plan)
    assisted = [c for c in lines if c["confidence"] == "assisted"]
    assert assisted
    pushed = checked.json("push", str(plan), "--allow-large")
    assert sum(pushed["outcomes"].values()) == len(lines) - len(assisted)
    chosen = assisted[0]["id"]
    checked.run("plan", "accept", str(plan), "--id", chosen)
    pushed = checked.json("push", str(plan), "--allow-large")
    assert pushed["outcomes"]["applied"] == 1


def test_a_record_edited_since_the_plan_is_left_alone(checked):
    plan = checked.folder / "plan.jsonl"
    checked.run("plan", "--out", str(plan))
    line = next(
        c for c in updates(plan) if c["sobject"] == "Lead" and "Email" in c["after"] and c["confidence"] == "auto"
    )
    org = checked.server.org
    org.save("update", "Lead", [{"Id": line["id"], "Email": "somebody@else.example"}], org.caller())
    pushed = checked.json("push", str(plan), "--allow-large", code=3)
    assert pushed["outcomes"]["stale"] == 1
    assert pushed["failures"][0]["id"] == line["id"]
    [row] = [r for r in org.dump("Lead") if r["Id"] == line["id"]]
    assert row["Email"] == "somebody@else.example"


def truth(shell) -> list[tuple[str, str, str]]:
    return shell.server.org.cursor().execute("SELECT kind, code, id FROM practice_truth").fetchall()


def updates(plan):
    """The lines of a plan file that a push writes."""
    lines = map(json.loads, plan.read_text(encoding="utf-8").splitlines()[1:])
    return [line for line in lines if line["op"] == "update"]
