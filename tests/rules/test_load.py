"""Rule files: what is read, what the user's folder changes, and how a broken file is reported."""

import pytest

from sfsync.errors import RuleError
from sfsync.rules.load import load_rules
from tests.rules.world import rule, write_rule

OK = "select Id, Status from live.Lead"


def problems(folder):
    with pytest.raises(RuleError) as refused:
        load_rules(folder)
    return refused.value.problems


def test_a_users_rule_stands_beside_the_shipped_ones(tmp_path):
    write_rule(tmp_path / "rules", "ACME-1", OK)
    codes = [found.code for found in load_rules(tmp_path)]
    assert "ACME-1" in codes
    assert len(codes) == len(load_rules()) + 1
    assert codes == sorted(codes)


def test_a_users_file_with_a_shipped_code_changes_only_what_it_says(tmp_path):
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "mine.yaml").write_text(
        "code: LEAD-STAT-002\nseverity: warning\nparams: {working_status: Open}\n", encoding="utf-8"
    )
    shipped = next(found for found in load_rules() if found.code == "LEAD-STAT-002")
    changed = next(found for found in load_rules(tmp_path) if found.code == "LEAD-STAT-002")
    assert changed.severity == "warning"
    assert changed.params == {**shipped.params, "working_status": "Open"}
    assert (changed.parts, changed.examples) == (shipped.parts, shipped.examples)
    assert len(load_rules(tmp_path)) == len(load_rules())


def test_a_folder_without_rules_is_no_error(tmp_path):
    assert len(load_rules(tmp_path)) == len(load_rules())


def test_all_problems_of_all_files_are_reported_with_their_lines(tmp_path):
    folder = tmp_path / "rules"
    first = write_rule(folder, "ACME-1", "select Id from live.Leed", more="severity: fatal\nextra: 1\n")
    second = write_rule(folder, "ACME-2", "select Status from live.Lead", more="params: {status_alias: [1]}\n")
    third = folder / "z.yaml"
    third.write_text("code: [", encoding="utf-8")
    found = problems(tmp_path)
    assert any(p.startswith(f"{first}:") and 'unknown key "extra"' in p for p in found)
    assert any(p.startswith(f"{second}:") and "must return Id" in p for p in found)
    assert any(p.startswith(f"{second}:") and "the default of status_alias" in p for p in found)
    assert any(p.startswith(f"{third}:") and "not valid YAML" in p for p in found)


@pytest.mark.parametrize(
    ("sql", "more", "message"),
    [
        (OK, "severity: eror\n", 'severity "eror" must be error, warning or info. Nearest: "error".'),
        (OK, "sevrity: error\n", 'unknown key "sevrity". Nearest: "severity".'),
        (OK, "code: lower-1\n", 'code "lower-1" must be capitals'),
        (OK, "basis: home\n", 'basis "home" must be platform or house.'),
        (OK, "message: 'status is {Statu}'\n", 'returns no column "Statu". Nearest: "status".'),
        (OK, "message: {a: 'is {Nope}'}\n", 'returns no column "Nope"'),
        (OK, "fix: {confidence: sure, set: {Status: Status}}\n", 'confidence "sure" must be auto, assisted or manual.'),
        (OK, "fix: {confidence: auto, set: {Status: new_status}}\n", 'returns no column "new_status"'),
        (OK, 'fix: {confidence: auto, set: {"{named}": Status}}\n', 'returns no column "named"'),
        (OK, "fix: {confidence: auto, sett: {}}\n", "a fix is {confidence: assisted, set: {Field: column}}; or"),
        (OK, "fix: {confidence: assisted, create: Task}\n", "{create: sObject, set: {Field: column}}"),
        (OK, "fix: {confidence: assisted, create: Task, set: {WhoId: lead}}\n", 'returns no column "lead"'),
        (OK, "fix: {confidence: assisted, convert: {lead: Id}}\n", "{convert: {account: column, contact: column}}"),
        (OK, "fix: {confidence: assisted, convert: {}, set: {}}\n", 'unknown key "set".'),
        (OK, "fix: {confidence: assisted, merge: others}\n", 'returns no column "others"'),
        (OK, "fix: {confidence: assisted, merge: [Id]}\n", "{merge: column}"),
        (OK, "fix: [{confidence: auto, set: {Status: Status}, knds: [a]}]\n", 'unknown key "knds". Nearest: "kinds".'),
        (OK, "needs: {Leads: [Id]}\n", 'reads Lead, which is not declared. Nearest: "Leads".'),
        (OK, "needs: [Lead]\n", "`needs` maps a table to its columns"),
        (OK, "scope: select Id from Lead\n", 'unknown table "Lead"'),
        (OK, "not_evaluated_when: [{when: select 1}]\n", "list of {when: SELECT, reason: text}"),
        (OK, "not_evaluated_when: [{when: drop table live.Lead, reason: x}]\n", "must be one single SELECT"),
        (OK, "sql: {Contact: select Id from live.Lead}\n", "Contact is not among `objects:`."),
        (OK, "examples: {pases: []}\n", 'unknown key "pases". Nearest: "passes".'),
        (OK, "examples: {passes: [{Lead: [{Status: x}]}]}\n", "Lead must be a list of records with an Id."),
        (OK, "examples: {flagged: [{Lead: []}]}\n", "a flagged example says what it expects"),
        (OK, "examples: {passes: [{Lead: [], expect: [{Id: x}]}]}\n", "expects no finding"),
        (
            OK,
            "examples: {flagged: [{expect: [{Id: x, kinds: y}]}]}\n",
            'unknown key "kinds" in expect. Nearest: "kind".',
        ),
        ("select Id from live.Lead where days > :limit", "", 'unknown parameter ":limit"'),
        ("select Id from live.Lead; drop table x", "", "SQL must be one single SELECT"),
    ],
)
def test_what_is_wrong_and_what_is_near(tmp_path, sql, more, message):
    path = write_rule(tmp_path / "rules", "ACME-1", sql, more=more)
    found = problems(tmp_path)
    assert any(message in problem for problem in found), found
    assert all(problem.startswith(f"{path}:") for problem in found)


def test_a_problem_stands_at_its_line(tmp_path):
    path = write_rule(tmp_path / "rules", "ACME-1", OK, more="advice: [1]\n")
    line = path.read_text().splitlines().index("advice: [1]") + 1
    assert problems(tmp_path) == [f"{path}:{line}: `advice` must be a text."]


def test_two_files_with_one_code(tmp_path):
    write_rule(tmp_path / "rules", "ACME-1", OK)
    (tmp_path / "rules" / "b.yaml").write_text((tmp_path / "rules" / "acme-1.yaml").read_text(), encoding="utf-8")
    assert "code ACME-1 belongs to acme-1.yaml already" in problems(tmp_path)[0]


def test_missing_keys_are_all_named(tmp_path):
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").write_text("code: ACME-1\n", encoding="utf-8")
    found = problems(tmp_path)
    assert [p.rpartition(": ")[2] for p in found] == [
        f"`{key}:` is missing." for key in ("title", "severity", "basis", "objects", "sql", "message", "why")
    ]


def test_a_rule_without_examples_still_loads(tmp_path):
    assert rule(tmp_path, "ACME-1", OK).examples == ()
