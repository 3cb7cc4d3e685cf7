"""Waived findings, what a check fails on, and what is new since when."""

from __future__ import annotations

from datetime import UTC, date, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from sfsync.config import RulesConfig
from sfsync.errors import ConfigError, InputError
from sfsync.model import Finding, Ref
from sfsync.plan.fixes import Fixes
from sfsync.rules import check
from sfsync.rules.findings import moment_since
from sfsync.rules.result import CheckResult, Count, Findings
from sfsync.rules.waivers import Waiver, Waivers, covered, read_waivers, unwaive, waive
from sfsync.warehouse import Warehouse, tables
from tests.rules.world import MONDAY, TODAY, lead_id, make_leads, rule, run

BAD = "select Id, Status, 'Good' as better from live.Lead where Status = 'Bad'"
FIX = "fix: {confidence: auto, set: {Status: better}}\n"
KINDS = "select Id, Status, case when Status = 'Bad' then 'bad' else 'worse' end as kind from live.Lead"


def checked(warehouse, rules, day=0, **config):
    now = MONDAY + timedelta(days=day)
    return check(warehouse, rules, as_of=now.date(), now=now, run_id=f"run-{day}", config=RulesConfig(**config))


def let(warehouse, of, *ids, day=0, **given):
    now = MONDAY + timedelta(days=day)
    given = {"reason": "agreed with sales", "who": "Ann", **given}
    return waive(warehouse, of, ids=ids, now=now, today=now.date(), **given)


def shown(result):
    return [(c.finding.ref.id, c.finding.kind, c.waived) for c in result.findings]


def planned(warehouse, day=0):
    with warehouse.read() as con:
        fixes = Fixes(con, warehouse, MONDAY + timedelta(days=day), _no_refusal)
        return [p.ref.id for sobject in fixes.sobjects() for p in fixes.of(sobject)]


def _no_refusal(refused):
    raise AssertionError(refused)


def marked(warehouse):
    return run(warehouse, "SELECT id, waived FROM sfsync.findings ORDER BY id")


def test_a_waived_finding_stays_but_neither_counts_nor_is_planned(warehouse, tmp_path):
    make_leads(warehouse, "Bad", "Bad")
    rules = [rule(tmp_path, "A-1", BAD, more=FIX)]
    assert checked(warehouse, rules).exit_code == 3
    assert planned(warehouse) == [lead_id(0), lead_id(1)]
    [made] = let(warehouse, rules[0], lead_id(0))
    assert planned(warehouse) == [lead_id(1)]
    assert marked(warehouse) == [(lead_id(0), True), (lead_id(1), False)]

    result = checked(warehouse, rules, 1)
    assert shown(result) == [(lead_id(0), "", True), (lead_id(1), "", False)]
    assert [(c.rule, c.findings) for c in result.counted] == [("A-1", 1)]
    assert (result.rules[0].findings, result.rules[0].waived, result.exit_code) == (2, 1, 3)
    first = result.as_json()["findings"][0]
    assert (first["waived"], first["waiver"]) == (True, made.as_json())
    assert first["first_seen"] == "2026-03-02T08:00:00Z"

    let(warehouse, rules[0], lead_id(1))
    assert checked(warehouse, rules, 2).exit_code == 0
    assert checked(warehouse, rules, 2).as_json()["waived"] == 2


def test_a_waiver_expires_by_itself_after_its_last_day(warehouse, tmp_path):
    make_leads(warehouse, "Bad")
    rules = [rule(tmp_path, "A-1", BAD, more=FIX)]
    checked(warehouse, rules)
    let(warehouse, rules[0], until=TODAY + timedelta(days=2))
    assert [checked(warehouse, rules, day).exit_code for day in (1, 2, 3)] == [0, 0, 3]
    assert [planned(warehouse, day) for day in (2, 3)] == [[], [lead_id(0)]]
    assert marked(warehouse) == [(lead_id(0), False)]


def test_its_last_day_is_a_day_in_the_orgs_time_zone(warehouse, tmp_path):
    make_leads(warehouse, "Bad")
    rules = [rule(tmp_path, "A-1", BAD, more=FIX)]
    checked(warehouse, rules)
    with warehouse.write() as con:
        con.execute(sa.insert(tables.meta).values(key="time_zone", value="America/Los_Angeles"))
    let(warehouse, rules[0], until=TODAY)
    with warehouse.read() as con:
        evening, night = MONDAY.replace(hour=23), (MONDAY + timedelta(days=1)).replace(hour=8, minute=1)
        found = [list(Fixes(con, warehouse, moment, _no_refusal).of("Lead")) for moment in (evening, night)]
    assert [len(proposals) for proposals in found] == [0, 1]


def test_a_waiver_of_one_kind_leaves_the_others(warehouse, tmp_path):
    make_leads(warehouse, "Bad", "Ugly")
    rules = [rule(tmp_path, "A-1", KINDS)]
    checked(warehouse, rules)
    let(warehouse, rules[0], kind="worse")
    assert shown(checked(warehouse, rules, 1)) == [(lead_id(0), "bad", False), (lead_id(1), "worse", True)]


def test_a_finding_that_comes_back_is_still_waived(warehouse, tmp_path):
    make_leads(warehouse, "Bad")
    rules = [rule(tmp_path, "A-1", BAD)]
    checked(warehouse, rules)
    let(warehouse, rules[0], lead_id(0))
    run(warehouse, "UPDATE salesforce.Lead SET Status = 'Good'")
    assert checked(warehouse, rules, 1).resolved == 1
    run(warehouse, "UPDATE salesforce.Lead SET Status = 'Bad'")
    assert shown(checked(warehouse, rules, 2)) == [(lead_id(0), "", True)]


def test_the_same_waiver_again_replaces_the_first(warehouse, tmp_path):
    make_leads(warehouse, "Bad")
    rules = [rule(tmp_path, "A-1", BAD)]
    checked(warehouse, rules)
    let(warehouse, rules[0], lead_id(0), reason="first")
    let(warehouse, rules[0], lead_id(0), reason="second", until=TODAY)
    with warehouse.read() as con:
        assert [(w.reason, w.until, w.sobject) for w in read_waivers(con)] == [("second", TODAY, "Lead")]


def test_a_waiver_taken_back_lets_the_finding_count_again(warehouse, tmp_path):
    make_leads(warehouse, "Bad", "Bad")
    rules = [rule(tmp_path, "A-1", BAD, more=FIX)]
    checked(warehouse, rules)
    let(warehouse, rules[0], lead_id(0), lead_id(1))
    gone = unwaive(warehouse, "a-1", ids=[lead_id(1)], today=TODAY)
    assert [w.id for w in gone] == [lead_id(1)]
    assert marked(warehouse) == [(lead_id(0), True), (lead_id(1), False)]
    assert planned(warehouse) == [lead_id(1)]
    assert [w.id for w in unwaive(warehouse, "A-1", today=TODAY)] == [lead_id(0)]
    with pytest.raises(ConfigError, match='no waiver of rule "A-1"'):
        unwaive(warehouse, "A-1", today=TODAY)


def test_the_list_says_how_many_open_findings_each_waiver_covers(warehouse, tmp_path):
    make_leads(warehouse, "Bad", "Bad", "Bad")
    rules = [rule(tmp_path, "A-1", BAD)]
    checked(warehouse, rules)
    let(warehouse, rules[0], lead_id(0))
    let(warehouse, rules[0])
    run(warehouse, f"UPDATE salesforce.Lead SET Status = 'Good' WHERE Id = '{lead_id(2)}'")
    checked(warehouse, rules, 1)
    with warehouse.read() as con:
        assert covered(con) == {
            ("A-1", None, None, None): 2,
            ("A-1", None, "Lead", lead_id(0)): 1,
        }


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            {"ids": ["00Q000000000009AAA"]},
            r'A-1 has no finding for "00Q000000000009AAA"\. Nearest: "00Q00000000000[01]AAA"',
        ),
        ({"kind": "wors"}, r'rule A-1 has no kind "wors"\. Nearest: "worse"\. There are bad, worse\.'),
        ({"kind": "bad", "ids": [lead_id(1)]}, 'A-1 has no finding of kind "bad" for'),
        ({"reason": "  "}, "needs a reason"),
        ({"until": TODAY - timedelta(days=1)}, "ended on 2026-03-01 already"),
    ],
)
def test_what_cannot_be_waived_is_said_and_nothing_is_written(warehouse, tmp_path, given, says):
    make_leads(warehouse, "Bad", "Ugly")
    rules = [rule(tmp_path, "A-1", KINDS)]
    checked(warehouse, rules)
    given = dict(given)
    with pytest.raises(ConfigError, match=says):
        let(warehouse, rules[0], *given.pop("ids", ()), **given)
    assert run(warehouse, "SELECT count(*) FROM sfsync.waivers") == [(0,)]


def test_taking_back_what_was_never_waived_names_the_nearest(warehouse, tmp_path):
    make_leads(warehouse, "Bad", "Bad")
    rules = [rule(tmp_path, "A-1", BAD)]
    checked(warehouse, rules)
    let(warehouse, rules[0])
    with pytest.raises(ConfigError, match='Nearest: "A-1"'):
        unwaive(warehouse, "A-11", today=TODAY)
    with pytest.raises(ConfigError, match="The whole rule is waived"):
        unwaive(warehouse, "A-1", ids=[lead_id(1)], today=TODAY)
    with pytest.raises(ConfigError, match='no waiver of A-1 names the kind "x"'):
        unwaive(warehouse, "A-1", kind="x", today=TODAY)


def test_a_warehouse_of_an_earlier_version_gets_what_it_lacks(tmp_path):
    url = f"duckdb:///{tmp_path / 'old.duckdb'}"
    old = Warehouse(url)
    make_leads(old, "Bad")
    rules = [rule(tmp_path, "A-1", BAD, more=FIX)]
    checked(old, rules)
    run(old, "ALTER TABLE sfsync.findings DROP COLUMN waived")
    run(old, "DROP TABLE sfsync.waivers")
    new = Warehouse(url)
    assert planned(new) == [lead_id(0)]
    assert shown(checked(new, rules, 1)) == [(lead_id(0), "", False)]
    assert marked(new) == [(lead_id(0), False)]


SEVERITIES = st.sampled_from(["error", "warning", "info"])
OPTIONAL_KIND = st.sampled_from([None, "a", "b"])


@given(st.lists(st.tuples(OPTIONAL_KIND, st.sampled_from([None, 0, 1]), st.integers(-1, 1)), max_size=6))
def test_lookup_and_definition_of_a_waiver_agree(given_waivers):
    """However waivers overlap, a finding is waived exactly when one that holds covers it."""
    waivers = [
        Waiver("A-1", kind, *((None, None) if n is None else ("Lead", lead_id(n))), "why", "", MONDAY, _day(days))
        for kind, n, days in given_waivers
    ]
    waivers = list({w.key: w for w in waivers}.values())
    for kind in ("a", "b"):
        for n in (0, 1):
            found = Waivers(waivers, TODAY).of(Finding("A-1", kind, Ref("Lead", lead_id(n)), "error", ""))
            covering = [w for w in waivers if w.kind in (None, kind) and w.id in (None, lead_id(n)) and w.holds(TODAY)]
            assert (found in covering) if covering else found is None


def _day(days: int) -> date:
    return TODAY + timedelta(days=days)


def result_of(*findings: tuple[str, bool, bool]) -> CheckResult:
    return CheckResult(Findings(counts=[Count("A-1", severity, new, waived, 1) for severity, new, waived in findings]))


@pytest.mark.parametrize(
    ("finding", "fails_on"),
    [
        (("error", False, False), {"error", "warning", "info"}),
        (("warning", False, False), {"warning", "info"}),
        (("info", False, False), {"info"}),
        (("info", True, False), {"info", "new"}),
        (("error", True, False), {"error", "warning", "info", "new", "new-error"}),
        (("error", True, True), set()),
    ],
)
def test_a_check_fails_on_what_it_was_told_to(finding, fails_on):
    result = result_of(finding)
    every = ("error", "warning", "info", "new-error", "new", "never")
    assert {name for name in every if result.failing_on(name).exit_code == 3} == fails_on
    assert {result.failing_on(name).exit_code for name in every} <= {0, 3}
    assert result.exit_code == (0 if finding[2] else 3)


def test_a_rule_that_failed_outranks_what_to_fail_on(warehouse, tmp_path):
    make_leads(warehouse, "Bad")
    result = checked(warehouse, [rule(tmp_path, "A-1", "select Nope as Id, Status from live.Lead")])
    assert result.failing_on("never").exit_code == 1


def test_an_unknown_thing_to_fail_on_names_the_nearest():
    with pytest.raises(InputError, match='Nearest: "warning"'):
        CheckResult().failing_on("warnings")


@given(st.lists(st.tuples(SEVERITIES, st.booleans(), st.booleans()), max_size=5))
def test_a_stricter_choice_fails_whenever_a_laxer_one_does(findings):
    result = result_of(*findings)
    codes = [result.failing_on(name).exit_code for name in ("never", "error", "warning", "info")]
    assert codes == sorted(codes)
    assert result.failing_on("new-error").exit_code <= min(
        result.failing_on("new").exit_code, result.failing_on("error").exit_code
    )


def test_only_findings_first_seen_since_are_returned_and_counted(warehouse, tmp_path):
    make_leads(warehouse, "Bad", "Good")
    rules = [rule(tmp_path, "A-1", BAD)]
    checked(warehouse, rules)
    run(warehouse, "UPDATE salesforce.Lead SET Status = 'Bad'")
    result = checked(warehouse, rules, 1)
    assert [c.finding.ref.id for c in result.seen_since(MONDAY + timedelta(days=1)).findings] == [lead_id(1)]
    assert len(result.seen_since(MONDAY).findings) == 2
    none = result.seen_since(MONDAY + timedelta(days=2))
    assert (list(none.findings), none.exit_code, none.rules) == ([], 0, result.rules)
    assert none.as_json()["since"] == "2026-03-04T08:00:00Z"


def test_since_is_a_day_of_the_org_a_moment_or_what_came_after_a_run(warehouse):
    with warehouse.write() as con:
        con.execute(
            sa.insert(tables.runs).values(run_id="20260302T080000000Z-ab12", command="check", started_at=MONDAY)
        )
    with warehouse.read() as con:
        assert moment_since(con, "2026-03-02", "America/New_York") == MONDAY.replace(hour=5)
        assert moment_since(con, date(2026, 7, 1), "Europe/Berlin").isoformat() == "2026-06-30T22:00:00+00:00"
        assert moment_since(con, "2026-03-02T09:00:00+01:00", "Asia/Tokyo") == MONDAY
        after = moment_since(con, "20260302T080000000Z-ab12", "UTC")
        assert MONDAY < after < MONDAY + timedelta(seconds=1)
        assert after.tzinfo is UTC
        with pytest.raises(InputError, match=r'neither a day.*Nearest: "20260302T080000000Z-ab12"'):
            moment_since(con, "20260302T080000000Z-ab13", "UTC")


def test_findings_and_waivers_come_in_one_order_whatever_the_rules_order(warehouse, tmp_path):
    make_leads(warehouse, *["Bad"] * 5)
    rules = [rule(tmp_path, f"A-{n}", BAD) for n in (3, 1, 2)]
    first = [c.finding for c in checked(warehouse, rules).findings]
    for of in rules:
        let(warehouse, of, lead_id(3), lead_id(1))
    assert [c.finding for c in checked(warehouse, rules[::-1], 1).findings] == first
    with warehouse.read() as con:
        found = [(w.rule, w.id) for w in read_waivers(con)]
    assert found == sorted(found)


def test_waivers_live_the_same_life_on_postgresql(postgres_url, tmp_path):
    warehouse = Warehouse(postgres_url)
    try:
        make_leads(warehouse, "Bad", "Bad")
        rules = [rule(tmp_path, "A-1", BAD, more=FIX)]
        checked(warehouse, rules)
        let(warehouse, rules[0], lead_id(0), until=TODAY + timedelta(days=1))
        let(warehouse, rules[0], lead_id(1))
        assert planned(warehouse) == []
        assert checked(warehouse, rules, 1).exit_code == 0
        assert shown(checked(warehouse, rules, 2)) == [(lead_id(0), "", False), (lead_id(1), "", True)]
        assert marked(warehouse) == [(lead_id(0), False), (lead_id(1), True)]
        assert [w.id for w in unwaive(warehouse, "A-1", ids=[lead_id(1)], today=TODAY)] == [lead_id(1)]
        run(warehouse, "ALTER TABLE sfsync.findings DROP COLUMN waived")
    finally:
        warehouse.close()
    again = Warehouse(postgres_url)
    try:
        assert planned(again, 2) == [lead_id(0), lead_id(1)]
        assert checked(again, rules, 2).exit_code == 3
        assert marked(again) == [(lead_id(0), False), (lead_id(1), False)]
    finally:
        again.close()


AGED = """select Id, Status, case when as_of() < date '2026-03-01' then 'before' else 'since' end as kind from live.Lead
where Status = 'Bad' and (Id like '%1AAA' or as_of() < date '2026-03-01')"""


def replayed(warehouse, rules, as_of, **given):
    now = MONDAY + timedelta(days=1)
    return check(warehouse, rules, as_of=as_of, now=now, run_id="replay", replay=True, **given)


def test_a_replay_of_another_day_tells_its_findings_and_keeps_nothing(warehouse, tmp_path):
    make_leads(warehouse, "Bad", "Bad", "Good")
    rules = [rule(tmp_path, "A-1", AGED)]
    checked(warehouse, rules)
    kept = run(warehouse, "SELECT id, kind, first_seen, last_seen, resolved_at, run_id FROM sfsync.findings")
    past = replayed(warehouse, rules, date(2026, 2, 1))
    assert shown(past) == [(lead_id(0), "before", False), (lead_id(1), "before", False)]
    assert ([c.new for c in past.findings], past.resolved, past.exit_code) == ([True, True], 0, 3)
    assert past.as_json()["replay_of"] == "2026-02-01"
    assert [(r.findings, r.records, r.in_scope) for r in past.rules] == [(2, 2, 3)]
    future = replayed(warehouse, rules, date(2026, 4, 1))
    [still] = future.findings
    assert (still.finding.ref.id, still.new, still.first_seen) == (lead_id(1), False, MONDAY)
    assert run(warehouse, "SELECT id, kind, first_seen, last_seen, resolved_at, run_id FROM sfsync.findings") == kept
    assert run(warehouse, "SELECT run_id FROM sfsync.rule_runs") == [("run-0",)]
    assert not any(c.new for c in checked(warehouse, rules, day=1).findings)


def test_a_replay_knows_waivers_and_since_when_a_finding_stands(warehouse, tmp_path):
    make_leads(warehouse, "Bad", "Bad")
    rules = [rule(tmp_path, "A-1", BAD)]
    checked(warehouse, rules)
    let(warehouse, rules[0], lead_id(0), until=date(2026, 3, 10))
    past = replayed(warehouse, rules, date(2026, 3, 9))
    assert (shown(past), past.waived) == ([(lead_id(0), "", True), (lead_id(1), "", False)], 1)
    assert replayed(warehouse, rules, date(2026, 3, 11)).waived == 0
    assert len(past.seen_since(MONDAY).findings) == 2
    assert list(past.seen_since(MONDAY + timedelta(seconds=1)).findings) == []
    assert past.failing_on("new").exit_code == 0


def test_a_replay_in_a_warehouse_never_checked_finds_everything_new(warehouse, tmp_path):
    make_leads(warehouse, *["Bad"] * 5_001)
    past = replayed(warehouse, [rule(tmp_path, "A-1", BAD)], date(2026, 2, 1))
    both = zip(past.findings, past.findings, strict=True)
    assert sum(a == b and a.new for a, b in both) == 5_001 == len(past.findings)
