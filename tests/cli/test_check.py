"""`sfsync check` from a shell: profiles, exit codes, what is new, and waivers."""

from __future__ import annotations

import json


def of_rule(document, code):
    return [f for f in document["findings"] if f["rule"] == code]


def a_rule_with_fixes(shell, least=2):
    """A rule with several findings whose fix is planned."""
    plan = shell.folder / "first.jsonl"
    shell.run("plan", "--out", str(plan))
    lines = [json.loads(line) for line in plan.read_text(encoding="utf-8").splitlines()[1:]]
    alone = [
        line for line in lines if line["op"] == "update" and len(line["because"]) == 1 and "rule" in line["because"][0]
    ]
    ids: dict[str, list[str]] = {}
    for line in alone:
        ids.setdefault(line["because"][0]["rule"], []).append(line["id"])
    return next((code, found) for code, found in sorted(ids.items()) if len(found) >= least)


def planned_for(shell, code):
    plan = shell.folder / "again.jsonl"
    shell.run("plan", "--out", str(plan))
    lines = [json.loads(line) for line in plan.read_text(encoding="utf-8").splitlines()[1:]]
    return {line["id"] for line in lines if "id" in line for b in line["because"] if b.get("rule") == code}


def test_a_waiver_is_given_shown_planned_around_and_taken_back(checked):
    code, ids = a_rule_with_fixes(checked)
    total = of_rule(checked.first, code)
    before = planned_for(checked, code)
    given = checked.json(
        "check", "waive", "--rule", code.lower(), "--id", ids[0][:15], "--reason", "known", "--until", "2199-12-31",
        "--who", "Ann",
    )  # fmt: skip
    [waiver] = given["waivers"]
    assert (waiver["id"], waiver["who"], waiver["until"]) == (ids[0], "Ann", "2199-12-31")
    assert planned_for(checked, code) == before - {ids[0]} != before

    again = checked.json("check", "--rule", code, code=3)
    assert len(again["findings"]) == len(total)
    assert {f["id"]: f["waiver"] for f in again["findings"] if f["waived"]} == {ids[0]: waiver}
    assert [r["waived"] for r in again["rules"]] == [sum(f["id"] == ids[0] for f in total)]
    listed = checked.run("check", "--rule", code, "--list", code=3).stdout
    above, _, below = listed.partition("\nWaived:\n")
    assert ids[0] not in above.split()
    assert ids[0] in below
    assert "known" in below
    assert "1 waived" in above

    [row] = checked.json("check", "waivers")["waivers"]
    assert (row["expired"], row["findings"]) == (False, 1)
    assert checked.json("check", "unwaive", "--rule", code, "--id", ids[0])["waivers"] == [waiver]
    assert checked.json("check", "waivers")["waivers"] == []
    assert planned_for(checked, code) == before


def test_a_rule_waived_as_a_whole_ends_with_0(checked):
    code, _ = a_rule_with_fixes(checked)
    checked.run("check", "waive", "--rule", code, "--reason", "house rule does not apply here")
    result = checked.json("check", "--rule", code)
    assert result["exit_code"] == 0
    assert result["waived"] == len(result["findings"]) > 1


def test_an_unknown_rule_or_record_is_refused_with_the_nearest(checked):
    code, _ = a_rule_with_fixes(checked)
    said = checked.run("check", "waive", "--rule", code + "1", "--reason", "x", code=2).stderr
    assert "Nearest:" in said
    wrong = "00Q000000000000"
    said = checked.run("check", "waive", "--rule", code, "--id", wrong, "--reason", "x", code=2).stderr
    assert f"{code} has no finding for" in said
    assert 'no waiver of rule "' in checked.run("check", "unwaive", "--rule", code, code=2).stderr
    assert checked.json("check", "waivers")["waivers"] == []


def test_fail_on_decides_the_exit_code_and_nothing_else(checked):
    codes = dict.fromkeys(("error", "warning", "info"), 3) | {"never": 0, "new": 0, "new-error": 0}
    rule = next(f["rule"] for f in checked.first["findings"] if f["severity"] == "error")
    for name, code in codes.items():
        found = checked.json("check", "--rule", rule, "--fail-on", name, code=code)
        assert len(found["findings"]) == len(of_rule(checked.first, rule))
        assert (found["fail_on"], found["exit_code"]) == (name, code)
    runs = checked.json("query", "select exit_code from sfsync.runs where command = 'check' order by run_id")["rows"]
    assert [r["exit_code"] for r in runs] == [3, *codes.values()]


def test_new_findings_fail_a_check_that_tolerates_old_ones(checked):
    org = checked.server.org
    good = next(r for r in org.dump("Lead") if r["Email"] and not r["IsConverted"])
    org.save("update", "Lead", [{"Id": good["Id"], "Email": "somebody@gmial.con", "Phone": "x"}], org.caller())
    checked.run("pull")
    found = checked.json("check", "--fail-on", "new", "--since", checked.first["run_id"], code=None)
    assert all(f["new"] for f in found["findings"])
    assert found["findings"], "the edit breaks no rule: choose another one"
    assert {f["id"] for f in found["findings"]} >= {good["Id"]}
    assert len(found["findings"]) < len(checked.first["findings"])
    assert found["exit_code"] == 3
    later = checked.json("check", "--fail-on", "new", "--since", found["run_id"])
    assert later["findings"] == []


def test_since_a_day_before_the_first_check_is_everything(checked):
    one = ("check", "--rule", "DQ-001", "--since")
    old = checked.json(*one, "2000-01-01", code=3)["findings"]
    assert len(old) == len(of_rule(checked.first, "DQ-001")) > 0
    assert checked.json(*one, "2199-01-01")["findings"] == []
    table = checked.run(*one, "2199-01-01").stdout
    assert "0 findings first seen since 2199-01-01" in table
    said = checked.run("check", "--since", checked.first["run_id"][:-1] + "x", code=2).stderr
    assert f'Nearest: "{checked.first["run_id"]}"' in said


def test_a_profile_on_the_command_line_runs_its_rules_and_resolves_nothing(checked):
    found = checked.json("check", "--profile", "integrity", code=None)
    ran = {r["rule"] for r in found["rules"]}
    assert ran
    assert ran < {r["rule"] for r in checked.first["rules"]}
    assert found["resolved"] == 0
    kept = {(f["rule"], f["kind"], f["id"]): f["first_seen"] for f in checked.first["findings"]}
    again = checked.json("check", code=3)
    assert {(f["rule"], f["kind"], f["id"]): f["first_seen"] for f in again["findings"]} == kept
    assert not any(f["new"] for f in again["findings"])


def test_an_unknown_profile_is_refused_with_the_nearest(checked):
    said = checked.run("check", "--profile", "hygene", code=2).stderr
    assert 'Nearest: "hygiene"' in said
    said = checked.run("check", "--profile", "hygiene", "--rule", "OPP-001", code=2).stderr
    assert "not both" in said


def test_the_same_check_prints_the_same(checked):
    options = ("check", "--list", "--format", "csv")
    first, second = checked.run(*options, code=3).stdout, checked.run(*options, code=3).stdout
    assert first == second
    assert first.splitlines()[0] == "severity,rule,kind,sobject,id,message,waived"


def test_the_config_may_stand_before_the_subcommand(checked):
    from click.testing import CliRunner

    from sfsync.cli import sfsync

    result = CliRunner().invoke(sfsync, ["check", "--config", str(checked.config), "waivers", "--format", "json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["waivers"] == []


def test_a_rule_of_ones_own_from_new_to_check(checked):
    config = ("--config", str(checked.config))
    checked.run("rules", "new", "ACME-1", *config)
    file = checked.folder / "mappings" / "rules" / "acme_1.yaml"
    assert "3 examples of 1 rules, 0 disagree" in checked.run("rules", "test", str(file)).stdout
    org = checked.server.org
    lead = next(r for r in org.dump("Lead") if not r["IsConverted"] and not r["IsDeleted"])
    org.save("update", "Lead", [{"Id": lead["Id"], "City": None, "Country": "Germany"}], org.caller())
    checked.run("pull")
    found = checked.json("check", "--rule", "ACME-1", code=3)
    assert lead["Id"] in {f["id"] for f in of_rule(found, "ACME-1")}
    [ran] = found["rules"]
    assert 0 < ran["records"] <= ran["in_scope"]

    good = file.read_text(encoding="utf-8")
    for wrong, says, code in (
        (good.replace("severity: warning", "severity: wrong"), 'severity "wrong" must be error', 2),
        (good.replace("blank(l.City)", "blank(l.City"), "SQL not valid SQL", 2),
        (good.replace("code: ACME-1", "code: ["), ":", 2),
        ("", "a rule file starts with", 2),
    ):
        file.write_text(wrong, encoding="utf-8")
        for command in (("rules", "test", str(file)), ("rules", "list", *config), ("check", "--rule", "OPP-001")):
            said = checked.run(*command, code=code).stderr
            assert says in said
            assert f"{file}:" in said
    file.write_text(good.replace("blank(l.City)", "l.City = 'x'"), encoding="utf-8")
    assert "disagree" in checked.run("rules", "test", str(file), code=1).stdout


def test_every_format_tells_the_same_findings(checked):
    rows = checked.run("check", "--format", "csv", code=3).stdout.splitlines()
    assert len(rows) - 1 == len(checked.first["findings"])
    listed = checked.run("check", "--list", code=3).stdout
    assert listed.count("severity") == -(-len(checked.first["findings"]) // 1_000)
    assert list(checked.first)[6:] == ["findings", "rules", "resolved", "waived", "fail_on", "since", "replay_of"]


def test_another_day_is_told_and_leaves_the_findings_as_they_are(checked):
    one = ("check", "--rule", "OPP-005")
    before = checked.json(*one, code=3)["findings"]
    past = checked.json(*one, "--as-of", "1999-12-31")
    assert (past["findings"], past["resolved"], past["replay_of"]) == ([], 0, "1999-12-31")
    said = checked.run(*one, "--as-of", "2199-12-31", code=3).stdout
    assert "as of 2199-12-31: " in said
    assert "nothing kept" in said
    after = checked.json(*one, code=3)
    assert after["findings"] == before
    assert after["replay_of"] is None
