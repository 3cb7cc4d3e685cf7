from __future__ import annotations

from dataclasses import replace

import pytest

from sfsync.config import QuotaConfig
from sfsync.errors import MappingError
from sfsync.mapping import ObjectMapping, closure, load_mappings
from sfsync.pull.cost import Cost, dry_run
from sfsync.salesforce.org import Org
from tests.pull.world import MAIN, World
from tests.setup.conftest import MANY_LEADS


def ask(world: World, *names: str, api: str = "auto", quota: QuotaConfig | None = None, full: bool = False) -> Cost:
    mappings = closure(names or MAIN, load_mappings())
    with Org.connect(world.org_config) as org:
        return dry_run(
            org, world.warehouse, mappings, replace(world.config, api=api), quota or QuotaConfig(), full=full
        )


def pull_calls(world: World, *names: str, **settings: object) -> int:
    """What the org counted for a pull of the same."""
    before = world.server.site.quota.used("requests")
    assert world.pull(*names, **settings).exit_code == 0
    return world.server.site.quota.used("requests") - before


@pytest.mark.parametrize("api", ["auto", "rest", "bulk"])
def test_the_calls_foretold_are_those_of_the_pull(many, api):
    cost = ask(many, "Lead", api=api)
    lead = next(e for e in cost.objects if e.sobject == "Lead")
    assert (lead.rows, lead.why) == (MANY_LEADS, "first pull")
    assert lead.api == ("rest" if api == "rest" else "bulk")
    spent = pull_calls(many, "Lead", api=api)
    # The practice org's Bulk jobs are done at once, so that fewer looks at them are needed than foretold.
    assert spent - 3 <= cost.calls <= 1.5 * spent + 3, (cost.as_json(), spent)


def test_an_idle_pull_costs_only_its_first_look(world):
    world.pull("Lead")
    cost = ask(world, "Lead")
    assert (sum(e.calls for e in cost.objects), cost.bytes < 5000) == (0, True)  # LeadStatus is read whole
    assert cost.fits


def test_the_bytes_foretold_are_of_the_size_of_the_rows(world):
    foretold = {e.sobject: e for e in ask(world).objects}
    for sobject in MAIN:
        rows = list(world.server.org.dump(sobject))
        text = sum(sum(len(str(v)) if v is not None else 0 for v in r.values()) + 3 * len(r) for r in rows)
        assert text / 2 < foretold[sobject].bytes < text * 2, (sobject, text)


def test_a_dry_run_writes_nothing_here(world):
    ask(world)
    assert not world.warehouse.exists


def test_a_pull_that_would_pass_the_floor_does_not_fit(world):
    world.server.settings.daily_requests = 50
    assert not ask(world, quota=QuotaConfig(floor_percent=90.0)).fits
    assert not ask(world, quota=QuotaConfig(floor_percent=None, per_run=1)).fits
    assert ask(world, quota=QuotaConfig(floor_percent=None)).limit == 50


def test_a_mapping_the_org_cannot_serve_is_refused_as_by_the_pull(world, tmp_path):
    wrong = ObjectMapping("Nothing__c", tmp_path / "nothing.yaml")
    with Org.connect(world.org_config) as org, pytest.raises(MappingError, match="Nothing__c"):
        dry_run(org, world.warehouse, [wrong], world.config, QuotaConfig())
