"""`generate`: fill a practice org with a believable company's records, and say exactly what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from sfsync.practice.generate import accounts, campaigns, companies, deals, leads, partners, people, staff, tasks, truth
from sfsync.practice.generate.catalogue import extra_leads
from sfsync.practice.generate.layout import MAX_LEADS, plan
from sfsync.practice.generate.workshop import Progress, Workshop

if TYPE_CHECKING:
    from sfsync.practice.org import PracticeOrg


@dataclass(frozen=True)
class Truth:
    """What `generate` made. The table `practice_truth` of the org's database names every record of it."""

    seed: int
    made_at: datetime
    """Aware UTC, whole seconds: the generated org's today."""
    rows: Mapping[str, int]
    """sObject → records made."""
    defects: Mapping[str, int]
    """Rule → records that break it, all objects together; no other record breaks one of these rules."""
    duplicates: Mapping[str, int]
    """How the duplicates differ → groups of records that are one person or firm each. Codes that begin with contact_
    or account_ are of those objects, all others of leads."""
    near_misses: Mapping[str, int]
    """Why they look alike → groups of records that are different people or firms."""


def generate(org: PracticeOrg, *, leads: int = 5000, seed: int = 1, progress: Progress | None = None) -> Truth:
    """Fill a new org with leads and the accounts, contacts, opportunities, tasks and histories that go with them.

    Of `leads` leads a fifth are converted. For each there are .25 accounts, .6 contacts, .4 opportunities, 1.2 tasks;
    .4 campaign memberships in two dozen campaigns.
    The same seed, number and clock give the same bytes: all dates are counted back from `org.clock.now()`.
    What is wrong on purpose is written to the table `practice_truth(kind, code, sobject, id, group_id, note)` of the
    org's database. kind is defect (code: the rule that it breaks), duplicate and near_miss (group_id: who belongs
    together), or hostile (odd but legal text). All rows are written in one transaction.

    progress: called with the step's name, the steps done, and all steps.
    Raises ValueError for a number of leads out of range, or when the org has records already.
    """
    if not 1 <= leads <= MAX_LEADS:
        raise ValueError(f"leads must be 1 to {MAX_LEADS:,}, not {leads:,}")
    now = int(org.clock.now().timestamp())
    with org.transaction() as connection:
        shop = Workshop(org, connection, seed, now)
        if shop.number('SELECT (SELECT count(*) FROM "Lead") + (SELECT count(*) FROM "Account")'):
            raise ValueError("the org has leads or accounts already: generate fills a new org only")
        _build(shop, leads, progress or _silent)
        found = truth.count(shop)
        shop.clear()
    return Truth(seed, datetime.fromtimestamp(now, UTC), dict(shop.rows), *found)


def _build(shop: Workshop, count: int, progress: Progress) -> None:
    layout = plan(count, extra_leads(count))
    steps: tuple[tuple[str, tuple[Callable[[], None], ...]], ...] = (
        ("words", (partial(companies.make_pools, shop), partial(people.make_pools, shop))),
        ("users", (partial(staff.make_staff, shop, layout),)),
        ("companies", (partial(companies.make_companies, shop, layout),)),
        ("people", (partial(people.make_people, shop, layout),)),
        (
            "what is wrong",
            tuple(
                partial(plant, shop, layout)
                for plant in (leads.plant_leads, partners.plant_accounts, partners.plant_contacts)
            ),
        ),
        ("lives of leads", (partial(leads.live_leads, shop, layout),)),
        ("accounts", (partial(accounts.number_accounts, shop, layout), partial(accounts.place_contacts, shop))),
        ("deals", (partial(deals.make_deals, shop, layout),)),
        ("activities", (partial(tasks.make_tasks, shop),)),
        ("Task", (partial(tasks.store_tasks, shop),)),
        ("Opportunity", (partial(deals.store_deals, shop),)),
        ("Account", (partial(accounts.store_accounts, shop, layout),)),
        ("Contact", (partial(accounts.store_contacts, shop),)),
        ("Lead", (partial(leads.store_leads, shop, layout),)),
        ("Campaign", (partial(campaigns.store_campaigns, shop),)),
        ("truth", (partial(truth.store, shop),)),
    )
    for done, (name, works) in enumerate(steps):
        progress(name, done, len(steps))
        for work in works:
            work()
    progress("done", len(steps), len(steps))


def _silent(step: str, done: int, steps: int) -> None:
    """Nobody wants to know how far it is."""
