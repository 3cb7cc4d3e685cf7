from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfsync.errors import PlanError
from sfsync.model import Change, Ref
from sfsync.plan.file import read_plan, render, seal, write_plan
from sfsync.plan.plan import Plan, ordered
from sfsync.plan.review import accept, diff_lines
from sfsync.salesforce.ids import to18
from tests.plan.strategies import plans

LEAD = to18("00Q000000000001")
OPP = to18("006000000000001")
STAMP = "2026-02-01T08:00:00Z"


def plan(*changes: Change) -> Plan:
    made = datetime(2026, 3, 1, tzinfo=UTC)
    return Plan(to18("00D000000000001"), "https://acme.my.salesforce.com", False, made, ordered(changes))


def lead_change(**values: Any) -> Change:
    settings = {
        "before": {"Email": "a@acme,example", "SystemModstamp": STAMP},
        "after": {"Email": "a@acme.example"},
        "because": ({"rule": "DQ-001"},),
        "confidence": "auto",
        **values,
    }
    return Change("update", Ref("Lead", LEAD), **settings)  # type: ignore[arg-type]


def opportunity_change() -> Change:
    before = {"Amount": Decimal("1500.10"), "SystemModstamp": STAMP}
    return Change("update", Ref("Opportunity", OPP), before, {"Amount": Decimal("1500.00")}, ({"rule": "X"},))


@given(plans())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_a_plan_survives_its_file(tmp_path_factory: pytest.TempPathFactory, plan: Plan) -> None:
    path = tmp_path_factory.mktemp("plan") / "plan.jsonl"
    write_plan(plan, path)
    back = read_plan(path)
    assert back == plan
    assert back.digest == plan.digest
    assert render(back) == path.read_text(encoding="utf-8")


def test_the_file_has_the_documented_form(tmp_path: Path) -> None:
    path = tmp_path / "plan.jsonl"
    write_plan(plan(lead_change(), opportunity_change()), path)
    header, first, second = path.read_text().splitlines()
    head = json.loads(header)
    assert list(head) == ["sfsync_plan", "org_id", "instance_url", "is_sandbox", "made_at", "changes", "digest"]
    assert head["changes"] == {"update": 2, "merge": 0, "convert": 0, "create": 0, "delete": 0}
    assert re.fullmatch("[0-9a-f]{64}", head["digest"])
    assert (
        '"before": {"Amount": 1500.10, "SystemModstamp": "2026-02-01T08:00:00Z"}, "after": {"Amount": 1500.00}' in first
    )
    assert json.loads(second) == {
        "op": "update",
        "sobject": "Lead",
        "id": LEAD,
        "before": {"Email": "a@acme,example", "SystemModstamp": STAMP},
        "after": {"Email": "a@acme.example"},
        "because": [{"rule": "DQ-001"}],
        "confidence": "auto",
        "decision": None,
    }


def test_the_file_is_private_and_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "plan.jsonl"
    path.write_text("old")
    path.chmod(0o644)
    write_plan(plan(lead_change()), path)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["plan.jsonl"]
    with pytest.raises(PlanError, match="cannot be written"):
        write_plan(plan(), tmp_path / "missing" / "plan.jsonl")


def test_decisions_leave_the_digest_alone_and_edits_do_not(tmp_path: Path) -> None:
    path = tmp_path / "plan.jsonl"
    one = plan(lead_change())
    write_plan(accept(one), path)
    assert read_plan(path).changes[0].decision == "accepted"
    path.write_text(path.read_text().replace("a@acme.example", "b@acme.example"))
    with pytest.raises(PlanError, match="edited after planning") as caught:
        read_plan(path)
    assert "sfsync plan seal" in str(caught.value)
    sealed = seal(path)
    assert read_plan(path) == sealed
    assert sealed.changes[0].after == {"Email": "b@acme.example"}
    assert sealed.digest != one.digest


def test_a_lost_line_is_noticed_until_sealed(tmp_path: Path) -> None:
    path = tmp_path / "plan.jsonl"
    write_plan(plan(lead_change(), opportunity_change()), path)
    path.write_text("\n".join(path.read_text().splitlines()[:-1]))
    with pytest.raises(PlanError, match="the header counts 2 changes and the file holds 1"):
        read_plan(path)
    assert len(seal(path).changes) == 1


def test_the_same_changes_in_any_order_give_the_same_file() -> None:
    assert render(plan(lead_change(), opportunity_change())) == render(plan(opportunity_change(), lead_change()))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not a plan file"),
        ("Id,Email\n1,2\n", "not a plan file"),
        ('{"sfsync_plan": 2}', "plan of version 2"),
        ('{"sfsync_plan": 1}', '"org_id" is missing'),
        ("\ud83d", "not a plan file"),
    ],
)
def test_what_is_no_plan_is_said_so(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "plan.jsonl"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(PlanError, match=said):
        read_plan(path)


def test_a_missing_file_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="cannot be read"):
        read_plan(tmp_path / "no.jsonl")


def edit(path: Path, change: Callable[[dict[str, Any]], object], line: int = 1) -> None:
    lines = path.read_text().splitlines()
    data = json.loads(lines[line])
    change(data)
    lines[line] = json.dumps(data)
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.pop("because"), '"because" is missing'),
        (lambda d: d.update(becuase=1), 'unknown key "becuase". Nearest: "because"'),
        (lambda d: d.update(op="upsert"), 'unknown op "upsert"'),
        (lambda d: d.update(id="00Q1"), "is not a Salesforce Id"),
        (lambda d: d.update(id=d["id"][:15] + "AAB"), "last three characters should be EAA"),
        (lambda d: d.update(sobject="Le ad"), "not the API name of an sObject"),
        (lambda d: d["after"].update({"E-mail": 1}), "not the API name of a field"),
        (lambda d: d["after"].update({"Id": "1"}), '"Id" cannot be written'),
        (lambda d: d["after"].update({"Phone": "1"}), '"before" lacks "Phone"'),
        (lambda d: d["before"].pop("SystemModstamp"), '"before" lacks "SystemModstamp"'),
        (lambda d: d["after"].clear(), "nothing would be written"),
        (lambda d: d["after"].update({"Email": [1]}), '"after.Email": a list is not a field\'s value'),
        (lambda d: d.update(after=[]), '"after" must be an object'),
        (lambda d: d.update(because=[]), '"because" must be a list'),
        (lambda d: d.update(because=[{"why": "so"}]), 'names its "rule"'),
        (lambda d: d.update(confidence="sure"), '"confidence" must be'),
        (lambda d: d.update(decision="yes"), '"decision" must be'),
    ],
)
def test_a_wrong_line_is_said_with_its_number(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    path = tmp_path / "plan.jsonl"
    write_plan(plan(lead_change()), path)
    edit(path, change)
    for read in (read_plan, seal):
        with pytest.raises(PlanError, match=re.escape(said)) as caught:
            read(path)
        assert f"{path}:2: " in str(caught.value)


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    path = tmp_path / "plan.jsonl"
    write_plan(plan(lead_change(), opportunity_change()), path)
    edit(path, lambda d: d.update(is_sandbox="no"), 0)
    edit(path, lambda d: d.update(confidence="sure"), 1)
    path.write_text(path.read_text() + "{oops\n")
    with pytest.raises(PlanError) as caught:
        read_plan(path)
    assert [p.split(": ")[0].removeprefix(f"{path}:") for p in caught.value.problems] == ["1", "2", "4"]


def test_one_record_stands_in_one_line_only(tmp_path: Path) -> None:
    path = tmp_path / "plan.jsonl"
    write_plan(plan(lead_change(), replace(lead_change(), after={"Email": None})), path)
    with pytest.raises(PlanError, match="stands in line 2 already"):
        read_plan(path)


@given(st.binary(max_size=300), st.integers(0, 600))
@settings(deadline=None)
def test_a_damaged_file_is_refused_and_never_crashes(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes, at: int
) -> None:
    path = tmp_path_factory.mktemp("plan") / "plan.jsonl"
    whole = render(plan(lead_change())).encode()
    path.write_bytes(whole[:at] + junk + whole[at:])
    try:
        back = read_plan(path)
    except PlanError:
        return
    assert back.digest == plan(lead_change()).digest


def test_a_large_plan_is_read_line_by_line_and_says_when_it_was_changed_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "plan.jsonl"
    leads = [
        replace(lead_change(after={"Email": "x" * 100_000}), ref=Ref("Lead", to18(f"00Q{n:012d}"))) for n in range(45)
    ]
    made = plan(*leads)
    write_plan(made, path)
    large = read_plan(path)
    assert not isinstance(large.changes, tuple)
    assert (large, large.digest, large.counts) == (made, made.digest, made.counts)

    accepted = accept(large, ids=[leads[3].ref.id])
    assert [c.decision for c in accepted.changes].count("accepted") == 1
    assert accepted.digest == made.digest
    write_plan(accepted, path)
    assert sum(c.decision == "accepted" for c in read_plan(path).changes) == 1
    with pytest.raises(PlanError, match="was changed while it was worked on"):
        list(large.changes)


def test_what_a_stage_brings_along_is_kept_and_shown_and_older_plans_are_read(tmp_path: Path) -> None:
    path = tmp_path / "plan.jsonl"
    change = replace(
        opportunity_change(),
        effects={"Probability": 75},
        before={"Amount": 1, "Probability": 10, "SystemModstamp": STAMP},
    )
    write_plan(plan(change), path)
    assert read_plan(path).changes == (change,)
    assert "    Probability: 10 → 75 (set by Salesforce)" in list(diff_lines(read_plan(path)))
    write_plan(plan(opportunity_change()), path)
    assert "effects" not in path.read_text(encoding="utf-8")
    assert read_plan(path).changes == (opportunity_change(),)


def test_a_master_may_take_in_records_in_several_lines_but_nobody_is_merged_away_twice(tmp_path: Path) -> None:
    def merge(*losers: int) -> Change:
        away = tuple(to18(f"00Q{n:012d}") for n in losers)
        return Change("merge", Ref("Lead", LEAD), {}, {}, ({"cluster": LEAD},), "assisted", away)

    path = tmp_path / "plan.jsonl"
    allowed = (merge(11, 12), merge(13), lead_change())
    write_plan(plan(*allowed), path)
    assert tuple(read_plan(path).changes) == allowed
    write_plan(plan(merge(11, 12), merge(12)), path)
    with pytest.raises(PlanError, match=f"Lead {to18('00Q000000000012')} stands in line 2 already"):
        read_plan(path)
