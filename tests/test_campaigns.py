"""Campaigns: kept by whom asks for them, at no cost to anybody else, and what they tell of the leads."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest
from click.testing import CliRunner

from sfsync.cli import sfsync
from sfsync.mapping import closure, load_mappings
from sfsync.practice.org import PracticeOrg
from sfsync.practice.serve import PracticeServer
from sfsync.rules import check, load_rules
from tests.pull.world import MAIN, World

KEPT = (*MAIN, "CampaignMember")


@pytest.fixture
def world(tmp_path: Path, warehouse_url: str, generated: Callable[..., Path]) -> Iterator[World]:
    copyfile(generated(leads=150, seed=3), tmp_path / "org.duckdb")
    with PracticeOrg(tmp_path / "org.duckdb") as org:
        org.clock.advance(2 * 3600)
        with PracticeServer(org) as server, World(server, tmp_path, warehouse_url) as world:
            yield world


def calls(world: World) -> int:
    return int(world.server.site.quota.info().partition("=")[2].partition("/")[0])


def test_campaigns_are_pulled_only_when_they_are_named() -> None:
    mappings = load_mappings()
    assert not {"Campaign", "CampaignMember"} & {m.sobject for m in closure(MAIN, mappings)}
    assert {"Campaign", "CampaignMember"} <= {m.sobject for m in closure(KEPT, mappings)}
    assert "CampaignMember" not in {m.sobject for m in closure([*MAIN, "Campaign"], mappings)}


def test_members_bring_their_campaigns_and_an_idle_pull_takes_one_call_more(world: World) -> None:
    pulled = world.pull(*KEPT)
    assert pulled.exit_code == 0, pulled.as_json()
    for sobject in ("Campaign", "CampaignMember"):
        assert world.sql(f"SELECT count(*) FROM live.{sobject}") != [(0,)]
        assert world.differences(sobject) == []
    world.age(60)
    world.pull(*KEPT)
    before = calls(world)
    assert world.pull(*KEPT).exit_code == 0
    assert calls(world) - before == 3


def test_a_member_that_was_removed_is_gone_with_the_next_pull(world: World) -> None:
    """It never lies in the recycle bin, so no query shows it: the log of deletions does."""
    world.pull("CampaignMember")
    world.age()
    single = (
        "SELECT min(Id), LeadId FROM live.CampaignMember WHERE ContactId IS NULL GROUP BY LeadId HAVING count(*) = 1"
    )
    [(gone, _), (along, lead), *_] = world.sql(f"{single} ORDER BY 1")
    world.save("delete", "CampaignMember", [{"Id": gone}])
    world.save("delete", "Lead", [{"Id": lead}])
    world.age()
    world.pull("CampaignMember")
    reasons = world.reasons("CampaignMember")
    assert reasons[gone] == "purged"
    assert reasons[along] == "deleted"


def test_a_user_without_campaigns_is_served_without_them(world: World) -> None:
    schema = world.org.schema
    for sobject in ("Campaign", "CampaignMember"):
        schema.put(replace(schema.full(sobject), queryable=False))
    pulled = world.pull("LeadStatus", "CampaignMember")
    assert pulled.exit_code == 0, pulled.as_json()
    assert set(pulled.left_out) == {"Campaign", "CampaignMember"}


def test_a_membership_without_its_campaign_is_a_broken_reference(world: World) -> None:
    [(campaign, members)] = Counter(m["CampaignId"] for m in world.org.dump("CampaignMember")).most_common(1)
    world.execute('DELETE FROM "Campaign" WHERE "Id" = $1', campaign)
    world.pull("Lead", "Contact", "CampaignMember")
    now = datetime.now(UTC)
    [rule] = [r for r in load_rules() if r.code == "XOBJ-001"]
    found = check(world.warehouse, [rule], as_of=now.date(), now=now, run_id="c").findings
    ours = [f.finding for f in found if f.finding.ref.sobject == "CampaignMember"]
    assert len(ours) == members
    assert {(f.kind, f.message.partition(",")[0]) for f in ours} == {
        ("CampaignMember.CampaignId", f"CampaignId points at {campaign}")
    }


def test_the_funnel_by_campaign_is_that_of_the_orgs_own_memberships(world: World, tmp_path: Path) -> None:
    world.pull(*KEPT)
    expected: Counter[str] = Counter()
    names = {c["Id"]: c["Name"] for c in world.org.dump("Campaign")}
    members: dict[str, list[dict[str, Any]]] = {}
    for m in world.org.dump("CampaignMember"):
        members.setdefault(m["LeadId"], []).append(m)
    for lead in world.org.dump("Lead"):
        mine = sorted(members.get(lead["Id"], []), key=lambda m: (m["CreatedDate"], m["Id"]))
        responded = sorted((m for m in mine if m["HasResponded"]), key=lambda m: m["FirstRespondedDate"])
        first = next(iter([*responded, *mine]), None)
        expected[names[first["CampaignId"]] if first else "(none)"] += 1

    lines = {r["line"]: r for r in table(world, tmp_path, "insight", "funnel", "--by", "campaign")["rows"]}
    assert {line: r["leads"] for line, r in lines.items() if line != "all"} == dict(expected)
    assert expected["(none)"] < lines["all"]["leads"] == 150
    assert sum(r["converted"] for line, r in lines.items() if line not in ("all", "(none)")) > 0


def test_the_funnel_by_campaign_asks_for_what_is_not_kept(world: World, tmp_path: Path) -> None:
    world.pull("Lead")
    done = run(world, tmp_path, "insight", "funnel", "--by", "campaign")
    assert done.exit_code == 2
    assert "Add CampaignMember to `objects:`" in done.stderr


def run(world: World, folder: Path, *args: str) -> Any:
    config = folder / "config.yaml"
    config.write_text(
        f"org: {{instance_url: '{world.server.url}', auth: session, session_id: x}}\n"
        f"warehouse: '{world.warehouse.url}'\n",
        encoding="utf-8",
    )
    period = ["--period", "2020-01-01..2030-12-31"]
    return CliRunner().invoke(sfsync, [*args, *period, "--format", "json", "--config", str(config)])


def table(world: World, folder: Path, *args: str) -> dict[str, Any]:
    done = run(world, folder, *args)
    assert done.exit_code == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["tables"][0]
    return found
