"""The small objects around the four main ones, and an org's own: pulled, left out when not offered, cheap when idle."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from sfsync.cli import sfsync
from sfsync.mapping import closure, load_mappings
from sfsync.practice.extras import add_currencies, custom_object
from sfsync.practice.generate import generate
from sfsync.practice.org import PracticeOrg
from sfsync.practice.periods import periods
from sfsync.practice.serve import PracticeServer
from tests.pull.world import MAIN, World

AT_ONCE = 10
"""Two composites take ten queries: more objects asked for in every run would cost a third API call."""
NOT_OFFERED = {"CurrencyType", "DatedConversionRate", "AccountContactRelation"}
SITE = "Account__c reference -> Account as Account__r\nCity__c string(80)\nRent__c currency(18,2)"
RATES = {"USD": Decimal(1), "EUR": Decimal("0.92"), "JPY": Decimal("151.5")}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A small generated org that is two hours older than its youngest record."""
    with PracticeOrg() as org:
        generate(org, leads=40, seed=4)
        org.clock.advance(2 * 3600)
        with PracticeServer(org) as server, World(server, tmp_path, f"duckdb:///{tmp_path / 'w.duckdb'}") as world:
            yield world


def test_the_objects_asked_for_in_every_run_fit_two_composites() -> None:
    mappings = closure(MAIN, load_mappings())
    always = [m.sobject for m in mappings if not m.every and not m.follows]
    assert len(always) <= AT_ONCE, always


def test_every_helper_is_pulled_as_it_is_and_what_the_org_lacks_is_left_out(world) -> None:
    pulled = world.pull()
    assert pulled.exit_code == 0, pulled.as_json()
    names = {m.sobject for m in closure(MAIN, load_mappings())}
    assert {o.sobject for o in pulled.objects} == names - NOT_OFFERED
    for name in names - NOT_OFFERED:
        assert world.differences(name) == [], name
    assert set(pulled.left_out) == NOT_OFFERED


def test_an_idle_pull_takes_two_api_calls(world) -> None:
    world.pull()
    world.server.org.clock.advance(60)  # describes that changed a moment ago are not trusted yet
    world.pull()
    before = calls(world)
    assert world.pull().exit_code == 0
    assert calls(world) - before == 2


def test_metadata_that_hardly_changes_is_read_again_after_a_day(world) -> None:
    world.pull()
    org = world.server.org
    org.save("insert", "Group", [{"Name": "Partner Leads", "Type": "Queue"}], org.caller())
    world.pull()
    assert world.sql("SELECT count(*) FROM live.Group WHERE Name = 'Partner Leads'") == [(0,)]
    org.clock.advance(25 * 3600)
    world.pull()
    assert world.sql("SELECT count(*) FROM live.Group WHERE Name = 'Partner Leads'") == [(1,)]


def test_a_queue_that_was_removed_is_live_no_more(world) -> None:
    world.pull()
    org = world.server.org
    [queue] = [g["Id"] for g in org.dump("Group") if g["Name"] == "Trade Show Leads"]
    org.save("delete", "Group", [{"Id": queue}], org.caller())
    world.pull("Group")
    org.clock.advance(25 * 3600)
    world.pull("Group")
    assert world.sql(f"SELECT count(*) FROM live.Group WHERE Id = '{queue}'") == [(0,)]
    assert world.sql(f"SELECT count(*) FROM live.QueueSobject WHERE QueueId = '{queue}'") == [(0,)]


def test_the_periods_are_those_of_the_orgs_fiscal_year(world) -> None:
    world.pull()
    [(month,)] = world.sql("SELECT FiscalYearStartMonth FROM live.Organization")
    rows = world.sql("SELECT Type, StartDate, EndDate, FullyQualifiedLabel FROM live.Period ORDER BY Type, StartDate")
    assert {kind: sum(r[0] == kind for r in rows) for kind in ("Year", "Quarter", "Month")} == {
        "Year": 2, "Quarter": 8, "Month": 24,
    }  # fmt: skip
    years = [r for r in rows if r[0] == "Year"]
    assert all((start.month, start.day) == (month, 1) for _, start, _, _ in years)
    assert years[0][1] <= world.server.org.clock.now().date() <= years[0][2]
    deals = "SELECT CloseDate, FiscalYear, FiscalQuarter FROM live.Opportunity WHERE FiscalQuarter IS NOT NULL"
    quarters = [r for r in rows if r[0] == "Quarter"]
    compared = 0
    for close, year, quarter in world.sql(deals):
        for _, start, end, label in quarters:
            if start <= close <= end:
                assert label == f"Q{quarter} FY {year}"
                compared += 1
    assert compared > 0


@pytest.mark.parametrize("start_month", range(1, 13))
def test_periods_of_a_kind_follow_each_other_without_gap(start_month: int) -> None:
    for today in (date(2026, 1, 1), date(2026, 6, 15), date(2028, 2, 29), date(2026, 12, 31)):
        rows = periods(today, start_month, named_by_start=False)
        for kind in ("Year", "Quarter", "Month"):
            mine = [r for r in rows if r["Type"] == kind]
            ends = [r["EndDate"] + timedelta(days=1) for r in mine]
            assert ends[:-1] == [r["StartDate"] for r in mine[1:]]
            assert mine[0]["StartDate"] <= today < ends[-1]


def test_a_fiscal_year_is_named_after_its_end_or_its_start() -> None:
    day = date(2026, 3, 1)
    assert periods(day, 2, named_by_start=False)[0]["FullyQualifiedLabel"] == "FY 2027"
    assert periods(day, 2, named_by_start=True)[0]["FullyQualifiedLabel"] == "FY 2026"
    assert periods(day, 1, named_by_start=False)[0]["FullyQualifiedLabel"] == "FY 2026"


def test_an_org_with_several_currencies_has_their_rates_mirrored(world) -> None:
    add_currencies(world.server.org, RATES)
    pulled = world.pull()
    assert pulled.exit_code == 0, pulled.as_json()
    found = world.sql("SELECT IsoCode, ConversionRate, IsCorporate FROM live.CurrencyType ORDER BY Id")
    assert found == [(code, rate, code == "USD") for code, rate in RATES.items()]
    assert world.sql("SELECT DISTINCT CurrencyIsoCode FROM live.Opportunity") == [("USD",)]
    assert world.sql("SELECT count(*) FROM live.DatedConversionRate") == [(0,)]


@pytest.mark.parametrize("rates", [{}, {"EUR": Decimal("0.9")}, {"usd": Decimal(1)}])
def test_currencies_without_a_corporate_one_are_refused(world, rates) -> None:
    with pytest.raises(ValueError, match="corporate"):
        add_currencies(world.server.org, rates)


def test_an_object_of_ones_own_is_kept_by_writing_one_file(world, tmp_path) -> None:
    org = world.server.org
    org.add_object(custom_object("Site__c", "Site", "Sites", SITE))
    [account, *_] = [a["Id"] for a in org.dump("Account") if not a["IsDeleted"]]
    config = tmp_path / "config.yaml"
    config.write_text(
        f"org:\n  instance_url: {world.server.url}\n  client_id: {world.org_config.client_id}\n"
        f"  client_secret: {world.org_config.client_secret}\nwarehouse: duckdb:///w.duckdb\nobjects: [Site__c]\n",
        encoding="utf-8",
    )

    def run(*args: str, code: int = 0) -> str:
        done = CliRunner().invoke(sfsync, [*args, "--config", str(config)])
        assert done.exit_code == code, done.output + done.stderr
        return done.stdout + done.stderr

    assert 'no mapping for sObject "Site__c"' in run("pull", code=2)
    run("mappings", "new", "Site__c")
    assert "Rent__c" in (tmp_path / "mappings" / "site__c.yaml").read_text(encoding="utf-8")
    first = {"Name": "Harbour", "Account__c": account, "City__c": "Oslo", "Rent__c": "1200.50"}
    saved = org.save("insert", "Site__c", [first, {"Name": "Gone", "Rent__c": None}], org.caller())
    run("pull")
    org.save("update", "Site__c", [{"Id": saved[0].id, "Rent__c": "1300.25"}], org.caller())
    org.save("delete", "Site__c", [{"Id": saved[1].id}], org.caller())
    org.clock.advance(5)  # what changed in the second of the pull is not compared
    run("pull")
    assert world.differences("Site__c") == []
    assert world.sql("SELECT Name, City__c, Rent__c FROM live.Site__c") == [("Harbour", "Oslo", Decimal("1300.25"))]
    history = f"SELECT old, new FROM sfsync.history WHERE id = '{saved[0].id}' AND field = 'Rent__c'"
    assert [(Decimal(o), Decimal(n)) for o, n in world.sql(history)] == [(Decimal("1200.50"), Decimal("1300.25"))]
    proven = json.loads(run("verify", "--ids", "--sample", "10", "--format", "json").partition("\n}\n")[0] + "}")
    assert [(o["sobject"], o["ok"], o["mirror"]) for o in proven["objects"] if o["sobject"] == "Site__c"] == [
        ("Site__c", True, 1)
    ]


def test_objects_that_were_added_are_there_again_when_the_org_is_opened(tmp_path) -> None:
    file = tmp_path / "org.duckdb"
    with PracticeOrg(file) as org:
        org.add_object(custom_object("Site__c", "Site", "Sites", SITE))
        add_currencies(org, RATES)
        [saved] = org.save("insert", "Site__c", [{"Name": "Harbour"}], org.caller())
    with PracticeOrg(file) as org:
        assert [r["Id"] for r in org.dump("Site__c")] == [saved.id]
        assert [r["IsoCode"] for r in org.dump("CurrencyType")] == list(RATES)
        assert "CurrencyIsoCode" in org.schema.full("Opportunity").fields
        with pytest.raises(ValueError, match="already"):
            org.add_object(custom_object("Site__c", "Site", "Sites", ""))


@pytest.mark.parametrize("name", ["Site", "__c", "My Site__c"])
def test_a_custom_object_needs_the_name_of_one(name: str) -> None:
    with pytest.raises(ValueError, match="not the name"):
        custom_object(name, "Site", "Sites", "")


def calls(world: World) -> int:
    return int(world.server.site.quota.info().partition("=")[2].partition("/")[0])
